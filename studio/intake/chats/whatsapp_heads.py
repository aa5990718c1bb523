"""The heads of WhatsApp's lines: a date, a time, and then who speaks. Every form that phones write, read by one pattern.

Which number is the day and which the month follows from the whole chat. A line that only looks like a head (a pasted
message, a date that no calendar has) stays part of the message it stands in.
"""

import re
from collections import Counter
from datetime import datetime
from typing import NamedTuple

from studio.intake.chats import moments

INVISIBLE = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
SHOWN = str.maketrans(dict.fromkeys("\u202f\u00a0\u2007\u2009", " ") | dict.fromkeys(INVISIBLE, ""))
HEAD = re.compile(
    rf"^(?P<open>\[?){moments.DATE}\.?,?\s+(?:a las |at |à |um |klo )?{moments.CLOCK}(?:\s?(?:hrs|h|Uhr)\b\.?)?"
    r"(?:\s*\]\s*|\s+[-–—]\s|(?P<colon>:)\s)(?P<rest>.*)$"
)
MARKED = re.compile(r"(?:\]|\s-)\s*(?:[^:\n]{1,80}:\s*)?\u200e")
FEW = 0.1  # heads of a form that so few have were pasted into a message
TOLD = 20  # so many heads are needed to tell


class Head(NamedTuple):
    """A head as written; `rest` is what follows it, with the lines below; `marked` when the phone wrote it itself."""

    line: int
    found: re.Match[str]
    rest: str
    marked: bool

    @property
    def form(self) -> tuple[bool, str, bool, bool]:
        """What all heads of one export share: brackets, the sign in the date, seconds, am and pm."""
        found = self.found
        return bool(found["open"]), found["sign"], bool(found["s"]), bool(found["half"])


def of_line(raw: str, number: int) -> Head | None:
    found = HEAD.match(visible(raw))
    if found is None or (found["colon"] and not found["s"]):  # "12/3/24 9:05: " is how people write, too
        return None
    return Head(number, found, found["rest"], "\u200e" in raw and bool(MARKED.search(raw[:200])))


def dated(content: str) -> list[tuple[Head, datetime]]:
    """Every head with its time, in the order of the file."""
    lines = content.split("\n")
    heads = [head for number, line in enumerate(lines, start=1) if (head := of_line(line, number))]
    forms = Counter(head.form for head in heads)
    if len(heads) >= TOLD:
        heads = [head for head in heads if forms[head.form] > FEW * len(heads)]
    day_first = moments.day_first([head.found for head in heads])
    timed = [(head, at) for head in heads if (at := moments.time(head.found, day_first))]
    ends = [head.line for head, _ in timed[1:]] + [len(lines) + 1]
    return [
        (head._replace(rest="\n".join([head.rest, *map(visible, lines[head.line : end - 1])])), at)
        for (head, at), end in zip(timed, ends, strict=True)
    ]


def visible(line: str) -> str:
    return (line if line.isascii() else line.translate(SHOWN)).rstrip()
