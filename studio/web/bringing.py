"""What the forms of "bring more" ask for, as requests to fetch; the secret among it (a password, a key) apart from them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from studio.base.errors import BadInput
from studio.base.recipes import DatabaseRequest, DatasetRequest, WebRequest
from studio.intake import fetching

SITE_DEPTH = 3


class Wanted(NamedTuple):
    """One of the three, and its secret: a data set's key, or the whole address of a database."""

    web: WebRequest | None = None
    database: DatabaseRequest | None = None
    dataset: DatasetRequest | None = None
    secret: str = ""


def wanted(given: Mapping[str, Any], lend: Callable[[str, str], Path]) -> Wanted:
    """`lend(batch, name)` is where an uploaded database file may be read. Raises BadInput for what is missing."""
    match given.get("kind"):
        case "web":
            return Wanted(web=_web(given))
        case "database":
            return _database(given, lend)
        case _:
            name = _text(given, "name", 200)
            if not name:
                raise BadInput("dataset_name_empty")
            request = DatasetRequest(
                name=name, split=_text(given, "split", 100) or "train", rows=_number(given, "rows", 2_000, 1_000_000)
            )
            return Wanted(dataset=request, secret=_text(given, "password", 400))


def _web(given: Mapping[str, Any]) -> WebRequest:
    address = _text(given, "address", 2_000)
    if not address:
        raise BadInput("address_empty")
    if "://" not in address:
        address = f"https://{address}"
    if given.get("scope") == "site":
        return WebRequest(address=address, pages=_number(given, "pages", 50, 500), depth=SITE_DEPTH)
    return WebRequest(address=address, pages=1, depth=0)


def place(given: Mapping[str, Any], lend: Callable[[str, str], Path]) -> str:
    """The address of the database a form means, with its password: a secret. Raises BadInput for what is missing."""
    if given.get("system") not in ("postgresql", "mysql"):
        name = _text(given, "file", 300)
        if not name:
            raise BadInput("database_file_empty")
        return str(lend(_text(given, "batch", 40), name))
    typed, user = _text(given, "address", 500), quote(_text(given, "user", 200), safe="")
    password = quote(str(given.get("password") or ""), safe="")
    if not typed:
        raise BadInput("address_empty")
    whole = urlsplit(typed if "://" in typed else f"{given['system']}://{typed}")
    held, _, bare = whole.netloc.rpartition("@")
    held_user, _, held_password = held.partition(":")
    user, password = user or held_user, password or held_password
    who = f"{user}:{password}@" if password else f"{user}@" if user else ""
    return whole._replace(netloc=who + bare).geturl()


def _database(given: Mapping[str, Any], lend: Callable[[str, str], Path]) -> Wanted:
    table, query = _text(given, "table", 300), _text(given, "query", 20_000)
    if not (table or query):
        raise BadInput("database_nothing_asked")
    address = place(given, lend)
    return Wanted(database=DatabaseRequest(shown=fetching.shown(address), table=table, query=query), secret=address)


def _text(given: Mapping[str, Any], name: str, longest: int) -> str:
    return str(given.get(name) or "").strip()[:longest]


def _number(given: Mapping[str, Any], name: str, usual: int, most: int) -> int:
    said = str(given.get(name) or "").strip()
    return min(max(int(said), 1), most) if said.isdecimal() else usual
