"""What the data page shows of the material: the work under way, what was found in it, its sources, its drafts.

Read from the project and its runs each time, so that a reload, a second tab or the other language changes nothing.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from studio import drafting, health, orders
from studio.base import files
from studio.base.project import Project
from studio.base.records import Fault, Finding, Proposal, Repair, Run, RunKind
from studio.web import uploads
from studio.web.shell import Shell
from studio.web.views import drafts as draft_views
from studio.web.views import findings as finding_views
from studio.web.views import jobs as job_views
from studio.web.views import material as views
from studio.web.views import run as run_views

KINDS: tuple[RunKind, ...] = ("intake", "check", "draft")
AT_ONCE = 20_000_000  # bytes of the database up to which the material is looked over while the page waits
LIVE = 40  # sources up to which the list grows while they are read
PARTS = 7  # of the page, as `look` gives them


def look(shell: Shell, project: Project, locked: Mapping[str, Fault] | None = None) -> list[Any]:
    """All of the page, as it is in the project now. The work is looked at first: what ends while the rest is read is then
    shown as ended by the next tick.
    """
    jobs = working(shell, project)
    store, voice = project.store, shell.voice
    known, given = store.all_sources(), contents(project)
    reading = any(job.active and job.run.kind == "intake" for job in jobs)
    if not reading:
        uploads.end_loans(project)
    waiting = [] if reading else uploads.waiting(project)
    empty = not (known or given.examples or waiting)
    findings = [] if empty else report(shell, project)
    if findings is None:  # it may have ordered a run
        ordered = [job for job in working(shell, project) if job.run.kind == "check"]
        jobs = [job for job in jobs if job.run.kind != "check"] + ordered
    return [
        *_live(shell, project, jobs),
        finding_views.glance(findings or [], voice),
        finding_views.findings(
            findings or [], store.all(Repair), store.history(), voice, empty=empty, checking=findings is None
        ),
        views.sources(known, given, waiting, locked or {}, unread(project, reading), voice),
        drafted(shell, project),
        views.preview(given, voice),
    ]


def look_live(shell: Shell, project: Project) -> list[Any]:
    """The work that is under way, and whether the page must go on asking."""
    return _live(shell, project, working(shell, project))


def _live(shell: Shell, project: Project, jobs: Sequence[job_views.Job]) -> list[Any]:
    states = " ".join(f"{job.run.id}:{job.run.state}" for job in jobs)
    sources = len(project.store.sources())
    stamp = f"{states} {sources if sources <= LIVE else ''}"
    return [
        job_views.jobs(jobs, stamp, shell.voice),
        gr.Timer(active=any(job.active for job in jobs) or bool(project.card.watched)),
    ]


def working(shell: Shell, project: Project) -> list[job_views.Job]:
    runs = shell.studio.runs
    latest: dict[RunKind, Run] = {}
    for run in runs.of(project):
        latest.setdefault(run.kind, run)
    chosen = [latest[kind] for kind in KINDS if kind in latest]
    return [job_views.Job(run, runs.said(run), runs.waiting_before(run)) for run in chosen]


def report(shell: Shell, project: Project) -> list[Finding] | None:
    """What is found in the material. Of much material nobody waits for it: then it is a run, and None until that is done."""
    if project.store.path.stat().st_size < AT_ONCE:
        return health.report(project)
    run = shell.studio.runs.latest(project, "check")
    asked_for = (files.read_json(Path(run.folder) / "run.json") or {}).get("request", {}) if run else {}
    if run is None or asked_for.get("material") != project.fingerprint:
        orders.check(project, shell.studio.runs)
        return None
    return None if run_views.is_active(run) else health.report(project) if run.state == "done" else []


# by project: the digest of its material, and what was counted then
_CONTENTS: dict[str, tuple[str, views.Contents]] = {}


def contents(project: Project) -> views.Contents:
    """What the sources gave. Counted once for each state of the material: counting reads every text."""
    store = project.store
    digest = store.material_digest() + "".join(store.sources())
    if _CONTENTS.get(project.id, ("",))[0] != digest:
        _CONTENTS[project.id] = (
            digest,
            views.contents(store.sources(), store.documents(), store.examples(), drafting.SOURCE),
        )
    return _CONTENTS[project.id][1]


def drafted(shell: Shell, project: Project, skipped: Sequence[str] = ()) -> str:
    """The drafts, and the documents of those that wait."""
    store = project.store
    proposals = store.all(Proposal)
    wanted = {proposal.document_id for proposal in proposals if proposal.state == "waiting"}
    documents = {id: document for id in wanted if (document := store.document(id)) is not None}
    return draft_views.drafts(
        proposals,
        documents,
        shell.voice,
        possible=bool(store.counts()["documents"]),
        working=run_views.is_active(shell.studio.runs.latest(project, "draft")),
        skipped=skipped,
    )


def unread(project: Project, reading: bool) -> int:
    """Files that somebody put into the project's folder by hand."""
    if reading:
        return 0
    known = project.store.sources()
    return sum(
        f"sources/{file.name}" not in known
        for file in project.sources.iterdir()
        if file.is_file() and file.name[0] != "."
    )
