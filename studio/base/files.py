"""Files that survive a power cut, and paths that stay inside their folder."""

import json
import os
import re
import shutil
import tempfile
import unicodedata
from pathlib import Path
from typing import Any

from studio.base.errors import BadName, Refused

_RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"com{n}" for n in range(1, 10)),
    *(f"lpt{n}" for n in range(1, 10)),
}


def write_atomically(path: Path, text: str) -> None:
    """The file holds either its old content or all of the new one, whatever happens in between."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    write_atomically(path, json.dumps(value, ensure_ascii=False, indent=2))


def read_json(path: Path) -> Any | None:
    """The value in the file, or None when it is missing or unfinished."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def inside(folder: Path, relative: str) -> Path:
    """`folder/relative`, refused when that leads out of the folder (also through a link)."""
    path = (folder / relative).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise Refused("path_outside", path=relative)
    return path


def slug(name: str) -> str:
    """A folder name made from what a person typed: ASCII letters, digits and dashes, never reserved, at most 48 long.

    Raises BadName when nothing nameable is left of it.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    made = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:48].strip("-")
    if not clean_title(name):
        raise BadName("name_empty")
    if not made:
        return "project"
    return f"{made}-1" if made in _RESERVED else made


def clean_title(name: str, limit: int = 80) -> str:
    """A name as shown: control and direction characters removed, white space folded, cut to `limit`."""
    text = "".join(
        " " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in unicodedata.normalize("NFC", name)
    )
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return " ".join(text.split())[:limit].strip()


def file_name(name: str) -> str:
    """The last part of an uploaded file's name, safe on every system; the extension stays."""
    title = clean_title(Path(name.replace("\\", "/")).name, 160).strip(". ") or "file"
    safe = re.sub(r'[<>:"/\\|?*]', "_", title)
    return f"_{safe}" if Path(safe).stem.lower() in _RESERVED else safe


def free_gb(folder: Path) -> float:
    return shutil.disk_usage(folder).free / 1e9
