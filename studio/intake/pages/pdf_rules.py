"""The straight lines drawn on a page of a PDF: strokes, thin boxes, and the edges of larger ones."""

import ctypes
import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from studio.intake.pages.pdf_pages import Box, shown

MOST_OBJECTS = 20_000  # of a page; drawings have more, and no tables
MOST_STEPS = 400  # of a path
THIN = 3.0  # points: thinner is a line, whatever it was drawn as


class Rules(NamedTuple):
    """Straight lines drawn on a page: (y, from x, to x) and (x, from y, to y)."""

    across: tuple[tuple[float, float, float], ...] = ()
    down: tuple[tuple[float, float, float], ...] = ()


def rules(page: Any) -> Rules:
    """The straight lines of a page; none for a drawing."""
    import pypdfium2.raw as pdfium

    count = pdfium.FPDFPage_CountObjects(page)
    if count > MOST_OBJECTS:
        return Rules()
    place = shown(page)
    left, bottom, right, top = edges = [ctypes.c_float() for _ in range(4)]
    bounds = [ctypes.byref(edge) for edge in edges]
    boxes: list[Box] = []
    for number in range(count):
        item = pdfium.FPDFPage_GetObject(page, number)
        if pdfium.FPDFPageObj_GetType(item) != pdfium.FPDF_PAGEOBJ_PATH:
            continue
        if not pdfium.FPDFPageObj_GetBounds(item, *bounds):
            continue
        if right.value - left.value <= THIN or top.value - bottom.value <= THIN:
            boxes.append(place(left.value, top.value, right.value, bottom.value))
        elif _is_box(pdfium, item):
            x0, y1, x1, y0 = left.value, top.value, right.value, bottom.value
            boxes += (place(x0, y1, x1, y1), place(x0, y0, x1, y0), place(x0, y1, x0, y0), place(x1, y1, x1, y0))
        else:
            boxes += _strokes(pdfium, item, place)
    across, down = [], []
    for box in boxes:
        wide, high = box.right - box.left, box.bottom - box.top
        if high <= THIN < wide:
            across.append(((box.top + box.bottom) / 2, box.left, box.right))
        elif wide <= THIN < high:
            down.append(((box.left + box.right) / 2, box.top, box.bottom))
    return Rules(tuple(across), tuple(down))


def _is_box(pdfium: Any, item: Any) -> bool:
    """Whether a path is an upright rectangle, which most paths with edges are; told by its first corners."""
    if pdfium.FPDFPath_CountSegments(item) not in (4, 5):
        return False
    x, y = ctypes.c_float(), ctypes.c_float()
    places = ctypes.byref(x), ctypes.byref(y)
    corners = []
    for number in range(4):
        step = pdfium.FPDFPath_GetPathSegment(item, number)
        if number and pdfium.FPDFPathSegment_GetType(step) != pdfium.FPDF_SEGMENT_LINETO:
            return False
        pdfium.FPDFPathSegment_GetPoint(step, *places)
        corners.append((x.value, y.value))
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(item, ctypes.byref(matrix))
    upright = (matrix.b == 0 == matrix.c) or (matrix.a == 0 == matrix.d)
    return upright and all((a[0] == b[0]) != (a[1] == b[1]) for a, b in itertools.pairwise(corners))


def _strokes(pdfium: Any, item: Any, place: Callable[[float, float, float, float], Box]) -> Iterator[Box]:
    """The straight pieces of a path as boxes without thickness."""
    steps = pdfium.FPDFPath_CountSegments(item)
    if steps > MOST_STEPS:
        return
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(item, ctypes.byref(matrix))
    x, y = ctypes.c_float(), ctypes.c_float()
    start = last = (0.0, 0.0)
    for number in range(steps):
        step = pdfium.FPDFPath_GetPathSegment(item, number)
        pdfium.FPDFPathSegment_GetPoint(step, ctypes.byref(x), ctypes.byref(y))
        here = (
            matrix.a * x.value + matrix.c * y.value + matrix.e,
            matrix.b * x.value + matrix.d * y.value + matrix.f,
        )
        kind = pdfium.FPDFPathSegment_GetType(step)
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            start = here
        elif kind == pdfium.FPDF_SEGMENT_LINETO:
            yield _piece(last, here, place)
        last = here
        if pdfium.FPDFPathSegment_GetClose(step):
            yield _piece(last, start, place)
            last = start


def _piece(
    start: tuple[float, float], end: tuple[float, float], place: Callable[[float, float, float, float], Box]
) -> Box:
    (x0, x1), (y0, y1) = sorted((start[0], end[0])), sorted((start[1], end[1]))
    return place(x0, y1, x1, y0)
