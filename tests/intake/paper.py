"""Presentations, OpenDocument texts, books, rich text and archives, made on the spot."""

import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

ODT_SPACES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for short, name in (("office", "office"), ("text", "text"), ("table", "table"), ("draw", "drawing"), ("dc", "meta"))
)


def pptx(folder: Path, name: str = "slides.pptx") -> Path:
    """Three slides: title with a list, a table and a group, a chart with notes."""
    from pptx import Presentation
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    made = Presentation()
    first = made.slides.add_slide(made.slide_layouts[1])
    first.shapes.title.text = "Horario de la tienda"
    body = first.placeholders[1].text_frame
    body.text = "Abrimos a las nueve"
    second_level = body.add_paragraph()
    second_level.text, second_level.level = "También los sábados", 1
    second = made.slides.add_slide(made.slide_layouts[5])
    second.shapes.title.text = "Precios"
    rows = [("Plan", "Precio"), ("Básico", "5 €"), ("Casa", "12 €")]
    table = second.shapes.add_table(3, 2, Inches(1), Inches(2), Inches(4), Inches(2)).table
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            table.cell(y, x).text = cell
    group = second.shapes.add_group_shape()
    inner = group.shapes.add_group_shape()
    inner.shapes.add_textbox(Inches(1), Inches(5), Inches(3), Inches(1)).text_frame.text = "Texto en un grupo"
    third = made.slides.add_slide(made.slide_layouts[6])
    data = CategoryChartData()
    data.categories = ["2025", "2026"]
    data.add_series("Ventas", (10, 12.5))
    third.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(1), Inches(4), Inches(3), data)
    third.notes_slide.notes_text_frame.text = "Nota del ponente"
    made.save(str(folder / name))
    return folder / name


def odt(folder: Path, body: str, name: str = "text.odt") -> Path:
    inner = f"<office:body><office:text>{body}</office:text></office:body>"
    content = f"<office:document-content {ODT_SPACES}>{inner}</office:document-content>"
    return zipped(
        folder,
        name,
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": content,
            "META-INF/manifest.xml": "<m/>",
        },
    )


def epub(
    folder: Path, chapters: Mapping[str, str], name: str = "book.epub", more: Mapping[str, str] | None = None
) -> Path:
    """A book whose spine has the chapters from last to first: its order, not that of the files, is the order of reading."""
    items = "".join(
        f'<item id="c{n}" href="text/{path}" media-type="application/xhtml+xml"/>' for n, path in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in reversed(range(len(chapters))))
    doctype = '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/x.dtd">'
    page = doctype + '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title></head><body>{}</body></html>'
    return zipped(
        folder,
        name,
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
            "OEBPS/book.opf": f"<package><manifest>{items}</manifest><spine>{spine}</spine></package>",
            **{f"OEBPS/text/{path}": page.format(text) for path, text in chapters.items()},
            **(more or {}),
        },
    )


def zipped(folder: Path, name: str, parts: Mapping[str, str | bytes | Path]) -> Path:
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in parts.items():
            archive.writestr(path, content.read_bytes() if isinstance(content, Path) else content)
    return folder / name


def locked_zip(folder: Path, name: str, member: str, content: bytes, password: bytes) -> Path:
    """A stored member under the old zip encryption, which every program can open and the standard library cannot write."""
    import zlib

    table = [_crc_step(n) for n in range(256)]
    keys = [0x12345678, 0x23456789, 0x34567890]

    def update(letter: int) -> None:
        keys[0] = keys[0] >> 8 ^ table[(keys[0] ^ letter) & 0xFF]
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = keys[2] >> 8 ^ table[(keys[2] ^ keys[1] >> 24) & 0xFF]

    def hidden(data: bytes) -> bytes:
        out = bytearray()
        for letter in data:
            mask = keys[2] | 2
            out.append(letter ^ (mask * (mask ^ 1) >> 8 & 0xFF))
            update(letter)
        return bytes(out)

    for letter in password:
        update(letter)
    crc = zlib.crc32(content)
    data = hidden(bytes(11) + bytes([crc >> 24]) + content)
    raw = member.encode()
    common = struct.pack("<HHHHHIIIHH", 20, 1, 0, 0, 0x21, crc, len(data), len(content), len(raw), 0)
    local = b"PK\x03\x04" + common + raw + data
    central = b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + raw
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)
    (folder / name).write_bytes(local + central + end)
    return folder / name


def _crc_step(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
    return value
