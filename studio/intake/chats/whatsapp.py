"""Exported WhatsApp chats, Android and iOS, in any of their forms: who said what, when, on which line.

One pattern reads every form of the line head; whether day or month comes first is found in the chat itself. Pictures,
deleted messages and the service's own lines are told apart by the words in `whatsapp.json`. What the talk teaches is
decided in `talks`.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from studio.base.records import RowFault
from studio.intake.chats import talks, whatsapp_heads
from studio.intake.chats.whatsapp_heads import Head
from studio.intake.reading import Origin, Reading

Kind = Literal["text", "media", "service", "deleted"]

SPEAKER = re.compile(r"^(?P<who>[^:\n]{1,80}):(?:\s+(?P<said>.*))?$", re.S)
SECOND = re.compile(r"^(?P<more>[^:\n]{1,60}):(?:\s|$)")
FILE = re.compile(  # "tarifas.pdf • 2 páginas"
    r"^[^\n]*(?:\s•\s\d+\s\w+\.?|\.(?:pdf|docx?|xlsx?|pptx?|zip|csv|txt|jpe?g|png|webp|mp[34]|opus|vcf))$", re.I
)
MARK = "\u200e"  # before what the phone wrote itself
HEADS_NEEDED = 2


class Said(NamedTuple):
    """A message as exported; `who` is "" for the service's own lines, `line` where it begins in the file."""

    line: int
    at: datetime
    who: str
    text: str
    kind: Kind


def is_chat(content: str) -> bool:
    """Whether the first lines carry the dates and names an export has."""
    lines = [line for line in content[:20_000].split("\n")[:60] if line.strip()]
    heads = [head for number, line in enumerate(lines) if (head := whatsapp_heads.of_line(line, number))]
    speaking = sum(bool(SPEAKER.match(head.rest)) for head in heads)
    return len(heads) >= HEADS_NEEDED and speaking >= HEADS_NEEDED and len(heads) >= 0.2 * len(lines)


def of_text(content: str, origin: Origin) -> Reading:
    """What was asked and answered, and the talk as text to search. Every message is used, or named by its line."""
    said = parse(content)
    turns = [talks.Turn(each.who, each.at, each.text, each.line) for each in said if each.kind == "text"]
    left_out = [RowFault(row=each.line, code=each.kind) for each in said if each.kind != "text"]
    other = title(origin.name)
    return talks.reading(turns, origin, "whatsapp", left_out, customers=(other,) if other else ())


def title(name: str) -> str:
    """Whom the chat is with, by the name WhatsApp gives the file; "" when it does not say."""
    stem = re.sub(r"\s*\(\d+\)$", "", Path(name).stem)
    found = (re.fullmatch(pattern, stem, re.I) for pattern in _lists()["titles"])
    return next((match[1].strip() for match in found if match), "")


def parse(content: str) -> list[Said]:
    """Every message with its time and speaker; lines without a head go on the message before."""
    dated = whatsapp_heads.dated(content)
    speakers = _speakers([head for head, _ in dated])
    return [_message(head, at, speakers) for head, at in dated]


class Speakers(NamedTuple):
    """Names that speak (how often each stands before a colon), and those that themselves hold a colon."""

    often: Counter[str]
    with_colon: frozenset[str]


def _speakers(heads: Sequence[Head]) -> Speakers:
    """A name has a colon in it when it never stands without, and before what the phone wrote, too: nobody types that."""
    often: Counter[str] = Counter()
    nexts: dict[str, set[str]] = {}
    written: set[str] = set()
    for head in heads:
        if found := SPEAKER.match(head.rest):
            often[found["who"]] += 1
            more = SECOND.match(found["said"] or "")
            nexts.setdefault(found["who"], set()).add(more["more"] if more else "")
            if more and _kind((found["said"] or "")[more.end() :].strip(), head.marked)[0] != "text":
                written.add(f"{found['who']}: {more['more']}")
    always = {f"{who}: {next(iter(more))}" for who, more in nexts.items() if len(more) == 1 and "" not in more}
    return Speakers(often, frozenset(always & written))


def _message(head: Head, at: datetime, speakers: Speakers) -> Said:
    found = SPEAKER.match(head.rest)
    if found is None or (_is("service")(found["who"]) and speakers.often[found["who"]] < HEADS_NEEDED):
        return Said(head.line, at, "", head.rest.strip(), "service")
    who, words = found["who"], found["said"] or ""
    if longer := next((name for name in speakers.with_colon if head.rest.startswith(f"{name}:")), ""):
        who, words = longer, head.rest[len(longer) + 1 :]
    kind, text = _kind(words.strip(), head.marked)
    return Said(head.line, at, who.strip().lstrip("~").strip(), text, kind)


def _kind(words: str, marked: bool) -> tuple[Kind, str]:
    """What a message is, and what of it somebody wrote: a picture's caption is text, its file name is not."""
    words = _edited().sub("", words).strip() if "<" in words else words
    first, _, rest = words.partition("\n")
    if _whole("deleted")(words):
        return "deleted", words
    if _whole("calls")(words) or ((marked or "crypt" in first or "cifrad" in first) and _is("service")(first)):
        return "service", words
    if not words or _whole("media")(first.strip()):
        return ("text", rest.strip()) if rest.strip() else ("media", words)
    kept = _attached().sub("", words).strip() if "<" in words or "(" in words else words
    if kept != words:
        return ("text", kept) if kept and not FILE.match(kept) else ("media", words)
    return "text", words


@cache
def _lists() -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return found


@cache
def _is(kind: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile("|".join(_lists()[kind]), re.I).search


@cache
def _whole(kind: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(rf"(?:{'|'.join(_lists()[kind])})\.?", re.I).fullmatch


@cache
def _edited() -> re.Pattern[str]:
    return re.compile(rf"\s*<\s*(?:{'|'.join(_lists()['edited'])})\.?\s*>\s*$", re.I)


@cache
def _attached() -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(_lists()['attached'])})[ \t]*$", re.I | re.M)
