"""JSON and JSON lines in the shapes training data comes in: messages, ShareGPT, Alpaca, prompt/completion, question/answer.

A line that is broken is named by its number and the others are used. Objects of another kind become a document with a
section each, when they are flat enough to read.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from studio.base.errors import Unreadable
from studio.base.records import Example, Finding, Message, Role
from studio.intake import rows, text
from studio.intake.reading import Draft, Origin, Reading, example, rows_finding, turn

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "customer": "user",
    "usuario": "user",
    "cliente": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "chatgpt": "assistant",
    "agent": "assistant",
    "asistente": "assistant",
    "agente": "assistant",
}
LISTS = (
    "data",
    "train",
    "examples",
    "rows",
    "items",
    "conversations",
    "ejemplos",
    "datos",
    "preguntas",
    "faq",
)
TALKS = ("messages", "conversations", "conversation", "dialog", "dialogue", "mensajes", "conversacion")
WORDS = ("content", "value", "text", "contenido", "texto")
SPEAKERS = ("role", "from", "speaker", "author", "rol")


def read(file: Path, origin: Origin) -> Reading:
    """Raises Unreadable("json_not_understood") when nothing in it is an example or a flat object."""
    content = text.text_of(file, origin)
    found = of_text(content, origin)
    if found is None:
        raise Unreadable("json_not_understood" if content.strip() else "file_no_text", name=origin.name)
    return found


def of_text(content: str, origin: Origin) -> Reading | None:
    """What the text gives, or None when it is not JSON of a kind that can be used."""
    items, broken, total = _items(content)
    made: list[Example] = []
    empty: list[int] = []
    others: list[tuple[int, Mapping[str, str]]] = []
    for number, item in items:
        talk, topic = _conversation(item)
        if talk and all(message.content for message in talk):
            made.append(example(origin, number, talk, topic=topic))
        elif talk:
            empty.append(number)
        elif flat := _flat(item):
            others.append((number, flat))
        else:
            broken.append(number)
    if not made and not others:
        return None
    if made:  # a stray object among conversations is a broken row, not a document of one line
        broken += [number for number, _ in others]
        read = Finding(
            code="conversations_read",
            level="good",
            count=len(made),
            names=(origin.name,),
            parameters={"of": total},
        )
        left_out = (
            *rows_finding("rows_not_json", origin, broken),
            *rows_finding("rows_empty_cells", origin, empty),
        )
        return Reading(examples=tuple(made), findings=(read, *left_out))
    draft = Draft()
    rows.objects(others, draft)
    columns = max(len(flat) for _, flat in others)
    read = Finding(
        code="rows_read",
        level="good",
        count=len(others),
        names=(origin.name,),
        parameters={"columns": columns},
    )
    left_out = rows_finding("rows_not_json", origin, [*broken, *empty])
    return Reading(documents=draft.documents(origin, "json"), findings=(read, *left_out))


def _items(content: str) -> tuple[list[tuple[int, Any]], list[int], int]:
    """Numbered objects, the numbers of lines that are no JSON, and how many there were. Lines or places in the list."""
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):
        return _lines(content)
    if isinstance(whole, dict):
        inner = next((whole[key] for key in LISTS if isinstance(whole.get(key), list)), None)
        is_list = inner is not None and all(isinstance(item, dict) for item in inner) and not _conversation(whole)[0]
        whole = inner if is_list else [whole]
    if not isinstance(whole, list):
        return [], [], 0
    if whole and all(isinstance(item, dict) and _said(item) for item in whole):
        whole = [{"messages": whole}]  # one conversation, not wrapped in anything
    return list(enumerate(whole, start=1)), [], len(whole)


def _lines(content: str) -> tuple[list[tuple[int, Any]], list[int], int]:
    items, broken, total = [], [], 0
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            continue
        total += 1
        try:
            items.append((number, json.loads(line)))
        except (ValueError, RecursionError):
            broken.append(number)
    return items, broken, total


def _conversation(item: Any) -> tuple[tuple[Message, ...], str]:
    """The messages of one object and its topic; no messages when it is not a conversation."""
    if not isinstance(item, dict):
        return (), ""
    named = {rows.plain(key): value for key, value in item.items() if isinstance(key, str)}
    topic = next((str(named[key]).strip() for key in named if key in rows.TOPIC and isinstance(named[key], str)), "")
    for key in TALKS:
        if isinstance(named.get(key), list):
            return _talk(named[key], _text(named.get("system", ""))), topic
    keys = list(named)
    columns = rows.roles(keys)
    if columns is None or columns.task != "answer":
        return (), ""
    question, answer = _text(named[keys[columns.question]]), _text(named[keys[columns.answer]])
    if columns.more is not None and (more := _text(named[keys[columns.more]])):
        question = f"{question}\n{more}"
    system = _text(named.get("system", ""))
    start = (Message(role="system", content=system),) if system else ()
    return (*start, *turn(question, answer)), topic


def _talk(said: list[Any], system: str) -> tuple[Message, ...]:
    """The conversation up to its last answer; nothing when a speaker is unknown or nobody answers."""
    messages: list[Message] = [Message(role="system", content=system)] if system else []
    for each in said:
        spoken = _said(each) if isinstance(each, dict) else None
        if spoken is None:
            return ()
        messages.append(Message(role=spoken[0], content=spoken[1]))
    while messages and messages[-1].role != "assistant":
        messages.pop()
    asked = any(message.role == "user" for message in messages)
    return tuple(messages) if asked else ()


def _said(message: Mapping[str, Any]) -> tuple[Role, str] | None:
    speaker = next((message[key] for key in SPEAKERS if isinstance(message.get(key), str)), "")
    role = ROLES.get(rows.plain(speaker))
    words = next((message[key] for key in WORDS if key in message), None)
    return (role, _text(words)) if role and words is not None else None


def _text(value: Any) -> str:
    """Text, also from a list of parts ({"type": "text", "text": …})."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        parts = (part.get("text", "") if isinstance(part, dict) else part for part in value)
        return "\n".join(part for part in parts if isinstance(part, str)).strip()
    return "" if value is None or isinstance(value, dict) else str(value)


def _flat(item: Any) -> dict[str, str]:
    """An object's values as text; nested ones by their path. Nothing when it holds no text."""
    return dict(_leaves(item, "")) if isinstance(item, dict) else {}


def _leaves(item: Any, path: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    if isinstance(item, dict) and depth < 4:
        for key, value in item.items():
            yield from _leaves(value, f"{path} {key}".strip(), depth + 1)
    elif isinstance(item, list) and depth < 4:
        words = ", ".join(str(value) for value in item if isinstance(value, str | int | float))
        if words:
            yield path, words
    elif item is not None and str(item).strip():
        yield path, str(item).strip()
