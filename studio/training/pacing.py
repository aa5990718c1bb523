"""How fast this machine teaches a model, measured, and what a training therefore takes: time, energy, money.

A few steps of every training are timed and kept in the studio's own folder, so that the next one is told beforehand what it
will cost. Until then the rules of `planning` stand in, and it is said that they do. What is assumed is part of the answer.
"""

import hashlib
import json
from pathlib import Path

from studio.base import files
from studio.base.machine import Machine
from studio.base.recipes import TrainingRecipe
from studio.base.records import Record, now
from studio.training import piloting
from studio.training.planning import Plan

PACES = "paces.json"  # in the studio's own folder
WATTS_A_CORE, WATTS_AROUND, WATTS_OF_A_CARD = 12.0, 20.0, 300.0
"""What a busy core draws, what the rest of a machine does, and what a card draws that does not say its limit: assumed."""

CHECKING = 1.1  # checks, checkpoints and spoken answers beside the steps: 6-9 % in a training of 300 rows on two cores


class Pace(Record):
    """`estimated_share` is how many tokens were estimated for one that there was: plans know no tokenizer."""

    tokens_per_second: float
    estimated_share: float = 1.0
    memory_gb: float = 0.0
    at: str = ""


class Cost(Record):
    """What a training takes on this machine. `measured` says whether its pace was measured here or follows a rule.

    `watts` is what the machine is taken to draw; `money` is 0 where nobody has said what an hour costs.
    """

    minutes: float
    kwh: float
    watts: float
    money: float
    memory_gb: float
    measured: bool


def cost(plan: Plan, model: str, machine: Machine, paces: Path, price_hour: float = 0.0) -> Cost:
    """What the plan takes: its own minutes, or the measured pace of this model, way and machine where there is one."""
    rounds = _rounds(plan)
    pace = known(paces, model, plan.recipe, machine)
    if pace is None:
        seconds = 60 * (plan.fixed + (plan.minutes - plan.fixed) * rounds)
    else:
        learning = plan.tokens * rounds / pace.estimated_share / pace.tokens_per_second
        seconds = 60 * plan.fixed + learning * CHECKING
    watts = draw(machine)
    return Cost(
        minutes=round(seconds / 60, 1),
        kwh=round(seconds / 3600 * watts / 1000, 4),
        watts=watts,
        money=round(seconds / 3600 * price_hour, 4),
        memory_gb=plan.memory_gb if pace is None or not pace.memory_gb else pace.memory_gb,
        measured=pace is not None,
    )


def draw(machine: Machine) -> float:
    """Watts while it trains."""
    if machine.gpu:
        return (machine.gpu.watts or WATTS_OF_A_CARD) + WATTS_AROUND + WATTS_A_CORE
    return machine.cores * WATTS_A_CORE + WATTS_AROUND


def known(paces: Path, model: str, recipe: TrainingRecipe, machine: Machine) -> Pace | None:
    """What was measured for this model, way of learning and machine."""
    told = (files.read_json(paces) or {}).get(_key(model, recipe, machine))
    return Pace.model_validate(told) if isinstance(told, dict) else None


def keep(paces: Path, model: str, recipe: TrainingRecipe, machine: Machine, pace: Pace) -> None:
    """Remember a measured pace; the last one counts."""
    told = files.read_json(paces) or {}
    told[_key(model, recipe, machine)] = pace.model_copy(update={"at": now()}).model_dump()
    files.write_json(paces, told)


def _rounds(plan: Plan) -> float:
    """How many times the plan's tokens go through: the training, its pilots, its rounds of cross-validation."""
    recipe = plan.recipe
    if recipe.folds:
        return 1 + recipe.folds - 1
    return 1 + sum(piloting.shares(plan.examples, plan.kept_back, recipe))


def _key(model: str, recipe: TrainingRecipe, machine: Machine) -> str:
    card = machine.gpu.name if machine.gpu else ""
    way = (recipe.method, recipe.rank if "lora" in recipe.method else recipe.layers if recipe.method != "full" else 0)
    told = json.dumps([model, *way, machine.processor, machine.bf16, card])
    return hashlib.sha256(told.encode()).hexdigest()[:16]
