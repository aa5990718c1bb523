"""JSON and JSON lines in the shapes training data comes in: messages, ShareGPT, Alpaca, prompt/completion, question/answer.

A line that is broken is named by its number and the others are used. Objects of another kind become a document with a
section each, when they are flat enough to read.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from studio.base.errors import Unreadable
from studio.base.folding import plain
from studio.base.records import Column, Example, Finding, Message, Parameter, Role
from studio.intake import encoding
from studio.intake.reading import Draft, Origin, Reading, example, turn
from studio.intake.tables import grid, rows, tasks
from studio.intake.tables.account import Account
from studio.intake.tables.header import Header
from studio.intake.tables.rows import Row

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
TOOLS = frozenset({"tool", "function", "ipython", "observation", "function call", "function response", "tool call"})
TOOLS |= {"tool response", "tool result", "herramienta", "funcion"}
MARK, END = "<|im_start|>", "<|im_end|>"
NEXT = re.compile(r"(?<=\n)(?=<\|im_start\|>system)|(?<=<\|im_end\|>\n\n)(?=<\|im_start\|>)")  # where another begins
SAMPLE = 200
SPEAKERS = ("role", "from", "speaker", "author", "rol")


def read(file: Path, origin: Origin) -> Reading:
    """Raises Unreadable("json_not_understood") when nothing in it is an example or a flat object."""
    decoded = encoding.text_of(file.read_bytes())
    if decoded is None:
        raise Unreadable("file_damaged", name=origin.name)
    found = of_text(decoded[0], origin, decoded[1])
    if found is None:
        raise Unreadable("json_not_understood" if decoded[0].strip() else "file_no_text", name=origin.name)
    return found


def of_text(content: str, origin: Origin, written: str = "") -> Reading | None:
    """What the text gives, or None when it is not JSON of a kind that can be used."""
    items, broken = _items(content)
    reckoning = Account()
    made: list[Example] = []
    faults = [(number, "not_json") for number in broken]
    others: list[tuple[int, Mapping[str, str]]] = []
    for number, item in items:
        talk, topic = _conversation(item) if not origin.how.columns else ((), "")
        if talk and talk[-1].role == "assistant" and all(message.content for message in talk):
            called = _task(item)
            if called and tasks.named(called) is None:
                reckoning.mend(number, "task_unknown")
            made.append(example(origin, number, talk, topic=topic, task=tasks.named(called) or "answer"))
        elif talk:
            faults.append((number, "empty" if talk[-1].role == "assistant" else "no_answer"))
        elif flat := _flat(item):
            others.append((number, flat))
        else:
            faults.append((number, "not_json"))
    if not made and not others:
        return None
    if made:  # a stray object among conversations is a broken row, not a document of one line
        faults += [(number, "not_json") for number, _ in others]
    reckoning.rows = len(made) + len(faults)
    for number, code in sorted(faults):
        reckoning.refuse(number, code)
    if made:
        total: dict[str, Parameter] = {"of": reckoning.rows}
        read = Finding(code="conversations_read", level="good", count=len(made), names=(origin.name,), parameters=total)
        columns = _columns([item for _, item in items], origin)
        return Reading(
            examples=tuple(made),
            findings=(read, *reckoning.findings(origin)),
            layout=reckoning.layout(columns, written),
        )
    return _looked_up(others, reckoning, origin, written)


def _looked_up(
    others: Sequence[tuple[int, Mapping[str, str]]], reckoning: Account, origin: Origin, written: str
) -> Reading:
    """Objects of any other kind: a table whose columns are their keys."""
    names = list(dict.fromkeys(name for _, flat in others for name in flat))
    table = [Row(number, [flat.get(name, "") for name in names]) for number, flat in others]
    plan = grid.plan(Header(tuple(names), 0, 0), table[:SAMPLE], len(names), origin)
    draft = Draft()
    made = [
        each
        for numbers, cells in grid.blocks(table)
        for each in grid.take(plan, numbers, cells, origin, draft, reckoning)
    ]
    columns = grid.shown(plan, table[:SAMPLE])
    findings: list[Finding] = []
    if plan.teaches:
        findings.append(grid.examples_read(plan, columns, len(made), reckoning.rows, origin))
    if draft.rows:
        about: dict[str, Parameter] = {"columns": len(names)}
        findings.append(
            Finding(code="rows_read", level="good", count=draft.rows, names=(origin.name,), parameters=about)
        )
    return Reading(
        documents=draft.documents(origin, "json"),
        examples=tuple(made),
        findings=(*findings, *reckoning.findings(origin)),
        layout=reckoning.layout(columns, written),
    )


def _columns(items: Sequence[Any], origin: Origin) -> tuple[Column, ...]:
    """The keys of objects with a question and an answer; conversations have none."""
    flat = [_flat(item) for item in items[:SAMPLE]]
    names = list(dict.fromkeys(name for each in flat for name in each))
    if rows.roles(names) is None:
        return ()
    table = [Row(number, [each.get(name, "") for name in names]) for number, each in enumerate(flat, start=1)]
    return grid.shown(grid.plan(Header(tuple(names), 0, 0), table, len(names), origin), table)


def _items(content: str) -> tuple[list[tuple[int, Any]], list[int]]:
    """Numbered objects, and the numbers of lines that are no JSON. Lines, or places in the list."""
    if content.lstrip().startswith(MARK):
        starts = [0, *(found.start() for found in NEXT.finditer(content)), len(content)]
        pieces = [(content.count("\n", 0, at) + 1, {"text": content[at:end]}) for at, end in pairwise(starts)]
        return [(number, piece) for number, piece in pieces if MARK in piece["text"]], []
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):
        return _lines(content)
    if isinstance(whole, dict):
        inner = next((whole[key] for key in LISTS if isinstance(whole.get(key), list)), None)
        is_list = inner is not None and all(isinstance(item, dict) for item in inner) and not _conversation(whole)[0]
        whole = inner if is_list else [whole]
    if not isinstance(whole, list):
        return [], []
    if whole and all(isinstance(item, dict) and _said(item) for item in whole):
        whole = [{"messages": whole}]  # one conversation, not wrapped in anything
    return list(enumerate(whole, start=1)), []


def _lines(content: str) -> tuple[list[tuple[int, Any]], list[int]]:
    items, broken = [], []
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            items.append((number, json.loads(line)))
        except (ValueError, RecursionError):
            broken.append(number)
    return items, broken


def _conversation(item: Any) -> tuple[tuple[Message, ...], str]:
    """The messages of one object and its topic; no messages when it is not a conversation.

    One in which nobody answers ends with somebody else's message.
    """
    if not isinstance(item, dict):
        return (), ""
    named = {plain(key): value for key, value in item.items() if isinstance(key, str)}
    topic = next((str(named[key]).strip() for key in named if key in rows.TOPIC and isinstance(named[key], str)), "")
    for key in TALKS:
        if isinstance(named.get(key), list):
            return _talk(named[key], _text(named.get("system", ""))), topic
    if written := next((value for value in named.values() if isinstance(value, str) and MARK in value), ""):
        return _talk(_marked(written), ""), topic
    keys = list(named)
    columns = rows.roles(keys)
    if columns is None or columns.task != "answer":
        return (), ""
    asked, answered = named[keys[columns.question]], named[keys[columns.answer]]
    if any(isinstance(each, list) and each and isinstance(each[0], dict) for each in (asked, answered)):
        return _talk(
            [*_said_in(asked, "user"), *_said_in(answered, "assistant")], _text(named.get("system", ""))
        ), topic
    question, answer = _text(asked), _text(answered)
    if columns.more is not None and (more := _text(named[keys[columns.more]])):
        question = f"{question}\n{more}"
    system = _text(named.get("system", ""))
    start = (Message(role="system", content=system),) if system else ()
    return (*start, *turn(question, answer)), topic


def _task(item: Any) -> str:
    """What the object calls its task, "" where it says nothing."""
    named = {plain(key): value for key, value in item.items() if isinstance(key, str)}
    return next((str(named[key]) for key in named if key in rows.TASK and isinstance(named[key], str)), "")


def _talk(said: Sequence[Any], system: str) -> tuple[Message, ...]:
    """The conversation up to its last answer; nothing when a speaker is unknown. What tools say is left out."""
    messages: list[Message] = [Message(role="system", content=system)] if system else []
    for each in said:
        if isinstance(each, dict) and _of_tools(each):
            continue
        spoken = _said(each) if isinstance(each, dict) else None
        if spoken is None:
            return ()
        messages.append(Message(role=spoken[0], content=spoken[1]))
    asked = next((at for at, message in enumerate(messages) if message.role == "user"), len(messages))
    answered = max((at for at, message in enumerate(messages) if message.role == "assistant"), default=-1)
    return tuple(messages[: answered + 1]) if answered > asked else tuple(m for m in messages if m.role == "user")


def _of_tools(message: Mapping[str, Any]) -> bool:
    """What a tool returned, or the assistant's call of it without a word to the person."""
    speaker = next((message[key] for key in SPEAKERS if isinstance(message.get(key), str)), "")
    calls = message.get("tool_calls") or message.get("function_call")
    return plain(speaker) in TOOLS or (bool(calls) and not _text(message.get("content")))


def _said(message: Mapping[str, Any]) -> tuple[Role, str] | None:
    speaker = next((message[key] for key in SPEAKERS if isinstance(message.get(key), str)), "")
    role = ROLES.get(plain(speaker))
    words = next((message[key] for key in WORDS if key in message), None)
    return (role, _text(words)) if role and words is not None else None


def _said_in(value: Any, role: Role) -> list[Any]:
    """A prompt or an answer that is itself a list of messages."""
    return value if isinstance(value, list) else [{"role": role, "content": _text(value)}]


def _marked(written: str) -> list[dict[str, str]]:
    """The messages of a text in the marks of a chat template (ChatML)."""
    parts = (part.partition("\n") for part in written.split(MARK)[1:])
    return [{"role": role.strip(), "content": words.split(END)[0].strip()} for role, _, words in parts]


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
