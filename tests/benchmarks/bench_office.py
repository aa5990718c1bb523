"""What reading office files costs, against the library (or raw XML) on the same files in the same run, in CPU seconds.

Run: python tests/benchmarks/bench_office.py
The promise: Word documents within 1.5 times of the library.
"""

import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from studio.intake import importers  # noqa: E402
from tests.intake import makers, paper  # noqa: E402

PARAGRAPHS, ROWS, SLIDES = 3_000, 800, 60
ROUNDS = 3


def word(folder: Path) -> Path:
    """A manual of some two hundred pages: headings, paragraphs with bold words, a list, tables."""
    import docx

    made = docx.Document()
    for number in range(PARAGRAPHS):
        if number % 40 == 0:
            made.add_heading(f"Chapter {number // 40}", 1)
        paragraph = made.add_paragraph("The warranty covers ", style="List Bullet" if number % 10 == 0 else None)
        paragraph.add_run("every part").bold = True
        paragraph.add_run(f" for {number} days after delivery, as long as the bill can be shown.")
    table = made.add_table(rows=0, cols=5)
    for number in range(ROWS):
        for column, cell in enumerate(table.add_row().cells):
            cell.text = f"Head {column}" if number == 0 else f"cell {number} {column}"
    made.save(str(folder / "manual.docx"))
    return folder / "manual.docx"


def slides(folder: Path) -> Path:
    from pptx import Presentation

    made = Presentation()
    for number in range(SLIDES):
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text = f"Slide {number}"
        slide.placeholders[1].text_frame.text = "\n".join(f"Point {point} of the slide" for point in range(30))
    made.save(str(folder / "slides.pptx"))
    return folder / "slides.pptx"


def open_document(folder: Path) -> Path:
    paragraph = "<text:p>The warranty covers <text:span>every part</text:span> for many days after delivery.</text:p>"
    return paper.odt(folder, paragraph * PARAGRAPHS)


def library_word(file: Path) -> int:
    import docx
    from docx.table import Table

    words = 0
    for block in docx.Document(str(file)).iter_inner_content():
        texts = [cell.text for row in block.rows for cell in row.cells] if isinstance(block, Table) else [block.text]
        words += sum(len(text.split()) for text in texts)
    return words


def library_slides(file: Path) -> int:
    from pptx import Presentation

    shapes = (shape for slide in Presentation(str(file)).slides for shape in slide.shapes if shape.has_text_frame)
    return sum(len(shape.text_frame.text.split()) for shape in shapes)


def raw_open_document(file: Path) -> int:
    from lxml import etree

    with zipfile.ZipFile(file) as archive:
        root = etree.fromstring(archive.read("content.xml"))
    return sum(len("".join(each.itertext()).split()) for each in root.iter("{*}p"))


def ours(file: Path) -> int:
    return sum(len(d.text.split()) for d in importers.read(file, makers.origin(file.name)).documents)


def cpu(work: Callable[[Path], int], file: Path) -> tuple[float, int]:
    """The fastest of several rounds; the first, which imports the library, is not counted."""
    words, best = work(file), float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        work(file)
        best = min(best, time.process_time() - began)
    return best, words


def main() -> None:
    cases = (
        ("docx", word, library_word, "python-docx"),
        ("pptx", slides, library_slides, "python-pptx"),
        ("odt", open_document, raw_open_document, "lxml"),
    )
    print(f"{'kind':6}{'against':14}{'theirs s':>10}{'ours s':>10}{'ratio':>8}{'their words':>13}{'our words':>11}")
    with tempfile.TemporaryDirectory() as name:
        for kind, make, theirs, library in cases:
            file = make(Path(name))
            (their_time, their_words), (our_time, our_words) = cpu(theirs, file), cpu(ours, file)
            ratio = our_time / their_time
            print(
                f"{kind:6}{library:14}{their_time:10.3f}{our_time:10.3f}{ratio:8.2f}{their_words:13}{our_words:11}",
                flush=True,
            )


if __name__ == "__main__":
    main()
