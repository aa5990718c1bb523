"""The LanceDB table behind the search, and the small file beside it that says what it is. The only module
that knows lancedb.

A table is written whole under a new name, then `manifest.json` names it, then the old one goes: a kill at any
moment leaves the old index or the new one. Vectors that are still on their way wait in a table of their own,
batch by batch.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.base import files
from studio.base.errors import NotPossibleHere
from studio.base.records import Chunk, Passage, Record

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

FORMAT = 2
MANIFEST = "manifest.json"
WEIGHT = 0.6  # of the vectors in the mix with the words; best on five sets of six, and ahead of rank fusion on all
POOL = 50
EXACT_UNTIL = 20_000  # below, comparing with every vector is exact and takes a few milliseconds
COMPRESSED_FROM = 500_000
_BATCH = 2_000


class Manifest(Record):
    """What the table holds. `thresholds`: per language of the question, the `calibration.score` below which
    nothing was found.

    `frequencies` is the name of the file that says in how many passages each word occurs.
    """

    format: int = FORMAT
    table: str
    embedder: str
    dim: int
    language: str
    documents: int
    chunks: int
    thresholds: dict[str, float]
    frequencies: str
    created: str
    seconds: float = 0.0


class Row(Record):
    """A chunk with what it is searched by: `folded` words and the `hash` of the text its vector was made
    from.
    """

    chunk: Chunk
    folded: str
    hash: str


class Found(Record):
    """Passages, best first, and the best raw cosine among all that were looked at."""

    passages: tuple[Passage, ...]
    similarity: float


def manifest(folder: Path) -> Manifest | None:
    """What the index is, or None when there is none that can be used."""
    written = files.read_json(folder / MANIFEST)
    if not isinstance(written, dict) or written.get("format") != FORMAT:
        return None
    made = Manifest.model_validate(written)
    complete = (folder / f"{made.table}.lance").is_dir() and (folder / made.frequencies).is_file()
    return made if complete else None


def known_vectors(folder: Path, embedder: str, dim: int) -> "dict[str, np.ndarray]":
    """Hash -> vector, of all tables this embedder filled: the finished one and what an interrupted build left
    behind.
    """
    import numpy as np

    known: dict[str, np.ndarray] = {}
    db = _connect(folder)
    for name in _names(folder):
        if not name.endswith(_suffix(embedder, dim)):
            continue
        table = db.open_table(name)
        for batch in table.search().select(["hash", "vector"]).to_batches(_BATCH):
            vectors = np.asarray(batch["vector"].flatten(), dtype=np.float32).reshape(-1, dim)
            known.update(zip(batch["hash"].to_pylist(), vectors, strict=True))
    return known


def remember(folder: Path, embedder: str, dim: int, hashes: Sequence[str], vectors: "np.ndarray") -> None:
    """Put vectors aside so that a build that is cut off does not have to make them again."""
    import pyarrow as pa

    schema = pa.schema([pa.field("hash", pa.string()), pa.field("vector", pa.list_(pa.float32(), dim))])
    name = f"waiting-{_suffix(embedder, dim)}"
    with _Translated(folder):
        db = _connect(folder)
        table = db.open_table(name) if name in _names(folder) else db.create_table(name, schema=schema)
        table.add(pa.table({"hash": list(hashes), "vector": _vectors(vectors, dim)}, schema=schema))


def name_of(embedder: str, dim: int, content: str) -> str:
    """The table's name: the same content by the same embedder has the same name."""
    return f"passages-{content[:16]}-{_suffix(embedder, dim)}"


def write(folder: Path, name: str, rows: Sequence[Row], vectors: "np.ndarray", language: str) -> None:
    """A complete new table with its indexes. One of that name left over from a kill is replaced."""
    from lancedb.index import FTS, Bitmap, BTree, IvfRq, IvfSq

    dim = int(vectors.shape[1])
    with _Translated(folder):
        db = _connect(folder)
        if name in _names(folder):
            db.drop_table(name)
        table = db.create_table(name, schema=_schema(dim))
        table.add(_batches(rows, vectors, dim))
        table.create_index("folded", config=FTS(language=language, with_position=True))
        for column in ("id", "document_id", "hash"):
            table.create_index(column, config=BTree())
        table.create_index("lang", config=Bitmap())
        if len(rows) >= EXACT_UNTIL:
            kind = IvfRq if len(rows) >= COMPRESSED_FROM else IvfSq
            table.create_index("vector", config=kind(distance_type="cosine"))


def publish(folder: Path, made: Manifest) -> None:
    """From now on this table answers; every other one is removed."""
    files.write_json(folder / MANIFEST, made.model_dump())
    db = _connect(folder)
    for name in _names(folder):
        if name != made.table:
            db.drop_table(name)
    for file in folder.glob("frequencies-*.json"):
        if file.name != made.frequencies:
            file.unlink(missing_ok=True)


def clear(folder: Path) -> None:
    """No index any more."""
    (folder / MANIFEST).unlink(missing_ok=True)
    db = _connect(folder)
    for name in _names(folder):
        db.drop_table(name)
    for file in folder.glob("frequencies-*.json"):
        file.unlink(missing_ok=True)


def ask(folder: Path, made: Manifest, words: Sequence[str], vectors: "np.ndarray", limit: int) -> list[Found]:
    """What `search` will find for each of these questions once the table is published."""
    table = _connect(folder).open_table(made.table)  # no manifest yet to remember it by
    return [_found(table, made, text, vector, limit, None) for text, vector in zip(words, vectors, strict=True)]


def search(folder: Path, made: Manifest, words: str, vector: "np.ndarray", limit: int, there: Collection[str]) -> Found:
    """The passages for a question: by meaning and by words, both brought to 0..1 and mixed; no passage text
    twice, and none of a document that is not `there` any more.
    """
    return _found(_open(folder, made.table, _age(folder)), made, words, vector, limit, there)


def _found(
    table: Any, made: Manifest, words: str, vector: "np.ndarray", limit: int, there: Collection[str] | None
) -> Found:
    import numpy as np
    from lancedb.query import MatchQuery

    near = _tuned(table.search(vector, vector_column_name="vector").distance_type("cosine"), made)
    results = [near.limit(POOL).to_arrow()]
    if words:
        results.append(table.search(MatchQuery(words, "folded"), query_type="fts").limit(POOL).to_arrow())
    rows: dict[str, dict[str, Any]] = {}
    cosines: dict[str, float] = {}
    for result in results if there is None else [_of(there, result) for result in results]:
        vectors = np.asarray(result["vector"].combine_chunks().flatten(), dtype=np.float32).reshape(-1, made.dim)
        plain = result.drop_columns(["vector"]).to_pylist()
        cosines.update(zip((row["id"] for row in plain), map(float, vectors @ np.asarray(vector)), strict=True))
        for row in plain:
            rows[row["id"]] = rows.get(row["id"], {}) | row
    by_words = {key: float(row["_score"]) for key, row in rows.items() if row.get("_score") is not None}
    by_meaning = {key: cosines[key] for key, row in rows.items() if row.get("_distance") is not None}
    scores = dict.fromkeys(rows, 0.0)
    for weight, side, floor in (
        (WEIGHT, by_meaning, min(by_meaning.values(), default=0.0)),
        (1 - WEIGHT, by_words, min(by_words.values()) if len(by_words) == POOL else 0.0),
    ):
        for key, score in _scaled(side, floor).items():
            scores[key] += weight * score
    passages: list[Passage] = []
    seen: set[str] = set()
    for key in sorted(rows, key=lambda key: (-scores[key], key)):
        if len(passages) < limit and rows[key]["hash"] not in seen:
            seen.add(rows[key]["hash"])
            passages.append(Passage(chunk=_chunk(rows[key]), score=scores[key], similarity=cosines[key]))
    return Found(passages=tuple(passages), similarity=max(cosines.values(), default=0.0))


def _of(documents: Collection[str], result: "pa.Table") -> "pa.Table":
    """The hits in these documents."""
    import pyarrow as pa

    return result.filter(
        pa.array([document in documents for document in result["document_id"].to_pylist()], pa.bool_())
    )


def _scaled(scores: dict[str, float], floor: float) -> dict[str, float]:
    """0 at the floor, 1 at the best. lancedb's own mix takes the worst hit for the floor, so that the only
    passage with the word asked for would count nothing (LinearCombinationReranker, 0.40); what has no such
    word is at 0.
    """
    best = max(scores.values(), default=0.0)
    return {key: (score - floor) / (best - floor) if best > floor else 1.0 for key, score in scores.items()}


def quoted(text: str) -> str:
    """A text as a literal of the table's filter language."""
    return "'" + text.replace("'", "''") + "'"


def passages_of(folder: Path, made: Manifest, document_id: str) -> list[Chunk]:
    """All passages of one document, in reading order."""
    table = _open(folder, made.table, _age(folder))
    rows = table.search().where(f"document_id = {quoted(document_id)}").to_arrow().drop_columns(["vector"]).to_pylist()
    return sorted((_chunk(row) for row in rows), key=lambda chunk: chunk.start)


def _tuned(query: Any, made: Manifest) -> Any:
    return query.nprobes(50).refine_factor(10) if made.chunks >= EXACT_UNTIL else query


def _schema(dim: int) -> "pa.Schema":
    import pyarrow as pa

    text, number = pa.string(), pa.int32()
    columns = [
        ("id", text),
        ("document_id", text),
        ("document", text),
        ("text", text),
        ("start", number),
        ("end", number),
    ]
    columns += [
        ("page", number),
        ("heading", text),
        ("sheet", text),
        ("row", number),
        ("lang", text),
        ("folded", text),
        ("hash", text),
    ]
    return pa.schema(
        [pa.field(name, kind) for name, kind in columns] + [pa.field("vector", pa.list_(pa.float32(), dim))]
    )


def _batches(rows: Sequence[Row], vectors: "np.ndarray", dim: int) -> "pa.Table":
    import pyarrow as pa

    plain = [_row(row) for row in rows]
    schema = _schema(dim)
    columns = {field.name: [row[field.name] for row in plain] for field in schema if field.name != "vector"}
    return pa.table({**columns, "vector": _vectors(vectors, dim)}, schema=schema)


def _vectors(vectors: "np.ndarray", dim: int) -> "pa.Array":
    import numpy as np
    import pyarrow as pa

    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1)), dim)


def _row(row: Row) -> dict[str, Any]:
    values = row.chunk.model_dump()
    values["lang"] = values.pop("language")
    return values | {"folded": row.folded, "hash": row.hash}


def _chunk(row: dict[str, Any]) -> Chunk:
    fields = {name: row[name] for name in Chunk.model_fields if name != "language"}
    return Chunk(**fields, language=row["lang"])


def _suffix(embedder: str, dim: int) -> str:
    import hashlib

    return hashlib.sha256(f"{embedder}:{dim}".encode()).hexdigest()[:8]


def _age(folder: Path) -> int:
    return (folder / MANIFEST).stat().st_mtime_ns


def _names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.lance"))


def _connect(folder: Path) -> Any:
    import lancedb

    return lancedb.connect(str(folder), read_consistency_interval=timedelta(0))


@lru_cache(maxsize=16)
def _open(folder: Path, name: str, age: int) -> Any:
    """An open table, kept as long as its manifest stays the same file."""
    return _connect(folder).open_table(name)


class _Translated:
    """A full disk, said as such; lancedb says it in a RuntimeError or an OSError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (RuntimeError, OSError)) and "No space left" in str(error):
            raise NotPossibleHere("disk_full_for_index", free=round(files.free_gb(self.folder), 2)) from error


def each(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """`items` in slices of `size`."""
    return (items[at : at + size] for at in range(0, len(items), size))
