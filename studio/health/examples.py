"""Checks of the examples and the test questions: copies, contradictions, leaks, gaps, and whether there are enough."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from studio.base.records import Example, Finding, Goal, Question
from studio.health import near
from studio.intake.rows import plain

ENOUGH = 60
NEARLY = 0.8
LEAKS = 0.7
SAME_ANSWER = 0.5
LONG_ANSWER = 1_500
SHOWN = 10
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
NO = re.compile(r"\b(no|not|never|nunca|tampoco|jam[aá]s|cannot|\w+n['’]t)\b", re.I)


def duplicates(examples: Sequence[Example]) -> list[Finding]:
    """Rows that say word for word the same as an earlier one."""
    copies = [e for same in _alike(examples).values() for e in same[1:]]
    return [_about("examples_duplicate", "warn", copies)] if copies else []


def near_duplicates(examples: Sequence[Example]) -> list[Finding]:
    """Examples that differ from an earlier one by a few letters; those with other numbers are not the same."""
    firsts = [same[0] for same in _alike(examples).values()]
    sets = [near.words(_whole(example)) for example in firsts]
    numbers = [_numbers(_whole(example)) for example in firsts]
    linked = [(a, b) for a, b in near.pairs(sets, NEARLY) if numbers[a] == numbers[b]]
    copies = [firsts[position] for cluster in near.clusters(linked) for position in cluster[1:]]
    return [_about("examples_near", "note", copies)] if copies else []


def contradictions(examples: Sequence[Example]) -> list[Finding]:
    """The same question with answers that cannot both be right: other numbers, a yes against a no, or other words."""
    asked: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        if len([m for m in example.messages if m.role == "user"]) == 1:  # alone it means the same each time
            asked[plain(example.question)].append(example)
    disputed = [same for question, same in asked.items() if question and len(same) > 1 and _disagree(same)]
    if not disputed:
        return []
    questions = tuple(same[0].question[:120] for same in disputed[:SHOWN])
    rows = [example for same in disputed for example in same]
    return [
        Finding(
            code="examples_contradict",
            level="warn",
            count=len(disputed),
            names=questions,
            parameters={"rows": _rows(rows), "example": questions[0]},
        )
    ]


def leaks(examples: Sequence[Example], questions: Sequence[Question]) -> list[Finding]:
    """Test questions that are, nearly word for word, among the examples: a model that read them proves nothing.

    Good news when there are none.
    """
    asked = [example.question for example in examples]
    known = {plain(question) for question in asked}
    leaked = {n for n, each in enumerate(questions) if plain(each.question) in known}
    rest = [n for n in range(len(questions)) if n not in leaked]
    once = list({plain(question): question for question in asked}.values())
    left = [near.letters(questions[n].question) for n in rest]
    for position, other in near.across(left, [near.letters(question) for question in once], LEAKS):
        if _numbers(questions[rest[position]].question) == _numbers(once[other]):
            leaked.add(rest[position])
    if not questions:
        return [Finding(code="questions_none", level="note", count=0)]
    if not leaked:
        return [Finding(code="questions_apart", level="good", count=len(questions))] if examples else []
    names = tuple(questions[n].question[:120] for n in sorted(leaked))
    share = {"of": len(questions), "example": names[0]}
    return [Finding(code="questions_leak", level="warn", count=len(leaked), names=names, parameters=share)]


def gaps(examples: Sequence[Example]) -> list[Finding]:
    """Questions or answers without a word in them, and answers too long to learn from well."""
    empty = [e for e in examples if not _has_words(e.answer) or not _has_words(e.question)]
    long = [e for e in examples if len(e.answer) > LONG_ANSWER]
    found = []
    if empty:
        found.append(_about("examples_empty", "warn", empty))
    if long:
        found.append(_about("answers_long", "note", long, characters=LONG_ANSWER))
    return found


def enough(examples: Sequence[Example], goal: Goal) -> list[Finding]:
    """Whether there is enough to learn from; what is there is good news too."""
    different = len(_alike(examples))
    if not examples:
        wanted = goal.facts_or_style != "facts"
        return [
            Finding(code="examples_none", level="warn" if wanted else "note", count=0, parameters={"enough": ENOUGH})
        ]
    if different < ENOUGH:
        missing = ENOUGH - different
        return [
            Finding(
                code="examples_few", level="warn", count=different, parameters={"enough": ENOUGH, "missing": missing}
            )
        ]
    sources = len({example.source for example in examples})
    return [Finding(code="examples_ready", level="good", count=different, parameters={"sources": sources})]


def _alike(examples: Sequence[Example]) -> dict[tuple[str, ...], list[Example]]:
    """Examples by what they say, case and white space aside."""
    same: dict[tuple[str, ...], list[Example]] = defaultdict(list)
    for example in examples:
        said = (f"{message.role} {' '.join(message.content.lower().split())}" for message in example.messages)
        same[tuple(said)].append(example)
    return same


def _disagree(same: Sequence[Example]) -> bool:
    answers = list({plain(example.answer): example.answer for example in same}.values())
    first, *others = answers
    return any(_contradicts(first, other) for other in others)


def _contradicts(a: str, b: str) -> bool:
    words, other = set(plain(a).split()), set(plain(b).split())
    numbers, other_numbers = _numbers(a), _numbers(b)
    if not (numbers <= other_numbers or other_numbers <= numbers):
        return True
    if bool(NO.search(a)) != bool(NO.search(b)):
        return True
    return len(words & other) < SAME_ANSWER * min(len(words), len(other))


def _about(code: str, level: str, examples: Sequence[Example], **more: int) -> Finding:
    names = tuple(Counter(example.source.rsplit("/", 1)[-1] for example in examples))
    return Finding.model_validate(
        {
            "code": code,
            "level": level,
            "count": len(examples),
            "names": names,
            "parameters": {"rows": _rows(examples), "example": examples[0].question[:120], **more},
        }
    )


def _rows(examples: Iterable[Example]) -> str:
    rows = [example.row for example in examples if example.row is not None]
    return ", ".join(map(str, rows[:SHOWN])) + (" …" if len(rows) > SHOWN else "") if rows else "–"


def _whole(example: Example) -> str:
    return f"{example.question}\n{example.answer}"


def _numbers(text: str) -> frozenset[str]:
    return frozenset(NUMBER.findall(text))


def _has_words(text: str) -> bool:
    return any(letter.isalnum() for letter in text)
