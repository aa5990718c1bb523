"""The defaults of other products on given texts: how they cut, embed, mix, and how much they hand over.

Facts from their sources (AnythingLLM August 2026, Open WebUI 0.12, Kotaemon March 2026):
- AnythingLLM: LangChain's recursive splitter, 1000 characters, 20 shared; all-MiniLM-L6-v2; vectors alone, those below a
  cosine of .25 dropped; 4 passages. (Its weights are quantised; here they are whole.)
- Open WebUI: the same splitter, 1000 and 100; all-MiniLM-L6-v2 by sentence-transformers (256 tokens); vectors alone; 3.
- Kotaemon: LlamaIndex's token splitter, 1024 and 256; up to 100 hits of LanceDB's full text, English stemmer, placed
  before 100 hits of the vectors, the first 10 kept. Its reranker needs a key and without one changes nothing. Its embedder
  (bge-base-en for who has no key) is not to be had here: all-MiniLM-L6-v2 stands in, and only for what comes after the
  full text. It never joins the two lists; here a passage that both found counts once, which is kinder.
What needs other libraries runs in another Python (`rival_passages.py`).
"""

import hashlib
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

DEEP = 50  # passages looked at; ten different documents are among them


class Product(NamedTuple):
    """How a product cuts, how much of it its embedder reads, and how many passages it hands to its language model."""

    unit: Literal["characters", "tokens"]
    size: int
    shared: int
    most: int  # tokens of a passage that are read
    handed: int
    least: float = -1.0  # cosine below which a passage is dropped
    words_first: bool = False


PRODUCTS = {
    "AnythingLLM": Product("characters", 1_000, 20, 512, 4, least=0.25),
    "Open WebUI": Product("characters", 1_000, 100, 256, 3),
    "Kotaemon": Product("tokens", 1_024, 256, 512, 10, words_first=True),
}


class Piece(NamedTuple):
    """A passage as a product has it: of which document, and what stretch of it."""

    document: int
    start: int
    end: int


class Rival:
    """Another product's way with the same texts: what it cut, and how near the questions are."""

    def __init__(self, product: Product, texts: Sequence[str], cut: Sequence[Sequence[str]]) -> None:
        self._product = product
        self._near: dict[str, np.ndarray] = {}
        self._pieces = [
            piece for n, (text, parts) in enumerate(zip(texts, cut, strict=True)) for piece in _placed(n, text, parts)
        ]
        self._open = _english_words([part for parts in cut for part in parts]) if product.words_first else None

    def know(self, asked: Sequence[str], questions: np.ndarray, vectors: np.ndarray) -> None:
        self._near.update(zip(asked, questions @ vectors.T, strict=True))

    def ask(self, question: str) -> list[Piece]:
        near = self._near[question]
        order = [int(at) for at in np.argsort(-near, kind="stable")[: 2 * DEEP] if near[at] >= self._product.least]
        if self._open is not None:
            order = list(dict.fromkeys([*_matches(self._open, question, 2 * DEEP), *order]))
        return [self._pieces[at] for at in order[:DEEP]]


def rivals(python: str, texts: Sequence[str], asked: Sequence[str], keep: Path) -> dict[str, Rival]:
    """All of them; what they cut and embed is kept in a folder."""
    products = {name: product._asdict() for name, product in PRODUCTS.items()}
    job = json.dumps({"products": products, "texts": list(texts), "questions": list(asked)})
    path = keep / f"rivals-{hashlib.sha256(job.encode()).hexdigest()[:16]}.json"
    if not path.with_suffix(".npz").is_file():
        path.write_text(job, encoding="utf-8")
        script = str(Path(__file__).with_name("rival_passages.py"))
        subprocess.run([python, script, str(path)], check=True, stderr=subprocess.DEVNULL)
    cut = json.loads(path.with_suffix(".out.json").read_text(encoding="utf-8"))
    made = {name: Rival(product, texts, cut[name]) for name, product in PRODUCTS.items()}
    with np.load(path.with_suffix(".npz")) as vectors:
        for name, rival in made.items():
            rival.know(asked, vectors["questions"], vectors[name])
    return made


def _placed(document: int, text: str, parts: Sequence[str]) -> list[Piece]:
    placed, at = list[Piece](), 0
    for part in parts:
        start = max(text.find(part, at), 0)
        placed.append(Piece(document, start, start + len(part)))
        at = start + 1
    return placed


def _english_words(texts: Sequence[str]) -> Any:
    """LanceDB's full text with the tokenizer that Kotaemon names ("en_stem")."""
    import lancedb
    from lancedb.index import FTS

    made = lancedb.connect("memory://").create_table("t", [{"n": n, "text": text} for n, text in enumerate(texts)])
    made.create_index("text", config=FTS(language="English", stem=True, remove_stop_words=False, ascii_folding=False))
    return made


def _matches(opened: Any, question: str, most: int) -> list[int]:
    from lancedb.query import MatchQuery

    return [row["n"] for row in opened.search(MatchQuery(question, "text"), query_type="fts").limit(most).to_list()]
