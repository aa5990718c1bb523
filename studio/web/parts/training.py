"""The training before it begins: what it takes, what the model gets to see, and its settings, folded away.

Every field of the form comes from the recipe's own definition; an empty one is chosen by the studio.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args, get_origin

import gradio as gr

from studio import orders
from studio.base import events
from studio.base.errors import BadInput, StudioError
from studio.base.project import Project
from studio.base.recipes import DIALS, TrainingRecipe
from studio.base.records import APPROACHES_THAT_TRAIN
from studio.training import Offer, read_recipe
from studio.web.shell import BARE, QUICK, SLOW, Shell
from studio.web.views import run as run_views
from studio.web.views import training as views

FILE = """
element.addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (file) trigger("recipe", { name: file.name, text: await file.slice(0, 20000).text() });
  event.target.value = "";
});
"""
FIELDS = (*DIALS, "pilot", "folds", "beat")


def before(shell: Shell) -> Any:
    """What it takes, above the button that begins it."""
    return gr.HTML(elem_id="offer", **BARE)


def build(shell: Shell, offer: Any, row: Any) -> list[Any]:
    """The folds below, and everything of this part that changes; `row` is where the buttons are."""
    t = shell.t
    with row:
        measure = shell.button("cost.measure", "measure")
    with shell.fold("batch.title", "batchfold", visible=False) as seen:
        batch = gr.HTML(elem_id="batch", **BARE)
    with shell.fold("recipe.title", "dials", visible=False) as fold:
        gr.HTML(shell.voice.html("quiet.html", sentence=t("recipe.more")), **BARE)
        with gr.Row(elem_classes="dials"):
            fields = [_field(shell, name) for name in FIELDS]
            price = gr.Number(None, label=t("recipe.price"), info=t("recipe.price.more"), elem_id="dial-price")
        reset = shell.button("recipe.reset", "dials-reset")
        file = gr.HTML(elem_id="recipefile", js_on_load=FILE, **BARE)
    timer = gr.Timer(2, active=False)
    shown = [offer, measure, seen, batch, fold, file, *fields, price, timer]

    def on_dials(request: gr.Request, *values: Any) -> list[Any]:
        project = shell.project(request)
        *dials, hour = values
        named = zip(FIELDS, dials, strict=True)
        given = {name: _read(name, value) for name, value in named if value not in (None, "")}
        kept = {name: value for name, value in project.card.dials.items() if name not in FIELDS}
        with _by_labels(shell):
            orders.turn(project, kept | given, float(hour or 0))
        return look(shell, project)

    def on_recipe(request: gr.Request, given: gr.EventData) -> list[Any]:
        project = shell.project(request)
        with _by_labels(shell):
            orders.turn(project, read_recipe(str(given.text), str(given.name)[:80]))
        gr.Info(t("recipe.file.used", n=len(project.card.dials), name=str(given.name)[:80]))
        return look(shell, project)

    def on_reset(request: gr.Request) -> list[Any]:
        project = shell.project(request)
        orders.turn(project, {})
        return look(shell, project)

    told = [field.input if isinstance(field, gr.Dropdown) else field.blur for field in [*fields, price]]
    gr.on(told, shell.guard(on_dials), [*fields, price], shown, trigger_mode="always_last", **SLOW)
    file.recipe(shell.guard(on_recipe), None, shown, **SLOW)
    reset.click(shell.guard(on_reset), None, shown, **SLOW)
    measure.click(shell.view(look, orders.rehearse), None, shown, **SLOW)
    timer.tick(shell.view(look), None, shown, **QUICK)
    return shown


def look(shell: Shell, project: Project) -> list[Any]:
    """What `build` gave, as the project has it."""
    trains = bool(APPROACHES_THAT_TRAIN & set(project.card.chosen))
    runs, voice = shell.studio.runs, shell.voice
    rehearsal, latest = runs.latest(project, "rehearse"), runs.latest(project, "build")
    rehearsing, busy = run_views.is_active(rehearsal), run_views.is_active(latest)
    offered = _offer(shell, project) if trains else None  # rests on what the rehearsal has measured
    made = offered if isinstance(offered, Offer) else None
    newest = max(filter(None, (rehearsal, latest)), key=lambda run: run.created, default=None)
    said = runs.said(newest) if newest else events.Said()
    if said.batch is None and rehearsal:
        said = runs.said(rehearsal)
    dials = project.card.dials
    return [
        views.offered(
            None if busy else offered,
            rehearsing,
            voice,
            again=bool(latest and latest.state == "done" and latest is newest),
        ),
        gr.Button(visible=bool(made and made.cost) and not rehearsing and not busy),
        gr.Accordion(visible=trains),
        views.batch(said.batch, voice),
        gr.Accordion(visible=trains),
        views.file(made, project.name, voice),
        *[_shown(shell, name, dials.get(name), made) for name in FIELDS],
        project.card.price_hour or None,
        gr.Timer(active=rehearsing),
    ]


@contextmanager
def _by_labels(shell: Shell) -> Iterator[None]:
    """The form calls its fields by their labels."""
    try:
        yield
    except BadInput as error:
        if error.code != "dial_wrong":
            raise
        name = str(error.parameters["name"]).replace("price_hour", "price")
        raise BadInput(error.code, **{**error.parameters, "name": shell.t(f"recipe.{name}")}) from error


def _offer(shell: Shell, project: Project) -> Offer | StudioError:
    try:
        return orders.offer(project, shell.studio.runs)
    except StudioError as error:
        return error  # too little to learn from


def _field(shell: Shell, name: str) -> Any:
    t, kind = shell.t, TrainingRecipe.model_fields[name].annotation
    words: dict[str, Any] = {"label": t(f"recipe.{name}"), "info": t(f"recipe.{name}.more"), "elem_id": f"dial-{name}"}
    if kind is bool:
        yes_or_no = [(t("recipe.by_itself"), ""), (t("recipe.yes"), "yes"), (t("recipe.no"), "no")]
        return gr.Dropdown(yes_or_no, value="", interactive=True, **words)
    if get_origin(kind) is Literal:
        ways = [(t(f"recipe.{name}.{way}"), way) for way in get_args(kind)]
        return gr.Dropdown([(t("recipe.by_itself"), ""), *ways], value="", interactive=True, **words)
    return gr.Textbox("", max_lines=1, interactive=True, **words)


def _shown(shell: Shell, name: str, value: object, made: Offer | None) -> Any:
    """What the person has set; in an empty field, what was chosen."""
    kind = TrainingRecipe.model_fields[name].annotation
    if kind is bool:
        return "" if value is None else "yes" if value else "no"
    if get_origin(kind) is Literal:
        return value or ""
    chosen = shell.voice.number(getattr(made.plan.recipe, name)) if made else ""
    return gr.Textbox(
        "" if value is None else f"{value:g}", placeholder=shell.t("recipe.chosen", value=chosen) if chosen else ""
    )


def _read(name: str, value: Any) -> object:
    """A field as the recipe takes it; a decimal comma is one, too."""
    kind = TrainingRecipe.model_fields[name].annotation
    if kind is bool:
        return value == "yes"
    return value if get_origin(kind) is Literal else str(value).strip().replace(",", ".")
