"""Zip archives: the files inside are unpacked for reading, under numbers and within limits; nothing gets a path from them.

Names that lead out of the archive, links and sizes that no honest archive has refuse the whole of it. What is written is
counted while it is unpacked, because an archive may lie about its sizes. Knows nothing of what the files hold.
"""

import re
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from studio.base import files
from studio.base.errors import Unreadable
from studio.base.records import Fault
from studio.intake import guards, kinds
from studio.intake.members import DEEPEST
from studio.intake.reading import Member, Origin, Reading

MOST_FILES = 10_000
HIGHEST_RATIO = 100
FREE_BYTES = 10 << 20  # a small archive of blanks harms nobody, however well it is packed
BLOCK = 1 << 20
AES = 99
UTF8_NAME = 0x800
LEFT_BY_SYSTEMS = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
CHAT = re.compile(r"^_chat\.txt$|^(chat de whatsapp con|whatsapp chat|conversaci[oó]n de whatsapp con)\b.*\.txt$", re.I)
DRIVE = re.compile(r"^[A-Za-z]:/")


def read(file: Path, origin: Origin) -> Reading:
    """The files of the archive, unpacked and still to be read.

    Raises Unreadable: archive_too_deep, archive_too_big, archive_locked, archive_empty, archive_method, file_bomb,
    file_unsafe, file_damaged, password_wrong.
    """
    if origin.depth >= DEEPEST:
        raise Unreadable("archive_too_deep", name=origin.name)
    try:
        with zipfile.ZipFile(file) as archive:
            parts = [part for part in archive.infolist() if not part.is_dir()]
            for part in parts:
                _safe(part, origin)
            wanted = [part for part in parts if not _left_by_systems(part.filename)]
            _check(parts, wanted, file, origin)
            return Reading(members=tuple(_unpack(archive, wanted, origin)))
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, ValueError) as error:
        raise Unreadable("file_damaged", name=origin.name) from error


def folders(path: str) -> str:
    """A path inside a container as it is shown: every part a clean name, nothing that leads anywhere."""
    parts = [files.file_name(part) for part in re.split(r"[\\/]+", path) if part not in ("", ".", "..")]
    return "/".join(parts) or "file"


def numbered(names: Sequence[str]) -> list[str]:
    """The names, the second of two equal ones with a number: "offer.pdf", "offer (2).pdf"."""
    seen: Counter[str] = Counter()
    made = []
    for name in names:
        seen[name] += 1
        path = PurePosixPath(name)
        made.append(name if seen[name] == 1 else str(path.with_name(f"{path.stem} ({seen[name]}){path.suffix}")))
    return made


def _check(parts: Sequence[zipfile.ZipInfo], wanted: Sequence[zipfile.ZipInfo], file: Path, origin: Origin) -> None:
    unpacked, packed = sum(part.file_size for part in parts), max(file.stat().st_size, 1)
    if guards.overlapping(parts) or (unpacked > FREE_BYTES and unpacked / packed > HIGHEST_RATIO):
        raise Unreadable("file_bomb", name=origin.name, mb=max(unpacked >> 20, 1))
    if len(parts) > MOST_FILES or unpacked > origin.room:
        raise _too_big(origin, unpacked, len(parts))
    if not wanted:
        raise Unreadable("archive_empty", name=origin.name)
    locked = [part for part in wanted if part.flag_bits & 1]
    if any(part.compress_type == AES for part in locked):
        raise Unreadable("archive_method", name=origin.name)
    if locked and not origin.password:
        raise Unreadable("archive_locked", name=origin.name)


def _safe(part: zipfile.ZipInfo, origin: Origin) -> None:
    path = part.orig_filename.replace("\\", "/")
    if guards.is_link(part) or path.startswith("/") or ".." in path.split("/") or DRIVE.match(path):
        raise Unreadable("file_unsafe", name=origin.name)


def _unpack(archive: zipfile.ZipFile, parts: Sequence[zipfile.ZipInfo], origin: Origin) -> Iterator[Member]:
    folder, left, chat = Path(tempfile.mkdtemp(prefix="members-")), origin.room, _chat(parts)
    shown = ["" if part is chat else name for part, name in zip(parts, numbered(list(map(_shown, parts))), strict=True)]
    for number, (part, name) in enumerate(zip(parts, shown, strict=True)):
        target = folder / str(number)
        try:
            fault, written = _unpack_one(archive, part, target, left, origin, pictures=chat is None)
        except (zipfile.BadZipFile, EOFError, zlib.error, OSError, ValueError) as error:
            if part.flag_bits & 1:  # the check of a wrong password lets one of 256 through, which then unpacks to noise
                raise Unreadable("password_wrong", name=origin.name) from error
            fault, written = Fault(code="file_damaged"), 0
            target.unlink(missing_ok=True)
        left -= written
        if fault and not (chat and fault.code == "kind_unknown"):  # the chat itself counts the pictures sent in it
            yield Member(name=name, fault=fault)
        elif not fault:
            yield Member(name=name, file=str(target))


def _unpack_one(
    archive: zipfile.ZipFile, part: zipfile.ZipInfo, target: Path, left: int, origin: Origin, pictures: bool
) -> tuple[Fault | None, int]:
    """Why this file is not worth unpacking, or how many bytes it has. Raises Unreadable("file_bomb") for a liar."""
    written = 0
    try:
        opened = archive.open(part, pwd=origin.password.encode() if part.flag_bits & 1 else None)
    except RuntimeError as error:  # zipfile's way of saying it
        raise Unreadable("password_wrong", name=origin.name) from error
    except NotImplementedError:
        return Fault(code="archive_method"), 0
    with opened:
        start = opened.read(4096)
        if kinds.of_no_use(start, part.filename) or (kinds.is_picture(start) and not pictures):
            return Fault(code="kind_unknown"), 0
        with target.open("wb") as out:
            block = start
            while block:
                written += len(block)
                if written > min(left, max(part.file_size, len(start))):
                    raise Unreadable("file_bomb", name=origin.name, mb=max(written >> 20, 1))
                out.write(block)
                block = opened.read(BLOCK)
    return None, written


def _chat(parts: Sequence[zipfile.ZipInfo]) -> zipfile.ZipInfo | None:
    """The text of an exported conversation, which is known by its archive's name; what was sent in it lies beside it."""
    chats = [part for part in parts if CHAT.match(PurePosixPath(_name(part)).name)]
    return chats[0] if len(chats) == 1 else None


def _shown(part: zipfile.ZipInfo) -> str:
    return folders(_name(part))


def _left_by_systems(path: str) -> bool:
    parts = [part for part in path.replace("\\", "/").split("/") if part]
    return any(part.startswith((".", "~$")) or part.lower() in LEFT_BY_SYSTEMS for part in parts)


def _name(part: zipfile.ZipInfo) -> str:
    """The name as it was meant: archives without the mark for UTF-8 hold it all the same (Mac), or DOS letters (Windows)."""
    if part.flag_bits & UTF8_NAME:
        return part.filename
    raw = part.filename.encode("cp437", "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp850")


def _too_big(origin: Origin, unpacked: int, count: int) -> Unreadable:
    limit = guards.MOST_BYTES >> 20
    return Unreadable("archive_too_big", name=origin.name, mb=unpacked >> 20, limit=limit, files=count, most=MOST_FILES)
