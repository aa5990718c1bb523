"""What a table means: questions with their answers to learn from, or rows to look things up in.

Shared by everything that comes in rows (CSV, spreadsheets, Word tables, JSON objects). Rows arrive numbered as the
person sees them in their own program; those that cannot be used are named by that number, and the others are kept.
"""

# ruff: noqa: SIM905 - a list of words reads best as one line of words

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from studio.base.records import Example, Finding
from studio.intake.reading import Draft, Origin, Reading, example, rows_finding, turn

QUESTION = frozenset(
    "question questions q query prompt instruction user human customer input faq request pregunta "
    "preguntas consulta consultas instruccion instrucciones usuario cliente entrada duda dudas "
    "peticion solicitud".split()
)
ANSWER = frozenset(
    "answer answers a response responses reply output completion assistant agent gpt resolution "
    "respuesta respuestas contestacion contestaciones salida asistente agente solucion resolucion".split()
)
TOPIC = frozenset(
    "topic topics category categories tag tags label subject area department theme type section tema "
    "temas categoria categorias etiqueta etiquetas asunto departamento tipo seccion".split()
)
STRONG = (  # one of these words is enough in a longer header: "Pregunta del cliente", "Our answer"
    frozenset("question query pregunta consulta duda".split()),
    frozenset("answer reply response respuesta contestacion".split()),
)
TEXT = frozenset("text message ticket sentence texto mensaje frase comentario comment review".split())
LABEL = frozenset("label class category intent etiqueta clase categoria intencion".split())
NUMBER = re.compile(r"^[-+]?[\d.,\s]*\d\s*[%€$£]?$|^[€$£]\s*\d|^\d{4}-\d\d-\d\d|^\d{1,2}[/.]\d{1,2}[/.]\d{2,4}$")
ACCENTS = re.compile(r"[\u0300-\u036f]")
WORD = re.compile(r"[^\W_]+")
LONGEST_HEADER = 60


class Row(NamedTuple):
    """A row and its number in the file. `whole` is False where the cells cannot be told apart (an open quote)."""

    number: int
    cells: Sequence[str]
    whole: bool = True


class Roles(NamedTuple):
    """Which column is what. `more` continues the question (the input of an instruction)."""

    question: int
    answer: int
    topic: int | None = None
    more: int | None = None
    task: str = "answer"


def roles(header: Sequence[str]) -> Roles | None:
    """The question and the answer column, when the header names one of each clearly."""
    names = [plain(cell) for cell in header]
    question = _only(names, QUESTION, STRONG[0])
    answer = _only(names, ANSWER, STRONG[1])
    if question is not None and answer is not None and question != answer:
        topic = next((n for n, name in enumerate(names) if name in TOPIC and n not in (question, answer)), None)
        alpaca = names[question] in ("instruction", "instruccion")
        more = next((n for n, name in enumerate(names) if alpaca and name in ("input", "entrada", "context")), None)
        return Roles(question, answer, topic, more)
    if len(names) == 2:
        text, label = _only(names, TEXT, TEXT), _only(names, LABEL, LABEL)
        if text is not None and label is not None and text != label:
            return Roles(text, label, task="sort")
    return None


def looks_like_header(cells: Sequence[str]) -> bool:
    """Short, different, filled, and none of them a number, a date or a question."""
    filled = [cell.strip() for cell in cells]
    return (
        bool(filled)
        and all(filled)
        and len(set(map(plain, filled))) == len(filled)
        and all(len(cell) <= LONGEST_HEADER and not NUMBER.match(cell) and not cell.endswith("?") for cell in filled)
    )


def looks_like_questions(rows: Sequence[Row]) -> bool:
    """Two columns without a header, the first of which mostly asks."""
    pairs = [row.cells for row in rows[:200] if len(row.cells) == 2]
    asking = sum(cells[0].rstrip().endswith("?") for cells in pairs)
    return len(pairs) >= 1 and len(pairs) >= 0.8 * min(len(rows), 200) and asking >= 0.6 * len(pairs)


def examples(header: Sequence[str], found: Roles, rows: Iterable[Row], origin: Origin, sheet: str = "") -> Reading:
    """One example a row; rows with another number of cells or an empty question or answer are named instead."""
    made: list[Example] = []
    wrong: list[int] = []
    empty: list[int] = []
    total = 0
    for row in rows:
        if not any(cell.strip() for cell in row.cells):
            continue
        total += 1
        cells = fitted(row, len(header))
        if cells is None:
            wrong.append(row.number)
            continue
        question, answer = cells[found.question], cells[found.answer]
        if found.more is not None and cells[found.more]:
            question = f"{question}\n{cells[found.more]}"
        if not question or not answer:
            empty.append(row.number)
            continue
        topic = cells[found.topic] if found.topic is not None else ""
        made.append(example(origin, row.number, turn(question, answer), topic=topic, sheet=sheet, task=found.task))
    read = Finding(
        code="examples_read",
        level="good" if made else "warn",
        count=len(made),
        names=(origin.name,),
        parameters={"of": total, "question": header[found.question], "answer": header[found.answer]},
    )
    left_out = (
        *rows_finding("rows_wrong_cells", origin, wrong),
        *rows_finding("rows_empty_cells", origin, empty),
    )
    return Reading(examples=tuple(made), findings=(read, *left_out))


def table(
    header: Sequence[str],
    rows: Iterable[Row],
    draft: Draft,
    origin: Origin,
    sheet: str = "",
    strict: bool = True,
) -> tuple[Finding, ...]:
    """Write a section for each row, its header repeated; name the rows whose cells do not fit the header.

    A row with a single filled cell in a wider table is a remark and stands by itself. Spreadsheets are not `strict`:
    their rows always fit.
    """
    wrong: list[int] = []
    for row in rows:
        cells = fitted(row, len(header)) if strict and header else [cell.strip() for cell in row.cells]
        if cells is None:
            wrong.append(row.number)
            continue
        filled = [cell for cell in cells if cell]
        text = sentence(header, cells) if len(filled) > 1 or len(header) == 1 else "".join(filled)
        draft.add(text, sheet=sheet, row=row.number, gap="\n")
    return rows_finding("rows_wrong_cells", origin, wrong)


def sentence(header: Sequence[str], cells: Sequence[str]) -> str:
    """A row that can be understood without its table: "Plan: Cove; Home: Flat; Price: 138"."""
    named = zip(header, cells, strict=False)
    parts = [
        f"{name.strip()}: {cell.strip()}" if name.strip() else cell.strip() for name, cell in named if cell.strip()
    ]
    parts += [cell.strip() for cell in cells[len(header) :] if cell.strip()]
    return "; ".join(parts)


def objects(items: Sequence[tuple[int, Mapping[str, str]]], draft: Draft) -> None:
    """Write a section for each object of a JSON list."""
    for number, item in items:
        draft.add(sentence(list(item), list(item.values())), row=number, gap="\n")


def fitted(row: Row, width: int) -> list[str] | None:
    """The row's cells, stripped, exactly `width` of them; None when they cannot be told to fit.

    Empty cells beyond the last column are what spreadsheets leave behind and are cut off.
    """
    cells = [cell.strip() for cell in row.cells]
    while len(cells) > width and not cells[-1]:
        cells.pop()
    return cells if row.whole and len(cells) == width else None


def plain(text: str) -> str:
    """Text without case, accents and signs: "Contestación (agente)" -> "contestacion agente"."""
    bare = text.lower()
    if not bare.isascii():
        bare = ACCENTS.sub("", unicodedata.normalize("NFKD", bare))
    return " ".join(WORD.findall(bare))


def _only(names: Sequence[str], exact: frozenset[str], strong: frozenset[str]) -> int | None:
    """The one column with such a name. Of several, the one that says it most clearly; None when that is a draw."""
    clear = [n for n, name in enumerate(names) if name in strong or name.rstrip("s") in strong]
    if len(clear) == 1:
        return clear[0]
    alike = clear or [n for n, name in enumerate(names) if name in exact]
    if len(alike) > 1 and {"instruction", "prompt", "instruccion"} & {names[n] for n in alike}:
        return next(n for n in alike if names[n] in ("instruction", "prompt", "instruccion"))
    if alike:
        return alike[0] if len(alike) == 1 else None
    inside = [n for n, name in enumerate(names) if strong & set(name.split()) and len(name.split()) <= 5]
    return inside[0] if len(inside) == 1 else None
