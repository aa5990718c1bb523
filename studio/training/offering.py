"""What would be trained, before anybody commits: the plan's recipe with the person's dials on it, and what it costs.

Dials are a handful of the recipe's fields; the rest is chosen. What does not fit comes back with what would.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from studio.base.errors import BadInput, NotPossibleHere
from studio.base.machine import Gpu, Machine
from studio.base.recipes import TrainingRecipe
from studio.base.records import Example, Fault, Parameter, Reason, Record
from studio.training import fitting, loading, order, pacing, piloting
from studio.training.lessons import rounds, usable
from studio.training.pacing import Cost
from studio.training.planning import Effort, Plan, estimated_tokens, plan

FEW = 60  # examples: fewer are better checked in turn than by keeping some back
FOLDS = 5
GENTLER = 20  # times smaller are the steps of layers that learn themselves: an adapter starts at nothing, they do not
_OVERRULED = {  # dial -> how the codes begin of what was said for it
    "learning_rate": "training_rate", "epochs": "training_epochs", "batch": "training_batch", "rank": "training_rank",
    "max_length": "training_window", "patience": "training_patience",
}  # fmt: skip


class Offer(Record):
    """`fault` says why it cannot be had here, and `instead` what could; `cost` is None then."""

    plan: Plan
    cost: Cost | None = None
    fault: Fault | None = None
    instead: tuple[Reason, ...] = ()


def offer(
    examples: Sequence[Example],
    model: "Model",
    machine: Machine,
    effort: Effort,
    dials: Mapping[str, Parameter | bool],
    paces: Path,
    price_hour: float = 0.0,
) -> Offer:
    """The training as it would be done.

    Raises NotEnough and BadInput as `lessons.usable` does, and BadInput("dial_wrong", name=, value=) for a dial that
    cannot stand where it stands.
    """
    chosen = _chosen(examples, model, machine, effort)
    recipe = _with_dials(_settled(chosen.recipe, examples, effort, dials), dials)
    made = chosen.model_copy(
        update={
            "recipe": recipe,
            "reasons": (*_reasons(chosen, recipe, dials), *_tasks(examples, recipe)),
            "tokens": round(chosen.tokens * recipe.epochs / chosen.recipe.epochs),
            "minutes": round(chosen.fixed + (chosen.minutes - chosen.fixed) * recipe.epochs / chosen.recipe.epochs, 1),
            "memory_gb": round(fitting.memory_gb(model.parameters, recipe, machine), 1),
        }
    )
    try:
        loading.check(recipe, machine)
        fitting.check(model, recipe, machine)
    except NotPossibleHere as error:
        longest = max(estimated_tokens(example) for example in usable(examples))
        instead = fitting.alternatives(model, recipe, machine, longest)
        return Offer(plan=made, fault=error.fault, instead=tuple(instead))
    return Offer(plan=made, cost=pacing.cost(made, model.name, machine, paces, price_hour))


def read_dials(given: Mapping[str, object]) -> dict[str, Parameter | bool]:
    """Fields of a recipe as a file or a form gives them, as the recipe takes them.

    Raises BadInput("dial_unknown", name=) and BadInput("dial_wrong", name=, value=).
    """
    for name in given:
        if name not in TrainingRecipe.model_fields:
            raise BadInput("dial_unknown", name=name[:60])
    made = _with_dials(TrainingRecipe(), given)
    return {name: getattr(made, name) for name in given}


def read_recipe(text: str, name: str) -> dict[str, Parameter | bool]:
    """The settings that a file holds. Raises BadInput("recipe_unreadable", name=) and as `read_dials` does."""
    try:
        told = json.loads(text)
    except ValueError as error:
        raise BadInput("recipe_unreadable", name=name) from error
    if not isinstance(told, dict):
        raise BadInput("recipe_unreadable", name=name)
    return read_dials(told)


def _chosen(examples: Sequence[Example], model: "Model", machine: Machine, effort: Effort) -> Plan:
    """The plan; where not even a single example would fit, the plan of a roomier machine, to be judged afterwards."""
    try:
        return plan(examples, model, machine, effort)
    except NotPossibleHere:
        room = {"memory_gb": 1e6, "free_memory_gb": 1e6}
        card = Gpu(name="", memory_gb=1e6, free_gb=1e6) if machine.gpu else None
        made = plan(examples, model, machine.model_copy(update=room | {"gpu": card}), effort)
        return made.model_copy(update={"recipe": made.recipe.model_copy(update={"batch": 1})})


def _settled(
    recipe: TrainingRecipe, examples: Sequence[Example], effort: Effort, dials: Mapping[str, object]
) -> TrainingRecipe:
    """What follows from the effort and from the way of learning, where the person has not said otherwise."""
    update: dict[str, object] = {"pilot": effort != "quick"}
    material = usable(examples)
    if effort == "thorough" and len(material) < FEW and rounds(material, FOLDS):
        update["folds"] = FOLDS
    if dials.get("method") in ("full", "last_layers"):
        update["learning_rate"] = recipe.learning_rate / GENTLER
    return recipe.model_copy(update=update)


def _with_dials(recipe: TrainingRecipe, dials: Mapping[str, object]) -> TrainingRecipe:
    try:
        return TrainingRecipe.model_validate(recipe.model_dump() | dict(dials))
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput("dial_wrong", name=str(first["loc"][0]), value=str(first["input"])[:60]) from error


def _reasons(chosen: Plan, recipe: TrainingRecipe, dials: Mapping[str, object]) -> tuple[Reason, ...]:
    """Why each thing is as it is; nothing that the person has overruled is still called a choice of ours."""
    overruled = {code for name, code in _OVERRULED.items() if name in dials}
    if recipe.folds:
        overruled |= {"training_kept_back", "training_nothing_kept_back", "training_patience"}
    if recipe.method != "lora":
        overruled |= {"training_rate"} | ({"training_rank"} if recipe.method != "qlora" else set())
    found = [reason for reason in chosen.reasons if not reason.code.startswith(tuple(overruled))]
    if recipe.method != "lora":
        found.insert(0, Reason(code=f"training_method_{recipe.method}", parameters={"layers": recipe.layers}))
    if recipe.folds:
        found.append(Reason(code="training_folds", parameters={"folds": recipe.folds}))
    elif tried := piloting.shares(chosen.examples, chosen.kept_back, recipe):
        found.append(Reason(code="training_pilot", parameters={"percent": round(100 * sum(tried))}))
    if dials:
        found.append(Reason(code="training_dials", parameters={"count": len(dials)}))
    return tuple(found)


def _tasks(examples: Sequence[Example], recipe: TrainingRecipe) -> list[Reason]:
    """How several tasks share the training; nothing to say of one."""
    counts = Counter(example.task for example in usable(examples))
    if len(counts) < 2:
        return []
    places, (least, few) = order.places(counts, recipe.mixing), min(counts.items(), key=lambda each: (each[1], each[0]))
    told: dict[str, Parameter] = {"tasks": len(counts), "few": few, "times": round(places[least] / few, 1)}
    return [Reason(code="training_tasks", parameters=told)]


if TYPE_CHECKING:
    from studio.engines import Model
