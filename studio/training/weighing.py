"""Whether what was learnt from judgements may be kept, and what is said about it. Knows marks; no model, no rows."""

import re
from collections.abc import Sequence
from statistics import fmean
from typing import Literal, NamedTuple

from studio.base import chance
from studio.base.events import Note
from studio.base.records import Preferred, Score
from studio.training import checking
from studio.training.checking import Marks
from studio.training.course import Course

TOLERATED = 0.02  # by so much less surely may the examples' answers be told from others before it counts as harm
UNSAID = 0.1  # so large a share of the right words of its own answers may be missing from those it writes now


class Standing(NamedTuple):
    """How the model stands to the examples: to their words, to their answers beside others (`preferring`), and what it
    writes itself."""

    words: Sequence[Marks] = ()
    facts: Sequence[Marks] = ()
    said: Sequence[str] = ()


def judged(
    method: Literal["dpo", "orpo"], questions: Sequence[str], done: Course, before: Standing, after: Standing,
    references: Sequence[str] = (),
) -> Preferred:  # fmt: skip
    """Whether what was learnt, a pair for each of the `questions`, may be kept.

    On the pairs kept back the liked answers gained by more than luck (paired, 95 %) and no fewer are the likelier ones; and
    the examples' answers are told from others like them as surely as before, or nearly, or less surely only by chance, and
    of the answers it writes itself the words that were right (`references`) are still there. How dear the examples' words
    are says little: whoever likes another manner likes other words.
    """
    assert done.before is not None
    best = done.best_check or done.checks[-1]
    gains = [now.right - was.right for was, now in zip(done.before.marks, best.marks, strict=True)]
    gain, low, high = _interval(gains)
    likelier = [_share(check.marks) for check in (done.before, best)]
    rise, _, _ = _interval([now.loss - was.loss for was, now in zip(before.words, after.words, strict=True)])
    fall, surely, _ = _interval([was.right - now.right for was, now in zip(before.facts, after.facts, strict=True)])
    unsaid, gone, _ = _interval(_unsaid(before.said, after.said, references))
    harms = (surely > 0 and fall > TOLERATED) or gone > UNSAID
    learnt = low > 0 and likelier[1].value >= likelier[0].value
    return Preferred(
        method=method,
        pairs=len(questions),
        questions=tuple(dict.fromkeys(questions)),
        before=likelier[0],
        after=likelier[1],
        gain=round(gain, 4),
        low=round(low, 4),
        high=round(high, 4),
        rise=round(rise, 4),
        fall=round(fall, 4),
        unsaid=round(unsaid, 4),
        reason="harms" if harms else "kept" if learnt else "not_learnt",
    )


def note(found: Preferred) -> Note:
    """What is said about it."""
    hits = {name: round(score.value * score.n) for name, score in (("before", found.before), ("after", found.after))}
    told: dict[str, str | int | float] = {"count": found.before.n, "pairs": found.pairs, **hits}
    match found.reason:
        case "kept":
            return Note(code="prefer_kept", parameters=told)
        case "not_learnt":
            return Note(code="prefer_not_learnt", parameters=told)
        case "harms":
            return Note(code="prefer_harms", parameters=told)
        case "forgets":
            return Note(code="prefer_forgets", parameters=told)


def _unsaid(before: Sequence[str], after: Sequence[str], references: Sequence[str]) -> list[float]:
    """Of every answer that had right words: the share of them that is no longer there."""
    found = []
    for was, now, reference in zip(before, after, references, strict=True):
        right = _words(was) & _words(reference)
        if right:
            found.append(len(right - _words(now)) / len(right))
    return found


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.casefold()))


def _share(marks: Sequence[Marks]) -> Score:
    return checking.share("likelier", [mark.exact for mark in marks])


def _interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and 95 % interval; nothing of nothing."""
    if not values:
        return 0.0, 0.0, 0.0
    middle, half = fmean(values), chance.student(values)
    return middle, middle - half, middle + half
