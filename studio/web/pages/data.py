"""Step 2: bring material in, see what was understood of it, mend it, and have questions drafted from it.

Everything shown is read from the project and its runs, so that a reload, a second tab or the other language changes nothing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from studio import drafting, health, intake, orders
from studio.base import files
from studio.base.errors import BadInput, NotFound, StudioError
from studio.base.project import Project
from studio.base.records import Fault, Finding, How, Proposal, Repair, Run, RunKind, new_id
from studio.intake import fetching
from studio.web import bringing, uploads
from studio.web.frame import gestures
from studio.web.parts import watching
from studio.web.shell import BARE, QUICK, SLOW, Shell
from studio.web.views import drafts as draft_views
from studio.web.views import findings as finding_views
from studio.web.views import jobs as job_views
from studio.web.views import material as views
from studio.web.views import run as run_views

KINDS: tuple[RunKind, ...] = ("intake", "check", "draft")
AT_ONCE = 20_000_000  # bytes of the database up to which the material is looked over while the page waits
LIVE = 40  # sources up to which the list grows while they are read
MOST_DRAFTS = 500
PARTS = 7  # of the page, as `look` gives them
SHOW_TABLES = """(names) => {
  const form = document.querySelector("#bring-database"), found = JSON.parse(names || "[]");
  const made = found.map((name) => Object.assign(document.createElement("option"), { value: name }));
  form.querySelector("[data-tables]").replaceChildren(...made);
  const listed = form.querySelector("[data-tables-listed]");
  listed.hidden = !found.length;
  listed.firstElementChild.textContent = found.slice(0, 12).join(", ") + (found.length > 12 ? " …" : "");
  if (found.length === 1) form.elements.table.value = found[0];
  else form.elements.table.focus();
}"""
TO_UNDO = "() => setTimeout(() => document.querySelector('#found [data-focus]')?.focus(), 60)"


def build(shell: Shell) -> None:
    voice, settings = shell.voice, shell.studio.settings
    with shell.page("data") as page:
        glance = gr.HTML(elem_id="glance", js_on_load=gestures(), **BARE)
        with gr.Row(elem_classes="split"):
            with gr.Column(scale=9, min_width=300):
                coming = gr.HTML(
                    views.bring(settings.max_upload_mb, voice),
                    elem_id="files",
                    js_on_load=gestures("arrived", "fetch", "tables", more="bring.js"),
                    **BARE,
                )
                tables = gr.Textbox(visible="hidden", elem_id="tables-found", label="", show_label=False)
                busy = gr.HTML(elem_id="busy", **BARE)
                refused = gr.HTML(elem_id="refused", **BARE)
                jobs = gr.HTML(elem_id="jobs", js_on_load=gestures("stop", "changed"), **BARE)
                watched = watching.build(shell, gestures("watch"))
                sources = gr.HTML(
                    elem_id="sources", js_on_load=gestures("remove", "read", "reread", "unlock", "drop"), **BARE
                )
            with gr.Column(scale=11, min_width=300):
                found = gr.HTML(elem_id="found", js_on_load=gestures("repair", "undo"), **BARE)
        drafts = gr.HTML(elem_id="drafts", js_on_load=gestures("draft", "decide"), **BARE)
        preview = gr.HTML(elem_id="preview", **BARE)
        timer = gr.Timer(1, active=False)
        live = [jobs, timer]
        shown = [*live, glance, found, sources, drafts, preview]

        def on_arrived(request: gr.Request, given: gr.EventData) -> Iterator[list[Any]]:
            project, batch = shell.project(request), asked(given).get("batch", "")
            yield from take_in(shell, project, uploads.arrived(project, batch))

        def on_unlock(request: gr.Request, given: gr.EventData) -> Iterator[list[Any]]:
            project, what = shell.project(request), asked(given)
            batch = [each for each in uploads.arrived(project, what["batch"]) if each.name == what["name"]]
            yield from take_in(shell, project, batch, what.get("password", ""))

        def on_drop(request: gr.Request, given: gr.EventData) -> list[Any]:
            project, what = shell.project(request), asked(given)
            uploads.drop(project, what["batch"], what["name"])
            return look(shell, project)

        def on_fetch(request: gr.Request, given: gr.EventData) -> list[Any]:
            project = shell.project(request)
            wanted = bringing.wanted(asked(given), lambda batch, name: uploads.lend(project, batch, name))
            orders.fetch(project, shell.studio.runs, **wanted._asdict())
            return look(shell, project)

        def on_tables(request: gr.Request, given: gr.EventData) -> str:
            project = shell.project(request)
            address = bringing.place(asked(given), lambda batch, name: uploads.lend(project, batch, name))
            return json.dumps(fetching.list_tables(address))

        def on_stop(request: gr.Request, given: gr.EventData) -> list[Any]:
            project, runs = shell.project(request), shell.studio.runs
            if not any(run.id == asked(given).get("id") for run in runs.of(project)):
                raise NotFound("run_missing", name=str(asked(given).get("id", "")))
            runs.stop(asked(given)["id"])
            return look_live(shell, project)

        def on_remove(request: gr.Request, given: gr.EventData) -> list[Any]:
            project = shell.project(request)
            orders.remove(project, given.source)
            return look(shell, project)

        def on_read(request: gr.Request) -> list[Any]:
            project = shell.project(request)
            orders.take_in(project, shell.studio.runs, new_id())
            return look(shell, project)

        def on_reread(request: gr.Request, given: gr.EventData) -> Iterator[list[Any]]:
            project, what = shell.project(request), asked(given)
            name = str(what.get("source", "")).rpartition("/")[2]
            yield [views.reading(name, 1, 1, voice), *[gr.skip() for _ in range(PARTS)]]
            orders.read_again(
                project, shell.studio.runs, what["source"], decided(project, what), what.get("password", "")
            )
            yield ["", *look(shell, project)]

        def on_repair(request: gr.Request, given: gr.EventData) -> list[Any]:
            project = shell.project(request)
            orders.repair(project, shell.studio.runs, given.code)
            return look(shell, project)

        def on_undo(request: gr.Request, given: gr.EventData) -> list[Any]:
            project = shell.project(request)
            orders.undo(project, shell.studio.runs, given.id)
            return look(shell, project)

        def on_draft(request: gr.Request, given: gr.EventData) -> list[Any]:
            project, count = shell.project(request), str(asked(given).get("count", ""))
            wanted = min(max(int(count), 1), MOST_DRAFTS) if count.isdecimal() else 20
            orders.draft(project, shell.studio.runs, wanted)
            return look(shell, project)

        def on_decide(request: gr.Request, given: gr.EventData) -> list[Any]:
            project, what = shell.project(request), asked(given)
            skipped = str(what.get("skipped") or "").split()
            if what.get("verdict") == "later":
                return [gr.skip(), drafted(shell, project, [*skipped, str(what.get("id"))])]
            drafting.review(
                project,
                str(what.get("id")),
                what.get("verdict") == "approve",
                what.get("question", ""),
                what.get("answer", ""),
            )
            return [views.preview(contents(project), voice), drafted(shell, project, skipped)]

        def on_changed(request: gr.Request) -> list[Any]:
            return look(shell, shell.project(request))

        def on_tick(request: gr.Request) -> list[Any]:
            return look_live(shell, shell.project(request))

        coming.arrived(shell.guard(on_arrived), None, [busy, refused, *shown], **SLOW)
        coming.fetch(shell.guard(on_fetch), None, shown, **SLOW)
        coming.tables(shell.guard(on_tables), None, tables, **SLOW).success(
            fn=None, inputs=tables, js=SHOW_TABLES, api_visibility="private"
        )
        jobs.stop(shell.guard(on_stop), None, live, **SLOW)
        jobs.changed(on_changed, None, shown, **QUICK)
        sources.unlock(shell.guard(on_unlock), None, [busy, refused, *shown], **SLOW)
        sources.drop(shell.guard(on_drop), None, shown, **SLOW)
        sources.remove(shell.guard(on_remove), None, shown, **SLOW)
        sources.read(shell.guard(on_read), None, shown, **SLOW)
        sources.reread(shell.guard(on_reread), None, [busy, *shown], **SLOW)
        for event, handler in ((found.repair, on_repair), (found.undo, on_undo)):
            event(shell.guard(handler), None, shown, **SLOW).success(fn=None, js=TO_UNDO, api_visibility="private")
        drafts.draft(shell.guard(on_draft), None, shown, **SLOW)
        drafts.decide(shell.guard(on_decide), None, [preview, drafts], **SLOW)
        timer.tick(on_tick, None, live, **QUICK)
        page.on_load(lambda project, _request: look(shell, project), shown)
        page.on_load(lambda project, _request: watching.look(shell, project), [watched])
        shell.actions("data")


# ---- handlers' work ----------------------------------------------------------------------------------------------------


def asked(given: gr.EventData) -> Mapping[str, Any]:
    """What the page sent along."""
    return given._data or {}


def take_in(
    shell: Shell, project: Project, batch: Sequence[uploads.Waiting], password: str = ""
) -> Iterator[list[Any]]:
    """Read files that have arrived: a few small ones at once, with what refuses them beside their names; others as a run."""
    if not batch:
        raise BadInput("upload_odd", name="")
    if not uploads.is_small(batch):
        names = [each.name for each in batch]
        orders.take_in(project, shell.studio.runs, batch[0].batch, names, password)
        yield ["", "", *look(shell, project)]
        return
    refused: list[views.Refused] = []
    locked: dict[str, Fault] = {}
    for number, each in enumerate(batch, start=1):
        yield [views.reading(each.name, number, len(batch), shell.voice), "", *[gr.skip() for _ in range(PARTS)]]
        fault = add(project, each, password, shell.studio.settings.max_upload_mb)
        if fault is not None and fault.code in intake.LOCKED:
            locked[each.where] = fault
        elif fault is not None:
            refused.append(views.Refused(each.name, fault))
    uploads.clear(project, batch[0].batch)
    yield ["", views.refused(refused, shell.voice), *look(shell, project, locked)]


def add(project: Project, each: uploads.Waiting, password: str, largest_mb: int) -> Fault | None:
    """Take one file in; what keeps it out, if anything. One that only wants its password stays where it is."""
    file = uploads.path(project, each.batch, each.name)
    try:
        intake.add(project, file, each.name, password=password, largest_mb=largest_mb)
    except StudioError as error:
        if error.code not in intake.LOCKED:
            file.unlink(missing_ok=True)
        return error.fault
    file.unlink(missing_ok=True)
    return None


def decided(project: Project, what: Mapping[str, Any]) -> How:
    """What the person says about reading a source, on top of what they said before."""
    known = project.store.source(str(what.get("source", "")))
    if known is None:
        raise NotFound("source_missing", name=str(what.get("source", "")).rpartition("/")[2])
    how, hours = known.how, str(what.get("hours") or "").replace(",", ".")
    if "columns" in what:
        how = how.model_copy(update={"columns": tuple(what["columns"])})
    if "business" in what:
        how = how.model_copy(update={"business": tuple(what["business"])})
    if "hours" in what:
        how = how.model_copy(update={"hours": float(hours) if _is_number(hours) else None})
    if "task" in what:
        how = how.model_copy(update={"task": what["task"] or None})
    return How.model_validate(how.model_dump())


# ---- what is shown -----------------------------------------------------------------------------------------------------


def look(shell: Shell, project: Project, locked: Mapping[str, Fault] | None = None) -> list[Any]:
    """All of the page, as it is in the project now."""
    store, voice = project.store, shell.voice
    known, given = store.all_sources(), contents(project)
    reading = any(job.active and job.run.kind == "intake" for job in working(shell, project))
    if not reading:
        uploads.end_loans(project)
    waiting = [] if reading else uploads.waiting(project)
    empty = not (known or given.examples or waiting)
    findings = [] if empty else report(shell, project)  # which may order a run, so the work is looked at after it
    return [
        *look_live(shell, project),
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
    jobs = working(shell, project)
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


_CONTENTS: dict[
    str, tuple[str, views.Contents]
] = {}  # by project: the digest of its material, and what was counted then


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
    working_ = shell.studio.runs.latest(project, "draft")
    return draft_views.drafts(
        proposals,
        documents,
        shell.voice,
        possible=bool(store.counts()["documents"]),
        working=working_ is not None and working_.state in ("queued", "running"),
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


def _is_number(text: str) -> bool:
    try:
        return 0 < float(text) < float("inf")
    except ValueError:
        return False
