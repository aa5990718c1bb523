"""What a database says when it does not do what was asked, told apart by its codes and made ours."""

import sqlite3
import ssl
from typing import Any

from studio.base.errors import BadInput, BadName, NotFound, Refused, Stopped, StudioError, Unavailable, Unreadable
from studio.intake.fetching.statements import Kind

CODES = {
    "postgresql": {
        "database_password_wrong": ("28P01", "28000"),
        "database_missing": ("3D000", "3F000"),
        "database_table_missing": ("42P01",),
        "database_no_rights": ("42501",),
        "database_write": ("25006", "25001", "0A000", "25P02"),
        "database_slow": ("57014", "55P03"),
        "database_busy": ("53300", "57P03", "53200", "53100"),
    },
    "mysql": {
        "database_password_wrong": ("1045", "1698", "1251"),
        "database_missing": ("1049", "1044"),
        "database_table_missing": ("1146",),
        "database_no_rights": ("1142", "1143", "1227", "1370"),
        "database_write": ("1792", "1290", "1836"),
        "database_slow": ("3024", "1969", "1317", "2013"),
        "database_busy": ("1040", "1203", "1205"),
        "database_unreachable": ("2002", "2003", "2006", "2055"),
    },
}
SQLITE = (
    ("not authorized", "database_write"),
    ("prohibited", "database_write"),
    ("readonly", "database_write"),
    ("no such table", "database_table_missing"),
    ("interrupted", "database_slow"),
    ("locked", "database_busy"),
    ("not a database", "database_not_one"),
    ("malformed", "database_not_one"),
    ("disk i/o", "database_not_one"),
    ("unable to open", "database_not_one"),
)


def of(
    error: Exception, kind: Kind, place: str, *, stopped: bool = False, late: bool = False, secret: str = ""
) -> StudioError:
    """Our error for a foreign one. `secret` is taken out of whatever the database said."""
    if stopped:
        return Stopped()
    cause = getattr(error, "orig", None) or error
    if late or isinstance(cause, TimeoutError):
        return _named("database_slow", place, "")
    reason = _reason(cause, secret)
    code = _code(cause, kind, reason)
    return _named(code, place, reason)


def unreachable(place: str) -> StudioError:
    return _named("database_unreachable", place, "")


def _code(cause: BaseException, kind: Kind, reason: str) -> str:
    if kind == "sqlite":
        said = reason.lower()
        return next((code for words, code in SQLITE if words in said), "database_query_wrong")
    number = _number(cause)  # RuntimeError: MySQL's ways of logging in that send no password in plain letters
    if found := next((code for code, numbers in CODES[kind].items() if number in numbers), ""):
        return found
    if number == "2026" or isinstance(cause, ssl.SSLError) or "SSL" in reason or isinstance(cause, RuntimeError):
        return "database_needs_encryption"
    if isinstance(cause, OSError) or type(cause).__name__ == "InterfaceError" or not number:
        return "database_unreachable"
    return "database_query_wrong"


def _number(cause: BaseException) -> str:
    """PostgreSQL's five letters, MySQL's number."""
    first: Any = cause.args[0] if cause.args else ""
    return str(first.get("C", "")) if isinstance(first, dict) else str(first) if isinstance(first, int) else ""


def _reason(cause: BaseException, secret: str) -> str:
    first: Any = cause.args[-1] if cause.args and not isinstance(cause, sqlite3.Error) else str(cause)
    said = str(first.get("M", "")) if isinstance(first, dict) else str(first)
    cleaned = " ".join(said.split())
    return (cleaned.replace(secret, "…") if secret else cleaned)[:200]


def _named(code: str, place: str, reason: str) -> StudioError:
    match code:
        case "database_password_wrong":
            return BadName("database_password_wrong", name=place)
        case "database_missing":
            return NotFound("database_missing", name=place)
        case "database_table_missing":
            return NotFound("database_names_missing", name=place, reason=reason)
        case "database_no_rights":
            return Refused("database_no_rights", name=place)
        case "database_write":
            return Refused("database_write", name=place)
        case "database_slow":
            return Unavailable("database_slow", name=place)
        case "database_busy":
            return Unavailable("database_busy", name=place)
        case "database_not_one":
            return Unreadable("database_not_one", name=place)
        case "database_needs_encryption":
            return Refused("database_needs_encryption", name=place)
        case "database_unreachable":
            return Unavailable("database_unreachable", name=place)
        case _:
            return BadInput("database_query_wrong", name=place, reason=reason)
