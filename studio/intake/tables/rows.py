"""What the words of a table tell: which row names the columns, which column asks and which one answers.

Shared by everything that comes in rows (CSV, spreadsheets, Word tables, JSON objects); knows English and Spanish. What
is then made of the rows is `grid`'s business.
"""

# ruff: noqa: SIM905 - a list of words reads best as one line of words

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from studio.base.folding import plain
from studio.base.records import ColumnRole

QUESTION = frozenset(
    "question questions q query prompt instruction user human customer input faq request pregunta "
    "preguntas consulta consultas instruccion instrucciones usuario cliente entrada duda dudas "
    "peticion solicitud enunciado p".split()
)
ANSWER = frozenset(
    "answer answers a response responses reply output completion assistant agent gpt resolution chosen "
    "respuesta respuestas contestacion contestaciones salida asistente agente solucion resolucion "
    "completado r".split()
)
TOPIC = frozenset(
    "topic topics category categories tag tags label subject area department theme type section tema "
    "temas categoria categorias etiqueta etiquetas asunto departamento tipo seccion".split()
)
STRONG = (  # one of these words is enough in a longer header: "Pregunta del cliente", "Our answer"
    frozenset("question query pregunta consulta duda".split()),
    frozenset("answer reply response respuesta contestacion".split()),
)
TASK = frozenset("task tarea".split())
TEXT = frozenset("text message ticket sentence texto mensaje frase comentario comment review".split())
LABEL = frozenset("label class category intent etiqueta clase categoria intencion".split())
NUMBER = re.compile(r"^[-+]?[\d.,\s]*\d\s*[%€$£]?$|^[€$£]\s*\d|^\d{4}-\d\d-\d\d|^\d{1,2}[/.]\d{1,2}[/.]\d{2,4}\b")
YEAR = re.compile(r"^(19|20)\d\d$")
LONGEST_HEADER = 60


class Row(NamedTuple):
    """A row and its number in the file. `whole` is False where the cells cannot be told apart (an open quote);
    `fault` is the code of what was mended in it so far.
    """

    number: int
    cells: Sequence[str]
    whole: bool = True
    fault: str = ""


class Roles(NamedTuple):
    """Which column is what. `more` continues the question (the input of an instruction); `tasks` names each row's task."""

    question: int
    answer: int
    topic: int | None = None
    more: int | None = None
    task: str = "answer"
    tasks: int | None = None


def roles(header: Sequence[str]) -> Roles | None:
    """The question and the answer column, when the header names one of each clearly."""
    names = [plain(cell) for cell in header]
    question = _only(names, QUESTION, STRONG[0])
    answer = _only(names, ANSWER, STRONG[1])
    if question is not None and answer is not None and question != answer:
        topic = next((n for n, name in enumerate(names) if name in TOPIC and n not in (question, answer)), None)
        alpaca = names[question] in ("instruction", "instruccion")
        more = next((n for n, name in enumerate(names) if alpaca and name in ("input", "entrada", "context")), None)
        named = next((n for n, name in enumerate(names) if name in TASK), None)
        return Roles(question, answer, topic, more, tasks=named)
    if len(names) == 2:
        text, label = _only(names, TEXT, TEXT), _only(names, LABEL, LABEL)
        if text is not None and label is not None and text != label:
            return Roles(text, label, task="sort")
    return None


def guessed(header: Sequence[str]) -> tuple[tuple[ColumnRole, ...], str]:
    """A role for every column, and the task that its examples teach; all `text` when nothing asks and answers."""
    found = roles(header)
    text: ColumnRole = "text"
    if found is None:
        return (text,) * len(header), "answer"
    named: dict[int | None, ColumnRole] = {found.more: "more", found.topic: "topic", found.tasks: "task"}
    named |= {found.question: "question", found.answer: "answer"}
    return tuple(named.get(column, "ignore") for column in range(len(header))), found.task


def looks_like_header(cells: Sequence[str]) -> bool:
    """Short, different, filled, and none of them a number, a date or a question; years may follow a name."""
    filled = [cell.strip() for cell in cells]
    names = [cell for cell in filled[:1] + [cell for cell in filled[1:] if not YEAR.match(cell)] if cell]
    return (
        bool(filled)
        and all(filled)
        and len(set(map(plain, filled))) == len(filled)
        and all(len(cell) <= LONGEST_HEADER and not is_number(cell) and not cell.endswith("?") for cell in names)
        and all(int(one) < int(next_) for one, next_ in pairwise(cell for cell in filled if YEAR.match(cell)))
    )


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, an amount or a date rather than words."""
    return bool(NUMBER.match(cell))


def looks_like_questions(rows: Sequence[Row]) -> bool:
    """Two columns without a header, the first of which mostly asks."""
    pairs = [row.cells for row in rows[:200] if len(row.cells) == 2]
    asking = sum(cells[0].rstrip().endswith("?") for cells in pairs)
    return len(pairs) >= 1 and len(pairs) >= 0.8 * min(len(rows), 200) and asking >= 0.6 * len(pairs)


def sentence(header: Sequence[str], cells: Sequence[str]) -> str:
    """A row that can be understood without its table: "Plan: Cove; Home: Flat; Price: 138"."""
    named = zip(header, cells, strict=False)
    parts = [
        f"{name.strip()}: {cell.strip()}" if name.strip() else cell.strip() for name, cell in named if cell.strip()
    ]
    parts += [cell.strip() for cell in cells[len(header) :] if cell.strip()]
    return "; ".join(parts)


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
