"""The project's database: `studio.db`, one SQLite file through sqlite-utils. All SQL of the house (but the queue's) is here.

Records go in and come out whole (as JSON in one column beside the columns we search by); nobody outside sees a row.
Migrations are appended to MIGRATIONS and never edited; `PRAGMA user_version` counts those already applied.
"""

import hashlib
import json
import sqlite3
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

if "pandas" in sys.modules:
    import sqlite_utils
else:  # it would load pandas to know its types, which no row of ours has: half a CPU second of every run and command
    sys.modules["pandas"] = None  # type: ignore[assignment]
    import sqlite_utils

    del sys.modules["pandas"]

from studio.base import records
from studio.base.errors import BadInput, Refused
from studio.base.records import (
    Answer,
    Change,
    Document,
    Example,
    Explanation,
    Exported,
    Feedback,
    Finding,
    How,
    Indexed,
    Invitation,
    Layout,
    Past,
    Proposal,
    Question,
    Record,
    Repair,
    Round,
    Scorecard,
    Source,
    Split,
    Trained,
    Variant,
    Vote,
)

R = TypeVar("R", bound=Record)


def m001_first_tables(db: sqlite_utils.Database) -> None:
    db["documents"].create({"id": str, "source": str, "sha256": str, "record": str}, pk="id")
    db["documents"].create_index(["sha256"])
    db["documents"].create_index(["source"])
    db["examples"].create({"id": str, "source": str, "split": str, "position": int, "record": str}, pk="id")
    db["examples"].create_index(["source"])
    for name in (
        "questions",
        "variants",
        "trained",
        "answers",
        "scorecards",
        "votes",
        "feedback",
        "explanations",
        "exports",
    ):
        db[name].create({"id": str, "position": int, "record": str}, pk="id")
    db["facts"].create({"name": str, "value": str}, pk="name")
    db["sources"].create({"source": str, "sha256": str, "added": str, "findings": str}, pk="source")
    db["history"].create({"id": int, "at": str, "what": str, "parameters": str}, pk="id")


def m002_how_sources_are_read(db: sqlite_utils.Database) -> None:
    for column in ("origin", "how", "layout"):
        db["sources"].add_column(column, str)
    for name in ("repairs", "proposals"):
        db[name].create({"id": str, "position": int, "record": str}, pk="id")


def m003_blind_votes(db: sqlite_utils.Database) -> None:
    for name in ("rounds", "invitations"):
        db[name].create({"id": str, "position": int, "record": str}, pk="id")


MIGRATIONS: tuple[Callable[[sqlite_utils.Database], None], ...] = (
    m001_first_tables,
    m002_how_sources_are_read,
    m003_blind_votes,
)


class Store:
    """One connection per thread to one file; opening applies what migrations are missing.

    Raises Refused("newer_format") when the file was written by a newer version of the studio.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._newest: dict[type[Record], tuple[str, Record | None]] = {}
        migrate(self._db, path)

    @property
    def _db(self) -> sqlite_utils.Database:
        db = getattr(self._local, "db", None)
        if db is None:
            try:
                db = self._local.db = connect(self.path, synchronous="NORMAL")
            except sqlite3.DatabaseError as error:
                raise BadInput("project_damaged", name=self.path.parent.name) from error
        return db

    # ---- material

    def put_source(
        self,
        source: str,
        sha256: str,
        documents: Sequence[Document],
        examples: Sequence[Example],
        findings: Sequence[Finding],
        *,
        origin: str = "",
        how: How | None = None,
        layout: Layout | None = None,
    ) -> None:
        """All that one source gave, replacing what it gave before; in one transaction."""
        with self._db.conn:
            self._forget(source)
            self._insert(
                "documents",
                [{"id": d.id, "source": source, "sha256": d.sha256, "record": d.model_dump_json()} for d in documents],
            )
            self._insert(
                "examples",
                _example_rows(examples, source),
            )
            known = {
                "source": source,
                "sha256": sha256,
                "added": records.now(),
                "findings": _dump(findings),
                "origin": origin,
                "how": (how or How()).model_dump_json(),
                "layout": layout.model_dump_json() if layout else "",
            }
            self._insert("sources", [known])

    def remove_source(self, source: str) -> None:
        with self._db.conn:
            self._forget(source)

    def sources(self) -> dict[str, str]:
        """Source path -> sha256, oldest first."""
        return {row["source"]: row["sha256"] for row in self._db["sources"].rows_where(order_by="rowid")}

    def source(self, source: str) -> Source | None:
        """One source as it was taken in; None when there is no such one."""
        rows = [*self._db["sources"].rows_where("source = ?", [source])]
        return _source(rows[0]) if rows else None

    def all_sources(self) -> list[Source]:
        return [_source(row) for row in self._db["sources"].rows_where(order_by="rowid")]

    def source_findings(self) -> dict[str, tuple[Finding, ...]]:
        return {
            row["source"]: _load(Finding, row["findings"]) for row in self._db["sources"].rows_where(order_by="rowid")
        }

    def documents(self) -> list[Document]:
        return self._records("documents", Document, order_by="rowid")

    def document_ids(self, among: Iterable[str] | None = None) -> frozenset[str]:
        """The documents that are there: all, or those of these ids."""
        if among is None:
            return frozenset(row["id"] for row in self._db.query("select id from documents"))
        asked = "select id from documents where id in (select value from json_each(?))"
        return frozenset(row["id"] for row in self._db.query(asked, [json.dumps(list(among))]))

    def document(self, id: str) -> Document | None:
        found = self._records("documents", Document, "id = ?", [id])
        return found[0] if found else None

    def examples(self, split: Split | None = None) -> list[Example]:
        where, values = ("split = ?", [split]) if split else (None, [])
        return self._records("examples", Example, where, values, order_by="rowid")

    def put_examples(self, examples: Sequence[Example]) -> None:
        """Examples that were written or changed in the studio rather than read from a file."""
        with self._db.conn:
            self._insert(
                "examples",
                _example_rows(examples),
            )

    def remove_examples(self, ids: Sequence[str]) -> None:
        with self._db.conn:
            self._db.conn.executemany("delete from examples where id = ?", [(id,) for id in ids])

    def change(self, changes: Sequence[Change]) -> None:
        """Put documents, examples and questions as the changes' `after` says, in one transaction; None takes them out.

        What is changed keeps its place in the order, its source and its digest.
        """
        with self._db.conn:
            for change in changes:
                table = f"{change.kind}s"
                if change.after is None:
                    self._db.execute(f"delete from {table} where id = ?", [change.id])
                elif self._db.execute(f"select 1 from {table} where id = ?", [change.id]).fetchone():
                    self._db.execute(f"update {table} set record = ? where id = ?", [change.after, change.id])
                    if change.kind == "example":
                        split = Example.model_validate_json(change.after).split
                        self._db.execute("update examples set split = ? where id = ?", [split, change.id])
                else:
                    self._insert(table, [_row_of(change)])

    def material_digest(self) -> str:
        """Changes whenever a document, an example or a test question does; reads no record, so it is quick."""
        digest = hashlib.sha256()
        for table in ("documents", "examples", "questions"):
            for id, record in self._db.execute(f"select id, record from {table} order by id"):
                digest.update(f"{table}\x1f{id}\x1f{record}\x1e".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def counts(self) -> dict[str, int]:
        """How many of everything there is, without loading it."""
        names = (
            "documents",
            "examples",
            "questions",
            "variants",
            "trained",
            "answers",
            "scorecards",
            "votes",
            "feedback",
            "exports",
            "repairs",
            "proposals",
        )
        return {name: self._db[name].count for name in names}

    # ---- everything that is kept as it was said

    def put(self, *kept: Record) -> None:
        """Keep records of any kind that has a table of its own; one with the same id is replaced."""
        with self._db.conn:
            for record in kept:
                table = _TABLES[type(record)]
                position = self._db.execute(f"select coalesce(max(position), 0) + 1 from {table}").fetchone()[0]
                self._insert(table, [{"id": record.id, "position": position, "record": record.model_dump_json()}])  # type: ignore[attr-defined]

    def all(self, kind: type[R]) -> list[R]:
        """Every record of a kind, oldest first."""
        return self._records(_TABLES[kind], kind, order_by="position")

    def latest(self, kind: type[R], limit: int) -> list[R]:
        """The last records of a kind, the newest last."""
        return self._records(_TABLES[kind], kind, order_by=f"position desc limit {int(limit)}")[::-1]

    def newest(self, kind: type[R]) -> R | None:
        """The last record of a kind. A scorecard is long, and one page asks for it several times: it is understood once."""
        row = self._db.execute(f"select record from {_TABLES[kind]} order by position desc limit 1").fetchone()
        if row is None:
            return None
        text, known = self._newest.get(kind, ("", None))
        if text != row[0] or not isinstance(known, kind):
            known = kind.model_validate_json(row[0])
            self._newest[kind] = row[0], known
        return known

    def get(self, kind: type[R], id: str) -> R | None:
        found = self._records(_TABLES[kind], kind, "id = ?", [id])
        return found[0] if found else None

    def some(self, kind: type[R], ids: Sequence[str]) -> list[R]:
        """Those of these ids that are there, in the same order."""
        table = _TABLES[kind]
        asked = f"select record from json_each(?) as asked join {table} on {table}.id = asked.value order by asked.key"
        return [kind.model_validate_json(record) for (record,) in self._db.execute(asked, [json.dumps(list(ids))])]

    def remove(self, kind: type[Record], id: str) -> None:
        with self._db.conn:
            self._db.execute(f"delete from {_TABLES[kind]} where id = ?", [id])

    def replace_questions(self, questions: Iterable[Question]) -> None:
        with self._db.conn:
            self._db.execute("delete from questions")
            self._insert(
                "questions",
                [{"id": q.id, "position": n, "record": q.model_dump_json()} for n, q in enumerate(questions)],
            )

    def questions(self) -> list[Question]:
        return self.all(Question)

    # ---- single facts

    def put_fact(self, name: str, value: Record | str) -> None:
        text = value.model_dump_json() if isinstance(value, Record) else value
        with self._db.conn:
            self._insert("facts", [{"name": name, "value": text}])

    def fact(self, name: str) -> str | None:
        row = self._db.execute("select value from facts where name = ?", [name]).fetchone()
        return row[0] if row else None

    def remove_fact(self, name: str) -> None:
        with self._db.conn:
            self._db.execute("delete from facts where name = ?", [name])

    def indexed(self) -> Indexed | None:
        text = self.fact("indexed")
        return Indexed.model_validate_json(text) if text else None

    def remember(self, what: str, **parameters: records.Parameter) -> None:
        """A line in the project's history: what was done, when, with which numbers."""
        with self._db.conn:
            self._db["history"].insert({"at": records.now(), "what": what, "parameters": parameters})

    def history(self) -> list[Past]:
        """The project's history, oldest first."""
        rows = self._db["history"].rows_where(order_by="id")
        return [Past(at=row["at"], what=row["what"], parameters=json.loads(row["parameters"] or "{}")) for row in rows]

    def copy(self, target: Path) -> Path:
        """A complete copy in one file, also while others write."""
        self._db.conn.commit()
        with sqlite3.connect(target) as copied:
            self._db.conn.backup(copied)
        copied.close()
        return target

    # ---- how rows are made and read

    def _forget(self, source: str) -> None:
        for table in ("documents", "examples", "sources"):
            self._db.execute(f"delete from {table} where source = ?", [source])

    def _insert(self, table: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            columns = list(rows[0])
            marks = ", ".join("?" for _ in columns)
            self._db.conn.executemany(
                f"insert or replace into {table} ({', '.join(columns)}) values ({marks})",
                [list(row.values()) for row in rows],
            )

    def _records(
        self,
        table: str,
        kind: type[R],
        where: str | None = None,
        values: Sequence[Any] = (),
        order_by: str | None = None,
    ) -> list[R]:
        asked = f"select record from {table}" + (f" where {where}" if where else "")
        rows = self._db.execute(asked + (f" order by {order_by}" if order_by else ""), list(values))
        return [kind.model_validate_json(record) for (record,) in rows]


_TABLES: dict[type[Record], str] = {
    Answer: "answers",
    Explanation: "explanations",
    Exported: "exports",
    Feedback: "feedback",
    Invitation: "invitations",
    Proposal: "proposals",
    Question: "questions",
    Repair: "repairs",
    Round: "rounds",
    Scorecard: "scorecards",
    Trained: "trained",
    Variant: "variants",
    Vote: "votes",
}


def connect(path: Path, synchronous: str) -> sqlite_utils.Database:
    """A connection in write-ahead mode that waits for others instead of failing."""
    connection = sqlite3.connect(path, timeout=30, isolation_level="IMMEDIATE", check_same_thread=False)
    db = sqlite_utils.Database(connection)
    weakref.finalize(db, connection.close)  # from whatever thread lets go of it last
    db.execute("pragma journal_mode = wal")
    db.execute(f"pragma synchronous = {synchronous}")
    db.execute("pragma busy_timeout = 30000")
    return db


def migrate(db: sqlite_utils.Database, path: Path) -> None:
    done = db.execute("pragma user_version").fetchone()[0]
    if done > len(MIGRATIONS):
        raise Refused("newer_format", name=path.parent.name)
    for number, migration in enumerate(MIGRATIONS[done:], start=done + 1):
        with db.conn:
            db.execute("begin immediate")
            if db.execute("pragma user_version").fetchone()[0] < number:  # another process may have been faster
                migration(db)
                db.execute(f"pragma user_version = {number}")


def _example_rows(examples: Sequence[Example], source: str | None = None) -> list[dict[str, Any]]:
    return [
        {
            "id": e.id,
            "source": e.source if source is None else source,
            "split": e.split,
            "position": n,
            "record": e.model_dump_json(),
        }
        for n, e in enumerate(examples)
    ]


def _row_of(change: Change) -> dict[str, Any]:
    """The row of a record that comes back after it was taken out; it comes last."""
    assert change.after is not None
    match change.kind:
        case "document":
            document = Document.model_validate_json(change.after)
            return {"id": change.id, "source": document.source, "sha256": document.sha256, "record": change.after}
        case "example":
            return _example_rows([Example.model_validate_json(change.after)])[0]
        case "question":
            return {"id": change.id, "position": 1 << 40, "record": change.after}


def _source(row: dict[str, Any]) -> Source:
    return Source(
        source=row["source"],
        sha256=row["sha256"],
        added=row["added"],
        origin=row["origin"] or "",
        how=How.model_validate_json(row["how"]) if row["how"] else How(),
        layout=Layout.model_validate_json(row["layout"]) if row["layout"] else None,
        findings=_load(Finding, row["findings"]),
    )


def _dump(findings: Sequence[Finding]) -> str:
    return "[" + ",".join(finding.model_dump_json() for finding in findings) + "]"


def _load(kind: type[R], text: str) -> tuple[R, ...]:
    from pydantic import TypeAdapter

    return TypeAdapter(tuple[kind, ...]).validate_json(text)  # type: ignore[valid-type]
