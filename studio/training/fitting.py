"""What a training needs of a machine's memory, by the way it learns, and what would fit where it does not.

Estimates from sizes alone; no heavy library. `planning.memory_gb` is the rule for adapters, the other ways are told from it.
"""

from typing import TYPE_CHECKING

from studio.base.errors import NotPossibleHere
from studio.base.machine import Machine
from studio.base.recipes import TrainingRecipe
from studio.base.records import Reason
from studio.training import planning

if TYPE_CHECKING:
    from studio.engines import Model

SAFE = 0.8  # of the free memory; the rest is for what no estimate sees
SHARE = 0.85  # of all memory, when nothing is known of what will be free
IN_LAYERS = 0.79  # of the weights of a small model; the rest is its vocabulary. More in a large one.
LAYERS = 30  # of a small model, where the model itself is not at hand
ON_CARD = (16_384, 8_192, 4_096, 2_048)
LENGTHS = (4_096, 2_048, 1_024, 512, 256, 128)


def memory_gb(parameters: int, recipe: TrainingRecipe, machine: Machine, tokens: int | None = None) -> float:
    """Estimated peak. `tokens` go through the model at once (default: as many as on a processor)."""
    adapter = planning.memory_gb(parameters, recipe, machine)
    extra = max((tokens or 0) - planning.TOKENS_AT_ONCE, 0) * _activations(parameters, machine)
    if recipe.method == "qlora":
        return adapter + extra - parameters * 1.4 / 1e9  # 4 bits and a little instead of 16 a weight
    if recipe.method == "lora":
        return adapter + extra
    share = IN_LAYERS * (1.0 if recipe.method == "full" else min(recipe.layers / LAYERS, 1.0))
    return (
        adapter + extra + parameters * share * 16 / 1e9
    )  # weight, gradient and two moments in 32 bits, and the way back


def tokens_at_once(parameters: int, recipe: TrainingRecipe, machine: Machine, free_gb: float) -> int:
    """How many tokens may go through the model together: on a card as many as fit, for it starves on few."""
    if machine.gpu is None:
        return planning.TOKENS_AT_ONCE
    fits = (n for n in ON_CARD if memory_gb(parameters, recipe, machine, n) <= SAFE * free_gb)
    return next(fits, planning.TOKENS_AT_ONCE)


def check(model: "Model", recipe: TrainingRecipe, machine: Machine) -> None:
    """Raises NotPossibleHere("training_memory", name=, needed_gb=, memory_gb=) for a training that will not fit."""
    room, needed = _room(machine), memory_gb(model.parameters, recipe.model_copy(update={"batch": 1}), machine)
    if needed > room * SHARE:
        raise NotPossibleHere("training_memory", name=model.title, needed_gb=round(needed, 1), memory_gb=room)


def alternatives(model: "Model", recipe: TrainingRecipe, machine: Machine, longest: int) -> list[Reason]:
    """What would fit where this training does not, the mildest change first; training elsewhere is always the last.

    `longest` is the longest example in tokens: shortening below it costs examples, and is said so.
    """
    from studio.engines import catalogue

    room, found = _room(machine) * SHARE, []
    one = recipe.model_copy(update={"batch": 1})

    def fits(changed: TrainingRecipe, parameters: int = model.parameters) -> bool:
        return memory_gb(parameters, changed, machine) <= room

    if recipe.method != "lora" and fits(one.model_copy(update={"method": "lora"})):
        found.append(Reason(code="training_instead_adapter"))
    if machine.gpu and recipe.method != "qlora" and fits(one.model_copy(update={"method": "qlora"})):
        found.append(Reason(code="training_instead_qlora"))
    shorter = next(
        (n for n in LENGTHS if n < recipe.max_length and fits(one.model_copy(update={"max_length": n}))), None
    )
    if shorter is not None:
        code = "training_instead_shorter" if shorter < longest else "training_instead_window"
        found.append(Reason(code=code, parameters={"limit": shorter}))
    smaller = [each for each in catalogue() if each.parameters < model.parameters and fits(one, each.parameters)]
    if smaller and not fits(one):
        best = max(smaller, key=lambda each: each.parameters)
        found.append(Reason(code="training_instead_model", parameters={"name": best.title}))
    if recipe.method == "qlora" and machine.gpu is None:
        return found
    needed = round(memory_gb(model.parameters, recipe, machine) / SHARE, 1)
    return [*found, Reason(code="training_instead_elsewhere", parameters={"needed_gb": needed})]


def _room(machine: Machine) -> float:
    return machine.gpu.memory_gb if machine.gpu else machine.memory_gb


def _activations(parameters: int, machine: Machine) -> float:
    """Gigabytes a token keeps for the way back, as in `planning.memory_gb`."""
    size: float = (parameters / 135e6) ** 0.4
    return 576 * 30 * size * 34 * (2 if machine.bf16 or machine.gpu else 4) / 1e9
