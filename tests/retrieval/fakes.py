"""An embedder for tests that obeys the engine's interface: a text's vector is the sum of its words' fixed directions.
And the few words in which tests of the index are written."""

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np

from studio.base.project import Project
from studio.base.records import Document, Language, Record
from studio.retrieval import Hits, calibration, terms


class Named(Record):
    name: str
    dim: int
    weight: float = 0.6


class WordEmbedder:
    """Texts that share words are near; all texts share a direction, as with real small embedders."""

    def __init__(self, name: str = "words-1", dim: int = 48) -> None:
        self.named = Named(name=name, dim=dim)
        self.seen: list[str] = []

    def embedder(self, name: str = "") -> Named:
        return self.named

    def embed(self, texts: Sequence[str], kind: Literal["query", "passage"], embedder: str = "") -> np.ndarray:
        if kind == "passage":
            self.seen.extend(texts)
        vectors = np.stack([self._vector(text) for text in texts])
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    def _vector(self, text: str) -> np.ndarray:
        dim = self.named.dim
        parts = [self._direction(word, dim) for word in terms.content(text)]
        return sum(parts, np.zeros(dim)) + np.full(dim, 0.4)

    @staticmethod
    def _direction(word: str, dim: int) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
        return np.random.default_rng(seed).standard_normal(dim)


EVERY_PROBE = calibration.probes()


def few_probes() -> dict[Language, list[tuple[calibration.Kind, str]]]:
    """16 of an index's 128 probes, which are most of what building a small one costs. Stands in for `calibration.probes`."""
    return {language: probes[::8] for language, probes in EVERY_PROBE.items()}


def go_on() -> bool:
    return False


def put(project: Project, name: str, text: str, language: Language = "es") -> None:
    made = Document(id=name, name=name, kind="md", text=text, source=f"sources/{name}", sha256=name, language=language)
    project.store.put_source(made.source, made.sha256, [made], [], [])


def found(hits: Hits) -> list[str]:
    return [passage.chunk.document for passage in hits.passages]
