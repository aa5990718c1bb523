"""Groups of people that the material mentions with unlike outcome or tone: counts with their intervals, never a verdict.

A text counts for a group when it names that group and no other of the same kind, for an outcome when it holds words of
one sort only ("approved", "denied"; a no in front turns them), for a tone by a small list of words. That is coarse: it
sees words, not what is meant. Differences are told only where chance is an unlikely explanation: Newcombe's 95 %
interval leaves out 0 and Fisher's exact test holds after Holm's correction for everything that was compared. The lists
are `groups.json`; a project may bring its own of the same form (`groups.json` in its folder).
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from math import sqrt
from pathlib import Path
from typing import NamedTuple

from pydantic import Field, ValidationError

from studio.base import chance
from studio.base.errors import BadInput
from studio.base.records import PLACES, Document, Example, Finding, Language, Parameter, Place, Record
from studio.health import places, wording
from studio.intake import language

FEWEST = 10  # texts on either side
SIGNIFICANT = 0.05
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
BEFORE = 3  # words in which a no turns what follows
Words = Mapping[Language, tuple[str, ...]]


class Lists(Record):
    """Kinds of groups (gender, …) -> group -> its words; the words of good and bad outcomes and of good and bad tone."""

    groups: dict[str, dict[str, Words]]
    outcome: dict[str, Words] = Field(default={})
    tone: dict[str, Words] = Field(default={})


class Mention(NamedTuple):
    """A text that names one group of a kind: the words that name it, and what is said well (True) or badly (False)."""

    group: str
    words: tuple[str, ...]
    said: dict[str, bool]
    piece: Document | Example
    start: int
    end: int


class Side(NamedTuple):
    good: int
    all: int

    @property
    def share(self) -> float:
        return self.good / self.all


@cache
def ours() -> Lists:
    return _parse((Path(__file__).parent / "groups.json").read_text(encoding="utf-8"))


def of_folder(folder: Path) -> Lists:
    """The lists a project brings, or ours. Raises BadInput("groups_not_understood")."""
    own = folder / "groups.json"
    if not own.is_file():
        return ours()
    try:
        return _parse(own.read_text(encoding="utf-8-sig"))
    except (ValidationError, UnicodeDecodeError, ValueError) as error:
        raise BadInput("groups_not_understood", name=own.name) from error


def one_sided(documents: Sequence[Document], examples: Sequence[Example], lists: Lists | None = None) -> list[Finding]:
    """Groups with an unlike share of good outcomes or good tone, the least likely to be chance first."""
    lists = lists or ours()
    compared = []
    for kind, mentions in _mentions(documents, examples, lists).items():
        groups = sorted({mention.group for mention in mentions})
        for measure in ("outcome", "tone"):
            for group in groups[:1] if len(groups) == 2 else groups:
                mine = [m for m in mentions if m.group == group and measure in m.said]
                rest = [m for m in mentions if m.group != group and measure in m.said]
                if min(len(mine), len(rest)) >= FEWEST:
                    compared.append((_chance(_side(mine, measure), _side(rest, measure)), kind, measure, mine, rest))
    compared.sort(key=lambda each: each[0])
    found = []
    for rank, (p_value, _, measure, mine, rest) in enumerate(compared):
        if p_value * (len(compared) - rank) > SIGNIFICANT:  # Holm: the first that fails ends it
            break
        low, high = difference(_side(mine, measure), _side(rest, measure))
        if low > 0 or high < 0:
            found.append(_finding(measure, mine, rest))
    return found


def interval(side: Side) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    return chance.wilson(side.share * side.all, side.all)


def difference(a: Side, b: Side) -> tuple[float, float]:
    """Newcombe's 95 % interval of the difference of two shares (his method 10, from both Wilson intervals)."""
    (low_a, high_a), (low_b, high_b) = interval(a), interval(b)
    apart = a.share - b.share
    low = apart - sqrt((a.share - low_a) ** 2 + (high_b - b.share) ** 2)
    high = apart + sqrt((high_a - a.share) ** 2 + (b.share - low_b) ** 2)
    return low, high


def _parse(text: str) -> Lists:
    written = json.loads(text)
    if not isinstance(written, dict):
        raise ValueError(type(written).__name__)
    return Lists.model_validate({key: value for key, value in written.items() if key != "//"})


def _mentions(documents: Sequence[Document], examples: Sequence[Example], lists: Lists) -> dict[str, list[Mention]]:
    """Every text that names exactly one group of a kind and says something of it, once for each different text."""
    named = {name: _index(lists.groups, name) for name in ("en", "es")}
    said = {name: _said(lists, name) for name in ("en", "es")}
    found: dict[str, list[Mention]] = defaultdict(list)
    seen: set[str] = set()
    for text, piece, start, end in _texts(documents, examples):
        lowered = text.lower()
        words = WORD.findall(lowered)
        unique = set(words)
        if not any(unique & named[name].keys() for name in named):
            continue
        spoken = language.of(text)
        if spoken not in named or (same := wording.same(text)) in seen:
            continue
        seen.add(same)
        groups: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for first in unique & named[spoken].keys():
            for phrase, kind, group in named[spoken][first]:
                if phrase == first or re.search(rf"\b{re.escape(phrase)}\b", lowered):
                    groups[kind][group].append(phrase)
        told = {
            measure: tells for measure in said[spoken] if (tells := _tells(words, said[spoken][measure])) is not None
        }
        if told:
            for kind, each in groups.items():
                if len(each) == 1:
                    [(group, phrases)] = each.items()
                    found[kind].append(Mention(group, tuple(phrases), told, piece, start, end))
    return found


def _texts(
    documents: Sequence[Document], examples: Sequence[Example]
) -> Iterator[tuple[str, Document | Example, int, int]]:
    """Examples whole, documents by the sentence."""
    for example in examples:
        yield f"{example.question}\n{example.answer}", example, 0, 0
    for document in documents:
        for each in SENTENCE.finditer(document.text):
            yield each[0], document, each.start(), each.end()


def _index(groups: Mapping[str, Mapping[str, Words]], name: Language) -> dict[str, list[tuple[str, str, str]]]:
    """First word -> (phrase, kind, group)."""
    index: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for kind, each in groups.items():
        for group, words in each.items():
            for phrase in words.get(name, ()):
                if first := WORD.findall(phrase.lower())[:1]:
                    index[first[0]].append((phrase.lower(), kind, group))
    return dict(index)


def _said(lists: Lists, name: Language) -> dict[str, dict[str, bool]]:
    """Measure -> word -> whether it speaks well."""
    return {
        measure: {
            word.lower(): side == "good" for side in ("good", "bad") for word in words.get(side, {}).get(name, ())
        }
        for measure, words in (("outcome", lists.outcome), ("tone", lists.tone))
    }


def _tells(words: Sequence[str], known: Mapping[str, bool]) -> bool | None:
    """Well, badly, or neither (nothing is said, or both as often)."""
    score = 0
    for at, word in enumerate(words):
        if word in known:
            before = words[max(at - BEFORE, 0) : at]
            turned = any(each in wording.NO or each.endswith(("n't", "n’t")) for each in before)
            score += 1 if known[word] != turned else -1
    return None if score == 0 else score > 0


def _side(mentions: Sequence[Mention], measure: str) -> Side:
    return Side(sum(mention.said[measure] for mention in mentions), len(mentions))


def _chance(a: Side, b: Side) -> float:
    from scipy.stats import fisher_exact

    return float(fisher_exact([[a.good, a.all - a.good], [b.good, b.all - b.good]])[1])


def _finding(measure: str, mine: Sequence[Mention], rest: Sequence[Mention]) -> Finding:
    """The side that is spoken of less well comes first."""
    if _side(mine, measure).share > _side(rest, measure).share:
        mine, rest = rest, mine
    a, b = _side(mine, measure), _side(rest, measure)
    low, high = difference(b, a)
    parameters: dict[str, Parameter] = {"words": _words(mine), "other_words": _words(rest)}
    for name, side in (("", a), ("other_", b)):
        bounds = interval(side)
        parameters |= {
            f"{name}mentions": side.all,
            f"{name}good": side.good,
            f"{name}share": round(100 * side.share),
            f"{name}low": round(100 * bounds[0]),
            f"{name}high": round(100 * bounds[1]),
        }
    parameters |= {
        "difference": round(100 * (b.share - a.share)),
        "least": max(round(100 * low), 1),
        "most": round(100 * high),
    }
    return Finding(
        code="groups_outcome" if measure == "outcome" else "groups_tone",
        level="note",
        count=a.all + b.all,
        parameters=parameters,
        places=tuple(_place(m) for m in mine if not m.said[measure])[:PLACES],
    )


def _words(mentions: Iterable[Mention]) -> str:
    counts = Counter(word for mention in mentions for word in mention.words)
    return ", ".join(word for word, _ in counts.most_common(3))


def _place(mention: Mention) -> Place:
    if isinstance(mention.piece, Document):
        return places.of_document(mention.piece, mention.start, mention.end)
    return places.of_example(mention.piece, f"{mention.piece.question} → {mention.piece.answer}")
