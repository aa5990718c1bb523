"""A reckoned answer in words: numbers in the way of writing of the question's language, the formula as a sentence."""

from collections.abc import Sequence
from typing import Any

from studio.answering.meanings import WORDS
from studio.answering.queries import Condition, Query
from studio.answering.tables import Table

MOST_NAMED = 12  # values listed after their number


def answer(table: Table, found: Query, value: float | str, rows: Sequence[int], language: str) -> str:
    """What is answered: the value, of what, under which conditions; for a superlative the rows that have it."""
    say = _say(language)
    column = table.names[found.column] if found.column is not None else ""
    conditions = _conditions(table, found.conditions, language)
    listed = ""
    if found.operation == "distinct" and found.column is not None:
        values = list(dict.fromkeys(cell for cell in table.cells[found.column] if cell))
        listed = ", ".join(values[:MOST_NAMED]) + ("…" if len(values) > MOST_NAMED else "")
    elif found.operation in ("min", "max") and found.column is not None:
        column_of = table.columns[found.column]
        entries = [
            say["entry"].format(
                label=label(table, at), value=written(table, found.column, column_of.values[at], language)
            )
            for at in rows
        ]
        listed = "; ".join(entries)
    return str(
        say[found.operation].format(
            value=_value(table, found, value, language),
            column=_bare(column),
            list=listed,
            filters=say["filters"].format(conditions=conditions) if conditions else "",
        )
    )


def formula(table: Table, found: Query, rows: int, left_out: int, language: str) -> str:
    """How it was reckoned, over which rows of which table, as a sentence without its full stop."""
    say = _say(language)
    column = _bare(table.names[found.column]) if found.column is not None else ""
    conditions = _conditions(table, found.conditions, language)
    key = "place.sheet" if table.sheet else "place.heading" if table.heading else "place"
    place = say[key].format(document=table.document.name, sheet=table.sheet, heading=table.heading)
    where = say["where"].format(conditions=conditions) if conditions else ""
    said: str = say[f"words.{found.operation}"].format(
        column=column, rows=whole(rows, language), place=place, where=where
    )
    return f"{said}{say['left_out'].format(count=whole(left_out, language), column=column)}" if left_out else said


def label(table: Table, at: int) -> str:
    """What a row is called: by the column that names each differently and says most, so that no code is a name."""
    texts = [n for n, column in enumerate(table.columns) if column.kind == "text"]
    naming = [n for n in texts if len({*table.cells[n]}) == len(table.cells[n])]
    naming.sort(key=lambda n: -sum(map(str.isalpha, "".join(table.cells[n]))))
    return ", ".join(table.cells[n][at] for n in (naming[:1] or texts[:3]) if table.cells[n][at]) or table.texts[at]


def written(table: Table, column: int, value: float | str | None, language: str, decimals: int | None = None) -> str:
    """A value of this column: 46.0 becomes "€46.00" in English and "46,00 €" in Spanish."""
    if not isinstance(value, float | int):
        return str(value)
    kept = table.columns[column]
    number = _number(value, kept.decimals if decimals is None else decimals, language)
    match kept.unit:
        case "":
            return number
        case "%":
            return f"{number}%" if language == "en" else f"{number} %"
        case "€" | "$" | "£" if language == "en":
            return f"{kept.unit}{number}" if value >= 0 else f"-{kept.unit}{number.removeprefix('-')}"
        case unit:
            shown = next((cell for cell in table.cells[column] if cell), "")
            after = shown.lstrip("+-−0123456789.,'’\u00a0\u202f ").strip()
            return f"{number} {after if unit not in '€$£' and after else unit}"


def whole(number: int, language: str) -> str:
    return _number(number, 0, language)


def _value(table: Table, found: Query, value: float | str, language: str) -> str:
    if found.column is None or found.operation == "distinct":
        return whole(int(value), language)
    column = table.columns[found.column]
    decimals = max(column.decimals, 2) if found.operation == "mean" and not float(value).is_integer() else None
    return written(table, found.column, value, language, decimals)


def _number(value: float, decimals: int, language: str) -> str:
    said = f"{value:,.{decimals}f}"
    return said.translate(str.maketrans(",.", ".,")) if language == "es" else said


def _conditions(table: Table, conditions: Sequence[Condition], language: str) -> str:
    say = _say(language)
    said = []
    for each in conditions:
        shown = [written(table, each.column, value, language) for value in each.values]
        values = say["or"].join(shown)
        other = shown[1] if len(shown) > 1 else ""
        name = _bare(table.names[each.column])
        said.append(say[each.sign].format(column=name, values=values, value=shown[0], other=other))
    return str(say["and"].join(said))


def _bare(name: str) -> str:
    """Without its unit, which the numbers have."""
    return name.split(" (")[0].split(" [")[0] if name.endswith((")", "]")) else name


def _say(language: str) -> dict[str, Any]:
    said: dict[str, Any] = WORDS["say"]["es" if language == "es" else "en"]
    return said
