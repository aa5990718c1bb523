"""Whether a query only reads: one SELECT (or WITH) and nothing after it.

The first of two locks. The second is the database's own (a read-only transaction, an authorizer); this one gives the
clearer sentence, and keeps out what such a transaction lets through: files written on the server, a second statement.
"""

import re
from typing import Literal

from studio.base.errors import BadInput, Refused

Kind = Literal["sqlite", "postgresql", "mysql"]

_FILES = re.compile(r"\b(outfile|dumpfile)\b", re.I)
_EXECUTED_COMMENT = re.compile(r"/\*M?!")  # MySQL runs what stands in it
_QUOTES = {
    "sqlite": r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`|\[[^\]]*\]",
    "mysql": r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`(?:[^`]|``)*`",
    "postgresql": r"\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|(?<![\w$])\$(\w*)\$.*?\$\1\$",
}
_COMMENTS = {
    "sqlite": r"--[^\n]*|/\*.*?\*/",
    "mysql": r"--(?=[\s]|$)[^\n]*|#[^\n]*|/\*.*?\*/",
    "postgresql": r"--[^\n]*|/\*.*?\*/",
}
_STANDARD_OFF = r"'(?:[^'\\]|\\.|'')*'"  # how an older PostgreSQL may be set to read its strings


def one_select(query: str, kind: Kind) -> str:
    """The query without what may end it. Raises BadInput("database_query_empty") and Refused("database_one_select")."""
    if not query.strip():
        raise BadInput("database_query_empty")
    if "\x00" in query or (kind == "mysql" and (_FILES.search(query) or _EXECUTED_COMMENT.search(query))):
        raise Refused("database_one_select")
    if kind == "postgresql" and re.search(r"/\*(?:(?!\*/).)*/\*", query, re.S):
        raise Refused("database_one_select")  # comments within comments: read differently by everybody
    spaced = _bare(query, _QUOTES[kind], _COMMENTS[kind])
    _require(spaced)
    if kind == "postgresql" and "\\" in query:
        _require(_bare(query, f"{_STANDARD_OFF}|{_QUOTES[kind]}", _COMMENTS[kind]))
    end = len(spaced.rstrip().rstrip(";").rstrip())
    return query[:end].strip()


def _require(bare: str) -> None:
    text = bare.strip().rstrip(";").strip()
    if ";" in text or not re.match(r"\(*\s*(select|with)\b", text, re.I):
        raise Refused("database_one_select")


def _bare(query: str, quotes: str, comments: str) -> str:
    """The query with strings and comments blanked out, every character in its place."""

    def blank(found: re.Match[str]) -> str:
        return " " * len(found[0]) if re.match(r"--|#|/\*", found[0]) else "x" * len(found[0])

    return re.sub(f"{quotes}|{comments}", blank, query, flags=re.S)
