"""What was brought in: sources, how each was read, what waits to be read, the first examples."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import get_args

from studio.base.records import TASKS, ColumnRole, Document, Example, Fault, Layout, RowFault, Source
from studio.intake import LOCKED
from studio.web.uploads import Waiting
from studio.web.views import findings as findings_views
from studio.web.voice import Voice

FIRST = 6
SHOWN_ROWS = 50
SAMPLES = 3
MAY_LOCK = frozenset({".pdf", ".zip"})
_ICONS = {
    **dict.fromkeys(("csv", "tsv", "xlsx", "xls", "ods", "json", "jsonl", "database", "dataset"), "table"),
    **dict.fromkeys(("talk", "whatsapp", "telegram", "eml", "msg", "mbox", "helpdesk"), "chat"),
    "html": "globe",
}


@dataclass(frozen=True)
class Refused:
    """A file that could not be taken in, and why."""

    name: str
    fault: Fault


@dataclass(frozen=True)
class Gave:
    """What one source gave, in numbers."""

    kind: str = ""
    pages: int = 0
    rows: int = 0
    characters: int = 0
    examples: int = 0


@dataclass(frozen=True)
class Contents:
    """What all sources gave, by their path; examples that no source gave are corrections or approved drafts."""

    by_source: Mapping[str, Gave] = field(default_factory=dict)
    drafted: int = 0
    corrected: int = 0
    first: Sequence[Example] = ()
    examples: int = 0


def contents(known: Iterable[str], documents: Sequence[Document], examples: Sequence[Example], drafts: str) -> Contents:
    """Count what is there; `drafts` is how the source of an approved draft begins."""
    learnt = Counter(example.source for example in examples)
    gave = {}
    for source in known:
        mine = [document for document in documents if document.source == source]
        sections = [section for document in mine for section in document.sections]
        gave[source] = Gave(
            kind=mine[0].kind if mine else "",
            pages=max((section.page or 0 for section in sections), default=0),
            rows=max((section.row or 0 for section in sections), default=0),
            characters=sum(len(document.text) for document in mine),
            examples=learnt.pop(source, 0),
        )
    drafted = sum(count for source, count in learnt.items() if source.startswith(drafts))
    return Contents(gave, drafted, learnt.total() - drafted, examples[:FIRST], len(examples))


def sources(
    known: Sequence[Source],
    given: Contents,
    waiting: Sequence[Waiting],
    locked: Mapping[str, Fault],
    unread: int,
    voice: Voice,
) -> str:
    """`waiting` are files that arrived and were not read; `locked` says of some of them (by `batch/name`) why."""
    rows = [_source(number, source, given, voice) for number, source in enumerate(known)]
    for key, count in (("data.drafted", given.drafted), ("data.own", given.corrected)):
        if count:
            rows.append(_row(name=voice.t(key), facts=voice.count("data.examples", count), icon="pen"))
    return voice.html(
        "sources.html",
        rows=rows,
        waiting=[_waiting(each, locked.get(each.where), voice) for each in waiting],
        unread=voice.count("data.unread", unread) if unread else "",
        roles=[(role, voice.t(f"role.{role}")) for role in get_args(ColumnRole)],
    )


def refused(known: Sequence[Refused], voice: Voice) -> str:
    return voice.html("refused.html", refused=[(each.name, voice.fault(each.fault)) for each in known])


def preview(given: Contents, voice: Voice) -> str:
    rows = [
        (e.question, e.answer, PurePosixPath(e.source).name or voice.t("data.own"), e.row) for e in given.first[:FIRST]
    ]
    return voice.html("preview.html", rows=rows, total=given.examples)


def reading(name: str, number: int, of: int, voice: Voice) -> str:
    return voice.html("busy.html", sentence=voice.t("data.reading", name=name, number=number, of=of))


def bring(largest_mb: int, voice: Voice) -> str:
    return voice.html("bring.html", largest=largest_mb)


def _source(number: int, source: Source, given: Contents, voice: Voice) -> dict[str, object]:
    gave, layout = given.by_source.get(source.source, Gave()), source.layout
    kind = gave.kind or PurePosixPath(source.source).suffix.lstrip(".").lower()
    if layout and layout.speakers and kind == "txt":
        kind = "talk"
    stopped = [finding for finding in source.findings if finding.level == "stop"]
    facts = [
        voice.count("data.pages", gave.pages) if gave.pages else "",
        voice.count("data.rows", gave.rows) if gave.rows and not layout else "",
        voice.t("data.characters", n=gave.characters) if gave.characters else "",
        voice.count("data.examples", gave.examples) if gave.examples else "",
    ]
    return _row(
        number=number,
        source=source.source,
        name=PurePosixPath(source.source).name,
        kind=voice.t(f"kind.{kind}") if voice.has(f"kind.{kind}") else kind.upper(),
        icon=_ICONS.get(kind, "doc"),
        origin=source.origin,
        facts=" · ".join(fact for fact in facts if fact),
        refused=bool(stopped),
        locked=any(finding.code in LOCKED for finding in stopped),
        notes=[
            findings_views.brief(finding, voice)
            for finding in source.findings
            if not (finding.level == "good" and layout and layout.rows)  # the rows are counted below, with the others
        ],
        **(_read(source, layout, bool(gave.examples), voice) if layout else {}),
    )


def _row(**known: object) -> dict[str, object]:
    empty = {"number": 0, "source": "", "kind": "", "origin": "", "facts": "", "refused": False, "locked": False}
    return {**empty, "notes": (), "counts": (), "rows": (), "rows_title": "", "rows_hidden": 0, "how": None, **known}


def _read(source: Source, layout: Layout, teaches: bool, voice: Voice) -> dict[str, object]:
    """Rows read, repaired and refused, and how the source was understood."""
    unit = "messages" if layout.speakers else "rows"
    counts = [
        ("good", voice.count(f"{unit}.read", layout.read)),
        ("warn", voice.count(f"{unit}.repaired", layout.repaired_count)) if layout.repaired_count else None,
        ("stop", voice.count(f"{unit}.refused", layout.refused_count)) if layout.refused_count else None,
    ]
    told = [("stop", fault) for fault in layout.refused] + [("warn", fault) for fault in layout.repaired]
    total = layout.refused_count + layout.repaired_count
    return {
        "counts": [count for count in counts if count] if layout.rows else (),
        "rows_title": voice.t(f"{unit}.title"),
        "rows": [(level, _where(fault, voice), voice.coded("row", fault.code)) for level, fault in told[:SHOWN_ROWS]],
        "rows_hidden": max(total - min(len(told), SHOWN_ROWS), 0),
        "how": _how(source, layout, teaches, voice),
    }


def _where(fault: RowFault, voice: Voice) -> str:
    row = voice.t("place.row", n=str(fault.row))
    return f"{fault.sheet}, {row}" if fault.sheet else row


def _how(source: Source, layout: Layout, teaches: bool, voice: Voice) -> dict[str, object] | None:
    facts = [
        voice.t("how.encoding", name=layout.encoding) if layout.encoding else "",
        voice.t("how.delimiter", name=_delimiter(layout.delimiter, voice)) if layout.delimiter else "",
    ]
    if not (layout.columns or layout.speakers or teaches):
        return None
    columns = [
        {
            "name": column.name or voice.t("how.unnamed", n=str(number)),
            "role": column.role,
            "samples": " · ".join(sample[:60] for sample in column.samples[:SAMPLES]),
        }
        for number, column in enumerate(layout.columns, start=1)
    ]
    speakers = [
        {"name": speaker.name, "business": speaker.business, "messages": voice.count("how.messages", speaker.messages)}
        for speaker in layout.speakers
    ]
    hours = source.how.hours
    return {
        "facts": " · ".join(fact for fact in facts if fact),
        "columns": columns,
        "speakers": speakers,
        "hours": "" if hours is None else f"{hours:g}",
        "task": (source.how.task or "") if teaches else None,
        "tasks": [("", voice.t("how.task.by_rows")), *((task, voice.t(f"task.{task}")) for task in TASKS)],
        "stamp": source.added + "".join(str(column["role"])[:2] for column in columns),
    }


def _delimiter(delimiter: str, voice: Voice) -> str:
    return voice.t("how.tab") if delimiter == "\t" else f"“{delimiter}”"


def _waiting(each: Waiting, fault: Fault | None, voice: Voice) -> dict[str, object]:
    sentence = voice.fault(fault) if fault else voice.t("waiting.unread", name=each.name, size=voice.size(each.bytes))
    locked = fault is not None and fault.code in LOCKED
    may_lock = PurePosixPath(each.name).suffix.lower() in MAY_LOCK
    return {
        "batch": each.batch,
        "name": each.name,
        "sentence": sentence,
        "locked": locked,
        "may_lock": locked or may_lock,
    }
