"""Questions over tables ("how many …", "el más barato"): recognised, reckoned over the rows, shown with formula and rows.

1. `asked` reads the question, 2. `tables` has the rows, 3. `queries` fits the one to the other, 4. SQLite reckons, in
memory and read-only, 5. `wording` says it. No model; when in doubt it says nothing, and the documents are searched.
"""

import hashlib
import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from studio.answering import asked, queries, tables, wording
from studio.answering.meanings import WORDS
from studio.answering.queries import Condition, Query
from studio.answering.tables import Table
from studio.base.project import Project
from studio.base.records import PLACES, Chunk, Computed, Document, Passage, Place
from studio.retrieval import terms

EXCERPT = 120
MOST_TIED = 8  # rows that share the first place and are all named; more of them say nothing


class Reckoned(NamedTuple):
    """The answer, and the rows it rests on as passages (the first of them)."""

    computed: Computed
    passages: tuple[Passage, ...]


def ask(project: Project, question: str) -> Computed | None:
    """The answer reckoned from a table of the project; None when the question is none over a table, or not clearly."""
    found = reckon(project, question)
    return found.computed if found else None


def reckon(project: Project, question: str, limit: int = 5) -> Reckoned | None:
    """The same with up to `limit` of its rows as passages."""
    language = terms.language(question, project.card.language)
    read = asked.read(question, language, WORDS)
    return _best(read, question, tables.of_project(project), language, limit) if read else None


def over(documents: Sequence[Document], question: str, language: str = "en") -> Computed | None:
    """The same over documents that stand in no project."""
    language = terms.language(question, language)
    read = asked.read(question, language, WORDS)
    every = [table for document in documents for table in tables.of_document(document)]
    found = _best(read, question, every, language, 1) if read else None
    return found.computed if found else None


class _Result(NamedTuple):
    """`best` are the rows that a superlative names, `rows` all that were reckoned with."""

    value: float | str
    sql: str
    rows: tuple[int, ...]
    left_out: int = 0
    best: tuple[int, ...] = ()


def _best(read: asked.Asked, question: str, every: Sequence[Table], language: str, limit: int) -> Reckoned | None:
    """Of the tables that could be meant the one that explains most of the question; two as good must agree."""
    fitting = [(table, found) for table in every if (found := queries.query(read, table))]
    most = max((found.matched for _, found in fitting), default=0)
    results = [
        (table, found, result)
        for table, found in fitting
        if found.matched == most and (result := _run(table, found)) is not None
    ]
    fits = sum(found.matched == most for _, found in fitting)
    if not results or len(results) < fits or len({str(result.value) for _, _, result in results}) > 1:
        return None
    table, found, result = results[0]
    shown = list(dict.fromkeys([*result.best, *result.rows]))
    computed = Computed(
        question=question,
        text=wording.answer(table, found, result.value, result.best, language),
        value=str(result.value),
        words=wording.formula(table, found, len(result.rows), result.left_out, language),
        sql=result.sql,
        document_id=table.document.id,
        document=table.document.name,
        sheet=table.sheet,
        columns=tuple(table.names[at] for at in _used(found)),
        count=len(result.rows),
        left_out=result.left_out,
        rows=tuple(_place(table, at) for at in shown[:PLACES]),
    )
    return Reckoned(computed, tuple(_passage(table, at) for at in (result.best or shown)[:limit]))


def _used(found: Query) -> list[int]:
    return sorted({*(each.column for each in found.conditions), *([found.column] if found.column is not None else ())})


# ---- SQL


def _run(table: Table, found: Query) -> _Result | None:
    where = [_condition(table, each) for each in found.conditions]
    name = _quoted(table.sheet or table.document.name)
    with _Loaded(table, name) as connection:
        chosen = f" WHERE {' AND '.join(where)}" if where else ""
        fitting = [row[0] for row in connection.execute(f"SELECT rowid FROM {name}{chosen} ORDER BY rowid")]
        if found.column is None or found.operation == "distinct":
            what = "COUNT(*)" if found.column is None else f"COUNT(DISTINCT {_quoted(table.names[found.column])})"
            sql = f"SELECT {what} FROM {name}{chosen}"
            (value,) = connection.execute(sql).fetchone()
            return _Result(value, sql, tuple(fitting))
        column = _quoted(table.names[found.column])
        filled = f"{chosen}{' AND' if where else ' WHERE'} {column} IS NOT NULL"
        used = [row[0] for row in connection.execute(f"SELECT rowid FROM {name}{filled} ORDER BY rowid")]
        if not used:
            return None
        if found.operation in ("sum", "mean"):
            sql = f"SELECT {'SUM' if found.operation == 'sum' else 'AVG'}({column}) FROM {name}{filled}"
            (value,) = connection.execute(sql).fetchone()
            return _Result(value, sql, tuple(used), len(fitting) - len(used))
        extreme, order = ("MIN", "ASC") if found.operation == "min" else ("MAX", "DESC")
        if found.limit > 1:
            sql = f"SELECT * FROM {name}{filled} ORDER BY {column} {order} LIMIT {found.limit}"
        else:
            sql = f"SELECT * FROM {name}{filled} AND {column} = (SELECT {extreme}({column}) FROM {name}{filled})"
        best = [row[0] for row in connection.execute(sql.replace("SELECT *", "SELECT rowid", 1))]
        value = table.columns[found.column].values[best[0]]
        if value is None or len(best) > max(MOST_TIED, found.limit):
            return None
        return _Result(value, sql, tuple(used), len(fitting) - len(used), tuple(best))


class _Loaded:
    """The table in SQLite's memory; from then on nothing but reading is allowed."""

    def __init__(self, table: Table, name: str) -> None:
        self.connection = sqlite3.connect(":memory:")
        kinds = {"number": "REAL", "date": "TEXT", "text": "TEXT"}
        columns = ", ".join(
            f"{_quoted(each)} {kinds[column.kind]}" for each, column in zip(table.names, table.columns, strict=True)
        )
        marks = ", ".join("?" for _ in range(len(table.names) + 1))
        self.connection.execute(f"CREATE TABLE {name} ({columns})")
        names = ", ".join(map(_quoted, table.names))
        rows = zip(range(len(table.places)), *(column.values for column in table.columns), strict=True)
        self.connection.executemany(f"INSERT INTO {name} (rowid, {names}) VALUES ({marks})", rows)
        self.connection.commit()
        self.connection.set_authorizer(_only_reads)

    def __enter__(self) -> sqlite3.Connection:
        return self.connection

    def __exit__(self, *_: object) -> None:
        self.connection.close()


def _only_reads(action: int, *_: Any) -> int:
    allowed = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION)
    return sqlite3.SQLITE_OK if action in allowed else sqlite3.SQLITE_DENY


def _condition(table: Table, condition: Condition) -> str:
    column = _quoted(table.names[condition.column])
    values = [_literal(value) for value in condition.values]
    match condition.sign:
        case "in":
            return f"{column} = {values[0]}" if len(values) == 1 else f"{column} IN ({', '.join(values)})"
        case "between":
            return f"{column} BETWEEN {values[0]} AND {values[1]}"
        case "month":
            return f"substr({column}, 6, 2) = {values[0]}"
        case sign:
            return f"{column} {sign} {values[0]}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: str | float) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return f"{value:.0f}" if value == int(value) else repr(value)


# ---- rows as they are shown


def _place(table: Table, at: int) -> Place:
    place, document = table.places[at], table.document
    return Place(
        name=document.name,
        source=document.source,
        id=document.id,
        page=place.page,
        row=place.row,
        text=" ".join(table.texts[at].split())[:EXCERPT],
    )


def _passage(table: Table, at: int) -> Passage:
    place, document = table.places[at], table.document
    text = f"{table.header}\n{table.texts[at]}" if table.header else table.texts[at]
    key = "\x1f".join([document.id, str(place.start), text])
    chunk = Chunk(
        id=hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16],
        document_id=document.id,
        document=document.name,
        text=text,
        start=place.start,
        end=place.end,
        page=place.page,
        heading=table.heading,
        sheet=table.sheet,
        row=place.row,
        language=document.language,
        date=document.date,
    )
    return Passage(chunk=chunk, score=1.0, similarity=0.0)
