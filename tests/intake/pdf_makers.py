"""PDF files with tables, columns, turned pages and other habits, made on the spot."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

LOREM = (
    "La póliza cubre los daños por agua que causen las tuberías de la vivienda asegurada, también cuando el agua "
    "viene de la casa de un vecino. Quedan fuera los daños que la lluvia cause al entrar por una ventana que "
    "alguien dejó abierta, y los de la propia máquina. El asegurado paga los primeros ciento cincuenta euros de "
    "cada siniestro y debe guardar las piezas rotas hasta que el perito las haya visto y el caso esté cerrado. "
)


def made(folder: Path, name: str, draw: Callable[[Any], None], **options: Any) -> Path:
    from fpdf import FPDF

    document = FPDF(unit="pt", format="A4", **options)
    document.set_font("helvetica", size=11)
    draw(document)
    path = folder / name
    document.output(str(path))
    return path


def prose(document: Any, paragraphs: int = 3, align: str = "J") -> None:
    for _ in range(paragraphs):
        document.multi_cell(0, 14, LOREM, align=align, new_x="LMARGIN", new_y="NEXT")
        document.ln(8)


def ruled(document: Any, rows: Sequence[Sequence[str]], borders: str = "ALL", **options: Any) -> None:
    """A table as fpdf2 draws it: cells with borders, long ones in several lines."""
    with document.table(borders_layout=borders, text_align="LEFT", line_height=14, padding=2, **options) as table:
        for row in rows:
            line = table.row()
            for cell in row:
                line.cell(cell)


def at(document: Any, x: float, y: float, text: str) -> None:
    document.text(x, y, text)


def columns(
    document: Any, rows: Sequence[Sequence[str]], places: Sequence[float], top: float, step: float = 16
) -> None:
    """Texts side by side without any line, row by row."""
    for number, row in enumerate(rows):
        for place, cell in zip(places, row, strict=True):
            if cell:
                document.text(place, top + number * step, cell)


def raw(
    folder: Path,
    name: str,
    contents: Sequence[str],
    *,
    page: str = "",
    font: str = "",
    more: Mapping[int, str] | None = None,
    catalog: str = "",
    images: str = "",
) -> Path:
    """A PDF written by hand: the pages' content streams in cp1252, with a Helvetica called F1.

    `page` is added to every page, `catalog` to the catalogue, `font` to the font,
    `images` to what pages can draw; `more` are further objects (50 and up).
    """
    kids = " ".join(f"{10 + 2 * number} 0 R" for number in range(len(contents)))
    objects: dict[int, bytes] = {
        1: f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode(),
        2: f"<< /Type /Pages /Kids [{kids}] /Count {len(contents)} >>".encode(),
        3: f"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding {font} >>".encode(),
    }
    for number, content in enumerate(contents):
        stream = content.encode("cp1252")
        objects[10 + 2 * number] = (
            f"<< /Type /Page /Parent 2 0 R {page if 'MediaBox' in page else '/MediaBox [0 0 595 842] ' + page} "
            f"/Resources << /Font << /F1 3 0 R >> /XObject << {images} >> >> /Contents {11 + 2 * number} 0 R >>"
        ).encode()
        objects[11 + 2 * number] = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream)
    objects.update({number: text.encode("latin-1") for number, text in (more or {}).items()})
    return written(folder, name, objects)


def written(folder: Path, name: str, objects: Mapping[int, bytes]) -> Path:
    content = bytearray(b"%PDF-1.7\n")
    places = {}
    for number, text in sorted(objects.items()):
        places[number] = len(content)
        content += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    start, count = len(content), max(objects) + 1
    content += b"xref\n0 %d\n0000000000 65535 f \n" % count
    for number in range(1, count):
        content += b"%010d 00000 n \n" % places[number] if number in places else b"0000000000 00000 f \n"
    content += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, start)
    path = folder / name
    path.write_bytes(content)
    return path


def to_unicode(codes: Mapping[int, str]) -> str:
    """A stream that says which letters a font's codes stand for."""
    pairs = "\n".join(f"<{code:02X}> <{text.encode('utf-16-be').hex()}>" for code, text in codes.items())
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        f"1 begincodespacerange <00> <FF> endcodespacerange\n{len(codes)} beginbfchar\n{pairs}\nendbfchar\n"
        "endcmap end end"
    )
    return f"<< /Length {len(cmap)} >>\nstream\n{cmap}\nendstream"


def picture(lines: Sequence[str], dots: int = 150) -> Any:
    """A grey picture of printed lines, as a scanner makes it."""
    import io

    import pypdfium2
    from fpdf import FPDF

    document = FPDF(unit="pt", format=(420, 595))
    document.add_page()
    document.set_font("times", size=14)
    for number, line in enumerate(lines):
        document.text(40, 80 + 30 * number, line)
    page = pypdfium2.PdfDocument(io.BytesIO(bytes(document.output())))[0]
    return page.render(scale=dots / 72, grayscale=True).to_pil()


def scan(folder: Path, name: str, lines: Sequence[str], text_first: str = "") -> Path:
    """A PDF whose (last) page is the picture of these lines."""

    def draw(document: Any) -> None:
        if text_first:
            document.add_page()
            document.text(60, 60, text_first)
        document.add_page()
        document.image(picture(lines), x=40, y=40, w=420)

    return made(folder, name, draw)
