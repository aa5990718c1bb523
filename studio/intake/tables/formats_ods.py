"""What an OpenDocument sheet shows in its number cells: the file says it in words beside each value.

Only numbers, percentages and currencies; everything else calamine tells as well.
"""

import zipfile
from pathlib import Path
from typing import Any

from studio.intake.tables.formats import Formats

OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
NUMBERS = frozenset({"float", "percentage", "currency"})


def of_workbook(file: Path) -> dict[str, Formats]:
    """Sheet name -> what its number cells show; nothing when the file cannot be understood (`guards` has seen it)."""
    from lxml import etree

    found: dict[str, Formats] = {}
    safe = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": True}
    try:
        with zipfile.ZipFile(file) as book, book.open("content.xml") as content:
            name, row = "", 1
            words: dict[int, dict[int, str]] = {}
            for event, element in etree.iterparse(content, ("start", "end"), **safe):
                if event == "start" and element.tag == f"{TABLE}table":
                    name, row, words = element.get(f"{TABLE}name", ""), 1, {}
                elif event == "end" and element.tag == f"{TABLE}table":
                    found[name] = Formats(words=words)
                elif event == "end" and element.tag == f"{TABLE}table-row":
                    _row(element, row, words)
                    row += int(element.get(f"{TABLE}number-rows-repeated", "1"))
                    element.clear()
    except (KeyError, zipfile.BadZipFile, etree.XMLSyntaxError, ValueError):
        return {}
    return found


def _row(element: Any, row: int, words: dict[int, dict[int, str]]) -> None:
    column = 0
    for cell in element:
        repeated = int(cell.get(f"{TABLE}number-columns-repeated", "1"))
        if cell.get(f"{OFFICE}value-type") in NUMBERS and (shown := _shown(cell)):
            for each in range(column, column + min(repeated, 1000)):
                words.setdefault(each, {})[row] = shown
        column += repeated


def _shown(cell: Any) -> str:
    paragraphs = ("".join(each.itertext()) for each in cell.iter(f"{TEXT}p"))
    return " ".join(" ".join(paragraphs).replace("\u00a0", " ").split())
