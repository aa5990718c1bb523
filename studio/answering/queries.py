"""What a question asks of a table, or None: the operation, its column, the conditions. Rules and word lists, no model.

The rule it keeps: every word of meaning in the question must be accounted for, by the operation, a column's name, a cell,
or what the rows are called. One word too many, or two ways to read it, and the question is not one over this table.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from studio.answering import cells
from studio.answering.asked import MONTH, Amount, Asked, Day, refused
from studio.answering.meanings import WORDS, empty, filler, listed, meaning, meanings
from studio.answering.tables import Table
from studio.base.folding import fold
from studio.health.quantities import UNIT
from studio.retrieval import chunking

LONGEST = 8  # words of a cell that is looked for in a question
PROSE = 60  # characters: a column of longer cells is no list of names
MOST_VALUES = 50  # cells that one word may stand for

Operation = Literal["count", "distinct", "sum", "mean", "min", "max"]
Sign = Literal["in", "<", "<=", ">", ">=", "between", "month"]


class Condition(NamedTuple):
    """What the cells of a column must be."""

    column: int
    sign: Sign
    values: tuple[str | float, ...]


class Query(NamedTuple):
    """`column` is what is reckoned with (None: rows), `limit` how many rows a superlative is after; `matched` counts the
    words of the question that only this table explains.
    """

    operation: Operation
    column: int | None
    conditions: tuple[Condition, ...]
    limit: int
    matched: int


def query(asked: Asked, table: Table) -> Query | None:
    """What the question asks of this table; None when it does not, or not clearly."""
    reading = _Reading(asked, table)
    return reading.query()


class _Reading:
    """One question held against one table; words are struck off as they are accounted for."""

    def __init__(self, asked: Asked, table: Table) -> None:
        self.asked, self.table = asked, table
        self.small = filler(asked.language)
        self.left = {at: meaning(word) for at, word in asked.left.items() if word not in self.small}
        self.matched = 0
        self.named: list[int] = []  # columns
        self.whole: set[int] = set()  # of these, named in full
        self.conditions: list[Condition] = []
        self.heads: dict[int, str] = {}  # position of a word -> what it was taken for
        self.names = [self._meant(re.sub(r"[(\[].*?[)\]]", " ", name)) for name in table.names]

    def query(self) -> Query | None:
        asked = self.asked
        self._values()
        self._columns()
        self._numbered()
        self._nouns()
        if self._refused() or not (self.matched or asked.concept):
            return None
        if not self._explained() and not (self.matched and self._parts()):
            return None
        for amount in asked.amounts:
            column = self._column_of(amount)
            if column is None:
                return None
            sign: Sign = "between" if amount.other is not None else amount.sign
            values = (amount.value,) if amount.other is None else (amount.value, amount.other)
            self.conditions.append(Condition(column, sign, values))
        for day in asked.days:
            conditions = self._on(day)
            if conditions is None:
                return None
            self.conditions += conditions
        operation, column = self._operation()
        if operation is None:
            return None
        if operation in ("min", "max") and any(self._is_label(each) for each in self.conditions):
            return None  # the cheapest of one thing is no comparison
        return Query(operation, column, tuple(self.conditions), asked.limit, self.matched)

    def _refused(self) -> bool:
        """Whether it is asked in a way that rows do not answer; "per" may belong to a column's name."""
        text = self.asked.rest
        for at in self.whole:
            name = fold(re.sub(r"[(\[].*?[)\]]", " ", self.table.names[at])).strip()
            text = text.replace(name, " ")
        return bool(refused(WORDS).search(" ".join(text.split())))

    def _explained(self) -> bool:
        meant = {meaning(word) for word in WORDS["concepts"].get(self.asked.concept, "").split()}
        return all(self.asked.left[at] in empty() or word in meant for at, word in self.left.items())

    # ---- what the words stand for

    def _meant(self, text: str) -> tuple[str, ...]:
        return meanings(text, self.asked.language)

    def _take(self, positions: Iterable[int], as_what: str) -> None:
        for at in positions:
            self.left.pop(at, None)
            self.heads[at] = as_what
            self.matched += 1

    def _stretches(self, longest: int) -> Iterable[tuple[tuple[int, ...], tuple[str, ...]]]:
        """Neighbouring words that are left, the longest stretches first."""
        for size in range(longest, 0, -1):
            positions = sorted(self.left)
            for first in range(len(positions) - size + 1):
                used = tuple(positions[first : first + size])
                if all(at in self.left for at in used) and self._neighbours(used):
                    yield used, tuple(self.left[at] for at in used)

    def _neighbours(self, used: Sequence[int]) -> bool:
        between = [self.asked.every.get(at, "") for at in range(used[0] + 1, used[-1]) if at not in used]
        return all(word in self.small for word in between if word)

    def _values(self) -> None:
        """Whole cells that are named. Two of one column mean either."""
        known: dict[tuple[str, ...], dict[int, set[str]]] = {}
        for at, column in enumerate(self.table.columns):
            if column.kind == "text":
                for cell in {*self.table.cells[at]}:
                    said = self._meant(cell)
                    if 0 < len(said) <= LONGEST and len(cell) <= PROSE:
                        known.setdefault(said, {}).setdefault(at, set()).add(cell)
        whole = {name: at for at, name in enumerate(self.names) if name}
        for used, said in list(self._stretches(LONGEST)):
            places = known.get(said)
            if not places or not all(at in self.left for at in used) or said in whole:
                continue
            if len(places) == 1:
                ((where, found),) = places.items()
                self._condition(where, found)
                self._take(used, "value")

    def _condition(self, column: int, found: Iterable[str]) -> None:
        same = next((each for each in self.conditions if each.column == column and each.sign == "in"), None)
        values = tuple(sorted({*found, *(map(str, same.values) if same else ())}))
        if same:
            self.conditions.remove(same)
        self.conditions.append(Condition(column, "in", values))

    def _columns(self) -> None:
        """Columns by their whole name, then by a word that stands in the name of one alone."""
        for used, said in list(self._stretches(4)):
            found = [at for at, name in enumerate(self.names) if name and sorted(name) == sorted(said)]
            if len(found) == 1 and all(at in self.left for at in used):
                self.whole.add(found[0])
                self.named.append(found[0])
                self._take(used, f"column {found[0]}")
        for at, word in sorted(self.left.items()):
            found = [n for n, name in enumerate(self.names) if word in name]
            if len(found) > 1 and (preferred := [n for n in found if n in self.named]):
                found = preferred[:1]
            if len(found) == 1:
                if found[0] not in self.named:
                    self.named.append(found[0])
                self._take([at], f"column {found[0]}")

    def _numbered(self) -> None:
        """ "floor 2", "2 rooms": a column's name with a number beside it."""
        for at, word in list(self.left.items()):
            column = self._beside(at) if word.isdigit() else None
            if column is not None and self.table.columns[column].kind == "number":
                self.conditions.append(Condition(column, "between", (float(word), float(word))))
                if column in self.named:
                    self.named.remove(column)
                self._take([at], "value")

    def _beside(self, at: int) -> int | None:
        """The column named by the word before this one, or the one after it."""
        before = max((place for place in self.heads if place < at), default=-1)
        after = min((place for place in self.heads if place > at), default=-1)
        for other in (before, after):
            low, high = min(at, other), max(at, other)
            between = [word for place, word in self.asked.every.items() if low < place < high]
            if other >= 0 and not between and self.heads[other].startswith("column "):
                return int(self.heads[other].removeprefix("column "))
        return None

    def _nouns(self) -> None:
        table = self.table
        rows = set(listed("rows"))
        if table.sheet or table.document.kind in ("csv", "xlsx", "xls", "ods"):
            rows |= {*self._meant(table.sheet), *self._meant(chunking.title(table.document.name))}
        rows |= {*self._meant(table.heading)}
        first = self._entity()
        named = {*self.names[first]} & listed("named") if first is not None else None
        if named and "price" in {word for name in self.names for word in name}:
            rows |= listed("goods")
        elif named and named <= {meaning("name"), meaning("nombre")}:
            rows |= listed("folk")
        for at, word in list(self.left.items()):
            if word in rows:
                self._take([at], "rows")

    def _parts(self) -> bool:
        """Words that are part of the cells of one column only ("spade" of "Heron spade"); whether nothing is left."""
        for used, said in list(self._stretches(3)):
            if not all(at in self.left for at in used) or any(self.asked.left[at] in UNIT for at in used):
                continue
            found: dict[int, set[str]] = {}
            for at, column in enumerate(self.table.columns):
                filled = {cell for cell in self.table.cells[at] if cell}
                if column.kind == "text" and sum(map(len, filled)) <= PROSE * len(filled):
                    fitting = {cell for cell in filled if _within(said, self._meant(cell))}
                    if fitting:
                        found[at] = fitting
            if len(found) == 1:
                ((column_at, values),) = found.items()
                if len(values) <= MOST_VALUES and not any(each.column == column_at for each in self.conditions):
                    self._condition(column_at, values)
                    self._take(used, "value")
        return self._explained()

    # ---- which column is meant

    def _entity(self) -> int | None:
        return next((at for at, column in enumerate(self.table.columns) if column.kind == "text"), None)

    def _is_label(self, condition: Condition) -> bool:
        """Whether it narrows the rows to one."""
        if condition.sign != "in":
            return False
        cells = self.table.cells[condition.column]
        return sum(cell in condition.values for cell in cells) <= 1

    def _measurable(self, kind: str = "number") -> list[int]:
        codes = listed("codes")
        return [
            at
            for at, column in enumerate(self.table.columns)
            if column.kind == kind and not ({*self.names[at]} <= codes and self.names[at])
        ]

    def _by_concept(self, concept: str) -> list[int]:
        kind = "date" if concept == "date" else "number"
        wanted = {meaning(word) for word in WORDS["concepts"][concept].split()}
        fitting = self._measurable(kind)
        found = [at for at in fitting if wanted & {*self.names[at]}]
        if concept == "price":
            money = [at for at in fitting if self.table.columns[at].unit in cells.SIGNS.values()]
            return [at for at in found if at in money] or money or found
        return fitting if concept == "date" else found

    def _measure(self) -> int | None:
        """The column that the operation is about; None when there are two, or none."""
        kind = "date" if self.asked.concept == "date" else "number"
        said = [at for at in self.named if at in self._measurable(kind)]
        whole = [at for at in said if at in self.whole]
        found = said if len(said) == 1 else whole
        if not found and not said:
            found = self._by_concept(self.asked.concept) if self.asked.concept else []
        return found[0] if len(found) == 1 else None

    def _column_of(self, amount: Amount) -> int | None:
        fitting = self._measurable()
        if amount.unit:
            fitting = [at for at in fitting if self.table.columns[at].unit == amount.unit]
        named = [at for at in self.named if at in fitting]
        if not named and len(fitting) > 1 and (amount.unit in cells.SIGNS.values() or amount.concept == "price"):
            fitting = [at for at in self._by_concept("price") if at in fitting]
        found = named or fitting
        return found[0] if len(found) == 1 else None

    def _on(self, day: Day) -> list[Condition] | None:
        dates = self._measurable("date")
        named = [at for at in self.named if at in dates]
        found = named or dates
        if len(found) != 1:
            return None
        if day.sign == "=":
            if MONTH.match(day.first):
                return [Condition(found[0], "month", (day.first,))]
            return [Condition(found[0], "between", (day.first, day.last))]
        if MONTH.match(day.first):
            return None
        return [Condition(found[0], day.sign, (day.last if day.sign in (">", "<=") else day.first,))]

    def _operation(self) -> tuple[Operation | None, int | None]:
        asked, operation = self.asked, self.asked.operation
        if operation == "count":
            head = next((self.heads.get(at, "") for at in sorted(asked.left) if at > asked.at and at in self.heads), "")
            if head.startswith("column "):
                return self._counted(int(head.removeprefix("column ")))
            return ("count", None) if head else (None, None)
        column = self._measure()
        if column is None and not asked.concept and {*self.named} <= {self._entity()}:  # none other was named
            only = self._by_concept("price") if operation == "sum" else self._measurable()
            column = only[0] if len(only) == 1 else None
        if column is None or (operation == "sum" and self.table.columns[column].unit == "%"):
            return None, None
        return operation, column

    def _counted(self, column: int) -> tuple[Operation | None, int | None]:
        """How many of what a column holds: its numbers together, its different words, or simply the rows."""
        if self.table.columns[column].kind != "text":
            if any(each.column == column for each in self.conditions):
                return "count", None
            return self._added(column)
        if len({*self.table.cells[column]}) < len(self.table.cells[column]):
            return ("distinct", column) if column in self.whole and not self.conditions else (None, None)
        return "count", None

    def _added(self, column: int) -> tuple[Operation | None, int | None]:
        """ "How many units …" is a sum where units can be added up, and no count of rows."""
        if self.table.columns[column].kind != "number" or self.table.columns[column].unit in (
            "%",
            *cells.SIGNS.values(),
        ):
            return None, None
        if self.asked.total:
            return "sum", column
        adding = listed("adding")
        counted = not self.table.columns[column].unit or self.table.columns[column].unit in adding
        return ("sum", column) if counted and adding & {*self.names[column]} else (None, None)


def _within(part: Sequence[str], whole: Sequence[str]) -> bool:
    return any(tuple(whole[at : at + len(part)]) == tuple(part) for at in range(len(whole) - len(part) + 1))
