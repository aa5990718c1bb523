"""Where sentences begin and end, in English and Spanish text.

Works on offsets, so that what is cut can be found again in its document. Knows abbreviations, list numbers,
decimals and lines; knows nothing about languages beyond that and never changes a character.
"""

import json
import re
from pathlib import Path

Span = tuple[int, int]

_LISTS = json.loads((Path(__file__).parent / "wordlists.json").read_text(encoding="utf-8"))
# A full stop after one of these ends no sentence, whatever follows.
_ABBREVIATIONS = frozenset(" ".join(_LISTS["abbreviations"]).split())
# A full stop after one of these ends no sentence when a number follows: "art. 5", "No. 4", "p. 12".
_BEFORE_NUMBERS = frozenset(" ".join(_LISTS["before_numbers"]).split())
_END = re.compile(r"[.!?…]+[\"»”’')\]]*(?=\s)")
_OPENS = re.compile(r"[\"«“‘'(\[¿¡]*[^\W_]")
_BULLET = re.compile(r"\s*(?:[-*•·–▪◦]\s|\d{1,3}[.)]\s|[a-z][.)]\s|#{1,6}\s|\|)")
# "U.S.", "L.O.", "R.D.": letters with full stops between; "a.m." is none where a new sentence may begin.
_INITIALS = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}")
_HALF_OF_DAY = re.compile(r"\b[ap]\.[ \u00a0\u202f]?m$", re.IGNORECASE)
_LAST_WORD = re.compile(r"[^\s(\[\"«“¿¡]+$")
_WRAPPED_LINE = 60  # a line this long that does not end in punctuation was probably wrapped, not ended


def spans(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """The sentences of `text[start:end]` as offsets into `text`, without the white space around them.

    Line ends count where a line is a list item, a heading, a table row or a finished sentence; a wrapped line
    goes on.
    """
    end = len(text) if end is None else end
    found: list[Span] = []
    at = start
    for cut in [*_cuts(text, start, end), end]:
        left, right = trimmed(text, at, cut)
        if left < right:
            found.append((left, right))
        at = cut
    return found


def split(text: str) -> list[str]:
    """The sentences themselves."""
    return [text[start:end] for start, end in spans(text)]


def finished(text: str) -> bool:
    """Whether the text ends like a sentence does."""
    return bool(re.search(r"[.!?…:][\"»”’')\]]*\s*$", text))


def trimmed(text: str, start: int, end: int) -> Span:
    """`text[start:end]` without the white space around it."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _cuts(text: str, start: int, end: int) -> list[int]:
    cuts = {match.end() for match in _END.finditer(text, start, end) if _ends_sentence(text, match, start, end)}
    cuts.update(position for position in _line_ends(text, start, end) if _ends_line(text, position, start, end))
    return sorted(cut for cut in cuts if start < cut < end)


def _line_ends(text: str, start: int, end: int) -> list[int]:
    return [match.start() for match in re.compile(r"\n").finditer(text, start, end)]


def _ends_sentence(text: str, match: re.Match[str], start: int, end: int) -> bool:
    following = text[match.end() : min(match.end() + 12, end)].lstrip()
    opening = _OPENS.match(following)
    if opening is None:
        return not following or not following[0].isalnum()
    first = opening.group()[-1]
    if first.islower():
        return False
    if not match.group().startswith(".") or match.group().startswith(".."):
        return True
    word = _LAST_WORD.search(text, max(start, match.start() - 24), match.start())
    if word is None:
        return True
    last = word.group().lower()
    if _HALF_OF_DAY.search(text, max(start, match.start() - 5), match.start()):
        return not first.isdigit()
    if last in _ABBREVIATIONS or (last in _BEFORE_NUMBERS and first.isdigit()):
        return False
    if (len(last) == 1 and last.isalpha()) or _INITIALS.fullmatch(last):
        return False  # an initial: "J. Pérez"
    return not (re.fullmatch(r"\d{1,3}(\.\d{1,3})*", last) and _begins_line(text, word.start(), start))


def _begins_line(text: str, position: int, start: int) -> bool:
    """Whether only white space stands between the line's beginning and `position`: "3. Cover" is a numbered
    heading.
    """
    line = max(text.rfind("\n", start, position) + 1, start)
    return not text[line:position].strip(" \t#*-•")


def _ends_line(text: str, position: int, start: int, end: int) -> bool:
    before = text[max(text.rfind("\n", start, position) + 1, start) : position].rstrip()
    stop = text.find("\n", position + 1, end)
    after = text[position + 1 : end if stop < 0 else stop]
    if not before or not after.strip():
        return True
    if finished(before) or _BULLET.match(after) or before.endswith("|") or "\t" in before or " | " in before:
        return True
    return len(before) < _WRAPPED_LINE and not after.lstrip()[0].islower()
