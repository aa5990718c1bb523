"""An answer in pieces: its sentences with what stands behind each, and in them the numbers that open a source."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from studio.base.records import Answer, Support
from studio.web.voice import Voice

STATES = ("supported", "unsupported", "contradicting")
SIGNS = {"unsupported": "question", "contradicting": "differs"}
MOST_MISSING = 6
_CITED = re.compile(r"\[(\d{1,2})\]")

Piece = tuple[str, str, int]  # words, the last word before a citation (it stays beside it), the citation's number or 0


@dataclass(frozen=True)
class Claim:
    """A stretch of an answer. `state` is empty where nothing is claimed; `says` is what the sign at its end tells."""

    pieces: tuple[Piece, ...]
    state: str = ""
    id: str = ""
    sign: str = ""
    says: str = ""
    where: str = ""


def said(answer: Answer, voice: Voice, *, plain: bool = False) -> str:
    """The answer's text with its marks and citations; `plain` leaves the citations' buttons out."""
    return voice.html("said.html", claims=list(_claims(answer, voice)), answer=answer.id, plain=plain)


def backed(answer: Answer, voice: Voice) -> tuple[str, float] | None:
    """How many of the sentences are backed by a source, in words and in percent; None where none was compared."""
    if not answer.support:
        return None
    good = sum(mark.state == "supported" for mark in answer.support)
    return voice.t("mark.backed.of", n=good, of=len(answer.support)), 100 * good / len(answer.support)


def pieces(text: str, numbers: Sequence[int]) -> tuple[Piece, ...]:
    """Words and citations; a number in brackets that cites nothing stays as it was written."""
    made, held = [], ""
    for at, part in enumerate(_CITED.split(text)):
        if at % 2 and int(part) in numbers:
            head, space, tail = held.rstrip().rpartition(" ")
            made.append((head + space, tail, int(part)))
            held = ""
        else:
            held += f"[{part}]" if at % 2 else part
    return (*made, (held, "", 0))


def _claims(answer: Answer, voice: Voice) -> Iterator[Claim]:
    numbers, at = [citation.number for citation in answer.citations], 0
    for place, mark in enumerate(sorted(answer.support, key=lambda each: each.start)):
        if mark.start < at or mark.end > len(answer.text):
            continue
        yield Claim(pieces(answer.text[at : mark.start], numbers))
        found = pieces(answer.text[mark.start : mark.end], numbers)
        says, where = _says(mark, voice), _where(mark, answer, voice)
        yield Claim(found, mark.state, f"{answer.id}-{place}", SIGNS.get(mark.state, ""), says, where)
        at = mark.end
    yield Claim(pieces(answer.text[at:], numbers))


def _says(mark: Support, voice: Voice) -> str:
    if mark.state == "supported":
        return ""
    if not mark.missing:
        return voice.t(f"mark.{mark.state}.more")
    return voice.t(f"mark.{mark.state}.missing", what=", ".join(mark.missing[:MOST_MISSING]))


def _where(mark: Support, answer: Answer, voice: Voice) -> str:
    """Which passage the sentence was compared with; said where it is against it."""
    if mark.state != "contradicting" or mark.passage is None or mark.passage >= len(answer.passages):
        return ""
    return voice.t("mark.compared", place=voice.place(answer.passages[mark.passage]))
