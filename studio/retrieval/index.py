"""Building and asking the index. It can be deleted at any time and comes out the same when it is built
again.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from studio.base import files, records
from studio.base.errors import NotEnough, NotFound, NotPossibleHere, Stopped
from studio.base.events import Emit, Progress, ShouldStop
from studio.base.project import Project
from studio.base.records import Indexed, Language, Passage, Record
from studio.retrieval import calibration, chunking, table, terms
from studio.retrieval.calibration import Frequencies
from studio.retrieval.table import Found, Manifest, Row

if TYPE_CHECKING:
    import numpy as np

BATCH = 16
COVERING = 3  # passages whose words are compared with the question's
SAVE_EVERY = 15.0  # seconds of embedding that a kill may cost


class Embedder(Protocol):
    """Which embedder makes the vectors, and how long they are."""

    @property
    def name(self) -> str: ...
    @property
    def dim(self) -> int: ...


class Embedding(Protocol):
    """What makes vectors: float32 [texts, dim] of length 1. `engines.Engine` does."""

    def embed(self, texts: Sequence[str], kind: Literal["query", "passage"]) -> "np.ndarray": ...
    def embedder(self) -> Embedder: ...


class Hits(Record):
    """What was found for a question. `similarity` is the best raw cosine, `cover` the share of the question's
    words (by weight) that the best of the passages contains; together they must reach the index's own
    `threshold` for an `answerable` question.
    """

    passages: tuple[Passage, ...]
    similarity: float
    cover: float
    threshold: float
    answerable: bool


def build(project: Project, engine: Embedding, emit: Emit, should_stop: ShouldStop) -> Indexed:
    """Make the project's documents searchable.

    Cut them into passages, embed those this embedder has not seen yet (said as Progress: passages done, of
    all), write table and indexes, ask the probes for the threshold, and only then let the new index answer.
    Stopped or killed, it goes on where it was. Raises NotEnough without documents, NotPossibleHere when the
    disk is full, Stopped.
    """
    began = time.monotonic()
    folder = project.index
    rows = [row for document in project.store.documents() for row in _rows(chunking.chunks(document))]
    if not rows:
        table.clear(folder)
        raise NotEnough("nothing_to_search")
    embedder = engine.embedder()
    language = _index_language(rows)
    name = table.name_of(embedder.name, embedder.dim, _fingerprint(rows, language))
    current = table.manifest(folder)
    if current is not None and current.table == name:
        emit(Progress(done=len(rows), of=len(rows), seconds_left=0.0))
        return _indexed(current)

    vectors = _embedded(folder, rows, engine, emit, should_stop)
    table.write(folder, name, rows, vectors, language)
    frequencies = Frequencies.count(row.folded for row in rows)
    counted = f"frequencies-{name}.json"
    files.write_atomically(
        folder / counted, json.dumps({"passages": frequencies.passages, "counts": frequencies.counts})
    )
    made = Manifest(
        table=name,
        embedder=embedder.name,
        dim=embedder.dim,
        language=language,
        documents=len({row.chunk.document_id for row in rows}),
        chunks=len(rows),
        thresholds={},
        frequencies=counted,
        created=records.now(),
    )
    thresholds = _thresholds(folder, made, engine, frequencies)
    made = made.model_copy(update={"thresholds": thresholds, "seconds": round(time.monotonic() - began, 1)})
    table.publish(folder, made)
    return _indexed(made)


def search(project: Project, question: str, engine: Embedding, limit: int = 4) -> Hits:
    """The passages that fit a question best, and whether they answer it at all.

    What was removed from the project is not found any more, before the index is built again as after. Raises
    NotFound when nothing was made searchable yet, NotPossibleHere when another embedder made the index.
    """
    there = project.store.document_ids()
    try:
        return _search(project.index, question, engine, limit, there)
    except (OSError, RuntimeError, ValueError):
        return _search(project.index, question, engine, limit, there)  # a rebuild took the table away between two steps


def _search(folder: Path, question: str, engine: Embedding, limit: int, there: Collection[str]) -> Hits:
    made = table.manifest(folder)
    if made is None:
        raise NotFound("index_missing")
    embedder = engine.embedder()
    if (embedder.name, embedder.dim) != (made.embedder, made.dim):
        raise NotPossibleHere("index_other_embedder", made_by=made.embedder, now=embedder.name)
    words = " ".join(_words(question))
    found = table.search(folder, made, words, engine.embed([question], "query")[0], limit, there)
    cover = _cover(question, found, _frequencies(folder / made.frequencies))
    threshold = made.thresholds[terms.language(question, _code(made.language))]
    return Hits(
        passages=found.passages,
        similarity=found.similarity,
        cover=cover,
        threshold=threshold,
        answerable=bool(found.passages) and calibration.answerable(found.similarity, cover, threshold),
    )


def _rows(chunks: Sequence[records.Chunk]) -> list[Row]:
    headed = [chunking.headed(chunk) for chunk in chunks]
    return [
        Row(chunk=chunk, folded=terms.fold(text), hash=hashlib.sha256(text.encode()).hexdigest()[:32])
        for chunk, text in zip(chunks, headed, strict=True)
    ]


def _words(question: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in terms.fold(question)).split()


def _index_language(rows: Sequence[Row]) -> str:
    """The stemmer of the words: English where most passages are, else Spanish, which costs English prose
    little.
    """
    languages = Counter(row.chunk.language for row in rows)
    return "English" if languages["en"] > len(rows) / 2 else "Spanish"


def _fingerprint(rows: Sequence[Row], language: str) -> str:
    digest = hashlib.sha256(f"{table.FORMAT}:{language}".encode())
    for row in rows:
        digest.update(row.chunk.model_dump_json().encode())
    return digest.hexdigest()


def _embedded(
    folder: Path, rows: Sequence[Row], engine: Embedding, emit: Emit, should_stop: ShouldStop
) -> "np.ndarray":
    """A vector for every row, in order. Texts of like length go together: half the padding, and a fair
    estimate.
    """
    import numpy as np

    embedder = engine.embedder()
    known = table.known_vectors(folder, embedder.name, embedder.dim)
    texts = {row.hash: chunking.headed(row.chunk) for row in rows if row.hash not in known}
    missing = sorted(texts, key=lambda key: len(texts[key]), reverse=True)
    left = of = sum(map(len, texts.values()))
    began = saved = time.monotonic()
    unsaved: list[str] = []

    def save() -> None:
        if unsaved:
            table.remember(folder, embedder.name, embedder.dim, unsaved, np.stack([known[key] for key in unsaved]))
            unsaved.clear()

    emit(Progress(done=len(rows) - len(missing), of=len(rows)))
    for number, batch in enumerate(table.each(missing, BATCH)):
        if should_stop():
            save()
            raise Stopped
        known.update(zip(batch, engine.embed([texts[key] for key in batch], "passage"), strict=True))
        unsaved.extend(batch)
        left -= sum(len(texts[key]) for key in batch)
        if time.monotonic() - saved > SAVE_EVERY:
            save()
            saved = time.monotonic()
        done = len(rows) - len(missing) + number * BATCH + len(batch)
        emit(Progress(done=done, of=len(rows), seconds_left=(time.monotonic() - began) * left / (of - left)))
    save()
    return np.stack([known[row.hash] for row in rows])


def _thresholds(folder: Path, made: Manifest, engine: Embedding, frequencies: Frequencies) -> dict[str, float]:
    found: dict[str, float] = {}
    for language, probes in calibration.probes().items():
        asked = [question for _, question in probes]
        vectors = engine.embed(asked, "query")
        near = table.ask(folder, made, [" ".join(_words(question)) for question in asked], vectors, COVERING)
        found[language] = calibration.threshold(
            [
                calibration.Probe(kind, hits.similarity, _cover(question, hits, frequencies))
                for (kind, question), hits in zip(probes, near, strict=True)
            ]
        )
    return found


def _cover(question: str, found: Found, frequencies: Frequencies) -> float:
    return frequencies.cover(question, [chunking.headed(passage.chunk) for passage in found.passages[:COVERING]])


@lru_cache(maxsize=8)
def _frequencies(file: Path) -> Frequencies:
    written = files.read_json(file) or {"passages": 0, "counts": {}}
    return Frequencies(written["passages"], written["counts"])


def _indexed(made: Manifest) -> Indexed:
    return Indexed(
        documents=made.documents,
        chunks=made.chunks,
        embedder=made.embedder,
        threshold=made.thresholds[_code(made.language)],
        seconds=made.seconds,
        created=made.created,
    )


def _code(language: str) -> Language:
    return "en" if language == "English" else "es"
