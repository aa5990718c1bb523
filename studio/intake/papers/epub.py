"""E-books: the chapters in the order of the book, each a page of HTML; one section a heading.

A book whose chapters are encrypted is refused; encrypted fonts are usual and do not matter.
"""

import posixpath
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from studio.base.errors import Unreadable
from studio.intake import guards
from studio.intake.papers import markup
from studio.intake.papers.web_page import written
from studio.intake.reading import Draft, Origin, Reading

CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
PAGES = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document"})


def read(file: Path, origin: Origin) -> Reading:
    """Raises Unreadable: file_damaged, file_bomb, file_unsafe, epub_locked, file_no_text."""
    guards.check_zip(file, origin.name, doctypes=True)
    draft = Draft()
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
            chapters = _chapters(archive, origin)
            if ENCRYPTION in names and _encrypted(archive, origin) & set(chapters):
                raise Unreadable("epub_locked", name=origin.name)
            for path in chapters:
                html = markup.text_of(archive.read(path)) if path in names else None
                if html is not None:
                    written(markup.lines(html), draft)
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, ValueError) as error:
        raise Unreadable("file_damaged", name=origin.name) from error
    documents = draft.documents(origin, "epub")
    if not documents:
        raise Unreadable("file_no_text", name=origin.name)
    return Reading(documents=documents)


def _chapters(archive: zipfile.ZipFile, origin: Origin) -> list[str]:
    """The paths of the chapters, in the order of reading (the "spine")."""
    container = guards.parsed(archive.read(CONTAINER), origin.name)
    root = next(path for each in _named(container, "rootfile") if (path := each.get("full-path")))
    package = guards.parsed(archive.read(root), origin.name)
    folder = posixpath.dirname(root)
    pages = {
        item.get("id"): posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))
        for item in _named(package, "item")
        if item.get("media-type") in PAGES and "nav" not in (item.get("properties") or "").split()
    }
    return [pages[each.get("idref")] for each in _named(package, "itemref") if each.get("idref") in pages]


def _encrypted(archive: zipfile.ZipFile, origin: Origin) -> set[str]:
    listed = guards.parsed(archive.read(ENCRYPTION), origin.name)
    return {unquote(each.get("URI", "")) for each in _named(listed, "CipherReference")}


def _named(root: Any, tag: str) -> Any:
    """Elements of that name in whatever namespace; books are careless with theirs."""
    return (each for each in root.iter() if isinstance(each.tag, str) and each.tag.rsplit("}", 1)[-1] == tag)
