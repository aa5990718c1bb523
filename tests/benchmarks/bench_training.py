"""How fast the house trains beside TRL and PEFT, Unsloth's own trainer and a loop by hand: turn and turn about, in one run.

    python -m tests.benchmarks.bench_training MODEL_FOLDER [--rounds 5] [--steps 2] [--threads 1] [--baseline PYTHON]
    python -m tests.benchmarks.bench_training MODEL_FOLDER --sides house hand limit

Every side is a process that loads once and then takes its steps when its turn comes, so that all meet the same neighbours.
Prints the medians of real (not padded) tokens a second and a processor second, and the ratio to TRL's defaults. `limit` is
what the machine does of the model's matrix products alone, and with it the share of it that the house reaches.

The sides `trl` and `matched` need TRL 1.14.2 or older: from 1.15 its loss is a Triton kernel, which Unsloth replaces and
plain TRL on a processor does not. Give the Python of an environment with `trl==1.14.2` as --baseline.

Measured 2026-11-22 on one core of a Xeon with AMX, the other at work: starter model, 300 rows of 51 tokens, 8 a step,
medians of 8 steps, tokens a CPU-second: house 651 (619-799), the loop by hand with the same adapter 339, TRL's defaults 145,
so 4.50 and 1.92 times. The house sends 59 % of the rows' tokens through the upper layers, those below read each row once
(their share of the training is in the figure), and reaches 23 % of the 457 GFLOP a CPU-second that the matrix products do
alone: the rest are small products of the adapter, copies between precisions, and attention row by row. On two quiet cores,
two threads: house 801 tokens a second, by hand 477, TRL 218, so 3.67 and 1.68 times, 21 % of the limit; with one thread the
house does 686 there. Since then a step goes back through the vocabulary by hand and heads that share
a key are one matrix: on two cores of a host that was not quiet (a tenth of the time stolen) house 594 tokens a second, by
hand 338, TRL 159, so 3.73 and 1.76 times, 22 %. With everyday questions beside the rows, which hold the model word by word,
a step takes 0.75 of what it took (0.84 and 0.89, either in turn within one process), and two threads 0.76 of one's time.
Before the lower layers were kept: house 620 a CPU-second, by hand 365, TRL 157; on two loaded cores matched TRL 114, TRL 96,
Unsloth's trainer 61.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from studio.base import machine
from studio.base.records import now

HOUSE = Path(__file__).parents[2]
SIDES = ("house", "trl", "matched", "unsloth", "hand", "limit")
BASELINE = ("trl", "matched")
Step = dict[str, float]


class Side:
    """A process that takes steps when it is asked."""

    def __init__(self, name: str, python: str, model: Path, threads: int, card: str) -> None:
        command = [python, "-m", "tests.benchmarks.training_sides", name, str(model), str(threads), card]
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
        # All on the same card: of several the house takes one, and transformers' trainer divides its batches among all.
        seen = (machine.card() if card == "card" else None) or "-1"
        environment |= {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": seen}
        self.process = subprocess.Popen(
            command, cwd=HOUSE, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if "--quiet" in sys.argv else None, text=True,
        )  # fmt: skip
        self.name, self.steps = name, list[Step]()
        self.first = self._read()["wall"]  # the first step waits for kernels to be chosen, and is not counted

    def take(self, steps: int) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        self.steps += [self._read() for _ in range(steps)]

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def median(self, of: str) -> float:
        """Of what all rounds had a second: `tokens`, or what else a step tells."""
        return statistics.median(step["tokens"] / step[of] for step in self.steps)

    def _read(self) -> Step:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended ({self.process.wait()})")
        told: Step = json.loads(line)
        return told


def measure(names: list[str], given: argparse.Namespace, card: str = "processor") -> dict[str, Side]:
    """All sides after all rounds."""
    python = {name: given.baseline or sys.executable if name in BASELINE else sys.executable for name in names}
    sides = {name: Side(name, python[name], given.model, given.threads, card) for name in names}
    for _ in range(given.rounds):
        for side in sides.values():
            side.take(given.steps)
    for side in sides.values():
        side.end()
    return sides


def table(sides: dict[str, Side], against: str) -> list[str]:
    """A line a side: tokens a processor second and a second, the ratio of each to `against`, and memory of a card."""
    lines = []
    for name, side in sides.items():
        if name == "limit":
            continue
        cpu, wall = side.median("cpu"), side.median("wall")
        base = sides.get(against, side)
        ratios = cpu / base.median("cpu"), wall / base.median("wall")
        memory = max((step.get("memory_gb", 0.0) for step in side.steps), default=0.0)
        low, _, high = statistics.quantiles((step["tokens"] / step["cpu"] for step in side.steps), n=4)
        line = f"{name:8} {cpu:8.0f} /CPU-s ({low:.0f}-{high:.0f}) {wall:9.0f} /s   x{ratios[0]:.2f} x{ratios[1]:.2f}"
        lines.append(line + (f"   {memory:.1f} GB" if memory else ""))
    return lines


def share(house: Side, limit: Side, model: Path) -> str:
    """What of the machine's matrix products reaches the weights that learn, by processor seconds."""
    told: dict[str, Any] = json.loads((model / "config.json").read_text())
    wide, inner, heads = (told[k] for k in ("hidden_size", "intermediate_size", "num_attention_heads"))
    width = told.get("head_dim") or wide // heads
    keys, queries = told.get("num_key_value_heads", heads) * width, heads * width
    linear = 2 * wide * queries + 2 * wide * keys + 3 * wide * inner  # of a layer
    adapter = 16 * (2 * (wide + queries) + 2 * (wide + keys) + 3 * (wide + inner))
    head = wide * told["vocab_size"]
    products = statistics.median(step["tokens"] * 1e6 / step["cpu"] for step in limit.steps)
    done = statistics.median(
        (2 * step["forth"] * linear + step["back"] * (2 * linear + 6 * adapter) + step["said"] * 4 * head) / step["cpu"]
        for step in house.steps
    )
    read = statistics.median(step["through"] / step["tokens"] for step in house.steps)
    return (
        f"limit    {products / 1e9:8.0f} GFLOP a CPU-s in matrix products; the house reaches {done / products:.0%} of it, "
        f"and sends {read:.0%} of the rows' tokens through"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2, help="of each side in each round")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--baseline", help="Python with trl<=1.14.2")
    parser.add_argument("--sides", nargs="+", choices=SIDES)
    parser.add_argument("--quiet", action="store_true", help="nothing of what the libraries say")
    given = parser.parse_args()
    names = given.sides or [name for name in SIDES if given.baseline or name not in BASELINE]
    sides = measure(names, given)
    here = machine.look(HOUSE)
    steps = given.rounds * given.steps
    print(f"{now()[:10]}, {here.processor}, {given.threads} threads, median of {steps} steps (and their middle half)")
    print(*table(sides, "trl" if "trl" in sides else "hand"), sep="\n")
    if {"house", "limit"} <= sides.keys():
        print(share(sides["house"], sides["limit"], given.model))


if __name__ == "__main__":
    main()
