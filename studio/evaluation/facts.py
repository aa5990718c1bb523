"""Whether an answer states a fact, as a careful reader would say: whatever the way of writing, in either language.

"30 days" is stated by "thirty days" and "30 días"; not by "not 30 days", nor by "30 or 60 days", nor by an answer that says
14 in the next sentence. "14|fourteen" accepts either. Compares texts; knows no question and asks no model.
On 108 answers kept back it told right from wrong, invented and declined ones with AUROC .967 (95 %: .942-.992) when first
scored; letters alone .719, ROUGE-L .697, the embedder's cosine .838 (tests/benchmarks/bench_metrics.py).
"""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from studio.answering import support
from studio.answering.figures import Figure, blanked, figures
from studio.base.folding import fold
from studio.evaluation import lookup, subjects
from studio.retrieval import sentences, terms

WORDS: dict[str, Any] = json.loads((Path(__file__).parent / "facts.json").read_text(encoding="utf-8"))
_TOKEN = re.compile(r"[^\W_]+(?:['’.@&+/-][^\W_]+)*|[.,;:!?()]")
_CLAUSES = re.compile(WORDS["clauses"], re.I)
_OR, _CUES = re.compile(WORDS["or"], re.I), re.compile(WORDS["cues"], re.I)
_ENDS = re.compile(r"[.!?;](?=\s|$)")
_BEHIND = re.compile(WORDS["denied_behind"], re.I)
_NO_BEFORE = re.compile(
    rf"\b(?:{'|'.join(WORDS['no'].split())})\b(?! (?:more|less|fewer|later|longer|más|mas|menos|antes|only|solo|sólo))"
    r"(?:(?!\b(?:if|when|unless|until|si|cuando|hasta|but|pero|sino)\b)[^.,;:!?]){0,40}$",
    re.I,
)
REACH = 4  # words between a no and the word it denies
SPREAD = 3  # words that may stand among the words of a fact
BRIDGED = 6  # words looked back from a figure for its no
HEDGED_WITHIN = 90  # characters between two values that a word like "maybe" joins


def stated(text: str, fact: str, known: str = "") -> bool:
    """Whether the text states one of the fact's alternatives and takes none of it back.

    `known` is what is true anyhow (the reference answer and the question): values that stand there contradict nothing.
    """
    said = rewritten(text)
    return any(_states(said, rewritten(each.strip()), known) for each in fact.split("|") if each.strip())


@lru_cache(maxsize=4_000)
def rewritten(text: str) -> str:
    """The text with what people say of values brought to one form: "at 9", "a fortnight", "the thirty-first of March"."""
    for pattern, instead in _patterns():
        text = pattern.sub(instead, text)
    return text


class _At(NamedTuple):
    start: int
    end: int


def _states(text: str, wanted: str, known: str) -> bool:
    asked = figures(wanted)
    if asked:
        return _states_figures(text, wanted, asked, known)
    words = [fold(word) for word in _words(wanted)]
    if not words or all(word in _noes() for word in words):
        return lookup.states(text, wanted)
    if any(word in support.noes() for word in words):  # "not covered", "sin franquicia"
        return _denies(text, wanted)
    found = list(_phrases(text, words))
    reach = REACH + sum(not terms.content(word) for word in words)
    return bool(found) and not any(_denied_word(text, at, reach) for at in found)


def _states_figures(text: str, wanted: str, asked: Sequence[Figure], known: str) -> bool:
    said = figures(text)
    rest = set(support.meaning(blanked(wanted, asked)))
    stands: list[Figure] = []
    for figure in asked:
        same = [each for each in said if _agree(figure, each)]
        same = [each for each in same if rest <= set(support.meaning(_sentence(text, each.start)))]
        if not same:
            return not _is_plain(wanted, asked) and lookup.states(text, wanted)
        if any(_denied(text, each) for each in same):
            return False
        stands += same
    if known and _of_another(text, stands, asked, known):
        return False
    return not any(_against(text, each, said, asked, known) for each in stands)


def _of_another(text: str, stands: Sequence[Figure], asked: Sequence[Figure], known: str) -> bool:
    """Whether the value is given to something else ("the frame has 2 years, the battery 5"): nothing that it stands with is
    in the question or the reference, while another value of its kind stands with what is."""
    about = rewritten(known)
    true = (*asked, *figures(about))
    meant = set(support.meaning(blanked(about, figures(about))))
    every = subjects.of(text)
    mine = [each for each in every if each.figure in stands]
    others = [
        each
        for each in every
        if any(subjects.kind(each.figure) == subjects.kind(figure) for figure in stands)
        and not any(support.agree(each.figure, figure) for figure in true)
    ]
    aside = bool(meant) and all(each.words and not each.words & meant for each in mine)
    return aside and any(not each.words or each.words & meant for each in others)


def _agree(asked: Figure, said: Figure) -> bool:
    """As `support.agree`, but a stretch from one value to another is not one of them."""
    if asked.low == asked.high and said.low != said.high:
        return False
    if asked.kind == "number" and said.kind in ("clock", "date"):
        return asked.raw == said.raw or (said.kind == "date" and asked.low == said.low % 100)
    return support.agree(asked, said)


def _against(text: str, stated: Figure, said: Sequence[Figure], asked: Sequence[Figure], known: str) -> bool:
    """Whether the text gives another value for the same thing: offers both, takes one back, or says both of one subject."""
    about = rewritten(known)
    true = figures(about)
    doubted = _no_before(
        text, stated
    ) and not any(  # "no caben 12, caben 8"; not "no coma 8 horas antes" where that is so
        support.agree(stated, each) and _no_before(about, each) for each in true
    )
    for other in said:
        if any(support.agree(each, other) for each in (*asked, *true)) or _denied(text, other):
            continue
        first, last = sorted((stated, other), key=lambda each: each.start)
        between = text[first.end : last.start]
        bare = any(
            each.kind == "number" and not each.of for each in (first, last)
        )  # "€150 or 200", "27.90. Sorry, 28."
        alike = other.kind == stated.kind and (other.kind != "number" or other.of == stated.of)
        if (alike or bare) and (_OR.match(between) or (len(between) <= HEDGED_WITHIN and _CUES.search(between))):
            return True
        if (alike or bare) and doubted:
            return True
        if not alike:
            continue
        if _ENDS.search(between) and _one_subject(text, stated, other):
            return True
    return False


def _no_before(text: str, figure: Figure) -> bool:
    return bool(_NO_BEFORE.search(text[max(figure.start - 60, 0) : figure.start]))


def _one_subject(text: str, one: Figure, other: Figure) -> bool:
    """Whether two sentences speak of the same: nearly all words of meaning of the shorter stand in the longer."""
    first, second = (
        set(support.meaning(blanked(part, figures(part))))
        for part in (_part(text, one.start), _part(text, other.start))
    )
    fewer = min(first, second, key=len)
    return bool(fewer) and len(first & second) >= 0.75 * len(fewer)


def _denied(text: str, figure: Figure) -> bool:
    """ "not 14 days", "no son 14", "14 days is not right"; but not "no later than 14 days"."""
    before = _TOKEN.findall(text[max(figure.start - 60, 0) : figure.start])[-BRIDGED:]
    for word in reversed(before):
        bare = fold(word).replace("’", "'")
        if bare in _noes():
            return True
        if bare not in _bridge():
            break
    return bool(_BEHIND.match(text[figure.end :]))


def _denied_word(text: str, at: _At, reach: int) -> bool:
    """Whether an odd number of noes stands right before it in its clause, or one right behind."""
    clause = _CLAUSES.split(text[: at.start])[-1]
    before = [fold(word).replace("’", "'") for word in _words(clause)]
    without = sum(word in ("without", "sin") for word in before[-reach:])
    noes = sum(word in _noes() for word in (before if without else before[-reach:]))  # "not accepted without"
    return bool((noes + without) % 2) or bool(_BEHIND.match(text[at.end :]))


def _denies(text: str, wanted: str) -> bool:
    """For a fact that is a no ("not covered"): whether a clause of the text says no of the same."""
    meant = support.stretch(wanted).words
    for parts in (_CLAUSES.split(text), sentences.split(text)):
        speaking = [each for part in parts if meant <= (each := support.stretch(part)).words]
        if meant and speaking:
            return all(each.negated for each in speaking)
    return False


def _phrases(text: str, words: Sequence[str]) -> Iterator[_At]:
    """Where the words stand: one behind the other, or, when they are several, close together in a sentence.

    Compared as stems; what is written as a name or an address must be the same to the letter.
    """
    wanted = [_stem(word) for word in words if terms.content(word) or len(words) == 1]
    wanted = wanted or [_stem(word) for word in words]
    tokens = [(each.start(), each.end(), _stem(fold(each.group()))) for each in _TOKEN.finditer(text)]
    for at, (start, _, stem) in enumerate(tokens):
        if stem not in wanted:
            continue
        near = tokens[at : at + len(words) + SPREAD]
        stop = next((n for n, each in enumerate(near) if each[2] in ".!?;"), len(near))
        here = [each[2] for each in near[:stop]]
        if all(here.count(each) >= wanted.count(each) for each in wanted):
            last = max(n for n, each in enumerate(here) if each in wanted)
            yield _At(start, near[last][1])


@lru_cache(maxsize=4_000)
def _stem(word: str) -> str:
    return word if not word.isalpha() else terms.stem(word)


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    made = [(re.compile(pattern, re.I), instead) for pattern, instead in WORDS["rewritten"]]
    small = WORDS["ordinals"].split()
    numbers = {word: n for n, word in enumerate(small, start=1) if n > 3}  # "first" and "second" mostly count nothing
    numbers |= {
        f"{ten}-{word}": at + n for ten, at in (("twenty", 20), ("thirty", 30)) for n, word in enumerate(small, 1)
    }
    ordinals = sorted((numbers | {"twentieth": 20, "thirtieth": 30}).items(), key=lambda each: -len(each[0]))
    return [*made, *((re.compile(rf"\b{word}\b(?! \w+s\b)", re.I), str(n)) for word, n in ordinals)]


def _is_plain(wanted: str, asked: Sequence[Figure]) -> bool:
    """Whether the fact is a value and nothing else; a code such as "form 303" may stand there to the letter instead."""
    return not _words(blanked(wanted, asked))


def _part(text: str, position: int) -> str:
    """The stretch between two full stops or semicolons."""
    before = [each.end() for each in _ENDS.finditer(text, 0, position)]
    behind = _ENDS.search(text, position)
    return text[before[-1] if before else 0 : behind.start() if behind else len(text)]


def _sentence(text: str, position: int) -> str:
    spans = sentences.spans(text)
    return next((text[start:end] for start, end in spans if start <= position < end), text)


def _words(text: str) -> list[str]:
    return [word for word in _TOKEN.findall(text) if word[0].isalnum()]


@cache
def _noes() -> frozenset[str]:
    return frozenset(WORDS["no"].split())


@cache
def _bridge() -> frozenset[str]:
    return frozenset(fold(word) for word in WORDS["bridge"].split())
