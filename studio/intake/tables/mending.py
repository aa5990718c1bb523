"""Rows of a delimited text that do not fit their columns, and what can be done about it without guessing wrongly.

Either it is plain where a cell was torn or is missing, or the row is left as it is.
"""

from collections.abc import Sequence

PROSE = 0.5  # of the last column's cells have several words


def fitted(
    raw: Sequence[str], width: int, delimiter: str, needed: Sequence[int] = (), prose: bool = False
) -> tuple[list[str], str] | None:
    """The row's cells, stripped, exactly `width` of them, and the code of what was mended ("" for nothing).

    Empty cells beyond the last column are what spreadsheets leave behind and are cut off. None when it cannot be told
    where a cell too many belongs, or when one of the `needed` columns is missing.
    """
    cells = [cell.strip() for cell in raw]
    while len(cells) > width and not cells[-1]:
        cells.pop()
    if len(cells) == width:
        return cells, ""
    if len(cells) < width:
        if any(at >= len(cells) for at in needed):
            return None
        return cells + [""] * (width - len(cells)), "padded"
    at = _torn(raw[: len(cells)], len(cells) - width)
    if at is None and prose:
        at = width - 1
    if at is None:
        return None
    upto = at + 1 + len(cells) - width
    whole = delimiter.join(raw[at:upto]).strip()
    return [*cells[:at], whole, *cells[upto:]], "joined"


def is_prose(cells: Sequence[str]) -> bool:
    """Whether the cells of a column are sentences rather than names, codes or amounts."""
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and sum(len(cell.split()) > 2 for cell in filled) >= PROSE * len(filled)


def _torn(raw: Sequence[str], extra: int) -> int | None:
    """The cell that a delimiter without quotes cut: in prose a space follows it, between cells none does."""
    spaced = [at for at, cell in enumerate(raw) if cell[:1] == " "]
    together = len(spaced) == extra and spaced[0] >= 1 and spaced[-1] - spaced[0] == extra - 1
    return spaced[0] - 1 if together else None
