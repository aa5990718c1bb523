"""Spreadsheets through calamine: every sheet, every row a section with its header repeated, numbers as people read them.

A sheet with a question and an answer column becomes examples instead. Formulas count with the value last shown;
links to other files are not followed. Hidden sheets are read, and named.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from studio.base.errors import Unreadable
from studio.base.records import Column, Example, Finding, Parameter
from studio.intake import guards
from studio.intake.chats import helpdesk
from studio.intake.reading import Draft, Origin, Reading, joined
from studio.intake.tables import formats, formats_ods, grid, header
from studio.intake.tables.account import Account, together
from studio.intake.tables.blocks import Block, blocks
from studio.intake.tables.formats import Formats
from studio.intake.tables.grid import Plan
from studio.intake.tables.header import Header
from studio.intake.tables.rows import Row

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

SAMPLE = 200
ODS = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"


class Sheet(NamedTuple):
    """A sheet whose first rows are known and whose others are still to be read; `left` is its first column (from 0)."""

    name: str
    top: Header | None
    start: list[Row]
    left: int
    height: int
    blocks: list[Block]
    rest: Iterator[Block]

    @property
    def below(self) -> list[Row]:
        return self.start[self.top.end :] if self.top else self.start

    def letters(self, number: int) -> str:
        """What the program calls the column with this number."""
        number, letters = number + self.left, ""
        while number:
            number, letter = divmod(number - 1, 26)
            letters = chr(65 + letter) + letters
        return letters


def read(file: Path, origin: Origin) -> Reading:
    """Raises Unreadable: file_damaged, file_bomb, file_unsafe, office_locked, file_no_text, columns_ignored."""
    with file.open("rb") as opened:
        start = opened.read(200)
    if zipped := start.startswith(b"PK"):
        guards.check_zip(file, origin.name)
    kind = "xls" if not zipped else "ods" if ODS in start else "xlsx"
    book = _open(file, origin)
    shown_as = _formats(file, kind)
    broken: list[str] = []
    sheets: Iterable[Sheet] = _sheets(book, shown_as, broken)
    lead: Sheet | None = None
    if origin.how.columns:  # what the person chose is for the sheet they saw, and for those with the same columns
        sheets = list(sheets)
        lead = min(sheets, key=lambda sheet: _rank(_plan(sheet, origin, False)), default=None)
    reckoning, draft = Account(), Draft()
    examples: list[Example] = []
    findings: list[Finding] = []
    columns: tuple[Column, ...] = ()
    lookups, best = 0, 9
    tickets: list[Reading] = []
    for sheet in sheets:
        if sheet.top and helpdesk.looks_like(sheet.top.names):
            sheet = _whole(sheet)
            if found := helpdesk.of_rows(sheet.top.names if sheet.top else (), sheet.below, origin):
                tickets.append(found)
                continue
        chosen = sheet is lead or (lead is not None and sheet.top is not None and sheet.top == lead.top)
        plan = _plan(sheet, origin, chosen)
        named = grid.shown(plan, sheet.below, sheet.letters)
        if sheet is lead or (lead is None and _rank(plan) < best):
            columns, best = named, _rank(plan)
        rows, texts = reckoning.rows, draft.rows
        made = _take(sheet, plan, origin, draft, reckoning)
        examples += made
        lookups += draft.rows > texts
        if plan.teaches:
            findings.append(grid.examples_read(plan, named, len(made), reckoning.rows - rows, origin))
            findings += grid.titles_skipped(sheet.start[: sheet.top.start] if sheet.top else (), origin)
    documents = draft.documents(origin, kind)
    if not documents and not examples and not tickets:
        raise Unreadable("file_damaged" if broken else "file_no_text", name=origin.name)
    if documents:
        about: dict[str, Parameter] = {"sheets": lookups}
        findings.insert(
            0, Finding(code="sheets_read", level="good", count=draft.rows, names=(origin.name,), parameters=about)
        )
    findings += reckoning.findings(origin)
    findings += _remarks(book, shown_as, broken, origin)
    own = Reading(
        documents=documents, examples=tuple(examples), findings=tuple(findings), layout=reckoning.layout(columns)
    )
    layouts = [each.layout for each in (*tickets, own) if each.layout]
    return joined([*tickets, own]).model_copy(update={"layout": reduce(together, layouts)})


def _formats(file: Path, kind: str) -> dict[str, Formats]:
    if kind == "ods":
        return formats_ods.of_workbook(file)
    return formats.of_workbook(file) if kind == "xlsx" else {}


def _open(file: Path, origin: Origin) -> "CalamineWorkbook":
    import python_calamine

    try:
        return python_calamine.CalamineWorkbook.from_path(str(file))
    except python_calamine.PasswordError as error:
        raise Unreadable("office_locked", name=origin.name) from error
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise Unreadable("file_damaged", name=origin.name) from error


def _sheets(book: "CalamineWorkbook", shown_as: Mapping[str, Formats], broken: list[str]) -> Iterator[Sheet]:
    """The sheets with anything in them, one after the other; the names of those that cannot be read go to `broken`."""
    import python_calamine

    for about in book.sheets_metadata:
        if about.typ not in (python_calamine.SheetTypeEnum.WorkSheet, python_calamine.SheetTypeEnum.MacroSheet):
            continue
        try:
            sheet = book.get_sheet_by_name(about.name)
        except (python_calamine.CalamineError, ValueError):
            broken.append(about.name)
            continue
        rest = blocks(sheet, shown_as.get(about.name, Formats()))
        first: list[Block] = []
        start: list[Row] = []
        while len(start) < SAMPLE and (block := next(rest, None)):
            first.append(block)
            start += [
                Row(*row) for row in islice(zip(block.numbers, zip(*block.cells, strict=True), strict=True), SAMPLE)
            ]
        if start:
            left = sheet.start[1] if sheet.start else 0
            yield Sheet(about.name, header.find(start), start, left, sheet.total_height, first, rest)


def _whole(sheet: Sheet) -> Sheet:
    """The sheet with all of its rows read: tickets are put together from rows that stand anywhere."""
    every = [*sheet.blocks, *sheet.rest]
    start = [Row(*row) for block in every for row in zip(block.numbers, zip(*block.cells, strict=True), strict=True)]
    return sheet._replace(start=start, blocks=every, rest=iter(()))


def _plan(sheet: Sheet, origin: Origin, chosen: bool) -> Plan:
    """Where two columns ask and answer without a header, empty ones beside them do not count."""
    width = max(len(header.cut(row.cells)) for row in sheet.start[:SAMPLE])
    top = sheet.top
    if top:
        top = top._replace(names=top.names + ("",) * (width - len(top.names)))
    pairs = [row._replace(cells=header.cut(row.cells)) for row in sheet.start]
    return grid.plan(top, pairs, width, origin, chosen=chosen)


def _rank(plan: Plan) -> int:
    """Which sheet is shown to the person: the first with questions, else the first with names, else the first."""
    return 0 if plan.teaches else 1 if plan.named else 2


def _take(sheet: Sheet, plan: Plan, origin: Origin, draft: Draft, reckoning: Account) -> list[Example]:
    titles = sheet.start[: sheet.top.start] if sheet.top else []
    for row in titles if not plan.teaches else ():
        reckoning.rows += 1
        draft.add("; ".join(dict.fromkeys(filter(None, row.cells))), sheet=sheet.name, row=row.number, gap="\n")
    skip = sheet.top.end if sheet.top else 0
    rows_together = 1 + sheet.height // grid.MOST_SECTIONS
    made: list[Example] = []
    for block in _all(sheet):
        numbers, cells = block.numbers, block.cells
        if skip:
            numbers, cells, skip = numbers[skip:], [column[skip:] for column in cells], max(skip - len(numbers), 0)
        if numbers:
            made += grid.take(plan, numbers, cells, origin, draft, reckoning, sheet=sheet.name, together=rows_together)
    return made


def _all(sheet: Sheet) -> Iterator[Block]:
    while sheet.blocks:  # given up one by one, so that a long sheet is never held whole
        yield sheet.blocks.pop(0)
    yield from sheet.rest


def _remarks(
    book: "CalamineWorkbook", shown_as: Mapping[str, Formats], broken: list[str], origin: Origin
) -> Iterator[Finding]:
    """Sheets that are hidden or cannot be read, cells that show an error, formulas that were never calculated."""
    import python_calamine

    sheets = [each for each in book.sheets_metadata if each.typ != python_calamine.SheetTypeEnum.ChartSheet]
    hidden = [each.name for each in sheets if each.visible != python_calamine.SheetVisibleEnum.Visible]
    if hidden:
        about: dict[str, Parameter] = {"sheets": ", ".join(hidden)}
        yield Finding(code="sheets_hidden", level="note", count=len(hidden), names=(origin.name,), parameters=about)
    if broken:
        about = {"sheets": ", ".join(broken)}
        yield Finding(code="sheets_unreadable", level="warn", count=len(broken), names=(origin.name,), parameters=about)
    if errors := sum(form.errors for form in shown_as.values()):
        yield Finding(code="cells_in_error", level="note", count=errors, names=(origin.name,))
    if formulas := sum(form.uncalculated for form in shown_as.values()):
        yield Finding(code="formulas_uncalculated", level="warn", count=formulas, names=(origin.name,))
