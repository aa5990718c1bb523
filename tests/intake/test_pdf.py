"""What is read from PDF files: whole pages, whole tables, in order; and what is refused."""

import textwrap
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from studio import intake
from studio.base.errors import Unreadable
from studio.base.records import Finding
from studio.intake.pages import ocr, pdf, pdf_furniture, pdf_tables
from studio.intake.reading import Reading
from tests.intake import makers, pdf_makers

PRICES = [("Plan", "Precio", "Franquicia"), ("Cala", "120", "150"), ("Puerto", "180", "100"), ("Cabo", "240", "0")]
WRAPPED = [
    ("Concepto", "Qué cubre", "Límite"),
    ("Agua", "Los daños que causen las tuberías de la vivienda, también los del vecino de arriba", "3.000 EUR"),
    ("Robo", "Lo que falte tras un robo con fuerza", "Hasta el valor del contenido"),
    ("Cristales", "Ventanas, espejos y placas de cocina", "sin límite"),
]
BORDERS = ("ALL", "INTERNAL", "MINIMAL", "NO_HORIZONTAL_LINES", "HORIZONTAL_LINES", "SINGLE_TOP_LINE", "NONE")


def read(file: Path, password: str = "") -> Reading:
    return pdf.read(file, makers.origin(file.name).model_copy(update={"password": password}))


def parts(reading: Reading) -> list[tuple[int | None, int | None, str]]:
    (document,) = reading.documents
    return [(part.page, part.row, document.text[part.start : part.end]) for part in document.sections]


def table(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(" | ".join(row) for row in rows)


# ---- tables --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [PRICES, WRAPPED], ids=["short", "wrapped"])
@pytest.mark.parametrize("borders", BORDERS)
def test_a_table_keeps_its_cells_however_it_is_ruled(tmp_path: Path, borders: str, rows: list[tuple[str, ...]]) -> None:
    def draw(document: Any) -> None:
        document.add_page()
        pdf_makers.prose(document, 1)
        pdf_makers.ruled(document, rows, borders)
        document.ln(10)
        pdf_makers.prose(document, 1)

    prose = pdf_makers.LOREM.strip()
    found = parts(read(pdf_makers.made(tmp_path, "a.pdf", draw)))
    assert found == [(1, None, prose), (1, 2, table(rows)), (1, None, prose)]


def test_a_table_without_lines_is_told_by_the_white_between_its_columns(tmp_path: Path) -> None:
    def draw(document: Any) -> None:
        document.add_page()
        pdf_makers.columns(document, PRICES, (60, 250, 400), 100)

    assert parts(read(pdf_makers.made(tmp_path, "a.pdf", draw))) == [(1, 2, table(PRICES))]


def test_a_row_set_as_one_text_with_wide_spaces_is_cut_into_its_cells(tmp_path: Path) -> None:
    lines = "\n".join(
        f"1 0 0 1 60 {700 - 16 * number} Tm [({row[0]}) -{9000 - 560 * len(row[0])} ({row[1]}) -6000 ({row[2]})] TJ"
        for number, row in enumerate([("Plan", "Price", "Share"), *[(f"Plan{n}", "100", "150") for n in range(1, 5)]])
    )
    file = pdf_makers.raw(tmp_path, "a.pdf", [f"BT /F1 11 Tf {lines} ET"])
    rows = [("Plan", "Price", "Share"), *[(f"Plan{n}", "100", "150") for n in range(1, 5)]]
    assert parts(read(file)) == [(1, 2, table(rows))]


def test_merged_cells_are_read_once_across_and_in_each_row_down(tmp_path: Path) -> None:
    def draw(document: Any) -> None:
        document.add_page()
        with document.table(text_align="LEFT", line_height=14) as drawn:
            drawn.row(("Plan", "Precio", "Desde"))
            row = drawn.row()
            row.cell("Cala", rowspan=2)
            row.cell("120")
            row.cell("2025")
            drawn.row(("130", "2026"))
            row = drawn.row()
            row.cell("Puerto")
            row.cell("a consultar con la oficina", colspan=2)

    assert parts(read(pdf_makers.made(tmp_path, "a.pdf", draw))) == [
        (1, 2, "Plan | Precio | Desde\nCala | 120 | 2025\nCala | 130 | 2026\nPuerto | a consultar con la oficina |")
    ]


def test_a_long_table_repeats_its_header_in_every_part_and_over_the_page(tmp_path: Path) -> None:
    rows = [("Artículo", "Precio"), *[(f"Pieza de recambio número {n}", f"{n},50") for n in range(1, 81)]]

    def draw(document: Any) -> None:
        document.add_page()
        pdf_makers.ruled(document, rows, repeat_headings=0)

    found = parts(read(pdf_makers.made(tmp_path, "a.pdf", draw)))
    assert {text.split("\n")[0] for _, _, text in found} == {"Artículo | Precio"}
    assert [line for _, _, text in found for line in text.split("\n")[1:]] == [" | ".join(row) for row in rows[1:]]
    assert {page for page, _, _ in found} == {1, 2}
    assert max(len(text) for _, _, text in found) <= 600


def test_a_table_that_stands_on_a_turned_page_is_a_table(tmp_path: Path) -> None:
    lines = []
    for number, row in enumerate(PRICES):
        y = 60 + 18 * number
        lines += [f"0 1 -1 0 {y} {x} Tm ({cell}) Tj" for x, cell in zip((60, 250, 400), row, strict=True)]
    file = pdf_makers.raw(tmp_path, "a.pdf", [f"BT /F1 11 Tf {' '.join(lines)} ET"], page="/Rotate 90")
    assert parts(read(file)) == [(1, 2, table(PRICES))]


@pytest.mark.parametrize("row_by_row", [False, True])
def test_two_columns_of_text_are_read_one_after_the_other(tmp_path: Path, row_by_row: bool) -> None:
    lines = textwrap.wrap(pdf_makers.LOREM * 3, 44)
    half = (len(lines) + 1) // 2
    pairs = [(50, 60 + 14 * n, line) for n, line in enumerate(lines[:half])]
    pairs += [(320, 60 + 14 * n, line) for n, line in enumerate(lines[half:])]

    def draw(document: Any) -> None:
        document.add_page()
        for x, y, line in sorted(pairs, key=lambda pair: (pair[1], pair[0])) if row_by_row else pairs:
            document.text(x, y, line)

    ((_, _, text),) = parts(read(pdf_makers.made(tmp_path, "a.pdf", draw)))
    assert text.split() == (pdf_makers.LOREM * 3).split()


def test_lists_and_tables_of_contents_are_no_tables(tmp_path: Path) -> None:
    steps = ["Llame al seguro", "Haga fotos", "Guarde las piezas", "Espere al perito"]

    def draw(document: Any) -> None:
        document.add_page()
        for number, step in enumerate(steps):
            document.text(50, 60 + 16 * number, f"{number + 1}.")
            document.text(80, 60 + 16 * number, step)
        for number in range(4):
            document.text(50, 300 + 16 * number, f"Capítulo {number} {'.' * 60} {number + 7}")

    ((_, row, text),) = parts(read(pdf_makers.made(tmp_path, "a.pdf", draw)))
    assert row is None
    assert text.split("\n") == [
        *[f"{number}. {step}" for number, step in enumerate(steps, start=1)],
        *[f"Capítulo {number} {'.' * 60} {number + 7}" for number in range(4)],
    ]


def test_a_box_around_text_is_no_table(tmp_path: Path) -> None:
    def draw(document: Any) -> None:
        document.add_page()
        document.rect(20, 20, 555, 300)
        pdf_makers.prose(document, 2)

    assert [row for _, row, _ in parts(read(pdf_makers.made(tmp_path, "a.pdf", draw)))] == [None]


def test_parts_of_a_table_know_their_first_row() -> None:
    rows = [("Plan", "Price"), *[(f"Plan {n} " + "x" * 200, "1") for n in range(3)]]
    assert [at for at, _ in pdf_tables.sections(rows)] == [2, 4]
    assert list(pdf_tables.sections([("1", "2"), ("3", "4")])) == [(1, "1 | 2\n3 | 4")]
    assert list(pdf_tables.sections([("1", "2")], ["A", "B"])) == [(1, "A | B\n1 | 2")]


# ---- text ----------------------------------------------------------------------------------------------------------------


def test_letters_set_small_and_enlarged_still_make_headings(tmp_path: Path) -> None:
    content = "BT /F1 1 Tf 18 0 0 18 60 700 Tm (Cover) Tj 11 0 0 11 60 670 Tm (We pay for fire and for water.) Tj ET"
    (document,) = read(pdf_makers.raw(tmp_path, "a.pdf", [content])).documents
    assert [part.heading for part in document.sections] == ["Cover"]


def test_letters_beyond_the_basic_ones_do_not_shift_the_lines_after_them(tmp_path: Path) -> None:
    more = {50: pdf_makers.to_unicode({0x7E: "\U0001f600"})}
    rows = "\n".join(
        f"1 0 0 1 {x} {660 - 16 * n} Tm ({cell}) Tj" for n in range(4) for x, cell in ((60, f"Plan{n}"), (300, "100"))
    )
    content = f"BT /F1 11 Tf 1 0 0 1 60 700 Tm ({'~ ' * 30}) Tj {rows} ET"
    file = pdf_makers.raw(tmp_path, "a.pdf", [content], font="/ToUnicode 50 0 R", more=more)
    found = parts(read(file))
    assert [row for _, row, _ in found] == [None, 1]
    assert found[1][2] == "Plan0 | 100\nPlan1 | 100\nPlan2 | 100\nPlan3 | 100"


def test_composed_letters_and_ligatures_come_out_composed(tmp_path: Path) -> None:
    more = {50: pdf_makers.to_unicode({0x7E: "o\u0301", 0x7C: "\ufb01"})}
    content = "BT /F1 11 Tf 60 700 Td (La p~liza |ja el l\\355mite de la cobertura.) Tj ET"
    file = pdf_makers.raw(tmp_path, "a.pdf", [content], font="/ToUnicode 50 0 R", more=more)
    assert parts(read(file)) == [(1, None, "La póliza fija el límite de la cobertura.")]


def test_what_people_typed_into_a_form_is_text(tmp_path: Path) -> None:
    stream = "BT /F1 11 Tf 2 4 Td (Marisa Cordon) Tj ET"
    more = {
        50: "<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (Marisa Cordon) /Rect [150 690 400 710] /F 4 "
        "/AP << /N 51 0 R >> >>",
        51: f"<< /Type /XObject /Subtype /Form /BBox [0 0 250 20] /Resources << /Font << /F1 3 0 R >> >> "
        f"/Length {len(stream)} >>\nstream\n{stream}\nendstream",
    }
    file = pdf_makers.raw(
        tmp_path,
        "form.pdf",
        ["BT /F1 11 Tf 60 694 Td (Name of the insured:) Tj ET"],
        page="/Annots [50 0 R]",
        more=more,
        catalog="/AcroForm << /Fields [50 0 R] >>",
    )
    assert "Marisa Cordon" in parts(read(file))[0][2]


def test_running_titles_are_not_glued_into_a_sentence_that_goes_on_over_the_page(tmp_path: Path) -> None:
    def draw(document: Any) -> None:
        for number, text in enumerate(["uno que sigue", "dos que sigue", "tres que acaba."], start=1):
            document.add_page()
            document.text(60, 30, "Condiciones generales de la compañía")
            document.text(60, 400, f"El texto de la página {text}")
            document.text(280, 820, f"Página {number} de 3")

    reading = read(pdf_makers.made(tmp_path, "a.pdf", draw))
    assert [text for _, _, text in parts(reading)] == [
        "Condiciones generales de la compañía\nEl texto de la página uno que sigue",
        "El texto de la página dos que sigue",
        "El texto de la página tres que acaba.",
    ]


def test_the_last_line_of_every_page_is_content_when_its_number_is_not_that_of_the_page() -> None:
    totals = (120, 95, 410, 87)
    pages = [
        [
            pdf.Line(text, 10)
            for text in ("Shop Ltd, page 1 of 4".replace("1", str(n)), f"Order {t}", f"Total {t} euros")
        ]
        for n, t in enumerate(totals, start=1)
    ]
    kept = [[line.text for line in page] for page in pdf_furniture.without(pages)]
    assert kept == [[f"Order {total}", f"Total {total} euros"] for total in totals]


LINES = [f"Line {line} of the page {{page}} says what was agreed" for line in range(1, 31)]


TEXT = "What {word} was agreed on is written here"


@pytest.mark.parametrize(
    ("written", "gone"),
    [
        (LINES, []),
        (LINES[:1], []),
        (LINES[:2], []),
        (LINES[:3], []),
        (["Terms of sale", *LINES, "Page {page} of 12"], ["Terms of sale", "Page {page} of 12"]),
        (["Terms of 2026", TEXT, "{page}"], ["Terms of 2026", "{page}"]),
        (["Invoice {more}", "Customer {word}", "Order {more}"], []),
        (["Invoice {more}", "Customer {word}", "Paid by {word}", "Page {page}"], ["Page {page}"]),
        (["Journal of law", TEXT, "{more}"], ["Journal of law", "{more}"]),
        (["Our terms, {page}", TEXT, TEXT, "Our terms, {page}"], ["Our terms, {page}"]),
    ],
)
def test_lines_that_differ_in_their_numbers_alone_are_content_unless_they_are_a_running_title(
    written: list[str], gone: list[str]
) -> None:
    def on(page: int, lines: list[str]) -> list[str]:
        return [line.format(page=page, more=4000 + page, word="abcdefghijkl"[page - 1] * 3) for line in lines]

    pages = [[pdf.Line(line, 10) for line in on(page, written)] for page in range(1, 13)]
    kept = [[line.text for line in page] for page in pdf_furniture.without(pages)]
    assert kept[1:] == [on(page, [line for line in written if line not in gone]) for page in range(2, 13)]
    own = [line for line in written if line not in gone or "{" not in line]  # a title on page one may be the document's
    assert kept[0] == on(1, own)


def test_a_document_of_numbered_lines_alike_is_read_whole(tmp_path: Path) -> None:
    pages = ["\n".join(line.format(page=page) for line in LINES) for page in range(1, 6)]
    (document,) = read(makers.pdf(tmp_path, "a.pdf", pages)).documents
    assert document.text.split() == " ".join(pages).split()


def test_the_same_table_on_every_page_is_content_and_a_title_set_as_one_is_not(tmp_path: Path) -> None:
    def draw(document: Any) -> None:
        for number in range(1, 5):
            document.add_page()
            pdf_makers.ruled(document, [("Shop Ltd", "Terms"), ("Version 3", f"Page {number} of 4")])
            document.ln(30)
            pdf_makers.ruled(document, PRICES)

    found = parts(read(pdf_makers.made(tmp_path, "a.pdf", draw)))
    assert found == [(page, 2, table(PRICES)) for page in range(1, 5)]


def test_long_paragraphs_cost_no_more_than_their_length() -> None:
    started = time.process_time()
    pdf.flow(
        ["so many words that go on and on, and never come to an end of any kind, as in some terms of sale"] * 3000, 80
    )
    assert time.process_time() - started < 2


# ---- every page accounted for --------------------------------------------------------------------------------------------


def test_pages_without_text_are_named(tmp_path: Path) -> None:
    pages = ["Some text on the first page.", "", "", "Some text on the fourth.", "", "And some on the last one."]
    assert read(makers.pdf(tmp_path, "a.pdf", pages)).findings == (
        Finding(code="pages_without_text", level="note", count=3, names=("a.pdf",), parameters={"rows": "2-3, 5"}),
    )


def test_a_damaged_page_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    file = pdf_makers.raw(tmp_path, "a.pdf", ["BT /F1 11 Tf 60 700 Td (Some text that is here.) Tj ET"] * 3)
    file.write_bytes(file.read_bytes().replace(b"12 0 obj\n<< /Type /Page", b"12 0 obj\n<< /Type /Nope"))
    reading = read(file)
    assert [page for page, _, _ in parts(reading)] == [1, 3]
    assert [(f.code, f.parameters) for f in reading.findings] == [("pages_unreadable", {"rows": "2"})]


def test_attached_files_are_named_and_not_opened(tmp_path: Path) -> None:
    def draw(document: Any) -> None:
        document.add_page()
        document.text(60, 60, "Please see the attached file.")
        document.embed_file(makers.written(tmp_path, "tariff.exe", b"MZ secret"))
        document.file_attachment_annotation(makers.written(tmp_path, "note.txt", b"secret"), 100, 100)

    reading = read(pdf_makers.made(tmp_path, "a.pdf", draw))
    assert [text for _, _, text in parts(reading)] == ["Please see the attached file."]
    (finding,) = reading.findings
    assert (finding.code, finding.level, finding.names) == ("attachments_left", "note", ("a.pdf",))
    assert sorted(str(finding.parameters["files"]).split(", ")) == ["note.txt", "tariff.exe"]


def test_scripts_and_launch_actions_are_left_alone(tmp_path: Path) -> None:
    file = pdf_makers.raw(
        tmp_path,
        "a.pdf",
        ["BT /F1 11 Tf 60 700 Td (Only this sentence is text.) Tj ET"],
        catalog="/OpenAction 50 0 R /AA << /WC 51 0 R >>",
        more={
            50: f"<< /S /Launch /F ({tmp_path}/touched) >>",
            51: "<< /S /JavaScript /JS (app.alert\\('secret'\\)) >>",
        },
    )
    assert parts(read(file)) == [(1, None, "Only this sentence is text.")]


# ---- passwords and refusals ----------------------------------------------------------------------------------------------


def test_a_password_opens_a_file_and_a_wrong_one_is_told_from_none(tmp_path: Path) -> None:
    file = makers.pdf(tmp_path, "secret.pdf", ["Secret text that is long enough"], password="clave ñ")
    assert [text for _, _, text in parts(read(file, "clave ñ"))] == ["Secret text that is long enough"]
    for password, code in (("", "pdf_password_needed"), ("clave", "pdf_password_wrong")):
        with pytest.raises(Unreadable) as refused:
            read(file, password)
        assert (refused.value.code, refused.value.parameters) == (code, {"name": "secret.pdf"})


def test_a_file_that_only_forbids_printing_is_read_without_a_password(tmp_path: Path) -> None:
    def draw(document: Any) -> None:
        document.set_encryption(owner_password="owner")
        document.add_page()
        document.text(60, 60, "Everybody may read this.")

    assert parts(read(pdf_makers.made(tmp_path, "a.pdf", draw))) == [(1, None, "Everybody may read this.")]


def _no_pages(folder: Path) -> Path:
    return pdf_makers.raw(folder, "empty.pdf", [])


def _circle(folder: Path) -> Path:
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 2 >>",
        3: b"<< /Type /Pages /Kids [2 0 R] /Count 1 /Parent 2 0 R >>",
    }
    return pdf_makers.written(folder, "circle.pdf", objects)


def _cut(share: float) -> Any:
    def make(folder: Path) -> Path:
        content = makers.pdf(folder, "whole.pdf", ["Some text on a page."] * 5).read_bytes()
        return makers.written(folder, "cut.pdf", content[: int(len(content) * share)])

    return make


@pytest.mark.parametrize(
    ("make", "codes"),
    [
        (_no_pages, {"pdf_no_pages"}),
        (_circle, {"file_damaged", "pdf_no_pages", "file_no_text"}),
        (_cut(0.3), {"file_damaged"}),
        (_cut(0.7), {"file_damaged"}),
    ],
    ids=["no pages", "a page tree that bites its tail", "a third of a file", "two thirds of a file"],
)
def test_a_broken_file_is_refused(tmp_path: Path, make: Any, codes: set[str]) -> None:
    with pytest.raises(Unreadable) as refused:
        read(make(tmp_path))
    assert refused.value.code in codes


def test_a_scan_without_a_recogniser_is_refused_and_a_scanned_page_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "program", lambda: None)
    with pytest.raises(Unreadable) as refused:
        read(makers.pdf(tmp_path, "scan.pdf", ["", ""], picture=True))
    assert (refused.value.code, refused.value.parameters) == ("pdf_scanned", {"name": "scan.pdf"})
    reading = read(makers.pdf(tmp_path, "mixed.pdf", ["Enough text to be a page.", "", ""], picture=True))
    assert reading.findings == (
        Finding(code="pages_scanned", level="warn", count=2, names=("mixed.pdf",), parameters={"rows": "2-3"}),
    )


@pytest.mark.slow
def test_a_page_that_unpacks_to_gigabytes_costs_one_file(tmp_path: Path) -> None:
    packed = zlib.compress(b"BT /F1 11 Tf (x) Tj ET " * 20_000_000, 9)
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>"
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: page,
        4: b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(packed), packed),
    }
    with pytest.raises(Unreadable) as refused:
        intake.read(pdf_makers.written(tmp_path, "bomb.pdf", objects))
    assert refused.value.code in ("file_crashed_reader", "file_too_slow", "file_too_big_to_read")
    assert refused.value.parameters["name"] == "bomb.pdf"
