"""How fast PDF files are read, beside pypdfium2's bare text extraction in the same run, and what it takes in memory.

    python -m tests.benchmarks.bench_pdf [FILE ...] [--pages 200] [--times 3]

Made files (prose, prose with tables, tables only, two columns) and any FILE given; CPU seconds of one core, best of
`--times`, because wall time tells more about the neighbours. The last columns are the whole way through the reading
process, its start included, and its largest resident memory.
"""

import argparse
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.intake.pages import pdf
from tests.intake import makers, pdf_makers

ROWS = [
    ("Concepto", "Cala", "Puerto", "Cabo"),
    *[(f"Daños del grupo {n}", f"{n}00", f"{n}50", "gratis") for n in range(1, 9)],
]
IN_CHILD = """
import resource, sys
from pathlib import Path
from studio import intake
intake.read(Path(sys.argv[1]))
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--times", type=int, default=3)
    asked = parser.parse_args()
    print(f"{'file':28}{'pages':>7}{'signs/page':>12}{'pages/s':>9}{'bare':>8}{'ratio':>7}{'child p/s':>11}{'MB':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for file in [*made(Path(folder), asked.pages), *asked.files]:
            ours = best(lambda file=file: pdf.read(file, makers.origin(file.name)), asked.times)
            pages, signs, bare = 0, 0, 1e9
            for _ in range(asked.times):
                started = time.process_time()
                pages, signs = extracted(file)
                bare = min(bare, time.process_time() - started)
            child, megabytes = in_child(file)
            print(
                f"{file.name:28}{pages:7}{signs // pages:12}{pages / ours:9.0f}{pages / bare:8.0f}{ours / bare:7.1f}"
                f"{pages / child:11.0f}{megabytes:6.0f}"
            )


def made(folder: Path, pages: int) -> list[Path]:
    def prose(document: Any) -> None:
        for _ in range(pages):
            document.add_page()
            pdf_makers.prose(document, 7)

    def mixed(document: Any) -> None:
        for _ in range(pages):
            document.add_page()
            pdf_makers.prose(document, 3)
            pdf_makers.ruled(document, ROWS)
            pdf_makers.prose(document, 1)

    def tables(document: Any) -> None:
        for _ in range(pages):
            document.add_page()
            for borders in ("ALL", "HORIZONTAL_LINES", "NONE"):
                pdf_makers.ruled(document, ROWS, borders)
                document.ln(20)

    def columns(document: Any) -> None:
        lines = textwrap.wrap(pdf_makers.LOREM * 10, 44)[:100]
        for _ in range(pages):
            document.add_page()
            for number, line in enumerate(lines):
                document.text(50 + 270 * (number // 50), 60 + 14 * (number % 50), line)

    drawings: dict[str, Callable[[Any], None]] = {
        "prose.pdf": prose,
        "prose and a table.pdf": mixed,
        "three tables.pdf": tables,
        "two columns.pdf": columns,
    }
    return [pdf_makers.made(folder, name, draw) for name, draw in drawings.items()]


def best(work: Callable[[], object], times: int) -> float:
    seconds = []
    for _ in range(times):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds)


def extracted(file: Path) -> tuple[int, int]:
    """Pages and signs that the library alone finds."""
    import pypdfium2

    signs = 0
    with pypdfium2.PdfDocument(file) as document:
        for index in range(len(document)):
            page = document[index]
            text = page.get_textpage()
            signs += len(text.get_text_range())
            text.close()
            page.close()
        return len(document), signs


def in_child(file: Path) -> tuple[float, float]:
    """CPU seconds and megabytes of reading the file the way the studio does."""
    said = subprocess.run(
        [sys.executable, "-c", IN_CHILD, str(file)], capture_output=True, text=True, check=True
    ).stdout
    seconds, kilobytes = said.split()
    return float(seconds), float(kilobytes) / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    main()
