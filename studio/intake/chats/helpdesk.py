"""Tables that helpdesks export (Zendesk, Freshdesk, Zoho, HubSpot): a row a message, or a row a ticket with its resolution.

Rows of one ticket become one conversation, in the order of time. Notes that colleagues wrote for each other and the
system's notices are for nobody to learn from: named by their rows and left out. The column names known lie in
`helpdesk.json`.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from studio.base.folding import plain
from studio.base.records import FAULTS, Column, ColumnRole, RowFault
from studio.intake.chats import moments, talks
from studio.intake.chats.talks import Turn
from studio.intake.mails import replies
from studio.intake.papers import markup
from studio.intake.reading import Origin, Reading
from studio.intake.tables import account
from studio.intake.tables.rows import Row

HTML = re.compile(r"</?(?:p|div|br|span|a|ul|li|b|strong|em|table|td|blockquote|html|body)\b[^>]*>", re.I)
STATES = 12  # so few different resolutions in many rows are states ("Fixed", "Won't do"), not words to a customer
STATE_WORDS = 3
Said = Literal["agents", "customers", "notices", "notes", ""]
SHOWN: Mapping[str, ColumnRole] = {
    "description": "question",
    "message": "text",
    "resolution": "answer",
    "subject": "topic",
}


class Message(NamedTuple):
    """A row understood: the ticket, the turn, and on whose side it stands."""

    ticket: str
    subject: str
    turn: Turn
    side: Said


def of_rows(header: Sequence[str], rows: Iterable[Row], origin: Origin) -> Reading | None:
    """The tickets as conversations; None when the header is not a helpdesk's, or the person said what the columns are."""
    columns = _columns(header)
    if columns is None or origin.how.columns:
        return None
    every = [row for row in rows if any(cell.strip() for cell in row.cells)]
    left_out = [RowFault(row=row.number, code="cells") for row in every if not _fits(row, header)]
    fitting = [row for row in every if _fits(row, header)]
    if "message" in columns and "resolution" not in columns:
        reading = _messages(columns, fitting, left_out, origin)
    elif _is_words([_cell(row, columns, "resolution") for row in fitting]):
        reading = _tickets(columns, fitting, left_out, origin)
    else:
        return None
    if reading.layout is None:
        return reading
    shown = reading.layout.model_copy(update={"columns": _shown(header, columns, fitting)})
    return reading.model_copy(update={"layout": shown})


def looks_like(header: Sequence[str]) -> bool:
    """Whether the header is a helpdesk's."""
    return _columns(header) is not None


def _columns(header: Sequence[str]) -> dict[str, int] | None:
    """Which column is what: a ticket with who said what, or a ticket with what was asked and how it was resolved."""
    names = [plain(name) for name in header]
    found: dict[str, int] = {}
    for kind in ("ticket", "message", "date", "role", "author", "subject", "public", "private", "customer", "agent"):
        if (column := _first(names, kind, found)) is not None:
            found[kind] = column
    if {"ticket", "message"} <= found.keys() and {"author", "role"} & found.keys():
        return found
    found = {}
    for kind in ("resolution", "ticket", "description", "subject", "customer", "agent", "date"):
        if (column := _first(names, kind, found)) is not None:
            found[kind] = column
    if "ticket" not in found and (column := _first(names, "weak_ticket", found)) is not None:
        found["ticket"] = column
    enough = {"resolution", "ticket"} <= found.keys() and {"description", "subject"} & found.keys()
    return found if enough else None


def _first(names: Sequence[str], kind: str, taken: Mapping[str, int]) -> int | None:
    """The column with the name that stands first in the list of names for this kind."""
    by_name = {name: column for column, name in reversed(list(enumerate(names))) if column not in taken.values()}
    return next((by_name[name] for name in _words(kind) if name in by_name), None)


def _messages(columns: Mapping[str, int], rows: Sequence[Row], left_out: list[RowFault], origin: Origin) -> Reading:
    times = moments.of_column([_cell(row, columns, "date") for row in rows])
    said: list[Message] = []
    for row, at in zip(rows, times, strict=True):
        words, side = _clean(_cell(row, columns, "message")), _side(row, columns)
        if not words or side in ("notices", "notes"):
            left_out.append(
                RowFault(row=row.number, code={"notices": "service", "notes": "internal"}.get(side, "empty"))
            )
            continue
        author = _cell(row, columns, "author") or _cell(row, columns, "role")
        turn = Turn(author or "?", at, words, row.number)
        said.append(Message(_cell(row, columns, "ticket"), _cell(row, columns, "subject"), turn, side))
    tickets: dict[str, list[Message]] = {}
    for message in said:
        tickets.setdefault(message.ticket, []).append(message)
    ours: Counter[str] = Counter()
    for message in said:
        ours[message.turn.author] += {"agents": 1, "customers": -1}.get(message.side, 0)
    return talks.threads_reading(
        [_in_order([message.turn for message in ticket]) for ticket in tickets.values()],
        origin,
        "helpdesk",
        left_out,
        business=[author for author, balance in ours.items() if balance > 0],
        customers=[author for author, balance in ours.items() if balance < 0],
        titles=[_title(number, ticket[0].subject) for number, ticket in tickets.items()],
    )


def _tickets(columns: Mapping[str, int], rows: Sequence[Row], left_out: list[RowFault], origin: Origin) -> Reading:
    """A row is a whole ticket: what was asked, and the resolution in the name of whoever had it."""
    threads: list[list[Turn]] = []
    titles: list[str] = []
    customers: set[str] = set()
    business: set[str] = set()
    for row in rows:
        subject, asked = _cell(row, columns, "subject"), _clean(_cell(row, columns, "description"))
        answer = _clean(_cell(row, columns, "resolution"))
        question = (
            asked if subject and plain(asked).startswith(plain(subject)) else "\n".join(filter(None, (subject, asked)))
        )
        if not question or not answer:
            left_out.append(RowFault(row=row.number, code="no_answer" if question else "empty"))
            continue
        customer = _cell(row, columns, "customer") or _name(columns, "description", "subject")
        agent = _cell(row, columns, "agent") or _name(columns, "resolution")
        customers.add(customer)
        business.add(agent)
        threads.append([Turn(customer, None, question, row.number), Turn(agent, None, answer, row.number)])
        titles.append(_title(_cell(row, columns, "ticket"), subject))
    reading = talks.threads_reading(
        threads, origin, "helpdesk", left_out, business=business - customers, customers=customers, titles=titles
    )
    if reading.layout is None:
        return reading
    faults = sorted(left_out, key=lambda fault: fault.row)
    counted = {"rows": len(threads) + len(faults), "read": len(threads), "refused_count": len(faults)}
    layout = reading.layout.model_copy(update={**counted, "refused": tuple(faults[:FAULTS])})
    return reading.model_copy(update={"layout": layout})


def _name(columns: Mapping[str, int], *kinds: str) -> str:
    """A speaker for a table without names: what the column is about."""
    return next(kind for kind in kinds if kind in columns)


def _title(number: str, subject: str) -> str:
    return " ".join(filter(None, (f"#{number.lstrip('#')}" if number else "", subject)))


def _in_order(turns: list[Turn]) -> list[Turn]:
    """By time, when every turn has one; else as they stand."""
    times = [turn.at for turn in turns if turn.at]
    return sorted(turns, key=lambda turn: times[turns.index(turn)]) if len(times) == len(turns) else turns


def _side(row: Row, columns: Mapping[str, int]) -> Said:
    """On whose side the row stands. What is marked as internal is nobody's."""
    if plain(_cell(row, columns, "public")) in _words("no") or plain(_cell(row, columns, "private")) in _words("yes"):
        return "notes"
    role = plain(_cell(row, columns, "role"))
    for side in ("notices", "notes", "agents", "customers"):
        if role in _words(side):
            return side
    return ""


def _clean(text: str) -> str:
    """What was written, without HTML and without the mails it quotes."""
    if HTML.search(text):
        text = "\n".join(line.text for line in markup.lines(text, quotes=True))
    parts = replies.parts(text)
    return (parts[0].text if parts and parts[0].text else text).strip()


def _is_words(resolutions: Sequence[str]) -> bool:
    filled = [text for text in resolutions if text]
    few = len(set(filled)) <= min(STATES, len(filled) / 2)
    short = all(len(text.split()) <= STATE_WORDS for text in filled)
    return bool(filled) and not (short and (few or len(filled) < STATE_WORDS))


def _shown(header: Sequence[str], columns: Mapping[str, int], rows: Sequence[Row]) -> tuple[Column, ...]:
    by_place = {column: SHOWN.get(kind, "ignore") for kind, column in columns.items()}
    return tuple(
        Column(name=name, role=by_place.get(place, "ignore"), samples=account.samples(row.cells[place] for row in rows))
        for place, name in enumerate(header)
    )


def _fits(row: Row, header: Sequence[str]) -> bool:
    return row.whole and len(row.cells) >= len(header) and not any(cell.strip() for cell in row.cells[len(header) :])


def _cell(row: Row, columns: Mapping[str, int], kind: str) -> str:
    return row.cells[columns[kind]].strip() if kind in columns else ""


@cache
def _words(kind: str) -> tuple[str, ...]:
    found: dict[str, str] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return tuple(found[kind].split("|"))
