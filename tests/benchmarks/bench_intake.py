"""How fast files are read beside the bare library of their kind, and what others make of the same tables.

    python -m tests.benchmarks.bench_intake [--rounds 3] [--rows 30000] [--only speed|tables]

Speed: processor seconds in this process, turn and turn about, medians. `bare` is what the library does alone: calamine's
`to_python` of every sheet, `csv.reader` over the decoded text, `json.loads` of every line, python-docx over paragraphs and
tables, pypdfium2's text of every page. `ours` is the whole importer: guards, formats, texts, records, sections, language.
`whole` is a reading process from start to result, beside a fresh process that does nothing but the bare reading.

The promise of 1.5 times the library is for tables and documents, parsing alone. It cannot hold where each row becomes an
example: three records, an id and its text a row cost more than the library's reading of two cells. Nor for the whole of a
process: an interpreter and the records' classes to begin with, and a result that is written, sent over and validated.

Tables: the same files through this house and through `datasets.load_dataset("csv")`, run for real, offline. What Unsloth
Studio does is as documented in our research (finetuning-studios.md, finding 0.2: its own upload routes called, October
2026); what it does not say is left open.
"""

import argparse
import csv
import gc
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from studio.base.errors import StudioError
from studio.intake import child, importers
from tests.intake import corpus, makers

Pairs = list[tuple[str, str]]
ASKED: Pairs = [
    ("¿Abren el lunes?", "Sí, de 9 a 18; el sábado, de 10 a 14."),
    ("¿Cuánto cuesta el envío?", "4,90 € a la península; gratis desde 50 €."),
    ("¿Se puede devolver?", "Claro: 30 días, «sin preguntas»."),
]
PROMISE = 1.5
LOADER = 'datasets load_dataset("csv")'
UNSLOTH = {
    "question,answer": "columns mapped by themselves",
    "pregunta,respuesta": '"Could not auto-detect column roles"',
    "semicolons": "one column, answer text lost, nothing said",
    "cp1252": "refused: 'utf-8' codec can't decode byte 0xbf",
    "xlsx": 'refused: 400 "Unsupported file type"',
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=30_000)
    parser.add_argument("--only", choices=("speed", "tables"))
    given = parser.parse_args()
    gc.set_threshold(*child.TIDY)  # for both sides, as it is where files are read
    with tempfile.TemporaryDirectory() as folder:
        if given.only != "tables":
            speed(Path(folder), given.rounds, given.rows)
        if given.only != "speed":
            tables(Path(folder))


# ---- speed -------------------------------------------------------------------------------------------------------------


class Case(NamedTuple):
    name: str
    file: Path
    amount: int
    unit: str
    bare: Callable[[Path], object]
    code: str = ""  # the bare reading as a program of its own


def speed(folder: Path, rounds: int, rows: int) -> None:
    whole = f"{'bare, whole':>13}{'ours, whole':>13}{'ratio':>7}"
    print(f"{'':28}{'bare':>9}{'ours':>9}{'ratio':>7}{'a second':>22}{whole}")
    ratios: dict[str, float] = {}
    for case in cases(folder, rows):
        origin = makers.origin(case.file.name)
        bare, ours, bare_whole, ours_whole = [], [], [], []
        for _ in range(rounds):
            bare.append(taken(partial(case.bare, case.file)))
            ours.append(taken(partial(importers.read, case.file, origin)))
            if case.code:
                command = [sys.executable, "-c", case.code, str(case.file)]
                bare_whole.append(taken(partial(subprocess.run, command, check=True)))
                ours_whole.append(taken(partial(child.read, case.file, origin)))
        one, two = statistics.median(bare), statistics.median(ours)
        ratios[case.name] = two / one
        line = f"{case.name:28}{one:9.3f}{two:9.3f}{two / one:7.2f}{case.amount / two:14,.0f} {case.unit:<7}"
        if case.code:
            one, two = statistics.median(bare_whole), statistics.median(ours_whole)
            line += f"{one:13.3f}{two:13.3f}{two / one:7.2f}"
        print(line, flush=True)
    promised = {name: ratio for name, ratio in ratios.items() if name.startswith(("xlsx", "docx"))}
    listed = ", ".join(f"{name} {'kept' if ratio <= PROMISE else 'NOT kept'}" for name, ratio in promised.items())
    print(f"within {PROMISE} times the library: {listed}; load {', '.join(f'{each:.1f}' for each in os.getloadavg())}")


def taken(work: Callable[[], object]) -> float:
    """Processor seconds, those of ended children included."""
    before = _seconds()
    work()
    return _seconds() - before


def _seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


CALAMINE = (
    "import sys, python_calamine as c; b = c.CalamineWorkbook.from_path(sys.argv[1]);"
    "[b.get_sheet_by_name(n).to_python(skip_empty_area=False) for n in b.sheet_names]"
)


def cases(folder: Path, rows: int) -> Iterator[Case]:
    price = {f"D{n}": "0.00" for n in range(2, rows + 2)} | {f"E{n}": "0%" for n in range(2, rows + 2)}
    table = [list(HEADER), *(list(_row(n)) for n in range(rows))]
    book = corpus.workbook(folder, "table.xlsx", {"Tarifas": table}, formats=price)
    yield Case("xlsx, a table", book, rows, "rows", sheets_alone, CALAMINE)
    plain = corpus.workbook(folder, "plain.xlsx", {"Tarifas": table})
    yield Case("xlsx, without formats", plain, rows, "rows", sheets_alone)
    asked = [
        ["Pregunta", "Respuesta"],
        *([f"¿Cuánto cuesta el plan {n}?", f"Son {n} euros al mes."] for n in range(rows)),
    ]
    yield Case(
        "xlsx, questions", corpus.workbook(folder, "faq.xlsx", {"FAQ": asked}), rows, "rows", sheets_alone, CALAMINE
    )
    as_text = [[str(cell) for cell in row] for row in table]
    yield Case("ods", corpus.ods(folder, "table.ods", {"Tarifas": as_text}), rows, "rows", sheets_alone)
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows(as_text)
    yield Case("csv, a table", makers.written(folder, "t.csv", text.getvalue(), "cp1252"), rows, "rows", csv_alone)
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows(asked)
    yield Case("csv, questions", makers.written(folder, "q.csv", text.getvalue(), "cp1252"), rows, "rows", csv_alone)
    written = "\n".join(json.dumps({"prompt": q, "completion": a}) for q, a in asked[1:])
    yield Case("jsonl, questions", makers.written(folder, "q.jsonl", written), rows, "lines", json_alone)
    yield Case("docx", makers.docx(folder, "a.docx", words=100_000), 100_000, "words", docx_alone)
    pages = [
        "\n".join(f"{word} {n} {word} of page {page}" for n, word in enumerate(_words(page))) for page in range(100)
    ]
    yield Case("pdf", makers.pdf(folder, "a.pdf", pages), 100, "pages", pdf_alone)


HEADER = ("Code", "Customer", "Plan", "Price", "Discount", "City", "Note", "Units")


def _row(n: int) -> tuple[Any, ...]:
    plan, city = ("Flat", "House", "Boat")[n % 3], ("Kinsale", "Cork", "A Coruña")[n % 3]
    note = f"Se paga en tres días hábiles; llame al {n}"
    return (1000 + n, f"Customer {n} of the north", plan, round(n * 0.37 % 500, 2), n % 40 / 100, city, note, n % 7)


def _words(page: int) -> list[str]:
    """Thirty words of letters that no other page has: lines that stand on every page are no text of any."""
    return [
        f"{chr(97 + page % 26)}{chr(97 + page // 26)}{chr(97 + line % 26)}{chr(97 + line // 26)}" for line in range(30)
    ]


def sheets_alone(file: Path) -> object:
    import python_calamine

    book = python_calamine.CalamineWorkbook.from_path(str(file))
    return [book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names]


def csv_alone(file: Path) -> object:
    return list(csv.reader(io.StringIO(file.read_text(encoding="cp1252")), delimiter=";"))


def json_alone(file: Path) -> object:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n")]


def docx_alone(file: Path) -> object:
    import docx

    document = docx.Document(str(file))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return [paragraph.text for paragraph in document.paragraphs], cells


def pdf_alone(file: Path) -> object:
    import pypdfium2

    with pypdfium2.PdfDocument(file) as document:
        return [page.get_textpage().get_text_range() for page in document]


# ---- tables ------------------------------------------------------------------------------------------------------------


class Tabular(NamedTuple):
    name: str
    file: Path
    header: tuple[str, str]
    documented: str = "not documented"
    rows: int = len(ASKED)


def tables(folder: Path) -> None:
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_DATASETS_CACHE": str(folder / "cache")}
    print(f"\n{'':30}{'ours':<28}{LOADER:<44}Unsloth Studio, as documented")
    print(f"{'':30}{'rows  columns  text':<28}{'rows  columns  text':<44}")
    ours_right = theirs_right = 0
    every = list(tabular(folder))
    for each in every:
        ours, theirs = _ours(each), _datasets(each, folder)
        right = _verdict(each.rows, True, len(ASKED))
        ours_right, theirs_right = ours_right + (ours == right), theirs_right + (theirs == right)
        print(f"{each.name:30}{ours:<28}{theirs[:42]:<44}{each.documented}", flush=True)
    print(f"{'read right':30}{f'{ours_right} of {len(every)}':<28}{f'{theirs_right} of {len(every)}':<44}")


def tabular(folder: Path) -> Iterator[Tabular]:
    english, spanish = ("question", "answer"), ("pregunta", "respuesta")

    def made(name: str, content: str | bytes, code: str = "utf-8") -> Path:
        inside = folder / name.replace(" ", "_").replace(",", "_")
        inside.mkdir(exist_ok=True)
        return makers.written(inside, "faq.csv", content, code)

    def table(header: tuple[str, str], delimiter: str = ",", ends: str = "\r\n") -> str:
        text = io.StringIO()
        csv.writer(text, delimiter=delimiter, lineterminator=ends).writerows([header, *ASKED])
        return text.getvalue()

    yield Tabular("question,answer", made("plain", table(english)), english, UNSLOTH["question,answer"])
    yield Tabular("pregunta,respuesta", made("es", table(spanish)), spanish, UNSLOTH["pregunta,respuesta"])
    yield Tabular("semicolons", made("semi", table(spanish, ";")), spanish, UNSLOTH["semicolons"])
    yield Tabular("semicolons, cp1252", made("win", table(spanish, ";"), "cp1252"), spanish, UNSLOTH["cp1252"])
    yield Tabular("commas, cp1252", made("wincomma", table(english), "cp1252"), english, UNSLOTH["cp1252"])
    yield Tabular("tabs", made("tabs", table(spanish, "\t")), spanish)
    yield Tabular("bars", made("bars", table(spanish, "|")), spanish)
    yield Tabular("utf-8 with a mark", made("mark", table(english), "utf-8-sig"), english)
    yield Tabular("utf-16 (Excel's Unicode text)", made("wide", table(spanish, "\t"), "utf-16"), spanish)
    yield Tabular("old Mac letters and ends", made("mac", table(spanish, ";", "\r"), "mac_roman"), spanish)
    yield Tabular("sep=; in the first line", made("sep", "sep=;\r\n" + table(spanish, ";")), spanish)
    yield Tabular("title above the table", made("title", "Preguntas 2026\r\n\r\n" + table(spanish, ";")), spanish)
    yield Tabular(
        "a row with a cell too many", made("wide row", table(english) + "Extra?,Yes, it is, now.\r\n"), english, rows=4
    )
    yield Tabular("a row cut short", made("short", table(english) + "Cortada?\r\n"), english)
    yield Tabular("a quote never closed", made("open", table(english) + '"Rota?\r\n'), english)
    yield Tabular("a zero byte", made("nul", table(english).replace("Claro", "Cla\x00ro")), english)
    yield Tabular("garbled accents", made("garbled", table(spanish).encode().decode("cp1252")), spanish)
    book = corpus.workbook(folder, "faq.xlsx", {"FAQ": [["Pregunta", "Respuesta"], *map(list, ASKED)]})
    yield Tabular("xlsx", book, ("Pregunta", "Respuesta"), UNSLOTH["xlsx"])


def _verdict(rows: int, columns: bool, intact: int) -> str:
    return f"{rows:>4}  {'right' if columns else 'WRONG':<7}  {intact} of {len(ASKED)}"


def _ours(each: Tabular) -> str:
    try:
        reading = importers.read(each.file, makers.origin(each.file.name))
    except StudioError as error:
        return f"refused: {error.code}"
    columns = {c.name: c.role for c in reading.layout.columns} if reading.layout else {}
    right = [columns.get(name) for name in each.header] == ["question", "answer"]
    return _verdict(len(reading.examples), right, _intact([(e.question, e.answer) for e in reading.examples]))


def _datasets(each: Tabular, folder: Path) -> str:
    from datasets import load_dataset
    from datasets.utils.logging import disable_progress_bar, set_verbosity

    disable_progress_bar()
    set_verbosity(50)
    try:
        loaded = load_dataset("csv", data_files=str(each.file), cache_dir=str(folder / "cache"), split="train")
    except Exception as error:  # noqa: BLE001 - whatever it says is the result
        cause = error.__cause__ or error
        return f"refused: {type(cause).__name__}: {cause}".replace("\n", " ")
    names = loaded.column_names
    right = list(each.header) == names
    pairs = [(str(row.get(each.header[0])), str(row.get(each.header[1]))) for row in loaded]
    return _verdict(loaded.num_rows, right, _intact(pairs))


def _intact(pairs: Pairs) -> int:
    return sum(pair in pairs for pair in ASKED)


if __name__ == "__main__":
    main()
