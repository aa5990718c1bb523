"""What stands in front of every parser of zipped office files: sizes, paths, links, encryption, entities.

Declared sizes are checked before anything is unpacked; a file that lies about them is stopped by the limits of the
child process that reads it (`child`).
"""

import itertools
import zipfile
from pathlib import Path

from studio.base.errors import Unreadable

MOST_BYTES = 500 << 20
MOST_PART = 300 << 20
MOST_PARTS = 5_000
FREE_BYTES = 10 << 20
HIGHEST_RATIO = 200  # text compresses 5 to 30 times, a spreadsheet of equal numbers up to 100 times


def check_zip(file: Path, name: str) -> None:
    """Raises Unreadable: file_bomb, office_locked, file_unsafe (links, paths, entities) or file_damaged."""
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            _sizes(parts, name)
            for part in parts:
                _one(part, name)
                if part.filename.endswith((".xml", ".rels")):
                    _no_entities(archive, part, name)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, ValueError, RuntimeError) as error:
        raise Unreadable("file_damaged", name=name) from error


def _sizes(parts: list[zipfile.ZipInfo], name: str) -> None:
    unpacked = sum(part.file_size for part in parts)
    packed = max(sum(part.compress_size for part in parts), 1)
    places = sorted((part.header_offset, part.compress_size) for part in parts)
    overlapping = any(at + size > following for (at, size), (following, _) in itertools.pairwise(places))
    if (
        len(parts) > MOST_PARTS
        or unpacked > MOST_BYTES
        or any(part.file_size > MOST_PART for part in parts)
        or (unpacked > FREE_BYTES and unpacked / packed > HIGHEST_RATIO)
        or overlapping
    ):
        raise Unreadable("file_bomb", name=name, mb=max(unpacked >> 20, 1))


def _one(part: zipfile.ZipInfo, name: str) -> None:
    path = part.filename.replace("\\", "/")
    if part.flag_bits & 1:
        raise Unreadable("office_locked", name=name)
    is_link = (part.external_attr >> 16) & 0o170000 == 0o120000
    if is_link or path.startswith("/") or ".." in path.split("/") or ":" in path:
        raise Unreadable("file_unsafe", name=name)


def _no_entities(archive: zipfile.ZipFile, part: zipfile.ZipInfo, name: str) -> None:
    """Office programs never write a document type; one that is there wants entities expanded or files fetched."""
    with archive.open(part) as opened:
        start = opened.read(8192).replace(b"\x00", b"").lower()
    if b"<!doctype" in start or b"<!entity" in start:
        raise Unreadable("file_unsafe", name=name)
