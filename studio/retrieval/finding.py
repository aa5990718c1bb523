"""Asking the table: by meaning and by words at the same time, and what both find mixed. Changes nothing."""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.base.records import Filter, Passage, Record
from studio.retrieval import rows, storage, table, terms
from studio.retrieval.rows import quoted
from studio.retrieval.storage import Place
from studio.retrieval.table import Manifest

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

POOL = 50
PROBES = 50  # parts of the vector index that are looked into
REFINED = 4  # times the pool whose full vectors are compared: .99 of the nearest are found, as bench_search shows
REFINED_COMPRESSED = 10  # where one bit a number is what they are first compared by: with 4 it were .95
EVERYTHING = Filter()
# What words still count in another language, where names and numbers alone are written alike. On the half of XQuAD it
# was not chosen on, English asked of Spanish and the other way round, .88 are found first; .84 with the words' whole
# share (tests/benchmarks/bench_retrieval.py).
WORDS_ABROAD = 0.25
NEEDED = (*rows.FIELDS, "hash")
There = Callable[[Collection[str]], Collection[str]]  # which of these documents are still in the project


class Sides(NamedTuple):
    """What was found by meaning (cosines) and by words, by row; the rows that have no vector yet; and how far the material
    is in another language than the question: 0 up to half of what is nearest, 1 for all of it.
    """

    by_meaning: dict[int, float]
    by_words: dict[int, float]
    without: frozenset[int]
    abroad: float = 0.0


class Found(Record):
    """Passages, best first, and the best raw cosine among all that were looked at."""

    passages: tuple[Passage, ...]
    similarity: float


def search(
    place: Place,
    made: Manifest,
    words: str,
    vector: "np.ndarray",
    limit: int,
    there: There | None = None,
    only: Filter = EVERYTHING,
) -> Found:
    """The passages for a question: by meaning and by words, both brought to 0..1 and mixed; no passage text twice, none
    of a document that is not `there` any more, and none that the filter keeps out.
    """
    with _snapshot(place, made) as opened:
        sides = _sides(opened, made, words, vector, there, only)
        scores = _mixed(sides, made.weight)
        chosen = _chosen(opened, scores, limit)
    cosines = {row["_rowid"]: float(row["vector"] @ vector) for row in chosen if row["vector"] is not None}
    return Found(
        passages=tuple(
            Passage(chunk=rows.chunk(row), score=scores[row["_rowid"]], similarity=cosines.get(row["_rowid"], 0.0))
            for row in chosen
        ),
        similarity=max([*sides.by_meaning.values(), *cosines.values()], default=0.0),
    )


def pool(
    place: Place, made: Manifest, words: str, vector: "np.ndarray", there: There | None = None
) -> "tuple[Sides, dict[int, str]]":
    """Everything that is looked at for a question before it is mixed, and the hash of each text: for trying other mixes."""
    with _snapshot(place, made) as opened:
        sides = _sides(opened, made, words, vector, there, EVERYTHING)
        every = sorted({*sides.by_meaning, *sides.by_words})
        if not every:
            return sides, {}
        rows = opened.take_row_ids(every).select(["hash", "_rowid"]).to_arrow()
        return sides, dict(zip(rows["_rowid"].to_pylist(), rows["hash"].to_pylist(), strict=True))


def order(sides: "Sides", hashes: Mapping[int, str], weight: float) -> list[str]:
    """The texts of a pool, best first, as a search with this weight has them."""
    scores = _mixed(sides, weight)
    return list(dict.fromkeys(hashes[at] for at in sorted(scores, key=lambda at: (-scores[at], at)) if at in hashes))


def warm(place: Place, made: Manifest) -> None:
    """Read the indexes into memory, so that the first question does not wait for it."""
    with _snapshot(place, made) as opened:
        for index in opened.list_indices():
            if index.name in ("vector_idx", "folded_idx"):
                opened.prewarm_index(index.name)


def refined(made: Manifest) -> int:
    return REFINED_COMPRESSED if made.trained >= table.COMPRESSED_FROM else REFINED


def forget_opened() -> None:
    """Open every table anew: one that was open has been taken away or tidied under our hands."""
    _opened.cache_clear()


def _sides(opened: Any, made: Manifest, words: str, vector: "np.ndarray", there: There | None, only: Filter) -> Sides:
    results = _asked(opened, made, words, vector, _condition(only))
    if there is not None:
        documents = there({id for result in results for id in result["document_id"].to_pylist()})
        results = [_of(documents, result) for result in results]
    waiting = [result for result in results if made.waiting]
    return Sides(
        by_meaning={at: 1.0 - distance for at, distance in _columns(results[0], "_distance")},
        by_words={at: score for result in results[1:] for at, score in _columns(result, "_score")},
        without=frozenset(at for result in waiting for at, filled in _columns(result, "vector") if not filled),
        abroad=_abroad(terms.language(words, ""), results[0]["lang"].to_pylist()),
    )


def _abroad(asked_in: str, near: Sequence[str]) -> float:
    foreign = sum(bool(asked_in and language) and language != asked_in for language in near)
    return max(0.0, 2 * foreign / len(near) - 1) if near else 0.0


def _asked(opened: Any, made: Manifest, words: str, vector: "np.ndarray", condition: str) -> "list[pa.Table]":
    """What is near and, at the same time, what has the words: where the rows are, and no more than is needed to mix."""
    from lancedb.query import MatchQuery

    near = opened.search(vector, vector_column_name="vector").distance_type("cosine")
    if made.trained:
        near = near.nprobes(PROBES).refine_factor(refined(made))
    needed = ["document_id", "lang", *(("vector",) if made.waiting else ())]
    queries = [near.select([*needed, "_distance"])]
    if words:
        queries.append(opened.search(MatchQuery(words, "folded"), query_type="fts").select([*needed, "_score"]))
    if condition:
        queries = [query.where(condition) for query in queries]  # before the search: all of the hits fit
    later = [_threads().submit(query.with_row_id(True).limit(POOL).to_arrow) for query in queries[1:]]
    return [queries[0].with_row_id(True).limit(POOL).to_arrow(), *(each.result() for each in later)]


def _columns(result: "pa.Table", column: str) -> Iterator[tuple[int, Any]]:
    values = result[column].is_valid() if column == "vector" else result[column]
    return zip(result["_rowid"].to_pylist(), values.to_pylist(), strict=True)


def _mixed(sides: Sides, weight: float) -> dict[int, float]:
    """Both scores of every hit in one; `without` a vector yet, words decide alone."""
    by_meaning, by_words, without, abroad = sides
    weight = 1 - (1 - weight) * (1 - (1 - WORDS_ABROAD) * abroad)
    scores = dict.fromkeys([*by_meaning, *by_words], 0.0)
    for share, side, floor in (
        (weight, by_meaning, min(by_meaning.values(), default=0.0)),
        (1 - weight, by_words, min(by_words.values()) if len(by_words) == POOL else 0.0),
    ):
        for at, score in _scaled(side, floor).items():
            scores[at] += (1.0 if at in without else share) * score
    return scores


def _chosen(opened: Any, scores: Mapping[int, float], limit: int) -> list[dict[str, Any]]:
    """The rows of the best `limit` different texts. Fetching is what costs, so only as many as it takes."""
    import numpy as np

    chosen: dict[str, dict[str, Any]] = {}
    for some in table.each(sorted(scores, key=lambda at: (-scores[at], at)), limit + 4):
        found = opened.take_row_ids(list(some)).select([*NEEDED, "vector", "_rowid"]).to_arrow()
        vectors = [np.asarray(one.values) if one.is_valid else None for one in found["vector"]]
        plain = found.drop_columns(["vector"]).to_pylist()
        fetched = [row | {"vector": one} for row, one in zip(plain, vectors, strict=True)]
        for row in sorted(fetched, key=lambda row: (-scores[row["_rowid"]], row["id"])):
            if len(chosen) < limit:
                chosen.setdefault(row["hash"], row)
        if len(chosen) == limit:
            break
    return list(chosen.values())


def _condition(only: Filter) -> str:
    """The filter in the table's own language; empty when it lets everything through."""
    parts = [
        f"{column} in ({', '.join(map(quoted, wanted))})"
        for column, wanted in (("document_id", only.documents), ("lang", only.languages))
        if wanted
    ]
    if only.since or only.until:
        parts.append("date != ''")
    parts += [f"date {sign} {quoted(day)}" for sign, day in ((">=", only.since), ("<=", only.until)) if day]
    return " and ".join(parts)


def _of(documents: Collection[str], result: "pa.Table") -> "pa.Table":
    """The hits in these documents."""
    import pyarrow as pa

    kept = [document in documents for document in result["document_id"].to_pylist()]
    return result if all(kept) else result.filter(pa.array(kept, pa.bool_()))


def _scaled(scores: Mapping[int, float], floor: float) -> dict[int, float]:
    """0 at the floor, 1 at the best. lancedb's own mix takes the worst hit for the floor, so that the only
    passage with the word asked for would count nothing (LinearCombinationReranker, 0.40); what has no such
    word is at 0.
    """
    best = max(scores.values(), default=0.0)
    return {key: (score - floor) / (best - floor) if best > floor else 1.0 for key, score in scores.items()}


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(4, thread_name_prefix="search")


@contextmanager
def _snapshot(place: Place, made: Manifest) -> Iterator[Any]:
    """The table as it is now, and as it stays until we are done: what others change meanwhile is seen next time."""
    idle = _opened(place, made.table, storage.mark(place, table.MANIFEST))
    with table.translated(place):
        try:
            looked, opened = idle.pop()
        except IndexError:
            looked, opened = time.monotonic(), table.connect(place, follows=False).open_table(made.table)
        else:
            if not place.is_remote or time.monotonic() - looked > storage.FRESH:
                opened.checkout_latest()
                looked = time.monotonic()
        yield opened
    idle.append((looked, opened))


@lru_cache(maxsize=16)
def _opened(place: Place, name: str, _mark: str) -> deque[tuple[float, Any]]:
    """Open tables that nobody uses at the moment, kept as long as the manifest stays the same file."""
    return deque(maxlen=8)
