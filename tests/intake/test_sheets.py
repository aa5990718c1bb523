"""Workbooks: every sheet and row, headers over several rows, numbers and dates as people see them."""

import datetime
import io
import re
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from studio.base.records import Column, ColumnRole, How, RowFault
from studio.intake import importers
from studio.intake.reading import Reading
from studio.intake.tables import cells
from studio.intake.tables.formats import Format, parsed
from tests.intake import corpus, makers

DAY = datetime.date(2026, 1, 12)


def read(file: Path, *columns: ColumnRole) -> Reading:
    return importers.read(file, makers.origin(file.name).model_copy(update={"how": How(columns=columns)}))


def text(reading: Reading) -> str:
    return "\n---\n".join(document.text for document in reading.documents)


def told(reading: Reading) -> list[tuple[str, int]]:
    return [(finding.code, finding.count) for finding in reading.findings]


@pytest.mark.parametrize(
    ("code", "value", "expected"),
    [
        ("General", 12345.0, "12345"),
        ("General", 8412345678905.0, "8412345678905"),
        ("General", 0.1 + 0.2, "0.3"),
        ("General", -0.5, "-0.5"),
        ("0", 12.6, "13"),
        ("0.00", 12.0, "12.00"),
        ("0%", 0.05, "5%"),
        ("0.0%", 0.125, "12.5%"),
        ("00000", 8001.0, "08001"),
        ("#,##0.00", 1234.5, "1234.50"),
        ('#,##0.00\\ "€"', 4.9, "4.90 €"),
        ('"$"#,##0.00', 4.9, "$4.90"),
        ("[$£-809]#,##0", 1200.0, "£1200"),
        ("#,##0.00\\ [$€-C0A];[Red]\\-#,##0.00\\ [$€-C0A]", -3.0, "-3.00 €"),
        ('0 "unidades"', 3.0, "3"),
        ("0.00", -0.001, "0.00"),
        ("@", 7.0, "7"),
        ("0.00E+00", 1500000.0, "1500000"),
        ("yyyy-mm-dd", 7.0, "7"),
        ("General", True, "✓"),
        ("General", DAY, "2026-01-12"),
        ("General", datetime.datetime.fromisoformat("2026-01-12T09:30"), "2026-01-12 09:30"),
        ("General", datetime.time(9, 30), "09:30"),
        ("General", datetime.timedelta(hours=26, minutes=5), "26:05"),
        ("General", " text\u00a0", "text"),
    ],
)
def test_a_cell_is_shown_as_people_see_it(code: str, value: cells.Cell, expected: str) -> None:
    assert cells.shown(value, parsed(code)) == expected
    assert list(cells.texts([value, value], parsed(code))) == [expected, expected]


def test_a_column_with_formats_of_its_own_in_some_rows() -> None:
    assert cells.texts([0.5, 0.5, "x"], [Format(True, 0), Format(), Format()]) == ["50%", "0.5", "x"]


@pytest.mark.parametrize("code", ["General", "0", "0.00", "0.0%", "00000", '#,##0.00\\ "€"'])
@pytest.mark.parametrize("different", [3, 900])
def test_a_long_column_shows_what_each_of_its_cells_would_alone(code: str, different: int) -> None:
    form = parsed(code)
    column: list[cells.Cell] = [n % different * 0.37 - (n % 5 == 0) for n in range(900)]
    mixed: list[cells.Cell] = ["Price", *column[:300], "", " sold out\r\n", *column[300:]]
    for each in (column, list(map(float, range(900))), mixed, [-0.0] * 500):
        expected = [cells.shown(value, form).replace("\r\n", "\n") for value in each]
        assert list(cells.texts(each, form)) == expected
        assert list(cells.texts(each, [Format() if isinstance(value, str) else form for value in each])) == expected


def test_long_numbers_are_written_in_full_and_codes_keep_their_zeros(tmp_path: Path) -> None:
    """A barcode of thirteen digits was once shown as 8.41234567891e+12, a postal code without its zero."""
    rows = [["Artículo", "EAN", "CP"], ["Mesa", 8412345678905, 8001], ["Silla", 8412345678912, 28001]]
    file = corpus.workbook(tmp_path, "a.xlsx", {"Hoja1": rows}, formats={"C2": "00000", "C3": "00000"})
    assert text(read(file)) == (
        "Artículo: Mesa; EAN: 8412345678905; CP: 08001\nArtículo: Silla; EAN: 8412345678912; CP: 28001"
    )


GROUPED: dict[str, tuple[list[list[Any]], list[str]]] = {
    "merged groups": (
        [["Plan", "2024", None, "2025", None], [None, "Price", "Units", "Price", "Units"]],
        ["A1:A2", "B1:C1", "D1:E1"],
    ),
    "empty cells beside the groups": (
        [["Plan", "2024", None, "2025", None], [None, "Price", "Units", "Price", "Units"]],
        [],
    ),
}


@pytest.mark.parametrize("case", GROUPED)
def test_two_rows_of_headers_name_each_column_with_both(tmp_path: Path, case: str) -> None:
    head, merged = GROUPED[case]
    rows = [*head, ["Flat", 1, 2, 3, 4], ["House", 5, 6, 7, 8]]
    reading = read(corpus.workbook(tmp_path, "a.xlsx", {"S": rows}, merged=merged))
    names = ["Plan", "2024 Price", "2024 Units", "2025 Price", "2025 Units"]
    assert text(reading) == "\n".join(
        "; ".join(f"{name}: {value}" for name, value in zip(names, row, strict=True)) for row in rows[2:]
    )
    assert reading.layout is not None
    assert [column.name for column in reading.layout.columns] == names
    assert (reading.layout.rows, reading.layout.read) == (2, 2)


def test_a_merged_label_belongs_to_every_row_beside_it_and_a_merged_title_is_one_line(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["Tarifas 2026", None, None],
        ["Zona", "Plan", "Precio"],
        ["Norte", "Básico", 1],
        [None, "Hogar", 2],
        ["Sur", "Básico", 3],
    ]
    file = corpus.workbook(tmp_path, "a.xlsx", {"S": rows}, merged=["A1:C1", "A3:A4"])
    assert text(read(file)) == (
        "Tarifas 2026\nZona: Norte; Plan: Básico; Precio: 1\nZona: Norte; Plan: Hogar; Precio: 2\n"
        "Zona: Sur; Plan: Básico; Precio: 3"
    )


def test_all_sheets_are_read_hidden_ones_are_said_and_charts_are_no_sheets(tmp_path: Path) -> None:
    sheets: dict[str, list[list[Any]]] = {
        "Enero": [["Plan", "Precio"], ["Flat", 1]],
        "Oculta": [["Plan", "Coste"], ["Flat", 0.5]],
        "Vacía": [],
    }
    reading = read(corpus.workbook(tmp_path, "a.xlsx", sheets, hidden=["Oculta"], chart=True))
    assert text(reading) == "Plan: Flat; Precio: 1\nPlan: Flat; Coste: 0.5"
    assert told(reading) == [("sheets_read", 2), ("sheets_hidden", 1)]
    assert reading.findings[1].parameters == {"sheets": "Oculta"}


def test_cells_in_error_and_formulas_never_calculated_are_counted(tmp_path: Path) -> None:
    rows = [["Plan", "Precio"], ["Flat", 1], ["House", "=B2*2"], ["Boat", "#N/A"]]
    reading = read(corpus.workbook(tmp_path, "a.xlsx", {"S": rows}))
    assert text(reading) == "Plan: Flat; Precio: 1\nHouse\nBoat"
    assert told(reading)[1:] == [("cells_in_error", 1), ("formulas_uncalculated", 1)]


def test_formats_are_found_whatever_the_order_of_a_cells_attributes(tmp_path: Path) -> None:
    rows = [["Plan", "Descuento"], ["Flat", 0.05]]
    file = corpus.workbook(tmp_path, "a.xlsx", {"S": rows}, formats={"B2": "0%"})
    turned = corpus.replaced(file, "b.xlsx", lambda xml: xml.replace(b'<c r="B2" s="1"', b'<c s="1" r="B2"'))
    assert text(read(file)) == text(read(turned)) == "Plan: Flat; Descuento: 5%"


def test_a_formula_counts_with_the_value_last_shown(tmp_path: Path) -> None:
    file = corpus.workbook(tmp_path, "a.xlsx", {"S": [["Plan", "Precio"], ["Flat", 1], ["House", "=B2*2"]]})
    stored = corpus.replaced(
        file, "b.xlsx", lambda xml: xml.replace(b"<v></v>", b"<v>2</v>").replace(b"<v />", b"<v>2</v>")
    )
    assert text(read(stored)) == "Plan: Flat; Precio: 1\nPlan: House; Precio: 2"


def test_a_sheet_that_begins_far_from_its_corner_keeps_its_numbers_and_letters(tmp_path: Path) -> None:
    rows = [*[[None]] * 4, [None, None, "x?", "y"], [None, None, "z?", "w"]]
    reading = read(corpus.workbook(tmp_path, "a.xlsx", {"S": rows}))
    assert [(e.row, e.question, e.answer) for e in reading.examples] == [(5, "x?", "y"), (6, "z?", "w")]
    assert reading.layout is not None
    assert reading.layout.columns == (
        Column(name="C", role="question", samples=("x?", "z?")),
        Column(name="D", role="answer", samples=("y", "w")),
    )


def test_an_answer_of_several_lines_keeps_them(tmp_path: Path) -> None:
    rows = [["Pregunta", "Respuesta"], ["¿A?", "Uno.\nDos."], ["¿B?", None]]
    reading = read(corpus.workbook(tmp_path, "a.xlsx", {"FAQ": rows}))
    assert [e.answer for e in reading.examples] == ["Uno.\nDos."]
    assert reading.layout is not None
    assert reading.layout.refused == (RowFault(row=3, code="empty", sheet="FAQ"),)
    assert (reading.layout.rows, reading.layout.read) == (2, 1)


def test_what_the_person_chose_is_for_every_sheet_with_the_same_columns(tmp_path: Path) -> None:
    same: list[list[Any]] = [["Asunto", "Texto", "Nota"], ["a", "b", "c"]]
    sheets: dict[str, list[list[Any]]] = {"Enero": same, "Otra": [["Plan", "Precio"], ["Flat", 1]], "Febrero": same}
    reading = read(corpus.workbook(tmp_path, "a.xlsx", sheets), "question", "answer", "ignore")
    assert [(e.question, e.answer) for e in reading.examples] == [("a", "b"), ("a", "b")]
    assert len({e.id for e in reading.examples}) == 2
    assert text(reading) == "Plan: Flat; Precio: 1"


def test_an_old_workbook_is_read_like_a_new_one() -> None:
    reading = read(corpus.FILES / "tarifas.xls")
    assert text(reading) == (
        "Tarifas 2026\n"
        "Código: 1001; Plan: Básico; Precio: 4.9; Desde: 2026-01-12\n"
        "Código: 1002; Plan: Hogar; Precio: 12; Desde: 2026-02-01"
    )
    assert [(e.row, e.question, e.answer) for e in reading.examples] == [
        (2, "¿Abren el lunes?", "Sí, de 9 a 18."),
        (3, "¿Y el domingo?", "No."),
    ]
    assert told(reading) == [("sheets_read", 3), ("examples_read", 2), ("sheets_hidden", 1)]


def test_an_open_document_sheet_shows_its_numbers_in_its_own_words(tmp_path: Path) -> None:
    rows = [
        ["Plan", "Precio", "Descuento", "Desde"],
        ["Flat", ("currency", 4.9, "4,90\u00a0€"), ("percentage", 0.05, "5 %"), ("date", "2026-01-12", "12/01/26")],
        ["House", ("currency", 12, "12,00\u00a0€"), None, ("date", "2026-02-01", "01/02/26")],
    ]
    faq = [["Pregunta", "Respuesta"], ["¿A?", "Uno.\nDos."]]
    reading = read(corpus.ods(tmp_path, "a.ods", {"Tarifas": rows, "FAQ": faq}))
    assert text(reading) == (
        "Plan: Flat; Precio: 4,90 €; Descuento: 5 %; Desde: 2026-01-12\nPlan: House; Precio: 12,00 €; Desde: 2026-02-01"
    )
    assert [e.answer for e in reading.examples] == ["Uno.\nDos."]
    assert [d.kind for d in reading.documents] == ["ods"]


def test_a_table_of_letters_with_the_name_of_a_workbook_is_read(tmp_path: Path) -> None:
    file = makers.written(tmp_path, "export.xls", "Pregunta\tRespuesta\n¿A?\tB\n", "cp1252")
    assert [(e.question, e.answer) for e in read(file).examples] == [("¿A?", "B")]


def longest(file: Path) -> Path:
    """A million rows like the second one of a short sheet, as text: openpyxl would take longer than all the reading."""
    from openpyxl import Workbook

    book, short = Workbook(), io.BytesIO()
    for row in (["Code", "Plan"], [1, "Flat"]):
        book.active.append(row)
    book.save(short)
    with ZipFile(short) as given, ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1) as made:
        for name in given.namelist():
            text = given.read(name)
            if name == "xl/worksheets/sheet1.xml":
                before, second, after = re.split('(<row r="2".*</row>)', text.decode())
                second = second.replace("%", "%%").replace("<v>1</v>", "<v>%d</v>")
                form = re.sub(r'r="(\w?)2"', r'r="\1%d"', second)
                rows = "".join(form % (n, n, n - 1, n) for n in range(2, 1_048_577))
                text = (before + rows + after).encode()
            made.writestr(name, text)
    return file


@pytest.mark.slow
def test_the_longest_sheet_there_can_be_is_read_to_its_last_row(tmp_path: Path) -> None:
    from studio import intake

    reading = intake.read(longest(tmp_path / "long.xlsx"))
    assert reading.layout is not None
    assert (reading.layout.rows, reading.layout.read) == (1_048_575, 1_048_575)
    (document,) = reading.documents
    assert document.text.count("\n") == 1_048_574
    assert document.text.endswith("\nCode: 1048575; Plan: Flat")
