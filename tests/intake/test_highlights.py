"""A passage that was read is found again where it stands on its page."""

import base64
import io
from pathlib import Path
from typing import Any

import pytest

from studio.base.errors import Unreadable
from studio.intake import child
from studio.intake.pages import highlights, looking, ocr, pdf
from studio.intake.pages.looking import Highlight, Look
from tests.intake import makers, pdf_makers


def find(file: Path, page: int, text: str, password: str = "") -> Highlight:
    """As `highlights.find`, without the process around it."""
    look = Look(verb="find", name=file.name, page=page, text=text, password=password)
    return Highlight.model_validate_json(looking.answer(file, look.model_dump_json().encode()))


def rounded(found: Highlight) -> list[tuple[int, int, int, int]]:
    return [(round(a), round(b), round(c), round(d)) for a, b, c, d in found.rectangles]


def inked(file: Path, page: int, found: Highlight) -> float:
    """The share of the page's dark pixels that lie inside the rectangles."""
    from PIL import Image, ImageDraw

    look = Look(verb="picture", name=file.name, page=page, width=round(found.width))
    picture = Image.open(io.BytesIO(base64.b64decode(looking.answer(file, look.model_dump_json().encode())))).convert(
        "L"
    )
    assert picture.size == (round(found.width), round(found.height))
    dark = sum(picture.point(lambda value: value < 128).convert("L").histogram()[1:])
    draw = ImageDraw.Draw(picture)
    for rectangle in found.rectangles:
        draw.rectangle(rectangle, fill=255)
    return 1 - sum(picture.point(lambda value: value < 128).convert("L").histogram()[1:]) / dark


def test_every_section_of_a_document_is_found_whole_on_its_page(tmp_path: Path) -> None:
    def draw(document: Any) -> None:
        document.add_page()
        pdf_makers.prose(document, 2)
        pdf_makers.ruled(document, [("Plan", "Precio"), ("Cala", "120"), ("Puerto grande", "180")], "NONE")
        pdf_makers.prose(document, 1)

    file = pdf_makers.made(tmp_path, "a.pdf", draw)
    (document,) = pdf.read(file, makers.origin("a.pdf")).documents
    whole = find(file, 1, document.text)
    assert (whole.page, whole.width, whole.height) == (1, 595.28, 841.89)
    assert inked(file, 1, whole) > 0.99
    for part in document.sections:
        assert find(file, 1, document.text[part.start : part.end]).rectangles


def test_a_sentence_is_covered_by_one_rectangle_a_line(tmp_path: Path) -> None:
    def draw(document: Any) -> None:
        document.add_page()
        document.text(60, 100, "Primera línea que no se busca.")
        document.text(60, 120, "El plazo de reclamación es de trein-")
        document.text(60, 140, "ta días. Y aquí sigue otra cosa.")

    file = pdf_makers.made(tmp_path, "a.pdf", draw)
    first, second = rounded(find(file, 1, "El plazo de reclamación es de treinta días."))
    assert (first[0], second[0]) == (60, 60)
    assert first[1] < 115 < 120 < first[3] < second[1] < 135 < 140 < second[3]
    assert 200 < first[2] < 260
    assert 80 < second[2] < 110


@pytest.mark.parametrize(
    "text",
    [
        "La póliza fija el límite",
        "La po\u0301liza fija el li\u0301mite",
        "LA  PÓLIZA\n\tFIJA el límite",
        "la poliza \ufb01ja el limite",
        "La pó\u00adliza fi-ja el lími-te.",
    ],
    ids=["as read", "decomposed", "capitals and white space", "ligature", "hyphens"],
)
def test_spelling_does_not_hide_a_passage(tmp_path: Path, text: str) -> None:
    more = {50: pdf_makers.to_unicode({0x7E: "o\u0301", 0x7C: "\ufb01"})}
    content = "BT /F1 11 Tf 60 700 Td (Antes de nada. La p~liza |ja el l\355mite. Y despu\351s.) Tj ET"
    file = pdf_makers.raw(tmp_path, "a.pdf", [content], font="/ToUnicode 50 0 R", more=more)
    assert rounded(find(file, 1, text)) == [(137, 132, 237, 144)]


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_rectangles_follow_the_turn_and_the_crop_of_a_page(tmp_path: Path, turned: int) -> None:
    content = "BT /F1 20 Tf 150 500 Td (Una linea de texto) Tj 0 -60 Td (y otra debajo) Tj ET"
    page = f"/MediaBox [0 0 595 842] /CropBox [100 200 500 700] /Rotate {turned}"
    file = pdf_makers.raw(tmp_path, "a.pdf", [content], page=page)
    found = find(file, 1, "Una linea de texto y otra debajo")
    assert (found.width, found.height) == ((500.0, 400.0) if turned in (90, 270) else (400.0, 500.0))
    assert len(found.rectangles) >= 2
    assert inked(file, 1, found) == 1.0
    assert inked(file, 1, find(file, 1, "Una linea de texto")) < 0.7


def test_cells_are_found_although_the_file_holds_them_in_another_order(tmp_path: Path) -> None:
    def draw(document: Any) -> None:
        document.add_page()
        for row, cells in enumerate([("Plan", "Precio anual"), ("Cala azul", "120 euros"), ("Puerto", "180 euros")]):
            document.text(60, 100 + 20 * row, cells[0])
        for row, cells in enumerate([("Plan", "Precio anual"), ("Cala azul", "120 euros"), ("Puerto", "180 euros")]):
            document.text(300, 100 + 20 * row, cells[1])

    file = pdf_makers.made(tmp_path, "a.pdf", draw)
    found = rounded(find(file, 1, "Plan | Precio anual\nCala azul | 120 euros"))
    assert {(left, round(top, -1)) for left, top, _, _ in found}


def test_what_is_not_on_the_page_has_no_rectangle(tmp_path: Path) -> None:
    file = makers.pdf(tmp_path, "a.pdf", ["Some text on a page.", "Another text here."])
    for text in ("Something else entirely", "", "¡!", "Another text here."):
        assert find(file, 1, text).rectangles == ()
    with pytest.raises(Unreadable) as refused:
        find(file, 3, "Some text")
    assert (refused.value.code, refused.value.parameters) == ("page_missing", {"name": "a.pdf", "page": 3, "pages": 2})


def test_a_passage_is_found_in_parts_where_the_page_holds_it_in_parts() -> None:
    page = looking.folded("The cover ends. Footer of the page. It begins again")
    wanted = looking.folded("The cover ends. It begins again")
    assert [page[start:end] for start, end in looking.stretches(wanted, page)] == ["thecoverends", "itbeginsagain"]


@pytest.mark.slow
def test_the_words_of_a_scanned_page_are_found_when_there_is_a_recogniser(tmp_path: Path) -> None:
    if ocr.program() is None:
        pytest.skip("Tesseract is not installed")
    file = pdf_makers.scan(tmp_path, "scan.pdf", ["The excess is three hundred euros.", "Claims close in nine days."])
    (document,) = pdf.read(file, makers.origin("scan.pdf")).documents
    assert " ".join(document.text.split()) == "The excess is three hundred euros. Claims close in nine days."
    found = find(file, 1, "Claims close in nine days.")
    assert 0.3 < inked(file, 1, found) < 0.6
    assert inked(file, 1, find(file, 1, document.text)) > 0.97


@pytest.mark.slow
def test_both_happen_in_a_process_of_their_own_and_refusals_come_back(tmp_path: Path) -> None:
    file = makers.pdf(tmp_path, "secret.pdf", ["Some secret text"], password="clave ñ")
    found = highlights.find(file, 1, "secret text", "clave ñ")
    assert found == find(file, 1, "secret text", "clave ñ")
    assert len(found.rectangles) == 1
    assert highlights.picture(file, 1, 300, "clave ñ").startswith(b"\x89PNG")
    with pytest.raises(Unreadable) as refused:
        highlights.picture(file, 1, 300)
    assert refused.value.code == "pdf_password_needed"


def test_the_password_of_a_question_is_on_no_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    seen: list[list[str]] = []

    def spy(self: object, command: list[str], **_: object) -> None:
        seen.append(command)
        raise OSError

    monkeypatch.setattr(subprocess.Popen, "__init__", spy)
    monkeypatch.setattr(ocr, "program", lambda: None)
    with pytest.raises(OSError):
        child.ask(makers.pdf(tmp_path, "a.pdf", ["text"]), '{"password": "clave"}', "a.pdf")
    (command,) = seen
    assert "clave" not in " ".join(command)
