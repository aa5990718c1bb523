"""Writes rows down as a file that is taken in like any other: a CSV with the columns' names, or JSON lines where cells
hold lists and objects. Half a file never stays.

`Counted` is the way from a source to the file: it knows the limit, says how far it is and hears the stop.
"""

import csv
import datetime
import decimal
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, Generic, NamedTuple, TextIO, TypeVar

from studio.base.errors import Stopped
from studio.base.events import Emit, Progress, ShouldStop
from studio.base.records import Finding

Row = TypeVar("Row")

PAGE = 500
MOST_ON_DISK = 450 << 20  # below what one file may have to be taken in


class Written(NamedTuple):
    """What was written: the file's name, how many rows, which columns held what is no text, and whether it grew too big."""

    file: str
    rows: int
    binary: tuple[str, ...]
    full: bool


class Counted(Generic[Row]):
    """Rows up to the limit; `more` says afterwards whether some were left. Raises Stopped."""

    def __init__(self, rows: Iterable[Row], limit: int, emit: Emit, should_stop: ShouldStop) -> None:
        self.more = False
        self._rows, self._limit, self._emit, self._should_stop = rows, limit, emit, should_stop

    def __iter__(self) -> Iterator[Row]:
        done = 0
        for row in self._rows:
            if done >= self._limit:
                self.more = True
                break
            if done % PAGE == 0:
                if self._should_stop():
                    raise Stopped
                self._emit(Progress(done=done, of=self._limit))
            yield row
            done += 1
        self._emit(Progress(done=done, of=max(done, 1)))


def findings(written: Written, more: bool) -> tuple[Finding, ...]:
    """What the person should know of a snapshot: rows that were left, columns that hold no text."""
    found = []
    if more or written.full:
        found.append(Finding(code="rows_left", level="warn", names=(written.file,), parameters={"rows": written.rows}))
    if written.binary:
        columns = written.binary
        found.append(Finding(code="columns_not_text", level="note", count=len(columns), names=columns[:20]))
    return tuple(found)


def write(folder: Path, stem: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Written:
    """All rows as `<stem>.csv`, or as `<stem>.jsonl` when one of the first rows holds a list or an object."""
    columns, coming = _unlike(names), iter(rows)
    first = list(islice(coming, PAGE))
    every = (dict(zip(columns, row, strict=True)) for row in chain(first, coming))
    if any(isinstance(cell, dict | list | tuple) for row in first for cell in row):
        return write_lines(folder, stem, every)
    path = folder / f"{stem}.csv"
    with _whole(path) as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns)
        return _written(path, file, every, lambda cells: table.writerow(map(_text, cells.values())))


def write_lines(folder: Path, stem: str, rows: Iterable[Mapping[str, Any]]) -> Written:
    """All rows as JSON lines in `<stem>.jsonl`."""
    path = folder / f"{stem}.jsonl"
    with _whole(path) as file:
        return _written(path, file, rows, lambda cells: file.write(json.dumps(cells, ensure_ascii=False) + "\n"))


def _written(
    path: Path, file: TextIO, rows: Iterable[Mapping[str, Any]], put: Callable[[dict[str, Any]], object]
) -> Written:
    binary: dict[str, None] = {}
    count, full = 0, False
    for row in rows:
        put({str(name): _cell(value, str(name), binary) for name, value in row.items()})
        count += 1
        if count % PAGE == 0 and file.tell() > MOST_ON_DISK:
            full = True
            break
    return Written(path.name, count, tuple(binary), full)


@contextmanager
def _whole(path: Path) -> Iterator[TextIO]:
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", errors="replace", newline="") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _unlike(names: Sequence[str]) -> list[str]:
    """The names, those that stand twice numbered: two tables joined have two columns called id."""
    made: list[str] = []
    for number, name in enumerate(names, start=1):
        wanted = base = str(name).strip() or f"column_{number}"
        again = 1
        while wanted in made:
            again += 1
            wanted = f"{base}_{again}"
        made.append(wanted)
    return made


def _cell(value: Any, name: str, binary: dict[str, None]) -> Any:
    """The value as JSON has it. What is neither text nor number nor date is left out, and its column noted."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case None | bool() | int() | str():
            return value
        case bytes() | bytearray() | memoryview():
            try:
                return bytes(value).decode("utf-8")
            except UnicodeDecodeError:
                binary[name] = None
                return None
        case decimal.Decimal():
            return format(value, "f")
        case datetime.datetime():
            return value.isoformat(" ")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case dict():
            return {str(key): _cell(each, name, binary) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_cell(each, name, binary) for each in value]
        case _:
            return str(value)


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, dict | list):
        return json.dumps(cell, ensure_ascii=False)
    return str(cell).replace("\x00", "")
