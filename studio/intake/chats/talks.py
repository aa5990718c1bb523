"""Conversations, whatever program they come from: questions people asked and answers the business gave.

An importer hands over turns (who, when, what, where in the file); here it is decided who speaks for the business, which
turns are a question with its answer, and how the talk is found by searching. Knows no file format. What teaches nothing
is named and counted, never lost in silence.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, timedelta

from studio.base.records import FAULTS, PLACES, Finding, Layout, Place, RowFault, Speaker
from studio.intake.chats import pairing, small_talk, speaking
from studio.intake.chats.turns import Turn
from studio.intake.reading import Draft, Origin, Reading, example

__all__ = ["Turn", "reading", "threads_reading"]

CONVERSATION = timedelta(hours=2)  # a longer silence begins a new one
HOURS = {"email": 24.0 * 7, "helpdesk": 24.0 * 14}  # how long an answer may take where the person does not say
HOURS_IN_CHATS = 24.0
NAMES_SHOWN = 4
SPEAKERS = 200  # shown: whoever speaks for the business, and those who say most


def reading(
    turns: Sequence[Turn],
    origin: Origin,
    kind: str,
    left_out: Sequence[RowFault] = (),
    *,
    business: Collection[str] = (),
    customers: Collection[str] = (),
) -> Reading:
    """One chat, with one person or a group. `left_out` are rows the importer could not use (pictures, notices).

    `business` and `customers` are the speakers the file itself tells apart; what the person decided (`origin.how`)
    comes before them.
    """
    return threads_reading([turns], origin, kind, left_out, business=business, customers=customers, together=False)


def threads_reading(
    threads: Sequence[Sequence[Turn]],
    origin: Origin,
    kind: str,
    left_out: Sequence[RowFault] = (),
    *,
    business: Collection[str] = (),
    customers: Collection[str] = (),
    titles: Sequence[str] = (),
    together: bool = True,
) -> Reading:
    """Many conversations, each `together` about one thing (tickets, mail threads), or over many (the chats of an account).
    `titles` are their subjects, one a thread.

    1. Who speaks for the business. 2. What says nothing. 3. Questions with answers. 4. The text to search.
    """
    threads = [list(map(_in_one_zone, thread)) for thread in threads]
    ours = speaking.business(threads, origin.how.business, business, customers)
    hours = origin.how.hours or HOURS.get(kind, HOURS_IN_CHATS)
    names = frozenset(turn.author for thread in threads for turn in thread)
    told = [small_talk.left(thread, ours, names) for thread in threads]
    saying = [kept for kept, _ in told]
    found = [pairing.pairs(thread, ours, timedelta(hours=hours), together) for thread in saying]
    made = tuple(example(origin, pair.row, pair.messages) for each in found for pair in each.pairs)
    draft = Draft()
    for number, thread in enumerate(saying):
        _write(thread, titles[number] if number < len(titles) else "", together, draft)
    greetings = [RowFault(row=turn.row, code="greeting") for _, skipped in told for turn in skipped]
    refused = sorted([*left_out, *greetings], key=lambda fault: fault.row)
    rows = sum(map(len, threads)) + len(left_out)
    spoken = Counter(turn.author for thread in threads for turn in thread)
    speakers = [Speaker(name=who, messages=n, business=who in ours) for who, n in spoken.most_common()]
    layout = Layout(
        speakers=tuple(one for place, one in enumerate(speakers) if one.business or place < SPEAKERS),
        rows=rows,
        read=rows - len(refused),
        refused_count=len(refused),
        refused=tuple(refused[:FAULTS]),
    )
    waiting = [(code, row) for each in found for code, row in each.left_out]
    return Reading(
        documents=draft.documents(origin, kind),
        examples=made,
        findings=tuple(_findings(origin, len(made), layout, names, refused, waiting, hours)),
        layout=layout,
    )


def _in_one_zone(turn: Turn) -> Turn:
    """Times are compared: those with a time zone become UTC, like those without."""
    return turn._replace(at=turn.at.astimezone(UTC).replace(tzinfo=None)) if turn.at and turn.at.tzinfo else turn


def _write(thread: Sequence[Turn], title: str, together: bool, draft: Draft) -> None:
    """A section for each conversation, headed by its date and who took part; every line begins with the name."""
    for part in [list(thread)] if together and thread else conversations(thread):
        people = list(dict.fromkeys(turn.author for turn in part))
        date = f"{part[0].at:%Y-%m-%d}" if part[0].at else ""
        heading = " · ".join(filter(None, (title, date, _listed(people))))
        draft.add("\n".join(f"{turn.author}: {turn.text}" for turn in part), heading=heading)


def conversations(thread: Sequence[Turn]) -> Iterator[list[Turn]]:
    """The turns cut where nobody spoke for a while."""
    held: list[Turn] = []
    for turn in thread:
        before = held[-1].at if held else None
        if before and turn.at and turn.at - before > CONVERSATION:
            yield held
            held = []
        held.append(turn)
    if held:
        yield held


def _findings(
    origin: Origin,
    made: int,
    layout: Layout,
    authors: Collection[str],
    refused: Sequence[RowFault],
    waiting: Sequence[tuple[str, int]],
    hours: float,
) -> Iterator[Finding]:
    names = (origin.name,)
    business = _listed([speaker.name for speaker in layout.speakers if speaker.business])
    yield Finding(
        code="chat_read" if made else "chat_without_answers",
        level="good" if made else "warn",
        count=made,
        names=names,
        parameters={"messages": layout.rows, "business": business, "hours": _short(hours)},
    )
    if missing := speaking.missing(origin.how.business, authors):
        speakers = {"speakers": ", ".join(missing)}
        yield Finding(code="chat_speaker_missing", level="warn", count=len(missing), names=names, parameters=speakers)
    if layout.refused_count:
        media, greetings = sum(f.code == "media" for f in refused), sum(f.code == "greeting" for f in refused)
        yield Finding(
            code="chat_left_out",
            level="note",
            count=layout.refused_count,
            names=names,
            parameters={"media": media, "greetings": greetings, "service": layout.refused_count - media - greetings},
        )
    for code in ("unanswered", "crossed"):
        rows = [row for why, row in waiting if why == code]
        if rows:
            places = tuple(Place(name=origin.name, source=origin.source, row=row) for row in rows[:PLACES])
            yield Finding(
                code=f"chat_{code}",
                level="note",
                count=len(rows),
                names=names,
                parameters={"hours": _short(hours)},
                places=places,
            )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMES_SHOWN]) + (" …" if len(names) > NAMES_SHOWN else "")


def _short(hours: float) -> int | float:
    return int(hours) if hours == int(hours) else hours
