"""Checks of the examples and the test questions: copies, contradictions, leaks, rows without words.

Every detector (`copies`, `near_copies`, `disputes`, `leaking`, `empty`) returns the very records its finding counts, so
that a repair takes exactly those.
"""

from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Sequence
from difflib import SequenceMatcher
from hashlib import blake2b
from itertools import combinations, islice

from studio.base.folding import numbers, plain
from studio.base.records import PLACES, Example, Finding, Level, Parameter, Place, Question
from studio.health import near, places, wording

NEARLY = 0.8
ASKED = 0.85  # of the questions' letters, for two examples with nearly the same answer
LEAKS = 0.7
LEAKS_WITH_ANSWER = 0.5  # a question this alike is the same one when its answer is too
SAME_ANSWER = 0.5
SHOWN = 10
COMPARED = 20  # different answers to one question
Alike = dict[bytes, list[Example]]


def duplicates(examples: Sequence[Example], known: Alike | None = None) -> list[Finding]:
    """Rows that say word for word the same as an earlier one. `known` is what `alike` says, for those who have it."""
    again = copies(examples, known)
    return [about("examples_duplicate", "warn", again, repairs=("drop_duplicates",))] if again else []


def copies(examples: Sequence[Example], known: Alike | None = None) -> list[Example]:
    """Examples that say the same as an earlier one, case, accents and punctuation aside."""
    return [example for same in (known or alike(examples)).values() for example in same[1:]]


def near_duplicates(examples: Sequence[Example], known: Alike | None = None) -> list[Finding]:
    """Examples that differ from an earlier one by a few letters."""
    again = near_copies(examples, known)
    return [about("examples_near", "note", again, repairs=("drop_near_duplicates",))] if again else []


def near_copies(examples: Sequence[Example], known: Alike | None = None) -> list[Example]:
    """Examples that nearly repeat one that is kept; those with other numbers or another no are not the same.

    Another way of asking for the same answer is no copy either: variety of that kind is what is learnt from.
    """
    firsts = [same[0] for same in (known or alike(examples)).values()]
    texts = [whole(example) for example in firsts]
    near_to: dict[int, list[int]] = defaultdict(list)
    for copy, first in near.copies(texts, NEARLY, keys=[wording.claim(text) for text in texts]).items():
        near_to[first].append(copy)
    found: list[int] = []
    for first, group in near_to.items():
        kept = {plain(firsts[first].question): None}
        for position in group:
            asked = plain(firsts[position].question)
            if asked in kept or any(_asks_the_same(asked, other) for other in list(kept)[:SHOWN]):
                found.append(position)
            kept[asked] = None
    return [firsts[position] for position in sorted(found)]


def contradictions(examples: Sequence[Example]) -> list[Finding]:
    """The same question with answers that cannot both be right: other numbers, a yes against a no, or other words."""
    disputed = disputes(examples)
    if not disputed:
        return []
    shown = tuple(places.excerpt(same[0].question) for same in disputed[:SHOWN])
    rows = [example for same in disputed for example in same]
    return [
        Finding(
            code="examples_contradict",
            level="warn",
            count=len(disputed),
            names=shown,
            parameters={"rows": places.rows(rows), "example": shown[0]},
            places=places.first(places.of_example(e, f"{e.question} → {e.answer}") for e in rows),
            repairs=("keep_newest_answer",),
        )
    ]


def disputes(examples: Sequence[Example]) -> list[list[Example]]:
    """Examples that answer one question differently, a list a question, in the order of the material.

    Asked in nearly the same words (a small word more, a typing error), only answers that plainly clash count: other
    numbers, or a yes against a no.
    """
    asked: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        if sum(message.role == "user" for message in example.messages) == 1:  # alone it means the same each time
            asked[plain(example.question)].append(example)
    asked.pop("", None)
    found = [same for same in asked.values() if len(same) > 1 and _disagree(same, strictly=False)]
    known = {id(example) for same in found for example in same}
    position = {example.id: n for n, example in enumerate(examples)}
    for questions in _reworded(list(asked)):
        same = sorted((e for question in questions for e in asked[question]), key=lambda e: position[e.id])
        if not any(id(example) in known for example in same) and _disagree(same, strictly=True):
            found.append(same)
    return found


def leaks(examples: Sequence[Example], questions: Sequence[Question]) -> list[Finding]:
    """Test questions that are, nearly word for word, among the examples: a model that read them proves nothing.

    Good news when there are none.
    """
    if not questions:
        return [Finding(code="questions_none", level="note", count=0)]
    found = _given_away(examples, questions)
    if not found:
        return [Finding(code="questions_apart", level="good", count=len(questions))] if examples else []
    leaked = [questions[n] for n in sorted({asked for asked, _ in found})]
    names = tuple(places.excerpt(question.question) for question in leaked[:PLACES])
    learnt = [examples[n] for n in sorted({n for _, n in found})]
    return [
        Finding(
            code="questions_leak",
            level="warn",
            count=len(leaked),
            names=names,
            parameters={"of": len(questions), "example": names[0]},
            places=places.first([*map(places.of_question, leaked[: PLACES // 2]), *places.of_examples(learnt)]),
            repairs=("drop_leaks",),
        )
    ]


def leaking(examples: Sequence[Example], questions: Sequence[Question]) -> list[Example]:
    """The examples to learn from that give a test question away."""
    return [examples[n] for n in sorted({n for _, n in _given_away(examples, questions)})]


def tested(examples: Sequence[Example], questions: Sequence[Question]) -> tuple[list[Example], list[Question]]:
    """What is learnt from, and all it is measured with: the questions and the examples that are held back for it."""
    held = [Question(id=e.id, question=e.question, reference=e.answer) for e in examples if e.split == "test"]
    return [example for example in examples if example.split != "test"], [*questions, *held]


def gaps(examples: Sequence[Example]) -> list[Finding]:
    """Questions or answers without a word in them."""
    found = empty(examples)
    return [about("examples_empty", "warn", found, repairs=("drop_empty",))] if found else []


def empty(examples: Sequence[Example]) -> list[Example]:
    return [example for example in examples if not (has_words(example.answer) and has_words(example.question))]


def alike(examples: Sequence[Example]) -> Alike:
    """Examples by what they say."""
    same: Alike = defaultdict(list)
    for example in examples:
        said = "\x1e".join(f"{message.role} {wording.same(message.content)}" for message in example.messages)
        same[blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).digest()].append(example)
    return same


def about(
    code: str,
    level: Level,
    examples: Sequence[Example],
    *,
    repairs: tuple[str, ...] = (),
    shown: Sequence[Place] | None = None,
    **more: Parameter,
) -> Finding:
    """A finding of so many examples, with the first of them."""
    names = tuple(dict.fromkeys(map(places.name_of, examples)))
    stand = places.of_examples(examples) if shown is None else places.first(shown)
    parameters: dict[str, Parameter] = {"rows": places.rows(examples), "example": places.of_example(examples[0]).text}
    return Finding(
        code=code,
        level=level,
        count=len(examples),
        names=names,
        parameters=parameters | more,
        places=stand,
        repairs=repairs,
    )


def whole(example: Example) -> str:
    return "\n".join(message.content for message in example.messages)


def has_words(text: str) -> bool:
    return any(map(str.isalnum, text))


def _asks_the_same(a: str, b: str) -> bool:
    """All but a few letters alike; also for questions of three words, whose groups of letters are too few to compare."""
    compared = SequenceMatcher(None, a, b, autojunk=False)
    return compared.real_quick_ratio() >= ASKED and compared.quick_ratio() >= ASKED and compared.ratio() >= ASKED


def _reworded(questions: Sequence[str]) -> list[list[str]]:
    """Questions that ask the same in other small words or with a typing error, together."""
    by_content: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for question in questions:
        if content := wording.content(question):
            by_content[content].append(question)
    uses = Counter(word for content in by_content for word in set(content))
    gaps: dict[tuple[str, ...], list[tuple[str, ...]]] = defaultdict(list)
    for content in by_content:
        for gap in _with_a_gap(content, {word for word in content if uses[word] == 1}):
            gaps[gap].append(content)  # a word that is used elsewhere is no typing error
    home = {content: content for content in by_content}
    for content in by_content:
        for gap in _with_a_gap(content, content):
            for slipped in gaps.get(gap, ()):
                if home[slipped] == slipped != home[content] and wording.misspelt(content, slipped):
                    by_content[home[content]] += by_content[slipped]
                    home[slipped] = home[content]
    return [same for content, same in by_content.items() if home[content] == content and len(same) > 1]


def _with_a_gap(content: tuple[str, ...], words: Container[str]) -> Iterator[tuple[str, ...]]:
    """The same without one of these words, if it is long and no number."""
    for at, word in enumerate(content):
        if word in words and len(word) >= wording.LONG and word.isalpha():
            yield (*content[:at], "", *content[at + 1 :])


def _disagree(same: Sequence[Example], strictly: bool) -> bool:
    answers = islice({plain(example.answer): example.answer for example in same}.values(), COMPARED)
    return any(_contradicts(a, b, strictly) for a, b in combinations(answers, 2))


def _contradicts(a: str, b: str, strictly: bool) -> bool:
    figures, others = numbers(a), numbers(b)
    if not (figures <= others or others <= figures):
        return True
    words, theirs = set(plain(a).split()), set(plain(b).split())
    shared = len(words & theirs) / max(min(len(words), len(theirs)), 1)
    if wording.negated(a) != wording.negated(b):
        return not strictly or shared >= SAME_ANSWER
    return not strictly and shared < SAME_ANSWER


def _given_away(examples: Sequence[Example], questions: Sequence[Question]) -> list[tuple[int, int]]:
    """(test question, example) by position: the same question, nearly the same one, or a like one with a like answer."""
    if not examples or not questions:
        return []
    by_words: dict[str, list[int]] = defaultdict(list)
    for n, example in enumerate(examples):
        by_words[plain(example.question)].append(n)
    asked = list(by_words)
    found = {(n, at) for n, each in enumerate(questions) for at in by_words.get(plain(each.question), ())}
    firsts = [examples[at[0]].question for at in by_words.values()]
    keys = [numbers(text) for text in (*(each.question for each in questions), *firsts)]
    texts = [each.question for each in questions]
    for n, other in near.across(texts, asked, LEAKS_WITH_ANSWER, keys=keys):
        alone = near.similarity(texts[n], asked[other], "letters") >= LEAKS
        for at in by_words[asked[other]]:
            if alone or _same_answer(questions[n].reference, examples[at].answer):
                found.add((n, at))
    return sorted(pair for pair in found if has_words(questions[pair[0]].question))


def _same_answer(reference: str, answer: str) -> bool:
    if not reference or numbers(reference) != numbers(answer):
        return False
    return near.similarity(reference, answer, "letters") >= NEARLY
