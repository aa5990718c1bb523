"""What stands in front of every parser of zipped office files: sizes, paths, links, encryption, entities.

Declared sizes are checked before anything is unpacked; a file that lies about them is stopped by the limits of the
child process that reads it (`child`).
"""

import itertools
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from studio.base.errors import Unreadable

MOST_BYTES = 500 << 20
MOST_PART = 300 << 20
MOST_PARTS = 5_000
FREE_BYTES = 10 << 20
HIGHEST_RATIO = 200  # text compresses 5 to 30 times, a spreadsheet of equal numbers up to 100 times


def check_zip(file: Path, name: str, doctypes: bool = False) -> None:
    """Raises Unreadable: file_bomb, office_locked, file_unsafe (links, paths, entities) or file_damaged.

    `doctypes`: pages of an e-book may name theirs; only entities of their own are refused in them.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            _sizes(parts, name)
            for part in parts:
                _one(part, name)
                if part.filename.endswith((".xml", ".rels", ".opf", ".ncx", ".xhtml")):
                    _no_entities(archive, part, name, doctypes)
    except (zipfile.BadZipFile, EOFError, zlib.error, OSError, NotImplementedError, ValueError, RuntimeError) as error:
        raise Unreadable("file_damaged", name=name) from error


def parsed(content: bytes, name: str) -> Any:
    """The root of an XML part, read without the network and without what it may declare.

    Raises Unreadable: file_damaged, or file_unsafe when it declares entities, wherever in it that stands.
    """
    from lxml import etree

    safe = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(content, safe)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable("file_damaged", name=name) from error
    if root is None:
        raise Unreadable("file_damaged", name=name)
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and next(declared.iterentities(), None) is not None:
        raise Unreadable("file_unsafe", name=name)
    return root


def overlapping(parts: Iterable[zipfile.ZipInfo]) -> bool:
    """Whether two entries share their bytes: the trick of archives that unpack to more than they could hold."""
    places = sorted((part.header_offset, part.compress_size) for part in parts)
    return any(at + size > following for (at, size), (following, _) in itertools.pairwise(places))


def is_link(part: zipfile.ZipInfo) -> bool:
    return (part.external_attr >> 16) & 0o170000 == 0o120000


def _sizes(parts: list[zipfile.ZipInfo], name: str) -> None:
    unpacked = sum(part.file_size for part in parts)
    packed = max(sum(part.compress_size for part in parts), 1)
    if (
        len(parts) > MOST_PARTS
        or unpacked > MOST_BYTES
        or any(part.file_size > MOST_PART for part in parts)
        or (unpacked > FREE_BYTES and unpacked / packed > HIGHEST_RATIO)
        or overlapping(parts)
    ):
        raise Unreadable("file_bomb", name=name, mb=max(unpacked >> 20, 1))


def _one(part: zipfile.ZipInfo, name: str) -> None:
    path = part.filename.replace("\\", "/")
    if part.flag_bits & 1:
        raise Unreadable("office_locked", name=name)
    if is_link(part) or path.startswith("/") or ".." in path.split("/") or ":" in path:
        raise Unreadable("file_unsafe", name=name)


def _no_entities(archive: zipfile.ZipFile, part: zipfile.ZipInfo, name: str, doctypes: bool) -> None:
    """Office programs never write a document type; one that is there wants entities expanded or files fetched."""
    with archive.open(part) as opened:
        start = opened.read(8192).replace(b"\x00", b"").lower()
    if b"<!entity" in start or (b"<!doctype" in start and not doctypes):
        raise Unreadable("file_unsafe", name=name)
