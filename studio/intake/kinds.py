"""What a file is, by its first bytes and never by its name.

The name only settles what content cannot: whether plain text is a table, a list of JSON lines or prose.
"""

import itertools
import mmap
import re
import zipfile
import zlib
from pathlib import Path

from studio.base.errors import Unreadable

READABLE = (
    *("pdf", "docx", "pptx", "odt", "rtf", "txt", "md", "html", "epub"),
    *("xlsx", "xls", "ods", "csv", "tsv", "jsonl", "json"),
    *("eml", "msg", "mbox", "zip"),
    *("png", "jpg", "tiff", "webp"),
)
ALIASES = {
    "text": "txt",
    "log": "txt",
    "markdown": "md",
    "ndjson": "jsonl",
    "tab": "tsv",
    "xlsm": "xlsx",
    "xlsb": "xlsx",
    "xltx": "xlsx",
    "ots": "ods",
    "docm": "docx",
    "dotx": "docx",
    "dotm": "docx",
    "pptm": "pptx",
    "ppsx": "pptx",
    "potx": "pptx",
    "ott": "odt",
    "htm": "html",
    "xhtml": "html",
    "mht": "eml",
    "mhtml": "eml",
    "mbx": "mbox",
    "jpeg": "jpg",
    "jpe": "jpg",
    "jfif": "jpg",
    "tif": "tiff",
}
TEXTS = frozenset({"csv", "tsv", "jsonl", "json", "txt", "md"})
SHEETS = frozenset({"xlsx", "xls", "ods"})
BY_NAME = TEXTS | {"html", "eml", "mbox"}  # written in plain letters: the name says which
PICTURES = frozenset({"png", "jpg", "tiff", "webp"})  # read by text recognition
STRICT = PICTURES | {"html", "rtf"}  # never read under the name of another kind: what was wanted is not in there
MAGIC = (
    (b"\x89PNG", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"RIFF", "WAV / AVI"),
    (b"ID3", "MP3"),
    (b"OggS", "OGG"),
    (b"MZ", "EXE"),
    (b"\x7fELF", "ELF"),
    (b"\x1f\x8b", "GZ"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7Z"),
    (b"SQLite format 3\x00", "SQLite"),
    (b"{\\rtf", "rtf"),
)
OF_NO_USE = frozenset({"GIF", "BMP", "WAV / AVI", "MP3", "OGG", "MP4", "EXE", "ELF"})
BLANK = b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OLE_STREAMS = (  # the name of a stream inside says what the container holds
    ("EncryptedPackage", "locked"),
    ("WordDocument", "DOC"),
    ("PowerPoint Document", "PPT"),
    ("__substg1.0", "msg"),
    ("Workbook", "xls"),
    ("Book", "xls"),
)
ZIP_MEMBERS = (
    ("word/document.xml", "docx"),
    ("xl/workbook.xml", "xlsx"),
    ("xl/workbook.bin", "xlsx"),
    ("ppt/presentation.xml", "pptx"),
)
MEDIA_TYPES = (  # what a zip says it is: OpenDocument and EPUB in the member "mimetype", Office in its list of types
    (b"opendocument.text", "odt"),
    (b"opendocument.spreadsheet", "ods"),
    (b"opendocument.", "ODP / ODG"),
    (b"epub+zip", "epub"),
    (b"wordprocessingml.document.main", "docx"),
    (b"wordprocessingml.template.main", "docx"),
    (b"spreadsheetml.sheet.main", "xlsx"),
    (b"presentationml.presentation.main", "pptx"),
    (b"presentationml.slideshow.main", "pptx"),
)
MAIL_HEAD = re.compile(rb"^[A-Za-z][A-Za-z-]{1,40}:[ \t]?\S.*$")
MAIL_WORDS = re.compile(
    rb"^(from|to|subject|date|received|return-path|message-id|mime-version|delivered-to|x-[a-z-]+):", re.I
)
MBOX_HEAD = re.compile(rb"^From \S+.*\d{4}\s*$")


def kind_of(file: Path, name: str) -> str:
    """One of READABLE. Raises Unreadable for everything else, saying what it is."""
    said = extension(name)
    content = _content(file, name)
    if content == "text":
        if said in SHEETS:
            return "tsv"  # programs give tables in plain letters a spreadsheet's name, so that Excel opens them
        if said in READABLE and said not in BY_NAME:
            raise Unreadable("not_what_it_says", name=name, kind="TXT")
        return said if said in BY_NAME else "txt"
    if content in STRICT and said in READABLE and said != content and not {said, content} <= PICTURES:
        raise Unreadable("not_what_it_says", name=name, kind=content.upper())
    if content in READABLE and (content != "zip" or said not in READABLE or said == "zip"):
        return content
    if said in READABLE and content != "binary":
        raise Unreadable("not_what_it_says", name=name, kind=content.upper())
    if said in READABLE:
        raise Unreadable("file_damaged", name=name)
    raise Unreadable("kind_unknown", name=name, kinds=", ".join(READABLE))


def of_no_use(start: bytes, name: str) -> bool:
    """Whether a file that begins like this is a sound, a film, a moving picture or a program, and does not claim to be
    anything else: nothing to read.
    """
    return _magic(start) in OF_NO_USE and extension(name) not in READABLE


def is_picture(start: bytes) -> bool:
    return _magic(start) in PICTURES


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
    if kind := _magic(start):
        return kind
    letters = start.replace(b"\x00", b"") if start.startswith((b"\xff\xfe", b"\xfe\xff")) else start
    head = letters.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if mail := _mail(head):
        return mail if extension(name) in ("eml", "mbox", "") or extension(name) not in READABLE else "text"
    head = re.sub(rb"^(\s*<!--.*?-->)+\s*", b"", head.lower(), flags=re.S)
    if head.startswith((b"<!doctype html", b"<html")) or (head.startswith(b"<?xml") and b"<html" in head):
        return "html"
    if head.startswith((b"<?xml", b"<svg", b"<!doctype")):
        return "XML"
    return "text" if _printable(start) else "binary"


def _magic(start: bytes) -> str:
    if start[4:8] == b"ftyp":
        return "MP4"
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "webp"
    for magic, kind in MAGIC:
        if start.startswith(magic) and not (magic in (b"BM", b"MZ", b"RIFF", b"ID3") and _printable(start)):
            return kind
    return ""


def _mail(head: bytes) -> str:
    """A mail begins with its headers, a mailbox with the line that parts its mails."""
    lines = head.splitlines()
    if lines and MBOX_HEAD.match(lines[0]) and len(lines) > 1 and MAIL_HEAD.match(lines[1]):
        return "mbox"
    headers = [line for line in itertools.takewhile(bytes.strip, lines[:200]) if not line.startswith((b" ", b"\t"))]
    known = sum(bool(MAIL_WORDS.match(line)) for line in headers)
    whole = headers[:-1] if len(head) >= 4000 else headers
    return "eml" if known >= 2 and all(MAIL_HEAD.match(line) for line in whole) else ""


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
            said = b"".join(
                _start_of(archive, member) for member in ("mimetype", "[Content_Types].xml") if member in members
            )
    except (zipfile.BadZipFile, EOFError, zlib.error, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise Unreadable("file_damaged", name=name) from error
    by_member = next((kind for member, kind in ZIP_MEMBERS if member in members), "")
    by_type = next((kind for media_type, kind in MEDIA_TYPES if media_type in said), "")
    return by_member or by_type or ("epub" if "META-INF/container.xml" in members else "zip")


def _start_of(archive: zipfile.ZipFile, member: str) -> bytes:
    if archive.getinfo(member).flag_bits & 1:
        return b""
    with archive.open(member) as opened:
        return opened.read(1 << 20)


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
