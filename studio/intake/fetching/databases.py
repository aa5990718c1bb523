"""Takes a snapshot of a database's rows: a table, or what one SELECT gives, in pages and never more than asked.

The address may hold a password. It is used to open the connection and stands in no error, log, name or origin.
"""

import hashlib
from pathlib import Path

from studio.base import files
from studio.base.errors import NotEnough
from studio.base.events import Emit, ShouldStop, Stage
from studio.base.recipes import DatabaseRequest
from studio.intake.fetching import snapshots, statements
from studio.intake.fetching.connections import opened, shown
from studio.intake.fetching.fetched import Fetched

SECONDS = 600.0

__all__ = ["database", "list_tables", "shown"]


def database(
    request: DatabaseRequest,
    address: str,
    folder: Path,
    emit: Emit,
    should_stop: ShouldStop,
    *,
    seconds: float = SECONDS,
) -> list[Fetched]:
    """One file of rows in `folder`, CSV with the columns' names, or JSON lines where cells hold lists.

    1. Connect, for reading only. 2. Find the table, or look at the query. 3. Write page after page. Raises what
    `connections.opened` raises, NotFound("database_table_missing"), Refused and BadInput (see `statements`),
    NotEnough("database_no_rows"), and Stopped, which leaves no file: half a table looks like a whole one.
    """
    emit(Stage(name="fetch_database"))
    with opened(address, should_stop, seconds) as found:
        name = request.table or found.name
        query = statements.one_select(request.query, found.kind) if request.query.strip() else found.whole(name)
        columns, rows = found.rows(query, snapshots.PAGE)
        counted = snapshots.Counted(rows, request.rows, emit, should_stop)
        written = snapshots.write(folder, _stem(found.name, request), columns, counted)
    if not written.rows:
        (folder / written.file).unlink()
        raise NotEnough("database_no_rows", name=name)
    findings = snapshots.findings(written, counted.more)
    return [Fetched(file=written.file, name=written.file, origin=_origin(address, request), findings=findings)]


def list_tables(address: str) -> list[str]:
    """The tables and views of a database, for the person to choose from; those of other schemas as `schema.table`.

    Raises what `connections.opened` raises.
    """
    with opened(address, lambda: False, 60.0) as found:
        return found.tables()


def _stem(name: str, request: DatabaseRequest) -> str:
    """What the file is called: shop_orders for a table, shop_ and a few digits for a query."""
    what = hashlib.sha256(request.query.encode()).hexdigest()[:6] if request.query.strip() else request.table
    return files.file_name(f"{name}_{what}"[:120])


def _origin(address: str, request: DatabaseRequest) -> str:
    return f"{shown(address)} · {' '.join(request.query.split())[:300] or request.table}"
