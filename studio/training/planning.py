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
from studio.training import everyday
from studio.training.lessons import divide, usable

if TYPE_CHECKING:
    from studio.engines import Model

Effort = Literal["quick", "balanced", "thorough"]

# By size of the model in millions of parameters: the highest rate that learnt facts without falling apart, and everyday
# questions beside one example. Measured on the 135M starter, 2026-11-22: 60 facts of an insurer in 300 rows, 28 of which the
# product keeps back, 60 unseen wordings; 164 questions of general ability, untrained 0.85, within the facts' system message
# 0.76:
#   nothing beside, 2e-3, 5 rounds: facts 0.85, general 0.36
#   a question beside each example, 5 rounds: 0.72, 0.83; and questions in fewer words (`wording`): 0.83, 0.79
#   the questions counting alike from first to last, 10 rounds: 0.82 to 0.87, 0.82 to 0.86 at 1e-3, 1.2e-3 and 1.5e-3
#   counting little at first and in full at the end (`replay.weighed`), 10 rounds, 1.3e-3:
#   0.87, 0.87, 0.88, 0.83, 0.87 (seeds 1 to 5), 0.83 to 0.85 (0.71 to 0.74 within the message); since the loss is divided by
#   the examples' weights alone, as shipped, 0.87, 0.88 (seeds 1, 2), 0.83, 0.84 (0.73, 0.75)
#   8 rounds of it: 0.83, 0.83 (seeds 1, 2), 0.83, 0.83 (0.74, 0.73); at 1.5e-3 0.85, 0.87, 0.81, 0.85 (0.74, 0.70)
#   8 rounds, three questions (of 500) beside four examples, four wordings, 1.3e-3 and 1.5e-3 (seed 1): 0.87, 0.88, and
#   0.80, 0.81 (0.69, 0.67)
# On an insurer's template (46 answers, 225 rows, no message; 29 of 37 test questions ask for one of them) counting alike
# and counting little at first were right 20 times at 1.2e-3 and 25 at 2e-3 (general 0.82, 0.82), and 25 and 26 times (0.83,
# 0.81), one seed each, in a loop of the same maths; the product, at 1.3e-3, 22 times. So slowly and long, free at first and
# held in the end. Taking part of the adapter back afterwards lost facts and won nothing. 2e-4 (the usual advice, made for
# 7B models) learns nothing; from 1B on it holds, and so little moves that fewer questions do (Biderman et al. 2024, "LoRA
# Learns Less and Forgets Less").
RATES: tuple[tuple[float, float, float], ...] = (
    (250, 1.3e-3, 1.0),
    (500, 7e-4, 0.5),
    (1_000, 5e-4, 0.35),
    (float("inf"), 2e-4, 0.35),
)
MEASURED = RATES[0][0]  # the rates of larger models are the field's
REPLAY_WEIGHT = 6.0  # of a token of theirs at the end, beside one of an example
REPLAY_FIRST = 1 / 8  # so much of it at the beginning
REPLAY_TOKENS = 45  # of such a question with its answer
REPLAY_HEARD = 50  # tokens learnt that are as much work as asking one question of the untrained model (`listening`)
READ = 9  # and as reading a row once through the layers that do not learn (`below`)

UPPER_HALF = 250e6
"""Up to so many parameters the adapter goes into the upper half of the layers: on the starter 60 facts are learnt as well as
with all, a step costs half as much, and what reads the question stays as it was. Not measured with larger models, which have
room for both."""

# A quick look takes larger steps and half of the everyday questions: with the full recipe and three rounds an insurer's 225
# examples were hardly learnt: 6 of 37 test questions right; 19 so (2026-11-22). What it costs the model is not asked then.
EPOCHS: dict[Effort, float] = {"quick": 5, "balanced": 10, "thorough": 15}
QUICK_RATE, QUICK_REPLAY = 5 / 3, 0.5
VAST = 10_000  # examples
ROUNDS = ((50, 2.0), (120, 1.5), (600, 1.0), (1_500, 0.6), (VAST, 0.5))  # so many times as often where there are fewer
LENGTHS = (128, 256, 512, 1024, 2048, 4096)

# Operations a parameter and token: 2 forth, 2 back, and the adapter's own; half of it where the lower layers are read once.
# Of a row's tokens so many go through, the common beginning of a batch only once (`packing`).
WHOLE, HALF, THROUGH = 4.25, 2.1, 0.6
# Useful operations a second of one core: the 135M starter reached 111e9 (105 to 136e9) on a server core with AMX beside a
# busy one, 651 tokens; a core at rest is taken for a little faster. fp32 is 0.68 of bf16. A card: a modest one.
CORE_BF16, CORE_FP32, CARD = 130e9, 88e9, 20e12
# To ask the 135M starter about general ability once; estimated from 25 tokens a CPU-second, two cores.
GUARD_SECONDS = 60.0
START_SECONDS = 25.0  # importing, loading, writing
STEP_SECONDS_ON_CARD = 0.12  # below this a small model only waits for kernels to start


class Plan(Record):
    """`minutes` and `memory_gb` (of the processor's or the card's memory) are estimates for this machine at rest; `fixed` of
    the minutes are not for the steps: to load, to ask everyday questions, to see what it cost the model.
    """

    recipe: TrainingRecipe
    reasons: tuple[Reason, ...]
    minutes: float
    fixed: float
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
    rate, beside = next(each[1:] for each in RATES if millions <= each[0])
    if effort == "quick":
        rate, beside = round(rate * QUICK_RATE, 6), beside * QUICK_REPLAY
    recipe = TrainingRecipe(
        epochs=epochs(count, effort),
        learning_rate=rate,
        batch=8 if count < VAST else 16,
        rank=16 if effort != "thorough" else 32,
        max_length=min(limit, model.context),
        replay=replay_share(count, beside),
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
    beside = recipe.replay * count * recipe.epochs
    heard = everyday.asked(recipe.replay, count, recipe.epochs)
    tokens = round(mean * count * recipe.epochs + REPLAY_TOKENS * beside)
    once = REPLAY_HEARD * heard + (READ * (count + heard) if model.parameters <= UPPER_HALF else 0)
    fixed = START_SECONDS + seconds(once, 0, model.parameters, machine)
    if effort != "quick":
        fixed += 2 * GUARD_SECONDS * model.parameters / 135e6 * 2 / machine.cores
    learning = seconds(tokens, ceil(count / recipe.batch) * recipe.epochs, model.parameters, machine)
    reasons = [
        Reason(
            code="training_rate" if millions <= MEASURED else "training_rate_usual",
            parameters={"rate": recipe.learning_rate, "millions": round(millions)},
        ),
        Reason(
            code="training_rank_half" if model.parameters <= UPPER_HALF else "training_rank",
            parameters={"rank": recipe.rank},
        ),
        Reason(code="training_epochs", parameters={"epochs": recipe.epochs, "count": count}),
        Reason(code="training_batch", parameters={"batch": recipe.batch}),
        Reason(code="training_window", parameters={"limit": recipe.max_length}),
        Reason(code="training_replay", parameters={"count": heard}),
        *_check_reasons(len(lessons.kept_back), recipe.patience),
        Reason(code="training_on_card" if machine.gpu else "training_on_bf16" if machine.bf16 else "training_on_fp32"),
    ]
    return Plan(
        recipe=recipe,
        reasons=tuple(reasons),
        minutes=round((fixed + learning) / 60, 1),
        fixed=round(fixed / 60, 1),
        memory_gb=round(memory_gb(model.parameters, recipe, machine), 1),
        examples=count,
        kept_back=len(lessons.kept_back),
        tokens=tokens,
    )


def epochs(count: int, effort: Effort) -> float:
    """How often `count` examples are gone through: small sets more often, large ones less, but never so few times that
    nothing sticks.

    Of 400 facts in 2,000 rows the starter learns how such answers sound in the first round, and no fact; after two rounds
    and a half the loss begins to fall (the plateau of Zucchet et al. 2025, "How do language models learn facts? Dynamics,
    curricula and hallucinations"). So after three rounds 30 of 120 were right in an unseen wording, in batches of 8 and of
    16, 48 and 49 at two and three times the rate (general ability 0.85, and 0.75 at three times); after five 120 of 120,
    general ability 0.84, and 119 and 0.80 at twice the rate in batches of 16 (one seed each, 2026-11-22; 0.85 untrained).
    """
    times = next((times for fewer, times in ROUNDS if count < fewer), 0.3)
    return max(EPOCHS[effort] * times, 1.0)


def replay_share(count: int, most: float) -> float:
    """Everyday questions beside one example: `most`, and fewer where all there are would be seen in every round."""
    return min(most, round(everyday.known() / count, 2))


def seconds(tokens: int, steps: float, parameters: int, machine: Machine) -> float:
    """Estimated duration of learning so many tokens."""
    if machine.gpu:
        return max(tokens * WHOLE * parameters / CARD, steps * STEP_SECONDS_ON_CARD)
    work = tokens * THROUGH * (HALF if parameters <= UPPER_HALF else WHOLE) * parameters
    return work / ((CORE_BF16 if machine.bf16 else CORE_FP32) * machine.cores)


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


def _check_reasons(kept_back: int, patience: int) -> list[Reason]:
    if kept_back:
        found = [Reason(code="training_kept_back", parameters={"count": kept_back})]
        return [*found, Reason(code="training_patience", parameters={"patience": patience})] if patience else found
    return [Reason(code="training_nothing_kept_back")]
