"""Files that cannot be read as they are: each is refused with its reason, or read with nothing lost in silence."""

import zipfile
from pathlib import Path

import pytest

from studio.base.errors import NotFound, Unreadable
from studio.intake import child, importers, read
from tests.intake import makers

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


def _ole(stream: str, name: str):  # type: ignore[no-untyped-def]
    content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600 + stream.encode("utf-16-le") + b"\x00" * 600
    return lambda folder: makers.written(folder, name, content)


def _empty_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "things.zip", "w") as archive:
        archive.writestr("a.txt", "text")
    return folder / "things.zip"


def _file(name: str, content: str | bytes, encoding: str = "utf-8"):  # type: ignore[no-untyped-def]
    return lambda folder: makers.written(folder, name, content, encoding)


REFUSED = {
    "empty file": (_file("empty.txt", b""), "file_empty"),
    "white space only": (_file("blank.csv", b" \n\r\n\t\n" * 9000), "file_empty"),
    "a byte order mark only": (_file("mark.csv", b"\xef\xbb\xbf"), "file_empty"),
    "zeros": (_file("zeros.pdf", b"\x00" * 5000), "file_empty"),
    "delimiters only": (_file("cells.csv", ";;;\n;;;\n"), "file_no_text"),
    "picture renamed .pdf": (lambda f: makers.written(f, "photo.pdf", makers.png(9, 9)), "not_what_it_says"),
    "page renamed .csv": (_file("page.csv", "<!DOCTYPE html><html><body>a,b</body></html>"), "not_what_it_says"),
    "page saved as .xls": (_file("report.xls", "<html><table><tr><td>1</td></tr></table></html>"), "not_what_it_says"),
    "text renamed .pdf": (_file("letter.pdf", "Dear all,\nthis is text.\n"), "not_what_it_says"),
    "program renamed .docx": (_file("setup.docx", b"MZ\x90\x00\x03" + bytes(range(256)) * 9), "not_what_it_says"),
    "rich text renamed .txt": (_file("a.txt", r"{\rtf1\ansi Hello}"), "not_what_it_says"),
    "archive": (_empty_zip, "kind_unknown"),
    "picture": (lambda f: makers.written(f, "photo.png", makers.png(9, 9)), "kind_unknown"),
    "noise": (_file("data.bin", bytes(range(256)) * 40), "kind_unknown"),
    "noise called .txt": (_file("data.txt", bytes(range(256)) * 40), "file_damaged"),
    "encrypted pdf": (lambda f: makers.pdf(f, "secret.pdf", ["Secret text"], password="x"), "pdf_locked"),
    "truncated pdf": (_truncated_pdf, "file_damaged"),
    "scanned pdf": (lambda f: makers.pdf(f, "scan.pdf", ["", ""], picture=True), "pdf_scanned"),
    "blank pdf": (lambda f: makers.pdf(f, "blank.pdf", [""]), "file_no_text"),
    "truncated docx": (_truncated, "file_damaged"),
    "encrypted docx": (_ole("EncryptedPackage", "secret.docx"), "office_locked"),
    "docx with encrypted parts": (_locked_zip, "office_locked"),
    "old Word file": (_ole("WordDocument", "old.doc"), "office_old"),
    "broken old container": (_ole("nothing", "odd.xls"), "file_damaged"),
    "old workbook without content": (_ole("Workbook", "odd.xls"), "file_damaged"),
    "zip bomb as docx": (_bomb, "file_bomb"),
    "zip bomb as xlsx": (_sheet_bomb, "file_bomb"),
    "billion laughs": (_laughs, "file_unsafe"),
    "outside entity": (_outside, "file_unsafe"),
    "path that leads out": (_slip, "file_unsafe"),
    "json of numbers": (_file("a.json", "[1, 2, 3]"), "json_not_understood"),
    "json cut off": (_file("a.json", '{"data": [{"question": "a", '), "json_not_understood"),
    "json nested without end": (_file("a.json", "[" * 200_000), "json_not_understood"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_with_its_reason_and_name(tmp_path: Path, case: str) -> None:
    make, code = REFUSED[case]
    file = make(tmp_path)
    with pytest.raises(Unreadable) as refused:
        importers.read(file, makers.origin(file.name))
    assert (refused.value.code, refused.value.parameters["name"]) == (code, file.name)


READ = {
    "cp1252 with semicolons": (_file("a.csv", "pregunta;respuesta\n¿Año?;Sí, señor\n", "cp1252"), 1),
    "utf-16 with a mark": (_file("a.csv", "pregunta;respuesta\n¿Año?;Sí\n", "utf-16"), 1),
    "utf-8 with a mark": (_file("a.csv", b"\xef\xbb\xbfquestion,answer\nA?,B\n"), 1),
    "old Mac line ends": (_file("a.csv", "question,answer\rA?,B\rC?,D\r"), 2),
    "blank lines between": (_file("a.csv", "\n\nquestion,answer\n\nA?,B\n\n\nC?,D"), 2),
    "cells beyond the last column": (_file("a.csv", "question,answer,,\nA?,B,,\nC?,D,,,,\n"), 2),
    "a zero byte inside": (_file("a.csv", b"question,answer\nA?,B\x00C\n"), 1),
    "a cell of a megabyte": (_file("a.csv", "question,answer\nA?," + "b" * 1_000_000 + "\n"), 1),
    "table named .txt": (_file("a.txt", "Pregunta\tRespuesta\n¿A?\tB\n"), 1),
    "json lines named .txt": (_file("a.txt", '{"prompt": "a", "completion": "b"}\n' * 3), 3),
    "json list named .jsonl": (_file("a.jsonl", '[{"prompt": "a", "completion": "b"}]'), 1),
    "workbook named .csv": (lambda f: makers.xlsx(f, "b.xlsx").rename(f / "b.csv"), 1),
    "sentences in capitals": (_file("a.csv", "QUESTION,ANSWER\nA?,B\n"), 1),
    "quotes within cells": (_file("a.csv", 'question,answer\nThe 5" one?,It is 5" wide\n'), 1),
}


@pytest.mark.parametrize("case", READ)
def test_what_can_be_read_is_read_whole(tmp_path: Path, case: str) -> None:
    make, examples = READ[case]
    file = make(tmp_path)
    reading = importers.read(file, makers.origin(file.name))
    assert len(reading.examples) == examples
    assert [f.code for f in reading.findings if f.code == "rows_wrong_cells"] == []


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
        original(self, *args, **more)  # type: ignore[arg-type,call-overload]

    monkeypatch.setattr(subprocess.Popen, "__init__", spy)
    with pytest.raises(Unreadable):
        read(makers.written(tmp_path, "a.txt", "text"))
    assert [name for name in seen[0] if "TOKEN" in name or name.startswith("AMEDIDA")] == []
