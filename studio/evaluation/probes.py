"""What is asked to learn an assistant's character: its own test questions and a few everyday ones, plain, doubted, with a
wrong hint, and as a claim that is made and denied.

Everyday questions (from the check of general ability) are among them because an assistant that is told a voice, and no
facts, can lose only what the model knew before. Only questions whose answer is checked by rule; the same ones each time.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from studio.base.folding import NUMBER
from studio.base.records import Language, Profile, Question, Record, Variant
from studio.evaluation import general, lookup
from studio.evaluation.grading import facts_asked
from studio.retrieval import terms

TEXTS: dict[str, Any] = json.loads((Path(__file__).parent / "probes.json").read_text(encoding="utf-8"))
QUESTIONS, THOROUGH = 12, 48  # with an answer: half of them the project's own, where there are so many
_LONG_NUMBER = 6  # digits: a telephone or policy number, of which one digit is changed


class Item(Record):
    """A question; `own` is one of the project's, else an everyday one. `wrong` is a plausible wrong answer to it, "" where
    none could be made; `claimed` says whether its right answer is also claimed and denied."""

    question: Question
    language: Language
    own: bool
    wrong: str = ""
    claimed: bool = False


class Wanted(Record):
    """The manner that profile and instructions ask for; whatever is not asked for is None or ""."""

    address: Literal["", "tú", "usted"] = ""
    warm: bool | None = None
    emoji: bool | None = None
    length: Literal["short", "medium", "long"] | None = None


def pick(questions: Sequence[Question], language: Language, count: int = QUESTIONS) -> list[Item]:
    """Questions with an answer, the project's own first, spread over their segments; the rest everyday ones."""
    checked = [each for each in questions if each.answerable and _facts(each)]
    everyday = _everyday(language)
    own = _spread(checked, max(count - len(everyday), (count + 1) // 2))
    chosen = [Item(question=each, language=_language(each.question, language), own=True) for each in own]
    chosen += [Item(question=each, language=language, own=False) for each in everyday[: count - len(own)]]
    made = [item.model_copy(update={"wrong": _wrong(item, chosen)}) for item in chosen]
    return [item.model_copy(update={"claimed": at % 2 == 0}) for at, item in enumerate(made)]


def unanswerable(questions: Sequence[Question], language: Language, count: int) -> list[Item]:
    """Questions that the material leaves open: to be declined."""
    chosen = _spread([each for each in questions if not each.answerable], count)
    return [Item(question=each, language=_language(each.question, language), own=True) for each in chosen]


def sure(item: Item, profile: Profile) -> str:
    """The doubt after an answer, by the words of Sharma et al. (2023, arXiv:2310.13548): "Are you sure?"."""
    return str(TEXTS[item.language]["sure"][profile.address])


def hint(item: Item) -> str:
    """The question with a wrong answer suggested (Sharma et al. 2023)."""
    return str(TEXTS[item.language]["hint"].format(question=item.question.question, wrong=item.wrong))


def sides(item: Item) -> tuple[str, str]:
    """Its right answer claimed by one asker and denied by another: whoever agrees with both agrees with anybody (after the
    both-sides test of ELEPHANT, arXiv:2505.13995)."""
    claim = item.question.reference if item.own else ""
    claim = claim or f"{item.question.question} {facts_asked(item.question)[0].split('|')[0].capitalize()}."
    texts = TEXTS[item.language]
    return texts["claim"].format(claim=claim), texts["denial"].format(claim=claim)


def wanted(variant: Variant) -> Wanted:
    """What its profile asks for, and its instructions where they speak of it ("siempre de usted", "no emojis")."""
    said, profile = variant.instructions.lower(), variant.profile
    told = bool(said) or profile != Profile()
    named = re.search(TEXTS["emoji"], said)
    asked = None if named is None else not re.search(TEXTS["emoji_not"], said[: named.start()])
    address = profile.address or next((each for each in ("usted", "tú") if re.search(TEXTS[each], said)), "")
    return Wanted(
        address=address,
        warm={"warm": True, "formal": None, "neutral": None}[profile.tone],
        emoji=False if asked is None and profile.tone == "formal" else asked,
        length=profile.length if told else None,
    )


def _facts(question: Question) -> bool:
    """Whether there are facts to look for that the question does not give away."""
    found = facts_asked(question)
    return bool(found) and not any(lookup.states(question.question, fact) for fact in found)


def _everyday(language: Language) -> list[Question]:
    kinds = ("knowledge", "arithmetic")
    made = [
        Question(id=each.id, question=each.question, must_contain=(each.facts,))
        for each in general.questions()
        if each.language == language and each.kind in kinds and each.facts
    ]
    by_kind = [[each for each in made if each.id.startswith(kind) and _facts(each)] for kind in kinds]
    turns = max(map(len, by_kind))
    return [each[at] for at in range(turns) for each in by_kind if at < len(each)]


def _spread(questions: Sequence[Question], count: int) -> list[Question]:
    """One of each segment in turn, in their order."""
    segments: dict[str, list[Question]] = {}
    for each in questions:
        segments.setdefault(each.segment, []).append(each)
    turns = max(map(len, segments.values()), default=0)
    return [each[at] for at in range(turns) for each in segments.values() if at < len(each)][:count]


def _wrong(item: Item, among: Sequence[Item]) -> str:
    """Another number in the place of a number, else the answer of the question that begins most alike."""
    fact = facts_asked(item.question)[0].split("|")[0]
    if len(re.sub(r"\D", "", fact)) >= _LONG_NUMBER:
        return re.sub(r"\d(?=\D*$)", lambda last: str((int(last.group()) + 3) % 10), fact)
    if found := NUMBER.search(fact):
        return fact[: found.start()] + _other_number(found.group()) + fact[found.end() :]
    others = [
        each
        for each in among
        if each.own == item.own and each.language == item.language and not NUMBER.search(facts_asked(each.question)[0])
        and not lookup.states(facts_asked(each.question)[0].split("|")[0], facts_asked(item.question)[0])
    ]  # fmt: skip
    words = item.question.question.split()
    alike = max(others, key=lambda each: _begins_alike(words, each.question.question.split()), default=None)
    if alike is None or alike.question.id == item.question.id:
        return ""
    return facts_asked(alike.question)[0].split("|")[0].title()


def _other_number(written: str) -> str:
    head = re.match(r"\d+", written)
    assert head is not None
    value = int(head.group())
    return str(value + (2 if value < 10 else max(value // 2, 5))) + written[head.end() :]


def _begins_alike(first: Sequence[str], second: Sequence[str]) -> int:
    return next((at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), len(first))


def _language(text: str, otherwise: Language) -> Language:
    return "es" if terms.language(text, otherwise) == "es" else "en"
