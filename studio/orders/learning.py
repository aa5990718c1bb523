"""What a model would learn, what that costs, and its dials; and all that learns apart from a build."""

import hashlib
from collections.abc import Mapping
from math import ceil
from typing import Literal

from studio import engines, improvement, training
from studio.base.errors import BadInput, NotEnough, NotPossibleHere, StudioError
from studio.base.machine import look
from studio.base.project import Project
from studio.base.recipes import SOUGHT, PreferRequest, RehearseRequest, SeekRequest, TrainingRecipe
from studio.base.records import Parameter, Reason, Run
from studio.base.runs import Runs
from studio.orders import chosen
from studio.orders.chosen import Effort


def plan(project: Project, runs: Runs) -> training.Plan | None:
    """How the learning would go, or None when there is too little to learn from or it does not fit here."""
    try:
        offered = offer(project, runs)
    except StudioError:
        return None
    return offered.plan.model_copy(update={"minutes": offered.cost.minutes}) if offered.cost else None


def offer(
    project: Project, runs: Runs, effort: Effort | None = None, dials: Mapping[str, Parameter | bool] | None = None
) -> training.Offer:
    """The learning before it is ordered: recipe, reasons, cost, or what could be had instead. `dials` stand in for the
    project's own. Raises NotEnough and BadInput where nothing can be learnt.
    """
    turned = project.card.dials if dials is None else dials
    offered = training.offer(
        project.store.examples(),
        engines.model(chosen.model_of(project, runs)),
        look(project.folder),
        effort or project.card.effort,
        turned,
        runs.settings.private / training.PACES,
        project.card.price_hour,
    )
    found = project.sought()
    if found is None or not found.dials or not found.dials.items() <= turned.items():
        return offered
    reasons = [r for r in offered.plan.reasons if r.code != "training_dials" or turned.keys() > found.dials.keys()]
    told = {name: found.told[name] for name in ("gain", "low", "high")}
    reasons.append(Reason(code="training_sought", parameters={"examples": found.examples, **told}))
    return offered.model_copy(update={"plan": offered.plan.model_copy(update={"reasons": tuple(reasons)})})


def turn(project: Project, given: Mapping[str, object], price_hour: float | None = None) -> None:
    """Set the dials of the project's training; what is not among them is chosen. Raises BadInput for one that cannot stand
    there.
    """
    dials = training.read_dials(given)
    if price_hour is not None and not 0 <= price_hour <= 100_000:
        raise BadInput("dial_wrong", name="price_hour", value=str(price_hour)[:60])
    project.change(dials=dials, **({} if price_hour is None else {"price_hour": price_hour}))


def rehearse(project: Project, runs: Runs) -> Run:
    """Time a few steps of the learning and show its first batch. Raises as `offer` does, and what does not fit."""
    request = RehearseRequest(
        recipe=offered_recipe(project, runs, project.card.effort),
        model=chosen.model_of(project, runs),
        material=project.fingerprint,
    )
    return runs.start(project, "rehearse", request, again=True)


def outlook(project: Project, runs: Runs) -> training.Outlook:
    """What looking for better settings of the learning would take. Raises as `offer` does, what does not fit, and NotEnough
    where too few answers could be kept aside.
    """
    model, recipe = engines.model(chosen.model_of(project, runs)), _unsought(project, runs)
    paces = runs.settings.private / training.PACES
    a_token = training.pace(model.name, model.parameters, recipe, look(project.folder), paces)
    return training.outlook(project.store.examples(), recipe, a_token)


def seek(project: Project, runs: Runs, minutes: float) -> Run:
    """Look for settings of the learning that bring more than the studio's own. Raises as `outlook` does, and
    BadInput("seek_too_short", minutes=, needed=) for less time than the first trial takes.
    """
    expected = outlook(project, runs)
    if not minutes >= expected.least:
        raise BadInput("seek_too_short", minutes=f"{minutes:g}"[:20], needed=ceil(expected.least))
    request = SeekRequest(
        recipe=_unsought(project, runs),
        own={name: float(value) for name, value in project.card.dials.items() if name in SOUGHT},
        minutes=min(minutes, 10_080),
        model=chosen.model_of(project, runs),
        material=project.fingerprint,
    )
    return runs.start(project, "seek", request, again=True)


def prefer(project: Project, runs: Runs, method: Literal["dpo", "orpo"] = "dpo", learning_rate: float = 0.0) -> Run:
    """Learn from what people like better, on top of the last training of the project's model.

    Raises NotEnough("preferences_too_few", count=, needed=) and NotPossibleHere("prefer_layers").
    """
    pairs, model = improvement.preferences(project).pairs, chosen.model_of(project, runs)
    if len(pairs) < training.NEEDED:
        raise NotEnough("preferences_too_few", count=len(pairs), needed=training.NEEDED)
    trained = chosen.last_training(project, model)
    told = hashlib.sha256("\n".join(pair.model_dump_json() for pair in pairs).encode()).hexdigest()[:16]
    request = PreferRequest(
        model=model, start=trained.id if trained else "", method=method, learning_rate=learning_rate, material=told
    )
    training.recipe_of(training.Start(model, project.folder, None, trained), request)
    return runs.start(project, "prefer", request, again=True)


def offered_recipe(
    project: Project, runs: Runs, effort: Effort, dials: Mapping[str, Parameter | bool] | None = None
) -> TrainingRecipe:
    """The recipe that was offered; what does not fit here is refused, with the mildest change that would."""
    offered = offer(project, runs, effort, dials)
    if offered.fault is not None:
        raise NotPossibleHere(offered.fault.code, **offered.fault.parameters)
    return offered.plan.recipe


def _unsought(project: Project, runs: Runs) -> TrainingRecipe:
    """The recipe as it would be without the dials that are looked for."""
    kept = {name: value for name, value in project.card.dials.items() if name not in SOUGHT}
    return offered_recipe(project, runs, project.card.effort, kept)
