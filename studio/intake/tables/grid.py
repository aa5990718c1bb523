"""What is made of a table's rows: examples of its questions and answers, a document of its other text.

The roles of the columns are guessed from the header, or those the person chose (`origin.how.columns`). Rows come in
blocks, column by column, because a million cells are handled faster by column than one by one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from studio.base.errors import Unreadable
from studio.base.records import Column, ColumnRole, Example, Finding
from studio.intake.reading import Draft, Origin, answered, rows_finding, whole
from studio.intake.tables import account, rows, tasks
from studio.intake.tables.account import Account
from studio.intake.tables.header import Header
from studio.intake.tables.rows import Row

MOST_SECTIONS = 20_000  # a longer table has a few rows in each; no search needs them finer, and memory does
BLOCK = 2_000
Cells = Sequence[Sequence[str]]  # a sequence of columns


class Plan(NamedTuple):
    """How a table is understood: the names of its columns (empty where it has none) and what each is for."""

    names: tuple[str, ...]
    roles: tuple[ColumnRole, ...]
    task: str = "answer"
    named: bool = True

    @property
    def teaches(self) -> bool:
        return "question" in self.roles and "answer" in self.roles

    def of(self, *roles: ColumnRole) -> list[int]:
        return [at for role in roles for at, each in enumerate(self.roles) if each == role]


def plan(header: Header | None, sample: Sequence[Row], width: int, origin: Origin, chosen: bool = True) -> Plan:
    """The person's roles where they chose some, otherwise those the header tells, or two columns that ask and answer.

    A column beyond those they chose (a newer version of the file has more) is read as text, and left alone in a table
    of questions. Raises Unreadable("columns_ignored") when every column is to be ignored.
    """
    names = header.names if header else ("",) * width
    roles, task = rows.guessed(names)
    if header is None and rows.looks_like_questions(sample):
        roles = ("question", "answer")
        names = names[:2]
    if chosen and (own := origin.how.columns[: len(names)]):
        more: ColumnRole = "ignore" if {"question", "answer"} <= {*own} else "text"
        own += (more,) * (len(names) - len(own))
        if {*own} <= {"ignore"}:
            raise Unreadable("columns_ignored", name=origin.name)
        same = [at for at, role in enumerate(roles) if role in ("question", "answer")]
        task = task if all(own[at] == roles[at] for at in same) else "answer"
        roles = own
    return Plan(names, roles, task, header is not None)


def shown(plan: Plan, sample: Sequence[Row], called: Callable[[int], str] = str) -> tuple[Column, ...]:
    """The columns for the person's eyes; one without a name is `called` by its place (from 1)."""
    cells = [[row.cells[at] if at < len(row.cells) else "" for row in sample] for at in range(len(plan.names))]
    return tuple(
        Column(
            name=whole(name) or called(at + 1),
            role=plan.roles[at],
            samples=tuple(map(whole, account.samples(cells[at]))),
        )
        for at, name in enumerate(plan.names)
    )


def blocks(found: Iterable[Row]) -> Iterator[tuple[list[int], Cells]]:
    """Rows of equal width as blocks of columns."""
    iterator = iter(found)
    while block := list(islice(iterator, BLOCK)):
        yield [row.number for row in block], list(zip(*(row.cells for row in block), strict=True))


def take(
    plan: Plan,
    numbers: Sequence[int],
    cells: Cells,
    origin: Origin,
    draft: Draft,
    reckoning: Account,
    *,
    sheet: str = "",
    together: int = 1,
) -> list[Example]:
    """The examples of a block of rows; its text goes into the draft. Rows without question or answer are refused."""
    reckoning.rows += len(numbers)
    texts = _texts(plan, cells)
    if texts:
        draft.add_rows(texts, numbers, sheet=sheet, together=together)
    if not plan.teaches:
        return []
    empty = ("",) * len(numbers)
    questions = _joined(cells, plan.of("question", "more"), "\n")
    answers = _joined(cells, plan.of("answer"), "\n")
    topics = _joined(cells, plan.of("topic"), ", ") if plan.of("topic") else empty
    every = zip(numbers, questions, answers, topics, strict=True)
    if all(questions) and all(answers):
        return _told(plan, numbers, cells, answered(origin, every, sheet=sheet, task=plan.task), reckoning, sheet)
    full = []
    for row, text in zip(every, texts or empty, strict=True):
        number, question, answer, _ = row
        if question and answer:
            full.append(row)
        elif not text:
            reckoning.refuse(number, "empty", sheet)
    return _told(plan, numbers, cells, answered(origin, full, sheet=sheet, task=plan.task), reckoning, sheet)


def examples_read(plan: Plan, columns: Sequence[Column], made: int, of: int, origin: Origin) -> Finding:
    names = {role: " + ".join(c.name for c in columns if c.role == role) for role in ("question", "answer")}
    return Finding(
        code="examples_read",
        level="good" if made else "warn",
        count=made,
        names=(origin.name,),
        parameters={"of": of, **names},
    )


def titles_skipped(titles: Sequence[Row], origin: Origin) -> tuple[Finding, ...]:
    """What stands above a table of questions is no row of it, and that is said."""
    return rows_finding("titles_skipped", origin, (row.number for row in titles), level="note")


def _told(
    plan: Plan, numbers: Sequence[int], cells: Cells, made: list[Example], reckoning: Account, sheet: str
) -> list[Example]:
    """The examples with the tasks their rows name; a name nobody knows is counted as mended, and the table's task stays."""
    if not plan.of("task"):
        return made
    found = dict(zip(numbers, _joined(cells, plan.of("task"), " "), strict=True))
    kept = []
    for example in made:
        called = found.get(example.row or 0, "")
        task = tasks.named(called)
        if called and task is None:
            reckoning.mend(example.row or 0, "task_unknown", sheet)
        kept.append(example.model_copy(update={"task": task}) if task else example)
    return kept


def _texts(plan: Plan, cells: Cells) -> list[str]:
    """A sentence for each row that can be understood without its table: "Plan: Cove; Price: 138"."""
    used = plan.of("text") if plan.teaches else [at for at, role in enumerate(plan.roles) if role != "ignore"]
    used += range(len(plan.names), len(cells))  # a spreadsheet may have cells to the right of its named columns
    if plan.teaches:
        used = [at for at in used if at < len(plan.names)]
    if not used:
        return []
    names = [plan.names[at] if at < len(plan.names) else "" for at in used]
    columns = [cells[at] for at in used]
    if all(all(column) for column in columns):
        pattern = "; ".join(f"{name.replace('%', '%%')}: %s" if name else "%s" for name in names)
        return list(map(pattern.__mod__, zip(*columns, strict=True)))
    labelled = [
        [f"{name}: {cell}" if cell else "" for cell in column] if name else column
        for name, column in zip(names, columns, strict=True)
    ]
    texts = []
    remarks = len(used) > 1 and not plan.teaches  # a row with a single filled cell stands by itself
    for at, row in enumerate(zip(*labelled, strict=True)):
        filled = [cell for cell in row if cell]
        texts.append("; ".join(filled) if len(filled) != 1 or not remarks else _only(columns, at))
    return texts


def _only(columns: Cells, at: int) -> str:
    return "".join(column[at] for column in columns)


def _joined(cells: Cells, used: Sequence[int], between: str) -> Sequence[str]:
    if len(used) == 1:
        return cells[used[0]]
    return [between.join(filter(None, row)) for row in zip(*(cells[at] for at in used), strict=True)]
