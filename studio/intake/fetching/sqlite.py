"""A SQLite file opened so that nothing can be written and no other file be reached, whatever is asked of it."""

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, unquote

from studio.base.errors import NotFound, Unreadable

MAGIC = b"SQLite format 3\x00"
STEPS = 20_000  # of SQLite's machine between two looks at the clock
LONGEST_CELL = 50 << 20
_READS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_TRANSACTION})
_LOOKS = frozenset({"read_uncommitted", "table_info", "table_xinfo", "table_list", "database_list", "data_version"})


def path(address: str, *, existing: bool = True) -> Path:
    """The file an address names: a path, or sqlite:///a/path. Raises NotFound("database_file_missing"), Unreadable."""
    plain = re.sub(r"^sqlite(\+\w+)?:(///?)?", "", address.strip(), flags=re.I)
    file = Path(unquote(plain.split("?")[0]) if plain != address.strip() else plain).expanduser()
    if not existing:
        return file
    if not file.is_file():
        raise NotFound("database_file_missing", name=file.name)
    with file.open("rb") as opened:
        if opened.read(len(MAGIC)) != MAGIC:
            raise Unreadable("database_not_one", name=file.name)
    return file


def connected(file: Path, enough: Callable[[], bool]) -> sqlite3.Connection:
    """A connection that only reads; a query ends when `enough` says so."""
    where = f"file:{quote(str(file.resolve()))}?mode=ro"
    try:
        connection = _open(where)
    except sqlite3.OperationalError:
        if _log(file):
            raise
        connection = _open(f"{where}&immutable=1")  # in a folder where SQLite may not even put its lock
    connection.text_factory = lambda content: content.decode("utf-8", errors="replace")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_CELL)
    connection.set_progress_handler(lambda: int(enough()), STEPS)
    connection.set_authorizer(_may)
    return connection


def _open(where: str) -> sqlite3.Connection:
    connection = sqlite3.connect(where, uri=True, timeout=5.0)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _log(file: Path) -> bool:
    """Whether rows lie beside the file that are not in it yet."""
    beside = file.with_name(f"{file.name}-wal")
    return beside.is_file() and beside.stat().st_size > 0


def _may(action: int, first: str | None, second: str | None, database: str | None, by: str | None) -> int:
    if action in _READS:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION:
        return (
            sqlite3.SQLITE_DENY if (second or "").lower() in ("load_extension", "fts3_tokenizer") else sqlite3.SQLITE_OK
        )
    if action == sqlite3.SQLITE_PRAGMA and (first or "").lower() in _LOOKS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY
