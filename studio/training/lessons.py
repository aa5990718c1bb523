"""Which examples are learnt and which are kept back to check the learning.

Knows conversations, no tokens. The same examples are always divided the same way, whatever their order.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from studio.base.errors import BadInput, NotEnough
from studio.base.records import Example, Record

NEEDED = 10
MOST_KEPT_BACK = 64
FEWEST_KEPT_BACK = 6  # of each of several tasks, where it has the examples


class Lessons(Record):
    """`learnt` are trained on; `kept_back` measure the learning on wordings that were not."""

    learnt: tuple[Example, ...]
    kept_back: tuple[Example, ...] = ()


def usable(examples: Sequence[Example]) -> list[Example]:
    """The examples that teach something: a question, an answer last, and not marked as test material.

    Where most begin with one and the same system message, those without any are learnt within it, too: so they will be
    asked. Raises NotEnough("examples_none"), NotEnough("examples_too_few") below ten different ones, and
    BadInput("examples_identical") when all say the same.
    """
    found = [example for example in examples if example.split != "test" and _teaches(example)]
    if not found:
        raise NotEnough("examples_none")
    different = len({_text(example) for example in found})
    if different == 1 and len(found) >= NEEDED:
        raise BadInput("examples_identical", count=len(found))
    if different < NEEDED:
        raise NotEnough("examples_too_few", count=different, needed=NEEDED)
    return _framed(found)


def divide(examples: Sequence[Example], share: float) -> Lessons:
    """Keep about `share` of the examples back, at most 64.

    Whoever marked examples as validation has decided already. Otherwise one wording of some answers is kept back while the
    answer's other wordings are learnt, so that the check measures understanding and no fact goes missing. Answers that occur
    once are kept back only in tasks where new answers can be judged from learnt ones (writing, sorting): of a list of facts
    nothing could be guessed, and the fact would simply be lost. So `kept_back` may be empty. Of several tasks each has its
    share kept back, and a few even where that is less, so that it can be said how each does.
    """
    marked = tuple(example for example in examples if example.split == "validation")
    if marked:
        return Lessons(learnt=tuple(e for e in examples if e.split != "validation"), kept_back=marked)
    tasks = _by_task(examples)
    kept = {text for part in tasks for text in _kept_back(part, share, len(tasks))}
    # A row that stands there twice goes to the check altogether: learnt as well, it would make the check too easy.
    learnt = tuple(example for example in examples if _text(example) not in kept)
    return Lessons(learnt=learnt, kept_back=_once(example for example in examples if _text(example) in kept))


def part(examples: Sequence[Example], share: float) -> tuple[Example, ...]:
    """The first `share` of the examples: one wording of every answer, then a second of each, and so on.

    Smaller parts lie within larger ones, so that what a larger one brings is owed to the examples that joined. Of several
    tasks it is the same part of each.
    """
    tasks = _by_task(examples)
    if len(tasks) > 1:
        return tuple(example for each in tasks for example in part(each, share))
    turns: dict[str, int] = defaultdict(int)
    ordered: list[tuple[int, int, Example]] = []
    for example in sorted(examples, key=lambda example: _digest(_text(example))):
        answer = _plain(example.answer)
        ordered.append((turns[answer], len(ordered), example))
        turns[answer] += 1
    ordered.sort(key=lambda each: each[:2])
    return tuple(example for _, _, example in ordered[: max(round(len(ordered) * share), 1)])


def rounds(examples: Sequence[Example], folds: int) -> list[Lessons]:
    """The examples divided `folds` times, so that every one that can be is kept back once and learnt otherwise.

    As in `divide`, an answer is checked in one wording while another is learnt; single answers are checked only in tasks
    where they could be judged from others. Rounds in which nothing would be kept back are left out.
    """
    wordings: dict[str, list[str]] = defaultdict(list)
    for example in sorted(_once(examples), key=lambda example: _digest(_text(example))):
        wordings[_plain(example.answer)].append(_text(example))
    free = {_text(example) for example in examples if example.task != "answer"}
    places: dict[str, int] = {}
    for dealt, texts in enumerate(sorted(wordings.values(), key=lambda texts: _digest(texts[0]))):
        for turn, text in enumerate(texts):
            if text in free or (len(texts) > 1 and turn < max(folds, 2)):  # two wordings never sit out the same round
                places[text] = (dealt + turn) % folds
    made = []
    for number in range(folds):
        kept = {text for text, place in places.items() if place == number}
        if kept:
            learnt = tuple(example for example in examples if _text(example) not in kept)
            made.append(Lessons(learnt=learnt, kept_back=_once(e for e in examples if _text(e) in kept)))
    return made


def _by_task(examples: Sequence[Example]) -> list[list[Example]]:
    groups: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        groups[example.task].append(example)
    return [groups[task] for task in sorted(groups)]


def _kept_back(examples: Sequence[Example], share: float, tasks: int) -> list[str]:
    """The texts of one of so many tasks that are kept back; nothing where nothing is to be."""
    wanted = min(round(len(examples) * share), MOST_KEPT_BACK // tasks)
    if tasks > 1 and share:
        wanted = max(wanted, min(FEWEST_KEPT_BACK, len(examples) // 4))
    return sorted(_candidates(examples), key=_digest)[:wanted]


def _candidates(examples: Sequence[Example]) -> list[str]:
    wordings: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        wordings[_plain(example.answer)].add(_text(example))
    free = {_text(example) for example in examples if example.task != "answer"}
    found: list[str] = []
    for texts in wordings.values():
        judged = texts & free  # a class has many texts, and any of them can be judged by the others
        found += judged or ([min(texts, key=_digest)] if len(texts) > 1 else [])
    return found


def _once(examples: Iterable[Example]) -> tuple[Example, ...]:
    return tuple({_text(example): example for example in examples}.values())


def _framed(examples: list[Example]) -> list[Example]:
    """A correction, or a draft that was approved, has no system message even where all conversations that were brought have
    the same."""
    said = Counter(each.messages[0] for each in examples if each.messages[0].role == "system")
    if len(said) != 1 or 2 * said.total() <= len(examples):
        return examples
    (frame,) = said
    return [
        each if each.messages[0] == frame else each.model_copy(update={"messages": (frame, *each.messages)})
        for each in examples
    ]


def _teaches(example: Example) -> bool:
    answers = len(example.messages) > 1 and example.messages[-1].role == "assistant"
    return answers and bool(example.answer.strip() and example.question.strip())


def _text(example: Example) -> str:
    return "\n".join(f"{message.role}\t{_plain(message.content)}" for message in example.messages)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
