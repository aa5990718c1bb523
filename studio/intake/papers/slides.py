"""Presentations: a section a slide, its number as the page and its title as the heading; tables, groups and notes too.

What stands on a slide master (logos, dates, "click to edit") is furniture and no text.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.base.errors import Unreadable
from studio.intake import guards
from studio.intake.reading import Draft, Origin, Reading
from studio.intake.tables.rows import looks_like_header, sentence

DRAWN_TEXT = "{http://schemas.openxmlformats.org/drawingml/2006/main}t"
DRAWN_PARAGRAPH = "{http://schemas.openxmlformats.org/drawingml/2006/main}p"
DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"
DIAGRAM_DATA = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}dm"
FURNITURE = frozenset({"SLIDE_NUMBER", "DATE", "FOOTER", "HEADER"})
DEEPEST_GROUP = 20


def read(file: Path, origin: Origin) -> Reading:
    """Raises Unreadable: file_damaged, file_bomb, file_unsafe, office_locked, file_no_text."""
    guards.check_zip(file, origin.name)
    draft = Draft()
    for number, slide in enumerate(_slides(file, origin), start=1):
        try:
            title, lines = _slide(slide, origin)
        except (KeyError, ValueError, AttributeError, TypeError) as error:
            raise Unreadable("file_damaged", name=origin.name) from error
        draft.add("\n".join(lines), page=number, heading=title)
    documents = draft.documents(origin, "pptx")
    if not documents:
        raise Unreadable("file_no_text", name=origin.name)
    return Reading(documents=documents)


def _slides(file: Path, origin: Origin) -> Iterator[Any]:
    """The slides in their order. The package is opened, not `Presentation`: that refuses shows and templates."""
    from lxml.etree import XMLSyntaxError
    from pptx.exc import PythonPptxError
    from pptx.package import Package

    try:
        yield from Package.open(str(file)).presentation_part.presentation.slides
    except (PythonPptxError, XMLSyntaxError, KeyError, ValueError, OSError, AttributeError) as error:
        raise Unreadable("file_damaged", name=origin.name) from error


def _slide(slide: Any, origin: Origin) -> tuple[str, list[str]]:
    titled = slide.shapes.title
    title = " ".join(titled.text_frame.text.split()) if titled is not None and titled.has_text_frame else ""
    lines = [title] if title else []
    for shape in slide.shapes:
        if titled is None or shape.shape_id != titled.shape_id:
            lines.extend(_shape(shape, origin))
    if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame) is not None:
        lines.extend(_paragraphs(frame._txBody))
    return title, lines


def _shape(shape: Any, origin: Origin, depth: int = 0) -> Iterator[str]:
    if shape.is_placeholder and shape.placeholder_format.type.name in FURNITURE:
        return
    if hasattr(shape, "shapes"):
        for each in shape.shapes if depth < DEEPEST_GROUP else ():
            yield from _shape(each, origin, depth + 1)
    elif getattr(shape, "has_table", False):
        yield from _table(shape.table)
    elif getattr(shape, "has_chart", False):
        yield from _chart(shape.chart)
    elif shape.has_text_frame:
        yield from _paragraphs(shape.text_frame._txBody)
    else:
        for tied in shape._element.iter(DIAGRAM):
            part = shape.part.related_part(tied.get(DIAGRAM_DATA))
            yield from _paragraphs(guards.parsed(part.blob, origin.name))


def _paragraphs(element: Any) -> Iterator[str]:
    """The lines of a text, those under another one as items of a list."""
    for paragraph in element.iter(DRAWN_PARAGRAPH):
        text = "".join("\n" if each.tag.endswith("}br") else each.text or "" for each in _runs(paragraph)).strip()
        if text:
            properties = paragraph.find(f"{DRAWN_PARAGRAPH}Pr")
            yield f"- {text}" if properties is not None and int(properties.get("lvl", "0")) > 0 else text


def _runs(paragraph: Any) -> Iterator[Any]:
    return (each for each in paragraph.iter() if each.tag == DRAWN_TEXT or each.tag == f"{DRAWN_TEXT[:-1]}br")


def _table(table: Any) -> Iterator[str]:
    rows = [[" ".join(_paragraphs(cell._tc)) for cell in row.cells] for row in table.rows]
    rows = [row for row in rows if any(row)]
    if len(rows) > 1 and len(rows[0]) > 1 and looks_like_header(rows[0]):
        yield from (sentence(rows[0], row) for row in rows[1:])
    else:
        yield from ("; ".join(cell for cell in row if cell) for row in rows)


def _chart(chart: Any) -> Iterator[str]:
    """The chart as the table behind it: a line a category, with the value of each series."""
    if chart.has_title and chart.chart_title.has_text_frame:
        yield chart.chart_title.text_frame.text.strip()
    for plot in chart.plots:
        names = ["", *(series.name for series in plot.series)]
        for number, category in enumerate(plot.categories):
            values = [series.values[number] if number < len(series.values) else None for series in plot.series]
            yield sentence(names, [str(category), *("" if value is None else f"{value:g}" for value in values)])
