"""The files inside a file: what an archive, a mail or a mailbox holds is read one by one, each in a process of its own.

The reading child has unpacked them under numbers, never under their names; here they get their place in the source and
their own limits. One that cannot be read becomes a finding that names it, and stops nobody else.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from studio.base.errors import Unreadable
from studio.base.records import Fault, Finding, Layout, RowFault, Speaker
from studio.intake.kinds import READABLE
from studio.intake.reading import Member, Origin, Reading, joined

DEEPEST = 2  # an archive in an archive is opened, one in that no more
NAMED = 20  # refused files with a finding of their own
SHOWN = 12
AT_ONCE = 2
OF_NO_KIND = frozenset({"kind_unknown", "file_empty", "picture_without_text", "picture_needs_recognition"})

Read = Callable[[Path, Origin], Reading]


class Allowance:
    """How many bytes the files inside one file may still unpack to, over all that is nested in it."""

    def __init__(self, room: int) -> None:
        self.room = room

    def spend(self, size: int) -> None:
        self.room -= size


class Tried(NamedTuple):
    """What became of one member: its reading, or why there is none."""

    name: str
    reading: Reading | None
    fault: Fault | None = None


def read(outer: Reading, origin: Origin, folder: Path, allowance: Allowance, one: Read) -> Reading:
    """All of a file: what it says itself and what the files inside it say.

    Raises Unreadable when neither gives anything: the only member's own reason, or members_unreadable.
    """
    allowance.spend(sum(_size(member, folder) for member in outer.members))

    def work(member: Member) -> Tried:
        return _try(member, _origin(member, origin, allowance), folder, one)

    if origin.depth == 0 and len(outer.members) > 1:
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            tried = list(pool.map(work, outer.members))
    else:
        tried = list(map(work, outer.members))
    read_ones = [each.reading for each in tried if each.reading is not None]
    if not outer.documents and not outer.examples and not read_ones:
        raise _nothing(origin, tried)
    whole = _plus(outer, *read_ones)
    return whole.model_copy(update={"findings": (*whole.findings, *_findings(origin, tried))})


def _origin(member: Member, origin: Origin, allowance: Allowance) -> Origin:
    more = {
        "name": f"{origin.name}/{member.name}".rstrip("/"),
        "inside": f"{origin.inside}/{member.name}".strip("/"),
        "depth": origin.depth + 1,
    }
    return origin.model_copy(update={**more, "room": max(allowance.room, 0)})


def _try(member: Member, origin: Origin, folder: Path, one: Read) -> Tried:
    if member.fault is not None:
        parameters = {**member.fault.parameters, "name": origin.name}
        return Tried(origin.name, None, Fault(code=member.fault.code, parameters=parameters))
    try:
        return Tried(origin.name, one(_unpacked(member, folder), origin))
    except Unreadable as error:
        return Tried(origin.name, None, error.fault)


def _unpacked(member: Member, folder: Path) -> Path:
    """Where the child put the member: inside its own folder and no link, whatever a parser was talked into saying."""
    path = Path(member.file)
    if path.is_symlink() or not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        raise Unreadable("file_unsafe", name=member.name)
    return path


def _size(member: Member, folder: Path) -> int:
    return _unpacked(member, folder).stat().st_size if member.file else 0


def _plus(outer: Reading, *readings: Reading) -> Reading:
    whole = joined([outer.model_copy(update={"members": ()}), *readings])
    layouts = [reading.layout for reading in (outer, *readings) if reading.layout]
    return whole.model_copy(update={"layout": _together(layouts)}) if len(layouts) > 1 else whole


def _together(layouts: Sequence[Layout]) -> Layout:
    """How several files were understood, as one: who speaks in them and the count of rows. Columns are each table's own."""
    speakers: dict[str, Speaker] = {}
    for speaker in (speaker for layout in layouts for speaker in layout.speakers):
        before = speakers.get(speaker.name, Speaker(name=speaker.name, messages=0))
        speakers[speaker.name] = Speaker(
            name=speaker.name,
            messages=before.messages + speaker.messages,
            business=before.business or speaker.business,
        )

    def faults(of: Callable[[Layout], tuple[RowFault, ...]]) -> tuple[RowFault, ...]:
        return tuple(fault for layout in layouts for fault in of(layout))[:200]

    return Layout(
        speakers=tuple(sorted(speakers.values(), key=lambda speaker: -speaker.messages)),
        rows=sum(layout.rows for layout in layouts),
        read=sum(layout.read for layout in layouts),
        repaired_count=sum(layout.repaired_count for layout in layouts),
        refused_count=sum(layout.refused_count for layout in layouts),
        repaired=faults(lambda layout: layout.repaired),
        refused=faults(lambda layout: layout.refused),
    )


def _nothing(origin: Origin, tried: Sequence[Tried]) -> Unreadable:
    faults = [each.fault for each in tried if each.fault and each.fault.code not in OF_NO_KIND]
    if len(faults) == 1:
        return Unreadable(faults[0].code, **faults[0].parameters)
    return Unreadable("members_unreadable", name=origin.name, files=_listed([each.name for each in tried]))


def _findings(origin: Origin, tried: Sequence[Tried]) -> Iterator[Finding]:
    done = sum(each.reading is not None for each in tried)
    if done and any(each.name != origin.name for each in tried):
        yield Finding(
            code="members_read", level="good", count=done, names=(origin.name,), parameters={"of": len(tried)}
        )
    refused = [each for each in tried if each.fault and each.fault.code not in OF_NO_KIND]
    for each in refused[:NAMED]:
        if each.fault:
            yield Finding(code=each.fault.code, level="warn", names=(each.name,), parameters=each.fault.parameters)
    if more := tuple(each.name for each in refused[NAMED:]):
        yield Finding(code="members_refused", level="warn", count=len(more), names=more, parameters=_of(origin))
    if unseen := next((each for each in tried if each.fault and each.fault.code == "picture_needs_recognition"), None):
        yield Finding(
            code="picture_needs_recognition", level="note", names=(unseen.name,), parameters={"name": unseen.name}
        )
    if unknown := tuple(each.name for each in tried if each.fault and each.fault.code in OF_NO_KIND):
        parameters = {**_of(origin), "kinds": ", ".join(READABLE)}
        yield Finding(code="members_unknown", level="note", count=len(unknown), names=unknown, parameters=parameters)


def _of(origin: Origin) -> dict[str, str | int | float]:
    return {"name": origin.name}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")
