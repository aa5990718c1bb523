"""An embedder for tests that obeys the engine's interface: a text's vector is the sum of its words' fixed directions."""

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np

from studio.base.records import Record
from studio.retrieval import terms


class Named(Record):
    name: str
    dim: int


class WordEmbedder:
    """Texts that share words are near; all texts share a direction, as with real small embedders."""

    def __init__(self, name: str = "words-1", dim: int = 48) -> None:
        self.named = Named(name=name, dim=dim)
        self.seen: list[str] = []

    def embedder(self) -> Named:
        return self.named

    def embed(self, texts: Sequence[str], kind: Literal["query", "passage"]) -> np.ndarray:
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
