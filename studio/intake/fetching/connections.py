"""Opens a database for reading and for nothing else: a SQLite file, PostgreSQL or MySQL through SQLAlchemy.

A company's database stands inside its network, so addresses are not held to the rules of the web. Every foreign error
ends here, without the address it came from: that may hold a password.
"""

import errno
import logging
import re
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from studio.base.errors import BadInput, BadName, NotFound, StudioError, Unavailable
from studio.base.events import ShouldStop
from studio.intake.fetching import refusals, sqlite
from studio.intake.fetching.statements import Kind

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

KINDS: dict[str, Kind] = {"postgresql": "postgresql", "postgres": "postgresql", "mysql": "mysql", "mariadb": "mysql"}
DRIVERS = {"postgresql": "postgresql+pg8000", "mysql": "mysql+pymysql"}
PORTS = {"postgresql": 5432, "mysql": 3306}
CONNECT_SECONDS = 10.0
LONGEST_SILENCE = 120  # of a server, before its first row or between two pages
MOST_TABLES = 2_000
DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EIO})
_SCHEME = re.compile(r"^([a-z][a-z0-9+_-]+)://", re.I)

log = logging.getLogger(__name__)


class Database:
    """An open database. `name` is what to call it: the file's or the database's own."""

    def __init__(self, connection: "Connection", kind: Kind, name: str, until: float) -> None:
        self.kind, self.name = kind, name
        self._connection, self._until = connection, until
        self._cursor: Any = None

    def tables(self) -> list[str]:
        """Tables and views; those outside the default schema as `schema.table`."""
        return sorted(self._tables())[:MOST_TABLES]

    def whole(self, table: str) -> str:
        """The query that reads a table. Raises NotFound("database_table_missing")."""
        known = self._tables()
        if table not in known:
            listed = ", ".join(sorted(known)[:20]) or "-"
            raise NotFound("database_table_missing", name=table, database=self.name, tables=listed)
        schema, name = known[table]
        quote = self._connection.dialect.identifier_preparer.quote_identifier
        whole = f"{quote(schema)}.{quote(name)}" if schema else quote(name)
        return f"SELECT * FROM {whole}"  # noqa: S608 - a name the database itself listed, in its own quotes

    def rows(self, query: str, page: int) -> tuple[list[str], Iterator[Sequence[Any]]]:
        """The columns' names and the rows, fetched a page at a time."""
        options = {"stream_results": True, "no_parameters": True, "yield_per": page}
        result = self._connection.exec_driver_sql(query, execution_options=options)

        def rows() -> Iterator[Sequence[Any]]:
            for each in result.partitions(page):
                if time.monotonic() > self._until:
                    raise Unavailable("database_slow", name=self.name)
                yield from each

        self._cursor = result.cursor
        return list(result.keys()), rows()

    def leave(self) -> None:
        """End what is not read to its end. MySQL hears nothing before all rows are sent, and its driver would wait for
        them: the line is cut instead.
        """
        unread = self._cursor and self.kind == "mysql" and self._cursor._result
        if unread and unread.unbuffered_active:
            unread.unbuffered_active = False
            self._connection.invalidate()
        else:
            self._connection.rollback()

    def _tables(self) -> dict[str, tuple[str, str]]:
        from sqlalchemy import inspect

        look = inspect(self._connection)
        default = look.default_schema_name
        own = {"sqlite": {"main", "temp"}, "postgresql": {"information_schema"}}.get(
            self.kind, {"information_schema", "performance_schema", "mysql", "sys"}
        )
        found = {name: ("", name) for name in (*look.get_table_names(), *look.get_view_names())}
        for schema in look.get_schema_names() if self.kind == "postgresql" else ():
            if schema != default and schema not in own:
                names = (*look.get_table_names(schema), *look.get_view_names(schema))
                found |= {f"{schema}.{name}": (schema, name) for name in names}
        return found


@contextmanager
def opened(address: str, should_stop: ShouldStop, seconds: float) -> Iterator[Database]:
    """The database at a path or a SQLAlchemy URL, for at most so many seconds.

    Raises BadName: database_address_wrong, database_password_wrong; BadInput: database_kind_unknown,
    database_query_wrong; NotFound: database_file_missing, database_missing, database_table_missing;
    Unreadable("database_not_one"); Refused: database_write, database_no_rights, database_needs_encryption;
    Unavailable: database_unreachable, database_slow, database_busy; Stopped.
    """
    url = _url(address)
    until = time.monotonic() + seconds
    kind: Kind
    if url is None:
        file = sqlite.path(address)
        kind, name, place, password = "sqlite", file.stem, file.name, ""
        engine = _engine("sqlite://", lambda: sqlite.connected(file, lambda: should_stop() or time.monotonic() > until))
    else:
        kind = KINDS[url.drivername]
        name, place = url.database or url.host or kind, shown(address)
        password = str(url.password or "")
        _answers(url, kind, place)
        engine = _engine(*_server(url, kind, seconds))
    try:
        with engine.connect() as connection:
            _lock(connection, kind)
            database = Database(connection, kind, name, until)
            try:
                yield database
            finally:
                database.leave()
    except StudioError:
        raise
    except Exception as error:  # drivers raise whatever they like; each is told apart by its code
        if isinstance(error, OSError) and error.errno in DISK:
            raise  # the snapshot's trouble, not the database's
        ours = refusals.of(error, kind, place, stopped=should_stop(), late=time.monotonic() > until, secret=password)
        log.warning("the database %s refused: %s", place, ours)
        raise ours from None  # what the driver says may repeat the address, password included
    finally:
        engine.dispose()


def shown(address: str) -> str:
    """The address as it may be seen: without a password and without options, which may hold one."""
    try:
        url = _url(address)
    except StudioError:
        return re.sub(r"//.*@", "//", address, flags=re.S).split("?")[0][:200]
    if url is None:
        return sqlite.path(address, existing=False).name
    return _with(url, url.drivername, password=None).render_as_string(hide_password=False)


def _url(address: str) -> "URL | None":
    """The address of a server, or None for a file."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    scheme = _SCHEME.match(address.strip())
    if scheme is None or scheme[1].lower().split("+")[0] == "sqlite":
        return None
    kind = scheme[1].lower().split("+")[0]
    if kind not in KINDS:
        raise BadInput("database_kind_unknown", kind=kind)
    try:
        url = make_url(address.strip()).set(drivername=KINDS[kind])
        url.port  # noqa: B018 - read here, where a wrong one is still a wrong address
    except (ArgumentError, ValueError):
        raise BadName("database_address_wrong") from None
    return url


def _server(url: "URL", kind: Kind, seconds: float) -> tuple["URL", None, dict[str, Any]]:
    """The address for our own driver, with none of the options somebody wrote into it but these two: whether the
    connection is encrypted, and a socket of this machine.
    """
    mode = str(url.query.get("sslmode") or url.query.get("ssl-mode") or url.query.get("ssl_mode") or "").lower()
    encrypted = _encryption(mode)
    silence = int(min(LONGEST_SILENCE, seconds)) or 1
    given: dict[str, Any]
    if kind == "postgresql":
        given = {"timeout": silence + 5, "ssl_context": False if mode == "disable" else encrypted}
        if host := _socket(url):
            given["unix_sock"] = f"{host}/.s.PGSQL.{url.port or PORTS[kind]}"
    else:
        given = {"connect_timeout": int(CONNECT_SECONDS), "read_timeout": silence + 5, "local_infile": False}
        given |= {"charset": "utf8mb4", "ssl_disabled": mode in ("disable", "disabled")}
        given |= {"ssl": encrypted} if encrypted else {}
        if host := _socket(url):
            given["unix_socket"] = host
        given["password"] = str(url.password or "").encode("utf-8")  # the driver's own choice is Latin-1
    return _with(url, DRIVERS[kind], str(url.password) if url.password else None), None, given


def _with(url: "URL", driver: str, password: str | None) -> "URL":
    """The same place, and nothing else that stood in the address."""
    from sqlalchemy import URL

    return URL.create(driver, url.username, password, url.host, url.port, url.database)


def _encryption(mode: str) -> ssl.SSLContext | None:
    """What the address demands; None is the drivers' own way: encrypted where the server can."""
    if mode in ("verify-ca", "verify-full", "verify_ca", "verify_identity"):
        return ssl.create_default_context()
    if mode in ("require", "required"):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    return None


def _socket(url: "URL") -> str:
    given = str(url.query.get("unix_socket") or url.query.get("host") or "")
    return given if given.startswith("/") else ""


def _answers(url: "URL", kind: Kind, place: str) -> None:
    """Whether anything listens there at all, found out within seconds and not in the drivers' own time."""
    import socket

    if _socket(url):
        return
    try:
        socket.create_connection((url.host or "localhost", url.port or PORTS[kind]), CONNECT_SECONDS).close()
    except (OSError, OverflowError, UnicodeError) as error:
        raise refusals.unreachable(place) from error


def _engine(
    url: "str | URL", creator: Callable[[], Any] | None = None, given: dict[str, Any] | None = None
) -> "Engine":
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    if creator is not None:
        return create_engine(url, creator=creator, poolclass=NullPool, hide_parameters=True)
    return create_engine(url, connect_args=given or {}, poolclass=NullPool, hide_parameters=True)


def _lock(connection: "Connection", kind: Kind) -> None:
    """From here on the server itself refuses to write, and ends what takes too long."""
    from sqlalchemy.exc import DBAPIError

    match kind:
        case "postgresql":
            connection.exec_driver_sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
            connection.exec_driver_sql(f"SET statement_timeout = {LONGEST_SILENCE * 1000}")
            connection.commit()
        case "mysql":
            for setting in (
                f"max_execution_time = {LONGEST_SILENCE * 1000}",
                f"max_statement_time = {LONGEST_SILENCE}",
            ):
                try:
                    connection.exec_driver_sql(f"SET SESSION {setting}")
                except DBAPIError:
                    continue  # MySQL knows one of them, MariaDB the other
            connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
            connection.commit()
        case "sqlite":
            pass
