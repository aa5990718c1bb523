"""On a graphics card: our recipe beside TRL and PEFT at their defaults and Unsloth's notebooks, in one run.

    python -m tests.benchmarks.bench_gpu MODEL_FOLDER [--rounds 5] [--steps 4] [--baseline PYTHON]
    python -m tests.benchmarks.bench_gpu MODEL_FOLDER --processor    the same path without a card (trl <= 1.14.2)

MODEL_FOLDER is a Hugging Face model of 1-4 B weights. Prints date and hardware, then real tokens a second and a processor
second, the ratios to Unsloth's notebooks, and the card's memory at its highest; below it what was told beforehand, and how
long each took to its first step. There Unsloth compiles every layer, which a short training may not get back: with
UNSLOTH_BLOCK_COMPILE=0 before the command it does not. Wanted: faster than TRL and PEFT, not slower than the notebooks. Not
measured yet: no card was at hand.
"""

import argparse
from pathlib import Path

from studio.base import machine
from studio.base.recipes import TrainingRecipe
from studio.base.records import now
from studio.training import fitting
from tests.benchmarks import bench_training
from tests.benchmarks.training_sides import BATCH, RANK

SIDES = ["house", "trl", "unsloth"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4, help="of each side in each round")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--baseline", help="another Python with trl; this one has it too")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES)
    parser.add_argument("--processor", action="store_true", help="without a card")
    parser.add_argument("--quiet", action="store_true", help="nothing of what the libraries say")
    given = parser.parse_args()
    here = machine.look(given.model)
    if here.gpu is None and not given.processor:
        raise SystemExit("No graphics card here. With --processor the same path is gone without one.")
    sides = bench_training.measure(given.sides, given, "processor" if given.processor else "card")
    card = f"{here.gpu.name}, {here.gpu.memory_gb:.0f} GB" if here.gpu and not given.processor else here.processor
    print(
        f"{now()[:10]}, {card}, {given.model.name}, median of {given.rounds * given.steps} steps (and their middle half)"
    )
    print(*bench_training.table(sides, "unsloth" if "unsloth" in sides else "house"), sep="\n")
    recipe = TrainingRecipe(batch=BATCH, rank=RANK, max_length=512)
    told = fitting.memory_gb(_parameters(given.model), recipe, here)
    print(f"told beforehand for the house: {told:.1f} GB")
    print("seconds to the first step:", *(f"{name} {side.first:.0f}" for name, side in sides.items()))


def _parameters(model: Path) -> int:
    """Weights in the folder's files, at two bytes each."""
    return sum(path.stat().st_size for path in model.glob("*.safetensors")) // 2


if __name__ == "__main__":
    main()
