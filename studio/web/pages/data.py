"""Step 2: bring material in, see what was understood of it, mend it, and have questions drafted from it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gradio as gr

from studio import drafting, intake, orders
from studio.base.errors import BadInput, NotFound, StudioError
from studio.base.project import Project
from studio.base.records import Fault, How, new_id
from studio.intake import fetching
from studio.web import bringing, uploads
from studio.web.frame import gestures
from studio.web.parts import watching
from studio.web.parts.material import PARTS, contents, drafted, look, look_live
from studio.web.shell import BARE, QUICK, SLOW, Shell
from studio.web.views import material as views

MOST_DRAFTS = 500
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

        coming.arrived(shell.guard(on_arrived), None, [busy, refused, *shown], **SLOW)
        coming.fetch(shell.guard(on_fetch), None, shown, **SLOW)
        coming.tables(shell.guard(on_tables), None, tables, **SLOW).success(
            fn=None, inputs=tables, js=SHOW_TABLES, api_visibility="private"
        )
        jobs.stop(shell.guard(on_stop), None, live, **SLOW)
        jobs.changed(shell.view(look), None, shown, **QUICK)
        sources.unlock(shell.guard(on_unlock), None, [busy, refused, *shown], **SLOW)
        sources.drop(shell.guard(on_drop), None, shown, **SLOW)
        sources.remove(shell.guard(on_remove), None, shown, **SLOW)
        sources.read(shell.guard(on_read), None, shown, **SLOW)
        sources.reread(shell.guard(on_reread), None, [busy, *shown], **SLOW)
        for event, handler in ((found.repair, on_repair), (found.undo, on_undo)):
            event(shell.guard(handler), None, shown, **SLOW).success(fn=None, js=TO_UNDO, api_visibility="private")
        drafts.draft(shell.guard(on_draft), None, shown, **SLOW)
        drafts.decide(shell.guard(on_decide), None, [preview, drafts], **SLOW)
        timer.tick(shell.view(look_live), None, live, **QUICK)
        page.on_load(lambda project, _request: look(shell, project), shown)
        page.on_load(lambda project, _request: watching.look(shell, project), [watched])
        shell.actions("data")


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


def _is_number(text: str) -> bool:
    try:
        return 0 < float(text) < float("inf")
    except ValueError:
        return False
