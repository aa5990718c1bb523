"""What was brought in: sources and what was understood of them, findings, the first examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from studio.base.records import Document, Example, Fault, Finding
from studio.web.voice import Voice

FIRST = 6
_ICONS = {"stop": "stop", "warn": "warn", "note": "info", "good": "check"}
_SERIOUS_FIRST = ("stop", "warn", "note", "good")


@dataclass(frozen=True)
class Refused:
    """A file that could not be taken in, and why."""

    name: str
    fault: Fault


def sources(
    known: Sequence[str],
    documents: Sequence[Document],
    examples: Sequence[Example],
    findings: Mapping[str, Sequence[Finding]],
    refused: Sequence[Refused],
    unread: int,
    voice: Voice,
) -> str:
    rows = [_source(source, documents, examples, findings.get(source, ()), voice) for source in known]
    own = sum(example.source not in known for example in examples)
    if own:
        rows.append(
            {
                "source": "",
                "name": voice.t("data.own"),
                "kind": "",
                "facts": voice.count("data.examples", own),
                "notes": [],
            }
        )
    return voice.html(
        "sources.html",
        rows=rows,
        refused=[(each.name, voice.fault(each.fault)) for each in refused],
        unread=voice.count("data.unread", unread) if unread else "",
    )


def findings(found: Sequence[Finding], voice: Voice) -> str:
    ordered = sorted(found, key=lambda finding: _SERIOUS_FIRST.index(finding.level))
    return voice.html("findings.html", rows=[_finding(finding, voice) for finding in ordered])


def preview(examples: Sequence[Example], voice: Voice) -> str:
    rows = [(e.question, e.answer, PurePosixPath(e.source).name, e.row) for e in examples[:FIRST]]
    return voice.html("preview.html", rows=rows, total=len(examples))


def reading(name: str, number: int, of: int, voice: Voice) -> str:
    return voice.html("busy.html", sentence=voice.t("data.reading", name=name, number=number, of=of))


def _source(
    source: str,
    documents: Sequence[Document],
    examples: Sequence[Example],
    found: Sequence[Finding],
    voice: Voice,
) -> dict[str, object]:
    mine = [document for document in documents if document.source == source]
    learnt = sum(example.source == source for example in examples)
    sections = [section for document in mine for section in document.sections]
    pages, rows = (
        max((s.page or 0 for s in sections), default=0),
        max((s.row or 0 for s in sections), default=0),
    )
    kind = mine[0].kind if mine else PurePosixPath(source).suffix.lstrip(".")
    facts = [
        voice.count("data.pages", pages) if pages else "",
        voice.count("data.rows", rows) if rows else "",
        voice.t("data.characters", n=sum(len(document.text) for document in mine)) if mine else "",
        voice.count("data.examples", learnt) if learnt else "",
    ]
    return {
        "source": source,
        "name": PurePosixPath(source).name,
        "kind": voice.t(f"kind.{kind}") if voice.has(f"kind.{kind}") else kind.upper(),
        "facts": " · ".join(fact for fact in facts if fact),
        "notes": [_finding(finding, voice) for finding in found],
    }


def _finding(finding: Finding, voice: Voice) -> dict[str, str]:
    title, more = voice.finding(finding)
    return {
        "level": finding.level,
        "icon": _ICONS[finding.level],
        "title": title,
        "more": more,
        "says": voice.t(f"level.{finding.level}"),
    }
