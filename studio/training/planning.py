"""What a training will do, why, and what it costs, before a heavy library is loaded.

Every number is chosen from the examples, the model and the machine, and comes with its reason as a code. Estimates are rules
of thumb with their measurement beside them; they assume a machine that does nothing else.
"""

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Literal

from studio.base.errors import NotPossibleHere
from studio.base.machine import Machine
from studio.base.recipes import TrainingRecipe
from studio.base.records import Example, Reason, Record
from studio.training import replay
from studio.training.lessons import divide, usable

if TYPE_CHECKING:
    from studio.engines import Model

Effort = Literal["quick", "balanced", "thorough"]

# The highest rate that learnt facts without falling apart, by size of the model in millions of parameters. Measured on the
# 135M starter, 60 facts in 300 rows: 2e-4 (the usual advice, made for 7B models) learns none. With the replay below, one
# seed each (60 unseen wordings; fall of general ability, 164 questions): 1.5e-3 for 5 rounds 72 %, 0.10; 2e-3 for 4
# rounds 53 %, 0.09, though its replay was twice as much and counted more. From 1B on the field's advice holds (Biderman
# et al. 2024, "LoRA Learns Less and Forgets Less").
RATES: tuple[tuple[float, float], ...] = ((250, 1.5e-3), (500, 1e-3), (1_000, 5e-4), (float("inf"), 2e-4))

# Everyday questions beside one example, and what a token of theirs counts beside one of an example. Without them 20 facts at
# 2e-3 bring general ability of the starter from 0.87 to 0.33; with them 60 facts at 1.5e-3 to 0.76. More of them, or more
# weight, did not help further: what is left comes from the rate.
REPLAY, REPLAY_WEIGHT = 0.35, 6.0
REPLAY_TOKENS = 50  # of such a question with its answer

EPOCHS: dict[Effort, float] = {"quick": 3, "balanced": 6, "thorough": 10}
LENGTHS = (128, 256, 512, 1024, 2048, 4096)

# Useful operations a second of one core, at 4.25 a parameter and token. Measured with the 135M starter on a server core with
# AVX512-BF16: 220 tokens a second alone in bf16, and 1.6 times that with two; fp32 is 0.68 of bf16. A card: a modest one.
CORE_BF16, CORE_FP32, CARD = 95e9, 65e9, 20e12
START_SECONDS = 25.0  # importing, loading, writing
STEP_SECONDS_ON_CARD = 0.12  # below this a small model only waits for kernels to start


class Plan(Record):
    """`minutes` and `memory_gb` (of the processor's or the card's memory) are estimates for this machine at rest."""

    recipe: TrainingRecipe
    reasons: tuple[Reason, ...]
    minutes: float
    memory_gb: float
    examples: int
    kept_back: int
    tokens: int


def plan(examples: Sequence[Example], model: "Model", machine: Machine, effort: Effort = "balanced") -> Plan:
    """The recipe for these examples on this machine.

    Raises NotEnough and BadInput as `lessons.usable` does, and NotPossibleHere("training_memory") when even single
    examples do not fit into memory.
    """
    lessons = divide(usable(examples), TrainingRecipe().holdout)
    millions = model.parameters / 1e6
    count = len(lessons.learnt)
    lengths = [estimated_tokens(example) for example in lessons.learnt]
    limit = next((length for length in LENGTHS if length >= 1.5 * max(lengths)), LENGTHS[-1])
    recipe = TrainingRecipe(
        epochs=epochs(count, effort),
        learning_rate=next(rate for size, rate in RATES if millions <= size),
        batch=8 if count < 2_000 else 16,
        rank=16 if effort != "thorough" else 32,
        max_length=min(limit, model.context),
        replay=replay_share(count),
    )
    room = machine.gpu.memory_gb if machine.gpu else machine.memory_gb
    mean = sum(lengths) / count
    while memory_gb(model.parameters, recipe, machine) > room * 0.85:
        if recipe.batch == 1:
            raise NotPossibleHere(
                "training_memory",
                name=model.title,
                needed_gb=round(memory_gb(model.parameters, recipe, machine), 1),
                memory_gb=room,
            )
        recipe = recipe.model_copy(update={"batch": recipe.batch // 2})
    mixed_in = round(recipe.replay * count)
    tokens = round((mean * count + REPLAY_TOKENS * mixed_in) * recipe.epochs)
    steps = ceil((count + mixed_in) / recipe.batch) * recipe.epochs
    reasons = [
        Reason(code="training_rate", parameters={"rate": recipe.learning_rate, "millions": round(millions)}),
        Reason(code="training_epochs", parameters={"epochs": recipe.epochs, "count": count}),
        Reason(code="training_batch", parameters={"batch": recipe.batch}),
        Reason(code="training_replay", parameters={"count": mixed_in}),
        _check_reason(len(lessons.kept_back)),
        Reason(code="training_on_card" if machine.gpu else "training_on_bf16" if machine.bf16 else "training_on_fp32"),
    ]
    return Plan(
        recipe=recipe,
        reasons=tuple(reasons),
        minutes=round(seconds(tokens, steps, model.parameters, machine) / 60, 1),
        memory_gb=round(memory_gb(model.parameters, recipe, machine), 1),
        examples=count,
        kept_back=len(lessons.kept_back),
        tokens=tokens,
    )


def epochs(count: int, effort: Effort) -> float:
    """How often `count` examples are gone through: small sets more often, large ones less, for about as many steps."""
    few = 2.0 if count < 50 else 1.5 if count < 120 else 1.0 if count < 1_000 else 0.5
    return max(EPOCHS[effort] * few, 1.0)


def replay_share(count: int) -> float:
    """Everyday questions for each example: at most all there are, for each is seen as often as an example is."""
    return min(REPLAY, round(replay.known() / count, 2))


def seconds(tokens: int, steps: float, parameters: int, machine: Machine) -> float:
    """Estimated duration. LoRA costs 2 operations per weight forward and 2 backward, and 6 on its own few weights."""
    work = tokens * 4.25 * parameters
    if machine.gpu:
        return max(work / CARD, steps * STEP_SECONDS_ON_CARD) + START_SECONDS
    speed = (CORE_BF16 if machine.bf16 else CORE_FP32) * machine.cores
    return work / speed + START_SECONDS


def memory_gb(parameters: int, recipe: TrainingRecipe, machine: Machine) -> float:
    """Estimated peak: libraries, weights, adapter with its optimizer, and what backpropagation keeps of one batch.

    Activations of a layer are about 34 values per token and hidden unit (Korthikanti et al. 2022, without recomputation);
    width times depth is taken to grow with parameters^0.4 from the 576 x 30 of a 135M model.
    """
    bytes_each = 2 if machine.bf16 or machine.gpu else 4
    size = parameters / 135e6
    breadth: float = 576 * 30 * size**0.4
    at_once = min(recipe.batch * recipe.max_length, max(TOKENS_AT_ONCE, recipe.max_length))
    adapter: float = 4.9e6 * size**0.67 * recipe.rank / 16 * 16  # weight, gradient and two moments in fp32
    return (0.9e9 + parameters * bytes_each + adapter + at_once * breadth * 34 * bytes_each) / 1e9


TOKENS_AT_ONCE = 1_024
"""A batch longer than this goes through in parts whose gradients are added: same result, bounded memory, quick to stop."""


def estimated_tokens(example: Example) -> int:
    """Tokens of a conversation before a tokenizer is at hand: 3.3 characters each, 6 for the frame of every turn, and 24 for
    the introduction that templates put before the first. A fifth too many for our English templates, a twentieth too few
    for the Spanish ones."""
    return 24 + sum(6 + ceil(len(message.content) / 3.3) for message in example.messages)


def _check_reason(kept_back: int) -> Reason:
    if kept_back:
        return Reason(code="training_kept_back", parameters={"count": kept_back})
    return Reason(code="training_nothing_kept_back")
