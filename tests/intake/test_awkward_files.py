"""Files that cannot be read as they are: each is refused with its reason, or read with nothing lost in silence."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import studio
from studio.base.errors import NotFound, Unreadable
from studio.base.records import Layout
from studio.intake import child, importers, read
from tests.intake import corpus, makers, paper

Maker = Callable[[Path], Path]
GIGABYTE_OF_TEXT = b"<w:p><w:r><w:t>a</w:t></w:r></w:p>" * 1_000_000


def _truncated(folder: Path) -> Path:
    return makers.written(folder, "cut.docx", makers.docx(folder).read_bytes()[:-400])


def _truncated_pdf(folder: Path) -> Path:
    return makers.written(folder, "cut.pdf", makers.pdf(folder, "whole.pdf", ["Some text"]).read_bytes()[:300])


def _bomb(folder: Path) -> Path:
    head, tail = makers.document_xml(makers.docx(folder)).split(b"<w:body>")[0], b"</w:body></w:document>"
    return makers.with_part(
        folder / "guide.docx", "bomb.docx", "word/document.xml", head + b"<w:body>" + GIGABYTE_OF_TEXT + tail
    )


def _sheet_bomb(folder: Path) -> Path:
    rows = b"<worksheet><sheetData>" + b"<row><c><v>1</v></c></row>" * 2_000_000 + b"</sheetData></worksheet>"
    return makers.with_part(makers.xlsx(folder), "bomb.xlsx", "xl/worksheets/sheet1.xml", rows)


def _laughs(folder: Path) -> Path:
    return makers.with_part(makers.docx(folder), "laughs.docx", "word/document.xml", makers.BILLION_LAUGHS)


def _outside(folder: Path) -> Path:
    return makers.with_part(makers.docx(folder), "passwd.docx", "word/document.xml", makers.OUTSIDE_ENTITY)


def _slip(folder: Path) -> Path:
    return makers.with_part(makers.docx(folder), "slip.docx", "../../evil.xml", b"<x/>")


def _locked_zip(folder: Path) -> Path:
    content = bytearray(makers.docx(folder).read_bytes())
    at = content.find(b"PK\x01\x02")
    while at >= 0:  # the flag that says an entry is encrypted, in every entry of the directory
        content[at + 8] |= 1
        at = content.find(b"PK\x01\x02", at + 4)
    return makers.written(folder, "locked.docx", bytes(content))


def _ole(stream: str, name: str) -> Maker:
    content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600 + stream.encode("utf-16-le") + b"\x00" * 600
    return lambda folder: makers.written(folder, name, content)


def _cut(file: Path, upto: int) -> Path:
    return makers.written(file.parent, file.name, file.read_bytes()[:-upto])


def _one_sheet(folder: Path) -> Path:
    return corpus.workbook(folder, "one.xlsx", {"S": [["Plan", "Price"], *([["Flat", 1]] * 200)]})


@cache
def _sentences(language: str) -> dict[str, str]:
    file = Path(studio.__file__).parent / "locales" / f"{language}.json"
    return dict(json.loads(file.read_text(encoding="utf-8")))


def _file(name: str, content: str | bytes, encoding: str = "utf-8") -> Maker:
    return lambda folder: makers.written(folder, name, content, encoding)


LONG = {"scanned pdf without words", "picture without words", "zip bomb as xlsx", "zip bomb as docx"}
REFUSED: dict[str, tuple[Maker, str | tuple[str, ...]]] = {
    "empty file": (_file("empty.txt", b""), "file_empty"),
    "white space only": (_file("blank.csv", b" \n\r\n\t\n" * 9000), "file_empty"),
    "a byte order mark only": (_file("mark.csv", b"\xef\xbb\xbf"), "file_empty"),
    "zeros": (_file("zeros.pdf", b"\x00" * 5000), "file_empty"),
    "delimiters only": (_file("cells.csv", ";;;\n;;;\n"), "file_no_text"),
    "picture renamed .pdf": (lambda f: makers.written(f, "photo.pdf", makers.png(9, 9)), "not_what_it_says"),
    "page renamed .csv": (_file("page.csv", "<!DOCTYPE html><html><body>a,b</body></html>"), "not_what_it_says"),
    "web page saved as .xls": (
        _file("report.xls", "<html><table><tr><td>1</td></tr></table></html>"),
        "not_what_it_says",
    ),
    "text renamed .pdf": (_file("letter.pdf", "Dear all,\nthis is text.\n"), "not_what_it_says"),
    "program renamed .docx": (_file("setup.docx", b"MZ\x90\x00\x03" + bytes(range(256)) * 9), "not_what_it_says"),
    "rich text renamed .txt": (_file("a.txt", r"{\rtf1\ansi Hello}"), "not_what_it_says"),
    "archive of nothing": (lambda f: paper.zipped(f, "things.zip", {}), "archive_empty"),
    "archive cut off": (lambda f: _cut(paper.zipped(f, "a.zip", {"a.txt": "text " * 99}), 60), "file_damaged"),
    "picture without words": (
        lambda f: makers.written(f, "photo.png", makers.png(90, 90)),
        ("picture_without_text", "picture_needs_recognition", "file_damaged"),
    ),
    "sound": (_file("call.mp3", b"ID3\x04" + bytes(range(256))), "kind_unknown"),
    "program": (_file("setup.exe", b"MZ\x90\x00\x03" + bytes(range(256)) * 9), "kind_unknown"),
    "noise": (_file("data.bin", bytes(range(256)) * 40), "kind_unknown"),
    "noise called .txt": (_file("data.txt", bytes(range(256)) * 40), "file_damaged"),
    "encrypted pdf": (lambda f: makers.pdf(f, "secret.pdf", ["Secret text"], password="x"), "pdf_password_needed"),
    "truncated pdf": (_truncated_pdf, "file_damaged"),
    "scanned pdf without words": (
        lambda f: makers.pdf(f, "scan.pdf", ["", ""], picture=True),
        ("pdf_scanned", "pdf_nothing_recognised"),
    ),
    "blank pdf": (lambda f: makers.pdf(f, "blank.pdf", [""]), "file_no_text"),
    "truncated docx": (_truncated, "file_damaged"),
    "encrypted docx": (_ole("EncryptedPackage", "secret.docx"), "office_locked"),
    "docx with encrypted parts": (_locked_zip, "office_locked"),
    "old Word file": (_ole("WordDocument", "old.doc"), "office_old"),
    "workbook cut off": (lambda f: _cut(makers.xlsx(f, "cut.xlsx"), 500), "file_damaged"),
    "workbook whose sheet is cut off": (
        lambda f: corpus.replaced(_one_sheet(f), "torn.xlsx", lambda xml: xml[: len(xml) // 2]),
        "file_damaged",
    ),
    "workbook without a filled cell": (lambda f: corpus.workbook(f, "empty.xlsx", {"S": []}), "file_no_text"),
    "open sheet without its content": (lambda f: corpus.ods(f, "a.ods", {}, members=False), "file_damaged"),
    "open sheet without a filled cell": (lambda f: corpus.ods(f, "a.ods", {"S": [[None]]}), "file_no_text"),
    "encrypted workbook": (_ole("EncryptedPackage", "secret.xlsx"), "office_locked"),
    "old presentation": (_ole("PowerPoint Document", "old.ppt"), "office_old"),
    "presentation cut off": (lambda f: _cut(paper.pptx(f), 500), "file_damaged"),
    "open text without text": (lambda f: paper.odt(f, ""), "file_no_text"),
    "book without text": (lambda f: paper.epub(f, {"a.xhtml": ""}), "file_no_text"),
    "page without text": (_file("a.html", "<html><script>let a = 1</script></html>"), "file_no_text"),
    "broken old container": (_ole("nothing", "odd.xls"), "file_damaged"),
    "old workbook without content": (_ole("Workbook", "odd.xls"), "file_damaged"),
    "zip bomb as docx": (_bomb, "file_bomb"),
    "zip bomb as xlsx": (_sheet_bomb, "file_bomb"),
    "billion laughs": (_laughs, "file_unsafe"),
    "outside entity": (_outside, "file_unsafe"),
    "path that leads out": (_slip, "file_unsafe"),
    "table of delimiters in utf-16": (_file("cells.csv", "\t\t\t\n" * 9, "utf-16"), "file_empty"),
    "json lines, all broken": (_file("a.jsonl", '{"a": \n' * 9), "json_not_understood"),
    "json of numbers": (_file("a.json", "[1, 2, 3]"), "json_not_understood"),
    "json cut off": (_file("a.json", '{"data": [{"question": "a", '), "json_not_understood"),
    "json nested without end": (_file("a.json", "[" * 200_000), "json_not_understood"),
}


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=pytest.mark.slow) if case in LONG else case for case in REFUSED]
)
def test_what_cannot_be_read_is_refused_with_its_reason_and_name(tmp_path: Path, case: str) -> None:
    make, codes = REFUSED[case]
    file = make(tmp_path)
    with pytest.raises(Unreadable) as refused:
        importers.read(file, makers.origin(file.name))
    assert refused.value.code in ((codes,) if isinstance(codes, str) else codes)
    for language in ("en", "es"):  # the sentence exists, fits its parameters, and names the file
        sentence = _sentences(language)[f"error.{refused.value.code}"]
        assert file.name in sentence.format(**refused.value.parameters)


class Got(NamedTuple):
    """What a file must give: examples, sections of its documents, rows and how many of them were mended or refused."""

    examples: int = 0
    sections: int = 0
    rows: int | None = None
    repaired: int = 0
    refused: int = 0


CHAT = "".join(f"12/01/26, 09:{n:02d} - {'Ana: ¿Abren' if n % 2 == 0 else 'Sol: Sí'} {n}?\n" for n in range(10))
LETTER = b"From: ana@example.org\nTo: sol@example.org\nSubject: Hours\nDate: Mon, 2 Mar 2026 10:14:00 +0100\n\nOpen?\n"
MENU = "<html><body><nav>Menu</nav><h1>Hours</h1><p>We open at nine in the morning and close at six.</p></body></html>"
WORDS = ("Claim", "Damage", "Water", "Fire", "Theft", "Glass", "Roof", "Car", "Boat", "Flat", "House", "Garden")
PRICES: list[list[Any]] = [["Plan", "Price"], ["Flat", 1], ["House", 2]]
TWO = "pregunta;respuesta\n¿Año?;Sí, señor\n¿Y hoy?;No\n"

READ: dict[str, tuple[Maker, Got]] = {
    "cp1252 with semicolons": (_file("a.csv", TWO, "cp1252"), Got(2, rows=2)),
    "latin-1 with tabs": (_file("a.tsv", TWO.replace(";", "\t"), "latin-1"), Got(2, rows=2)),
    "old Mac letters": (_file("a.csv", TWO, "mac_roman"), Got(2, rows=2)),
    "old DOS letters": (_file("a.csv", TWO * 1, "cp850"), Got(2, rows=2)),
    "utf-16 with a mark": (_file("a.csv", TWO, "utf-16"), Got(2, rows=2)),
    "utf-16 without a mark": (_file("a.csv", TWO, "utf-16-le"), Got(2, rows=2)),
    "utf-16, big end first": (_file("a.csv", b"\xfe\xff" + TWO.encode("utf-16-be")), Got(2, rows=2)),
    "utf-8 with a mark": (_file("a.csv", TWO, "utf-8-sig"), Got(2, rows=2)),
    "utf-8 and cp1252 in one file": (
        _file("a.csv", TWO.encode() + "¿Mañana?;Quizá\n".encode("cp1252")),
        Got(3, rows=3, repaired=2),
    ),
    "garbled accents": (_file("a.csv", TWO.encode().decode("cp1252")), Got(2, rows=2, repaired=2)),
    "old Mac line ends": (_file("a.csv", "question,answer\rA?,B\rC?,D\r"), Got(2, rows=2)),
    "blank lines between": (_file("a.csv", "\n\nquestion,answer\n\nA?,B\n\n\nC?,D"), Got(2, rows=2)),
    "cells beyond the last column": (_file("a.csv", "question,answer,,\nA?,B,,\nC?,D,,,,\n"), Got(2, rows=2)),
    "a zero byte inside": (_file("a.csv", b"question,answer\nA?,B\x00C\n"), Got(1, rows=1, repaired=1)),
    "a cell of a megabyte": (_file("a.csv", "question,answer\nA?," + "b" * 1_000_000 + "\n"), Got(1, rows=1)),
    "a line end in a cell": (_file("a.csv", 'question,answer\nA?,"B\nC"\nD?,E\n'), Got(2, rows=2)),
    "unquoted commas": (_file("a.csv", "question,answer\nA?,B, c, d\nE?,F\n"), Got(2, rows=2, repaired=1)),
    "a row too short": (_file("a.csv", "question,answer,topic\nA?,B\nC?,D,e\n"), Got(2, rows=2, repaired=1)),
    "a quote never closed": (_file("a.csv", 'question,answer\n"A?,B\nC?,D\n'), Got(2, rows=2, repaired=1)),
    "three rows of five are broken": (
        _file("a.csv", "question,answer\nA?\nB?,\nC?,1,2,3\nD?,E\nF?,G\n"),
        Got(2, rows=5, refused=3),
    ),
    "sep= in the first line": (_file("a.csv", "sep=;\nquestion;answer\nA?;B\n"), Got(1, rows=1)),
    "a title above the table": (_file("a.csv", "Our questions\n\nquestion,answer\nA?,B\n"), Got(1, rows=1)),
    "no header": (_file("a.csv", "A?,B\nC?,D\n"), Got(2, rows=2)),
    "pandas' numbers in front": (_file("a.csv", ",plan,price\n0,Flat,1\n1,House,2\n"), Got(0, 2, rows=2)),
    "table named .txt": (_file("a.txt", "Pregunta\tRespuesta\n¿A?\tB\n"), Got(1, rows=1)),
    "table named .xls": (_file("a.xls", "Pregunta\tRespuesta\n¿A?\tB\n", "cp1252"), Got(1, rows=1)),
    "headers in capitals": (_file("a.csv", "QUESTION,ANSWER\nA?,B\n"), Got(1, rows=1)),
    "quotes within cells": (_file("a.csv", 'question,answer\nThe 5" one?,It is 5" wide\n'), Got(1, rows=1)),
    "json lines named .txt": (_file("a.txt", '{"prompt": "a", "completion": "b"}\n' * 3), Got(3, rows=3)),
    "json list named .jsonl": (_file("a.jsonl", '[{"prompt": "a", "completion": "b"}]'), Got(1, rows=1)),
    "json lines with a broken one": (
        _file("a.jsonl", '{"prompt": "a", "completion": "b"}\n{"prompt": \n' * 3),
        Got(3, rows=6, refused=3),
    ),
    "json of nested data": (
        _file("a.json", '{"data": [{"plan": {"name": "Flat"}}, {"plan": {}}]}'),
        Got(0, 1, 2, 0, 1),
    ),
    "chat template text": (
        _file("a.txt", "<|im_start|>user\nA?<|im_end|>\n<|im_start|>assistant\nB<|im_end|>\n"),
        Got(1, rows=1),
    ),
    "workbook named .csv": (lambda f: makers.xlsx(f, "b.xlsx").rename(f / "b.csv"), Got(1, 4, rows=6, refused=1)),
    "workbook with hidden sheet and chart": (
        lambda f: corpus.workbook(f, "a.xlsx", {"A": PRICES, "B": PRICES}, hidden=["B"], chart=True),
        Got(0, 4, rows=4),
    ),
    "workbook with two rows of headers": (
        lambda f: corpus.workbook(
            f, "a.xlsx", {"A": [["Plan", "2024", None], [None, "Price", "Units"], ["Flat", 1, 2]]}, merged=["B1:C1"]
        ),
        Got(0, 1, rows=1),
    ),
    "workbook with errors and formulas": (
        lambda f: corpus.workbook(f, "a.xlsx", {"A": [*PRICES, ["Boat", "#N/A"], ["All", "=SUM(B2:B3)"]]}),
        Got(0, 4, rows=4),
    ),
    "workbook that begins far from its corner": (
        lambda f: corpus.workbook(f, "a.xlsx", {"A": [[None]] * 50 + [[None, *row] for row in PRICES]}),
        Got(0, 2, rows=2),
    ),
    "workbook whose one sheet is damaged": (
        lambda f: corpus.replaced(
            corpus.workbook(f, "a.xlsx", {"A": PRICES, "B": PRICES}), "b.xlsx", lambda xml: xml[: len(xml) // 2]
        ),
        Got(0, 2, rows=2),
    ),
    "old workbook": (lambda f: corpus.FILES / "tarifas.xls", Got(2, 3, rows=5)),
    "open sheet": (lambda f: corpus.ods(f, "a.ods", {"A": PRICES, "B": PRICES}), Got(0, 4, rows=4)),
    "pdf of twelve pages": (lambda f: makers.pdf(f, "a.pdf", [f"{word} is a word." for word in WORDS]), Got(0, 12)),
    "word document": (lambda f: makers.docx(f), Got(0, 3)),
    "word document named .pdf": (lambda f: makers.docx(f).rename(f / "a.pdf"), Got(0, 3)),
    "presentation": (lambda f: paper.pptx(f), Got(0, 3)),
    "open text": (lambda f: paper.odt(f, "<text:p>Hours: nine to six.</text:p>"), Got(0, 1)),
    "book of two chapters": (
        lambda f: paper.epub(f, {"a.xhtml": "<h1>A</h1><p>One.</p>", "b.xhtml": "<h1>B</h1><p>Two.</p>"}),
        Got(0, 2),
    ),
    "rich text": (_file("a.rtf", r"{\rtf1\ansi Hours: nine to six.\par}"), Got(0, 1)),
    "web page": (_file("a.html", MENU), Got(0, 1)),
    "web page in cp1252": (_file("a.html", MENU.replace("Hours", "Años"), "cp1252"), Got(0, 1)),
    "mail": (_file("a.eml", LETTER), Got(0, 1)),
    "mailbox": (_file("a.mbox", (b"From a@b.org Mon Mar  2 10:14:00 2026\n" + LETTER + b"\n") * 1), Got(0, 1)),
    "chat": (_file("WhatsApp Chat with Ana.txt", CHAT), Got(5, 1, rows=10)),
    "markdown": (_file("a.md", "# One\ntext\n# Two\nmore\n"), Got(0, 2)),
    "text in utf-16": (_file("a.txt", "Abrimos a las nueve.", "utf-16"), Got(0, 1)),
}


@pytest.mark.parametrize("case", READ)
def test_what_can_be_read_is_read_with_no_row_or_page_lost(tmp_path: Path, case: str) -> None:
    make, expected = READ[case]
    file = make(tmp_path)
    reading = importers.read(file, makers.origin(file.name))
    found = reading.layout or Layout()
    sections = sum(len(document.sections) for document in reading.documents)
    rows = found.rows if expected.rows is not None else None
    assert Got(len(reading.examples), sections, rows, found.repaired_count, found.refused_count) == expected
    assert found.rows == found.read + found.refused_count


def test_there_are_enough_awkward_files() -> None:
    assert len(READ) + len(REFUSED) >= 100


def test_a_text_without_a_line_end_is_cut_into_sections(tmp_path: Path) -> None:
    (document,) = importers.read(makers.written(tmp_path, "a.txt", "word " * 100_000), makers.origin("a.txt")).documents
    assert len(document.text) == 499_999
    assert max(section.end - section.start for section in document.sections) <= 200_000
    assert "".join(document.text[s.start : s.end] for s in document.sections) == document.text


def test_reading_happens_in_a_child_that_finds_the_same(tmp_path: Path) -> None:
    file = makers.written(tmp_path, "a.csv", "question,answer\n¿Año?,Sí\n")
    in_child = read(file)
    assert in_child.examples == importers.read(file, makers.origin("a.csv")).examples
    assert in_child.findings == importers.read(file, makers.origin("a.csv")).findings


def test_a_refusal_comes_back_from_the_child(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as refused:
        read(makers.written(tmp_path, "photo.pdf", makers.png(9, 9)), "../../Fotos/mi foto.pdf")
    assert (refused.value.code, refused.value.parameters) == (
        "not_what_it_says",
        {"name": "mi foto.pdf", "kind": "PNG"},
    )


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="file_missing"):
        read(tmp_path / "none.txt")


@pytest.mark.parametrize(
    ("work", "code"),
    [
        ("import os; os.abort()", "file_crashed_reader"),
        ("import sys; sys.exit(3)", "file_crashed_reader"),
        ("raise RuntimeError('parser')", "file_crashed_reader"),
        ("_limit(1)\nwhile True: pass", "file_too_slow"),
        ("_limit(9)\nimporters.read = lambda *a: bytearray(4 << 30)\nmain(sys.argv[1:])", "file_too_big_to_read"),
    ],
)
def test_a_parser_that_dies_costs_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: str, code: str
) -> None:
    start = "import sys; sys.path.insert(0, sys.argv.pop(1)); from studio.intake import importers\n"
    monkeypatch.setattr(child, "START", f"{start}from studio.intake.child import _limit, main\n{work}")
    with pytest.raises(Unreadable) as refused:
        read(makers.written(tmp_path, "a.txt", "text"))
    assert refused.value.code == code


def test_the_reader_sees_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setattr(child, "START", "import os, sys; sys.exit(3 if 'HF_TOKEN' in os.environ else 0)")
    with pytest.raises(Unreadable):
        read(makers.written(tmp_path, "a.txt", "text"))  # it wrote no result: refused, but not by exit 3
    import subprocess

    seen: list[dict[str, str]] = []
    original = subprocess.Popen.__init__

    def spy(self: object, *args: object, **more: object) -> None:
        seen.append(dict(more["env"]))  # type: ignore[call-overload]
        original(self, *args, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess.Popen, "__init__", spy)
    with pytest.raises(Unreadable):
        read(makers.written(tmp_path, "a.txt", "text"))
    assert [name for name in seen[0] if "TOKEN" in name or name.startswith("AMEDIDA")] == []
