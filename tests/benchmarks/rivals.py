"""Other vector stores, each as its own introduction sets it up. The graphs look as far as it takes to find what is compared
at: RECALL of the nearest, tried on the first questions; that is not counted as building.

    python rivals.py STORE FOLDER VECTORS QUESTIONS

Runs in whatever Python has the store installed. Says in JSON lines: how it was built; then, for each number it is told on
its input, the ids found for that question and the seconds it took.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

LIMIT = 10
RECALL = 0.99
FIRST, LOOKED = 30, (64, 128, 256, 512, 1_024, 2_048)
MOST_PARTS = 1_280  # of faiss's inverted file; four times as many for a million would train for a quarter of an hour
Ask = Callable[[np.ndarray], list[int]]


class Graph(NamedTuple):
    """A store that can be told how far to look."""

    ask: Ask
    look: Callable[[int], None]


def faiss_hnsw(_folder: Path, vectors: np.ndarray) -> "Graph":
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexHNSWFlat(vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    index.add(vectors)

    def look(far: int) -> None:
        index.hnsw.efSearch = far

    return Graph(lambda asked: index.search(asked[None], LIMIT)[1][0].tolist(), look)


def faiss_flat(_folder: Path, vectors: np.ndarray) -> Ask:
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return lambda asked: index.search(asked[None], LIMIT)[1][0].tolist()


def faiss_ivf(_folder: Path, vectors: np.ndarray) -> Ask:
    import faiss

    faiss.omp_set_num_threads(1)
    parts = min(int(4 * len(vectors) ** 0.5), MOST_PARTS)
    coarse = faiss.IndexFlatIP(vectors.shape[1])
    index = faiss.IndexIVFFlat(coarse, vectors.shape[1], parts, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors[:: max(len(vectors) // (parts * 40), 1)])
    index.add(vectors)
    index.nprobe = max(parts // 10, 8)
    return lambda asked: index.search(asked[None], LIMIT)[1][0].tolist()


def chroma(folder: Path, vectors: np.ndarray) -> "Graph":
    import chromadb

    client = chromadb.PersistentClient(str(folder), chromadb.Settings(anonymized_telemetry=False))
    made = client.create_collection("passages", metadata={"hnsw:space": "cosine"}, embedding_function=None)
    for start in range(0, len(vectors), 5_000):
        some = vectors[start : start + 5_000]
        made.add(ids=[str(start + number) for number in range(len(some))], embeddings=some)

    def ask(asked: np.ndarray) -> list[int]:
        return [int(id) for id in made.query(query_embeddings=asked[None], n_results=LIMIT)["ids"][0]]

    return Graph(ask, lambda far: made.modify(configuration={"hnsw": {"ef_search": far}}))


def qdrant(folder: Path, vectors: np.ndarray) -> Ask:
    from qdrant_client import QdrantClient, models

    client = QdrantClient(path=str(folder))
    size = models.VectorParams(size=vectors.shape[1], distance=models.Distance.COSINE)
    client.create_collection("t", vectors_config=size)
    client.upload_collection("t", vectors, ids=range(len(vectors)), batch_size=1_000)
    return lambda asked: [int(point.id) for point in client.query_points("t", asked, limit=LIMIT).points]


def sqlite_vec(folder: Path, vectors: np.ndarray) -> Ask:
    import apsw
    import sqlite_vec as extension

    folder.mkdir(exist_ok=True)
    db = apsw.Connection(str(folder / "vectors.db"))
    db.enable_load_extension(True)
    db.load_extension(extension.loadable_path())
    db.execute(f"create virtual table t using vec0(vector float[{vectors.shape[1]}] distance_metric=cosine)")
    with db:
        db.executemany("insert into t(rowid, vector) values (?, ?)", enumerate(map(np.ndarray.tobytes, vectors)))
    asking = f"select rowid from t where vector match ? and k = {LIMIT} order by distance"
    return lambda asked: [row[0] for row in db.execute(asking, (asked.tobytes(),))]


STORES = {each.__name__: each for each in (faiss_hnsw, faiss_ivf, faiss_flat, chroma, qdrant, sqlite_vec)}


def main(store: str, folder: str, vectors: str, questions: str) -> None:
    given, asked = np.load(vectors, mmap_mode="r"), np.load(questions)
    began, cpu = time.monotonic(), time.process_time()
    made = STORES[store](Path(folder), np.ascontiguousarray(given))
    built = {"cpu": time.process_time() - cpu, "seconds": time.monotonic() - began, "mb": _memory_mb()}
    ask = _reaching(made, given, asked[:FIRST]) if isinstance(made, Graph) else made
    ask(asked[0])
    print(json.dumps(built), flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        found = ask(asked[int(line)])
        print(json.dumps({"seconds": time.perf_counter() - began, "found": found}), flush=True)


def _reaching(made: Graph, vectors: np.ndarray, questions: np.ndarray) -> Ask:
    """The graph, told to look as far as it must."""
    right = [set(np.argpartition(-(vectors @ asked), LIMIT)[:LIMIT].tolist()) for asked in questions]
    for far in LOOKED:
        made.look(far)
        found = [len(nearest.intersection(made.ask(asked))) for nearest, asked in zip(right, questions, strict=True)]
        if sum(found) >= RECALL * LIMIT * len(questions):
            break
    return made.ask


def _memory_mb() -> float:
    """What is resident, the mapped vectors included."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main(*sys.argv[1:])
