"""Whether there is enough to learn from, and how many would be: it depends on what is to be learnt.

Measured with the 135M starter model (five wordings each of 60 facts, a sixth asked): 87 % right after four passes, none
before. Fewer facts in five wordings each were learnt too (10 facts: 80 %). How many examples a style or a category
takes was not measured here; 60 and 20 are the numbers the advice is built on and what is usual in practice.
"""

from collections import Counter
from collections.abc import Sequence

from studio.base.folding import plain
from studio.base.records import PLACES, Example, Finding, Goal
from studio.health import places
from studio.health.examples import Alike, alike

ENOUGH = 60
WORDINGS = 5  # of a fact that is to be known by heart
MEASURED = 87  # per cent of unseen wordings answered right
EACH = 20  # of a category
MOST_CATEGORIES = 50


def enough(examples: Sequence[Example], goal: Goal, documents: int = 0, known: Alike | None = None) -> list[Finding]:
    """What is there, and what is missing for this goal and why."""
    if all(example.split == "test" for example in examples):
        wanted = goal.facts_or_style != "facts" or goal.kind == "sort"
        return [
            Finding(code="examples_none", level="warn" if wanted else "note", count=0, parameters={"enough": ENOUGH})
        ]
    firsts = [same[0] for same in (known or alike(examples)).values() if any(e.split != "test" for e in same)]
    if goal.kind == "sort" or all(example.task == "sort" for example in firsts):
        categories = Counter(plain(example.answer) for example in firsts)
        if len(categories) <= MOST_CATEGORIES:
            return _categories(firsts, categories)
    found = []
    if len(firsts) < ENOUGH:
        missing = {"enough": ENOUGH, "missing": ENOUGH - len(firsts)}
        found.append(Finding(code="examples_few", level="warn", count=len(firsts), parameters=missing))
    else:
        sources = len({example.source for example in examples})
        found.append(Finding(code="examples_ready", level="good", count=len(firsts), parameters={"sources": sources}))
    by_heart = goal.facts_or_style == "both" or (goal.facts_or_style == "facts" and not documents)
    return [*found, *_wordings(firsts)] if by_heart and goal.kind != "write" else found


def _wordings(firsts: Sequence[Example]) -> list[Finding]:
    """Facts that are to be known by heart have to be asked in several ways."""
    answers = Counter(plain(example.answer) for example in firsts)
    rare = [example for example in firsts if answers[plain(example.answer)] < WORDINGS]
    thin = {plain(example.answer): example for example in rare}
    if not thin:
        return []
    return [
        Finding(
            code="wordings_few",
            level="note",
            count=len(thin),
            parameters={
                "wordings": WORDINGS,
                "enough": WORDINGS * len(answers),
                "missing": sum(WORDINGS - answers[answer] for answer in thin),
                "facts": len(answers),
                "measured": MEASURED,
            },
            places=places.first(places.of_example(e, f"{e.question} → {e.answer}") for e in thin.values()),
        )
    ]


def _categories(firsts: Sequence[Example], categories: Counter[str]) -> list[Finding]:
    small = {name: count for name, count in categories.items() if count < EACH}
    if len(categories) < 2:
        return [
            Finding(
                code="categories_one",
                level="warn",
                count=len(firsts),
                parameters={"example": places.excerpt(firsts[0].answer)},
            )
        ]
    if not small:
        return [
            Finding(
                code="categories_ready", level="good", count=len(firsts), parameters={"categories": len(categories)}
            )
        ]
    rarest = min(small, key=lambda name: small[name])
    example = next(each for each in firsts if plain(each.answer) == rarest)
    shown = [next(each for each in firsts if plain(each.answer) == name) for name in list(small)[:PLACES]]
    return [
        Finding(
            code="categories_few",
            level="warn",
            count=len(small),
            names=tuple(places.excerpt(each.answer) for each in shown),
            parameters={
                "each": EACH,
                "enough": EACH * len(categories),
                "missing": sum(EACH - count for count in small.values()),
                "example": places.excerpt(example.answer),
                "has": small[rarest],
            },
            places=places.of_examples(shown),
        )
    ]
