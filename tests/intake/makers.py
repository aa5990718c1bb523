"""Files as people have them, made on the spot: the good ones and the awkward ones."""

import struct
import zipfile
import zlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from studio.intake.reading import Origin

BILLION_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lol">'
    + b"".join(b'<!ENTITY %c "%s">' % (c, (b"&%c;" % (c - 1)) * 10) for c in range(98, 108))
    + b']><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    b"<w:body><w:p><w:r><w:t>&k;</w:t></w:r></w:p></w:body></w:document>"
)
OUTSIDE_ENTITY = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    b"<w:body><w:p><w:r><w:t>&a;</w:t></w:r></w:p></w:body></w:document>"
)


def origin(name: str) -> Origin:
    return Origin(name=name, source=f"sources/{name}", sha256="0" * 64)


def written(folder: Path, name: str, content: str | bytes, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def pdf(folder: Path, name: str, pages: Sequence[str], password: str = "", picture: bool = False) -> Path:
    """A page a text; lines that begin with # are set larger. An empty text with `picture` is a scan."""
    from fpdf import FPDF

    made = FPDF()
    made.set_compression(True)
    if password:
        made.set_encryption(owner_password="owner", user_password=password)
    for text in pages:
        made.add_page()
        if picture and not text:
            made.image(written(folder, "scan.png", png(60, 80)), w=150)
        for line in text.split("\n"):
            made.set_font("helvetica", size=18 if line.startswith("#") else 11)
            made.multi_cell(0, 7, line.lstrip("# "), new_x="LMARGIN", new_y="NEXT")
    path = folder / name
    made.output(str(path))
    return path


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\x00" + bytes(column * 7 % 256 for column in range(width)) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def docx(folder: Path, name: str = "guide.docx", words: int = 0) -> Path:
    """A title, headings, a list, a table between two paragraphs; `words` more at the end."""
    import docx as library

    made = library.Document()
    made.add_heading("Guía de siniestros", 0)
    made.add_paragraph("Antes de nada.")
    made.add_heading("1. Qué hacer", 1)
    made.add_paragraph("Llame al seguro.", style="List Bullet")
    made.add_paragraph("Haga fotos.", style="List Bullet")
    made.add_heading("2. Plazos", 1)
    rows = [("Paso", "Quién", "Plazo"), ("Visita", "Perito", "3 días"), ("Pago", "Contabilidad", "5 días")]
    table = made.add_table(rows=0, cols=3)
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    made.add_paragraph("Después de la tabla.")
    if words:
        made.add_paragraph("palabra " * words)
    path = folder / name
    made.save(str(path))
    return path


def with_part(source: Path, name: str, part: str, content: bytes) -> Path:
    """The same zip with one of its parts replaced, or added."""
    path = source.with_name(name)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            if info.filename != part:
                new.writestr(info, old.read(info))
        new.writestr(part, content)
    return path


def document_xml(source: Path) -> bytes:
    with zipfile.ZipFile(source) as archive:
        return archive.read("word/document.xml")


def xlsx(folder: Path, name: str = "prices.xlsx") -> Path:
    """Two sheets with titles, dates, percentages, whole numbers and a remark; the second has questions and answers."""
    from openpyxl import Workbook

    book = Workbook()
    first = book.active
    first.title = "Prices"
    first.append(["Prices 2026"])
    first.append(["Code", "Plan", "Price", "Discount", "Valid from"])
    first.append([1001, "Flat", 4.9, 0.05, date(2026, 1, 12)])
    first.append([1002, "House", 12, 0.125, date(2026, 2, 1)])
    first.append(["All prices include tax."])
    first["C3"].number_format = first["C4"].number_format = "0.00"
    first["D3"].number_format = "0%"
    first["D4"].number_format = "0.0%"
    second = book.create_sheet("FAQ")
    second.append(["Pregunta", "Respuesta", "Tema"])
    second.append(["¿Abren el lunes?", "Sí, de 9 a 18.", "Horario"])
    second.append(["¿Y el domingo?", None, "Horario"])
    path = folder / name
    book.save(path)
    return path


def table(rows: Sequence[Sequence[str]], delimiter: str = ",") -> str:
    return "".join(delimiter.join(row) + "\n" for row in rows)
