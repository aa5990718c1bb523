"""What a file is, by its first bytes and never by its name.

The name only settles what content cannot: whether plain text is a table, a list of JSON lines or prose.
"""

import mmap
import zipfile
from pathlib import Path

from studio.base.errors import Unreadable

READABLE = ("pdf", "docx", "xlsx", "xls", "csv", "tsv", "jsonl", "json", "txt", "md")
ALIASES = {
    "text": "txt",
    "log": "txt",
    "markdown": "md",
    "ndjson": "jsonl",
    "tab": "tsv",
    "xlsm": "xlsx",
    "xlsb": "xlsx",
    "docm": "docx",
    "dotx": "docx",
}
TEXTS = frozenset({"csv", "tsv", "jsonl", "json", "txt", "md"})
MAGIC = (
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"RIFF", "WEBP / WAV"),
    (b"ID3", "MP3"),
    (b"OggS", "OGG"),
    (b"MZ", "EXE"),
    (b"\x7fELF", "ELF"),
    (b"\x1f\x8b", "GZ"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7Z"),
    (b"SQLite format 3\x00", "SQLite"),
    (b"{\\rtf", "RTF"),
)
BLANK = b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OLE_STREAMS = (  # the name of a stream inside says what the container holds
    ("EncryptedPackage", "locked"),
    ("WordDocument", "DOC"),
    ("PowerPoint Document", "PPT"),
    ("__substg1.0", "MSG"),
    ("Workbook", "xls"),
    ("Book", "xls"),
)
ZIP_MEMBERS = (
    ("word/document.xml", "docx"),
    ("xl/workbook.xml", "xlsx"),
    ("xl/workbook.bin", "xlsx"),
    ("ppt/presentation.xml", "PPTX"),
    ("content.xml", "ODT / ODS"),
    ("META-INF/container.xml", "EPUB"),
)


def kind_of(file: Path, name: str) -> str:
    """One of READABLE. Raises Unreadable for everything else, saying what it is."""
    said = extension(name)
    content = _content(file, name)
    if content == "text":
        if said in READABLE and said not in TEXTS:
            raise Unreadable("not_what_it_says", name=name, kind="TXT")
        return said if said in TEXTS else "txt"
    if content in READABLE:
        return content
    if said in READABLE and content != "binary":
        raise Unreadable("not_what_it_says", name=name, kind=content)
    if said in READABLE:
        raise Unreadable("file_damaged", name=name)
    raise Unreadable("kind_unknown", name=name, kinds=", ".join(READABLE))


def extension(name: str) -> str:
    said = Path(name).suffix.lower().lstrip(".")
    return ALIASES.get(said, said)


def _content(file: Path, name: str) -> str:
    with file.open("rb") as opened:
        start = opened.read(4096)
    if not start.strip(BLANK):
        if _blank(file):
            raise Unreadable("file_empty", name=name)
        return "text"
    if b"%PDF-" in start[:1024]:
        return "pdf"
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip(file, name)
    if start.startswith(OLE):
        return _ole(file, name)
    if start[4:8] == b"ftyp":
        return "MP4"
    for magic, kind in MAGIC:
        if start.startswith(magic) and not (magic in (b"BM", b"MZ", b"RIFF", b"ID3") and _printable(start)):
            return kind
    head = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "HTML"
    if head.startswith((b"<?xml", b"<svg")):
        return "XML"
    return "text" if _printable(start) else "binary"


def _blank(file: Path) -> bool:
    with file.open("rb") as opened:
        while block := opened.read(1 << 20):
            if block.strip(BLANK):
                return False
    return True


def _printable(start: bytes) -> bool:
    """Plain text in some encoding: hardly any control byte, or the zeros of UTF-16 in every second place."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    zeros = start.count(0)
    if zeros and max(start[::2].count(0), start[1::2].count(0)) > 0.3 * len(start) and zeros < 0.6 * len(start):
        return True
    controls = sum(start.count(byte) for byte in range(32) if byte not in b"\t\n\r\f\v\x1a\x1b")
    return controls <= max(len(start) / 100, 2)


def _zip(file: Path, name: str) -> str:
    try:
        with zipfile.ZipFile(file) as archive:
            members = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Unreadable("file_damaged", name=name) from error
    return next((kind for member, kind in ZIP_MEMBERS if member in members), "ZIP")


def _ole(file: Path, name: str) -> str:
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        holds = (kind for stream, kind in OLE_STREAMS if content.find(stream.encode("utf-16-le")) >= 0)
        kind = next(holds, "")
    if not kind:
        raise Unreadable("file_damaged", name=name)
    if kind == "locked":
        raise Unreadable("office_locked", name=name)
    if kind in ("DOC", "PPT"):
        raise Unreadable("office_old", name=name, kind=kind)
    return kind
