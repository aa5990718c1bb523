"""Pictures of text: read where Tesseract is installed, refused with the remedy where it is not."""

import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest

from studio.base.errors import Unreadable
from studio.base.records import Finding
from studio.intake import importers, read
from studio.intake.pages import ocr, pdf
from tests.intake import makers, pdf_makers

LINES = ["El plazo de reclamación", "termina en nueve días."]
needs_tesseract = pytest.mark.skipif(ocr.program() is None, reason="Tesseract is not installed")


def refused(file: Path) -> tuple[str, dict[str, Any]]:
    with pytest.raises(Unreadable) as error:
        importers.read(file, makers.origin(file.name))
    return error.value.code, error.value.parameters


def vast_png(side: int) -> bytes:
    """A picture whose head promises a square of this side, and nothing more."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\x00" * 1000)) + chunk(b"IEND", b"")


@needs_tesseract
@pytest.mark.parametrize(
    "name", ["a.png", *(pytest.param(name, marks=pytest.mark.slow) for name in ("a.jpeg", "a.webp", "a.tif"))]
)
def test_the_text_of_a_picture_is_read(tmp_path: Path, name: str) -> None:
    pdf_makers.picture(LINES).save(tmp_path / name)
    (document,) = importers.read(tmp_path / name, makers.origin(name)).documents
    assert (document.kind, document.text.split("\n")) == ("picture", LINES)


@needs_tesseract
@pytest.mark.slow
def test_a_transparent_picture_lies_on_white_and_a_turned_photo_stands_upright(tmp_path: Path) -> None:
    from PIL import Image

    grey = pdf_makers.picture(LINES)
    clear = Image.new("RGBA", grey.size, (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), mask=grey.point(lambda value: 255 - value))
    clear.save(tmp_path / "clear.png")
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held upright: turn it by 90 degrees
    grey.rotate(90, expand=True).save(tmp_path / "photo.jpg", exif=turned)
    for name in ("clear.png", "photo.jpg"):
        (document,) = importers.read(tmp_path / name, makers.origin(name)).documents
        assert document.text.split("\n") == LINES


@needs_tesseract
@pytest.mark.slow
def test_every_page_of_a_fax_is_a_section(tmp_path: Path) -> None:
    first, second = (pdf_makers.picture([line]) for line in LINES)
    first.save(tmp_path / "fax.tiff", save_all=True, append_images=[second])
    (document,) = importers.read(tmp_path / "fax.tiff", makers.origin("fax.tiff")).documents
    assert [(part.page, document.text[part.start : part.end]) for part in document.sections] == [
        (1, LINES[0]),
        (2, LINES[1]),
    ]


@needs_tesseract
@pytest.mark.slow
def test_a_scanned_page_between_others_is_read_and_said_to_be(tmp_path: Path) -> None:
    file = pdf_makers.scan(tmp_path, "mixed.pdf", LINES, "The first page has text of its own.")
    reading = pdf.read(file, makers.origin("mixed.pdf"))
    (document,) = reading.documents
    assert [(part.page, document.text[part.start : part.end]) for part in document.sections] == [
        (1, "The first page has text of its own."),
        (2, " ".join(LINES)),
    ]
    assert reading.findings == (
        Finding(code="pages_recognised", level="note", names=("mixed.pdf",), parameters={"rows": "2"}),
    )


@needs_tesseract
@pytest.mark.slow
def test_pictures_without_words_are_refused_and_named(tmp_path: Path) -> None:
    assert refused(makers.written(tmp_path, "photo.png", makers.png(90, 90))) == (
        "picture_without_text",
        {"name": "photo.png"},
    )
    assert refused(makers.pdf(tmp_path, "scan.pdf", ["", ""], picture=True))[0] == "pdf_nothing_recognised"
    mixed = makers.pdf(tmp_path, "mixed.pdf", ["Enough text to be a page.", ""], picture=True)
    assert [(f.code, f.parameters) for f in pdf.read(mixed, makers.origin("mixed.pdf")).findings] == [
        ("pages_nothing_recognised", {"rows": "2"})
    ]


@needs_tesseract
@pytest.mark.slow
def test_recognition_works_within_the_limits_of_the_reading_process(tmp_path: Path) -> None:
    assert read(pdf_makers.scan(tmp_path, "scan.pdf", LINES)).documents[0].text == " ".join(LINES)
    pdf_makers.picture(LINES).save(tmp_path / "a.png")
    assert read(tmp_path / "a.png").documents[0].text.split("\n") == LINES


def test_without_tesseract_a_picture_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "program", lambda: None)
    assert refused(makers.written(tmp_path, "photo.png", makers.png(90, 90))) == (
        "picture_needs_recognition",
        {"name": "photo.png"},
    )


@pytest.mark.parametrize("side", [50_000, 10_001])
def test_a_vast_picture_is_refused_before_it_is_unpacked(tmp_path: Path, side: int) -> None:
    assert refused(makers.written(tmp_path, "vast.png", vast_png(side))) == (
        "picture_too_large",
        {"name": "vast.png", "width": side, "height": side, "limit": 100},
    )


@pytest.mark.parametrize("content", [makers.png(90, 90)[:60], b"\xff\xd8\xff\xe0 nothing", b"II*\x00nothing at all"])
def test_a_broken_picture_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(ocr, "program", lambda: "tesseract")
    assert refused(makers.written(tmp_path, "photo", content))[0] == "file_damaged"


def test_a_vast_picture_on_a_page_is_not_unpacked_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "program", lambda: "tesseract")
    image = "<< /Type /XObject /Subtype /Image /Width 50000 /Height 50000 /ColorSpace /DeviceGray /BitsPerComponent 8 "
    file = pdf_makers.raw(
        tmp_path,
        "vast.pdf",
        ["q 500 0 0 500 0 0 cm /I1 Do Q", "BT /F1 11 Tf 60 700 Td (A page that has text on it.) Tj ET"],
        images="/I1 50 0 R",
        more={50: f"{image} /Length 4 >>\nstream\nabcd\nendstream"},
    )
    assert [(f.code, f.parameters) for f in pdf.read(file, makers.origin("vast.pdf")).findings] == [
        ("pages_unreadable", {"rows": "1"})
    ]


def test_scans_beyond_the_time_of_one_file_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "program", lambda: "tesseract")
    monkeypatch.setattr(ocr, "ALL_SECONDS", -1)
    mixed = makers.pdf(tmp_path, "mixed.pdf", ["Enough text to be a page.", "", ""], picture=True)
    assert [(f.code, f.parameters) for f in pdf.read(mixed, makers.origin("mixed.pdf")).findings] == [
        ("pages_too_many_scans", {"rows": "2-3"})
    ]


@pytest.mark.parametrize(
    ("installed", "used"), [("eng\nosd\nspa", "spa+eng"), ("osd\nspa", "spa"), ("cat\nequ\nosd", "cat"), ("osd", "")]
)
def test_spanish_and_english_are_used_as_far_as_they_are_installed(
    monkeypatch: pytest.MonkeyPatch, installed: str, used: str
) -> None:
    said = subprocess.CompletedProcess([], 0, stdout=f"List of available languages (3):\n{installed}\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: said)
    assert ocr.languages(f"tesseract for {installed}") == used
