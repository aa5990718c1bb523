"""The LanceDB table behind the search, and the small file beside it that says what it is: everything that changes them.

One table an embedder, changed in place: new passages are added, then those that are no more are deleted, then missing
vectors are filled in. Every step is one commit of lancedb, which a kill leaves done or not done; so readers always find a
whole table, and who builds again goes on with what is missing. `finding` asks the table; only these two know lancedb.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import filelock
from pydantic import Field

from studio.base import files
from studio.base.errors import NotPossibleHere, Unavailable
from studio.base.records import Record
from studio.retrieval import lease, storage
from studio.retrieval import rows as made_of
from studio.retrieval.calibration import Ground
from studio.retrieval.rows import Row, quoted
from studio.retrieval.storage import Place

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

FORMAT = 4
MANIFEST = "manifest.json"
FREQUENCIES = "frequencies-"
EXACT_UNTIL = 20_000  # below, comparing with every vector is exact and takes a few milliseconds
COMPRESSED_FROM = 500_000
RETRAINED_AT = 2  # times the vectors that the vector index was made for
KEPT_VERSIONS = timedelta(days=7)  # for readers that opened the table before
CACHE_MB = 2_048  # of indexes held in memory; one of a million vectors takes less than half of it
_BATCH = 2_000
_COMMIT = 20_000  # rows a commit; each costs searching a little until the table is tidied
T = TypeVar("T")


class Manifest(Record):
    """What the table holds. `thresholds`: per language of the question, the `calibration.score` below which
    nothing was found, and `grounds` what that score is counted from.

    `frequencies` is the name of the file that says in how many passages each word occurs; `waiting` how many passages
    had no vector when this was written and were found by their words alone; `complete` says that nothing is left to do;
    `trained` is how many vectors the vector index was made for, 0 without one.
    """

    format: int = FORMAT
    table: str
    embedder: str
    dim: int
    weight: float = 0.6  # of meaning beside words; best on five sets of six, and ahead of rank fusion on all
    language: str
    documents: int
    chunks: int
    thresholds: dict[str, float]
    grounds: dict[str, Ground] = Field(default={})
    frequencies: str
    created: str
    seconds: float = 0.0
    waiting: int = 0
    complete: bool = False
    trained: int = 0


class Stored(NamedTuple):
    """A row as it stands in the table: the hash of its text, and whether it has its vector."""

    hash: str
    has_vector: bool


def manifest(place: Place) -> Manifest | None:
    """What the index is, or None when there is none that can be used."""
    kept = storage.read(place, MANIFEST)
    made = _manifest(kept.text) if kept else None
    if made is None or place.is_remote:
        return made
    whole = (place.folder / f"{made.table}.lance").is_dir() and (place.folder / made.frequencies).is_file()
    return made if whole else None


def name_of(embedder: str, dim: int) -> str:
    """The table's name: one for each embedder, so that vectors of two are never mixed."""
    import hashlib

    return f"passages-{FORMAT}-{hashlib.sha256(f'{embedder}:{dim}'.encode()).hexdigest()[:8]}"


def there(place: Place, name: str) -> dict[str, Stored]:
    """What the table holds now: passage id -> hash of its text, and whether its vector is there. Empty without a table."""
    if name not in tables(place):
        return {}
    found: dict[str, Stored] = {}
    table = connect(place).open_table(name)
    for has_vector, where in ((True, "vector is not null"), (False, "vector is null")):
        rows = table.search().where(where).select(["id", "hash"]).to_arrow()
        stored = (Stored(hash, has_vector) for hash in rows["hash"].to_pylist())
        found.update(zip(rows["id"].to_pylist(), stored, strict=True))
    return found


def stored(place: Place, name: str, ids: Collection[str], columns: Sequence[str] | None = None) -> "pa.Table":
    """These rows as they stand in the table."""
    table = connect(place).open_table(name)
    query = table.search().where(f"id in ({', '.join(map(quoted, sorted(ids)))})")
    return (query.select(list(columns)) if columns else query).to_arrow()


def vectors_of(place: Place, name: str, ids: Collection[str]) -> "dict[str, np.ndarray]":
    """Hash -> vector of these passages."""
    import numpy as np

    known: dict[str, np.ndarray] = {}
    for some in each(sorted(ids), _BATCH):
        found = stored(place, name, some, ["hash", "vector"])
        vectors = np.asarray(found["vector"].combine_chunks().flatten(), dtype=np.float32)
        known.update(zip(found["hash"].to_pylist(), vectors.reshape(found.num_rows, -1), strict=True))
    return known


def create(place: Place, name: str, dim: int, language: str) -> None:
    """An empty table that finds words from its first row on. Does nothing when there is one."""
    from lancedb.index import FTS, Bitmap, BTree

    if name in tables(place):
        return
    with writing(place):
        table = connect(place).create_table(name, schema=made_of.schema(dim))
        table.create_index("folded", config=FTS(language=language, with_position=True))
        for column in ("id", "document_id"):
            table.create_index(column, config=BTree())
        for column in ("lang", "date"):
            table.create_index(column, config=Bitmap())


def add(place: Place, name: str, rows: Sequence[Row], vectors: "Mapping[str, np.ndarray]", dim: int) -> None:
    """Put new rows in, with the vectors that are known (by hash) and room for the others. Found by their words at once."""
    if not rows:
        return
    with writing(place):
        table = connect(place).open_table(name)
        for some in each(rows, _COMMIT):
            table.add(made_of.arrow(some, vectors, dim))


def fill(place: Place, name: str, ids: Collection[str], vectors: "Mapping[str, np.ndarray]", dim: int) -> None:
    """Give rows that are there their vectors, in one commit. Rows that were deleted meanwhile stay deleted."""
    with writing(place):
        table = connect(place).open_table(name)
        rows = made_of.filled(stored(place, name, ids), vectors, dim)
        table.merge_insert("id").when_matched_update_all().execute(rows)


def delete(place: Place, name: str, ids: Collection[str]) -> None:
    with writing(place):
        table = connect(place).open_table(name)
        for some in each(sorted(ids), _BATCH):
            table.delete(f"id in ({', '.join(map(quoted, some))})")


def tidy(place: Place, name: str, *, filled: int, trained: int) -> int:
    """Bring the indexes up to date with the rows and throw away versions older than a week; what `trained` is now.

    Many small writes make a table slow (300 of them: a search takes thirty times as long) until this is done. The vector
    index divides the vectors as they lay when it was made; twice as many are divided anew.
    """
    from lancedb.index import IvfRq, IvfSq

    with writing(place):
        table = connect(place).open_table(name)
        kinds = {index.name: index.index_type for index in table.list_indices()}
        wanted = IvfRq if filled >= COMPRESSED_FROM else IvfSq
        made = kinds.get("vector_idx")
        if filled >= EXACT_UNTIL and (made != wanted.__name__ or filled >= RETRAINED_AT * trained):
            table.create_index("vector", config=wanted(distance_type="cosine"), replace=True)
            trained = filled
        table.optimize(cleanup_older_than=KEPT_VERSIONS)
    return trained


def respeak(place: Place, name: str, language: str) -> None:
    """Index the words anew by the endings and fillers of another language."""
    from lancedb.index import FTS

    with writing(place):
        table = connect(place).open_table(name)
        table.create_index("folded", config=FTS(language=language, with_position=True), replace=True)


def publish(place: Place, made: Manifest) -> None:
    """From now on this is what the index is; tables and counts it does not name are removed."""
    with writing(place):
        storage.write(place, MANIFEST, made.model_dump_json(indent=2))
    _remove_all_but(place, made.table, made.frequencies)


def forget(place: Place, documents: Collection[str]) -> None:
    """Delete the rows of these documents, also while another writes; `purge` then takes them out of the files."""
    with translated(place), _no_purge(place):
        for name in tables(place):
            connect(place).open_table(name).delete(f"document_id in ({', '.join(map(quoted, sorted(documents)))})")


def purge(place: Place) -> None:
    """Remove what was deleted from the files too, and every older version. Only while nobody else writes:
    what another is about to commit would go with it. Another machine's `forget` cannot be kept from committing, so that
    on object storage what killed writers left, which no version names, stays for a week.
    """
    with writing(place), _no_purge(place):
        for name in tables(place):
            table = connect(place).open_table(name)
            table.optimize(cleanup_older_than=timedelta(milliseconds=1), delete_unverified=not place.is_remote)


def clear(place: Place) -> None:
    """No index any more."""
    if place.is_remote:
        lease.forget(place)
    storage.remove(place, MANIFEST)
    _remove_all_but(place, "", "")


def tables(place: Place) -> list[str]:
    with translated(place):
        return sorted(connect(place).list_tables(limit=1_000).tables)


def connect(place: Place, *, follows: bool = True) -> Any:
    """A connection whose tables show what others write at once; or, where it does not follow, stay as they were opened."""
    return _connect(place, follows, place.folder.stat().st_ino)


@lru_cache(maxsize=16)
def _connect(place: Place, follows: bool, _folder: int) -> Any:
    import lancedb

    patience = {"connect_timeout": "5s", "client_max_retries": "3", "retry_timeout": "20s"} if place.is_remote else {}
    return lancedb.connect(
        place.uri or str(place.folder),
        read_consistency_interval=timedelta(0) if follows else None,
        storage_options=patience | dict(place.options),
        session=_session(),
    )


@lru_cache(maxsize=1)
def _session() -> Any:
    """One for all tables, so that together they keep to their memory."""
    import lancedb

    return lancedb.Session(index_cache_size_bytes=CACHE_MB << 20, metadata_cache_size_bytes=CACHE_MB << 17)


@lru_cache(maxsize=16)
def _manifest(text: str) -> Manifest | None:
    import json

    try:
        written = json.loads(text)
    except ValueError:
        return None
    usable = isinstance(written, dict) and written.get("format") == FORMAT
    return Manifest.model_validate(written) if usable else None


def _remove_all_but(place: Place, table: str, frequencies: str) -> None:
    for name in tables(place):
        if name != table:
            connect(place).drop_table(name)
    for name in storage.names(place):
        if name.startswith(FREQUENCIES) and name != frequencies:
            storage.remove(place, name)


@contextmanager
def writing(place: Place) -> Iterator[None]:
    """A commit of who holds the lease. Raises Unavailable("index_taken_over") where it is not held any more."""
    lease.kept(place)
    with translated(place):
        yield


@contextmanager
def _no_purge(place: Place) -> Iterator[None]:
    with filelock.FileLock(place.folder / ".purging"):
        yield


@contextmanager
def translated(place: Place) -> Iterator[None]:
    """A full disk and a store that does not answer, said as such; lancedb says both in errors of many kinds."""
    try:
        yield
    except (RuntimeError, OSError, ValueError) as error:
        if "No space left" in str(error):
            raise NotPossibleHere("disk_full_for_index", free=round(files.free_gb(place.folder), 2)) from error
        if place.is_remote and ("RetryError" in str(error) or "error sending request" in str(error)):
            raise Unavailable("index_store_unreachable", name=place.uri, reason=type(error).__name__) from error
        raise


def each(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """`items` in slices of `size`."""
    return (items[at : at + size] for at in range(0, len(items), size))
