"""How fast the house trains beside TRL and PEFT at their defaults: the same rows, the same machine, turn and turn about.

    python -m tests.benchmarks.bench_training MODEL_FOLDER [--rounds 3] [--steps 8] [--threads 2] [--baseline PYTHON]

Prints the median of real (not padded) tokens a second of both and their ratio. The baseline needs TRL 1.14.2 or older: from
1.15 its loss is a Triton kernel, which Unsloth replaces and plain TRL on a processor does not. Give the Python of an
environment with `trl==1.14.2` as --baseline; without it only the house is measured. Use a quiet machine.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

HOUSE = Path(__file__).parents[2]
ROWS = HOUSE / "templates/insurance-claims/en/sources/Past-Questions.csv"
BATCH = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--baseline", help="Python with trl<=1.14.2")
    parser.add_argument("--side", choices=("house", "trl"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        measure = house if given.side == "house" else trl
        print(json.dumps(measure(given.model.resolve(), given.steps, given.threads)))
        return
    sides = {"house": sys.executable} | ({"trl": given.baseline} if given.baseline else {})
    speeds: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(given.rounds):
        for side, python in sides.items():
            speeds[side] += _in_a_child(python, side, given)
    medians = {side: statistics.median(values) for side, values in speeds.items()}
    for side, median in medians.items():
        print(f"{side:6} {median:7.1f} tokens/s (median of {len(speeds[side])} steps, {given.threads} threads)")
    if "trl" in medians:
        print(f"ratio  {medians['house'] / medians['trl']:7.2f}")


def house(model: Path, steps: int, threads: int) -> list[float]:
    """Tokens a second of every step but the first, as `training.train` takes them."""
    from studio.base import settings
    from studio.base.events import Event, Progress
    from studio.base.recipes import TrainingRecipe
    from studio.base.records import Example, Message

    settings.silence_libraries()
    from studio import training

    examples = [
        Example(id=str(n), messages=(Message(role="user", content=asked), Message(role="assistant", content=answered)))
        for n, (asked, answered) in enumerate(rows())
    ]
    at: list[float] = []

    def emit(event: Event) -> None:
        if isinstance(event, Progress) and event.of > 1:
            at.append(time.perf_counter())

    recipe = TrainingRecipe(epochs=steps * BATCH / len(examples), batch=BATCH, holdout=0)
    with tempfile.TemporaryDirectory() as folder:
        training.train(examples, "benchmark", model, recipe, Path(folder), emit, lambda: False, threads)
    # a whole epoch is not gone through, so a step's own tokens are not known here; the mean of all rows stands for them
    tokens = BATCH * _mean_tokens(model)
    return [tokens / (after - before) for before, after in pairwise(at)]


def trl(model: Path, steps: int, threads: int) -> list[float]:
    """The same with SFTTrainer and LoraConfig as they come: what a reader of TRL's front page runs."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    torch.set_num_threads(threads)
    at: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: object, **__: object) -> None:
            at.append(time.perf_counter())

    data = [
        {"prompt": [{"role": "user", "content": asked}], "completion": [{"role": "assistant", "content": answered}]}
        for asked, answered in rows()
    ]
    with tempfile.TemporaryDirectory() as folder:
        trainer = SFTTrainer(
            model=str(model),
            train_dataset=Dataset.from_list(data),
            args=SFTConfig(output_dir=folder, max_steps=steps, use_cpu=True, report_to="none", disable_tqdm=True),
            peft_config=LoraConfig(),
            callbacks=[Clock()],
        )
        sys.stdout = sys.stderr
        trainer.train()
        sys.stdout = sys.__stdout__
    tokens = trainer.args.per_device_train_batch_size * _mean_tokens(model)
    return [tokens / (after - before) for before, after in pairwise(at)]


def rows() -> list[tuple[str, str]]:
    with ROWS.open(encoding="utf-8-sig", newline="") as file:
        return [(row[0], row[1]) for row in list(csv.reader(file))[1:]]


def _mean_tokens(model: Path) -> float:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    turns = [[{"role": "user", "content": a}, {"role": "assistant", "content": b}] for a, b in rows()]
    texts = [tokenizer.apply_chat_template(each, tokenize=False) for each in turns]
    return statistics.mean(len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts)


def _in_a_child(python: str, side: str, given: argparse.Namespace) -> list[float]:
    command = [python, "-m", "tests.benchmarks.bench_training", str(given.model), "--side", side]
    command += ["--steps", str(given.steps), "--threads", str(given.threads)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(given.threads), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, cwd=HOUSE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    speeds: list[float] = json.loads(done.stdout.splitlines()[-1])
    return speeds


if __name__ == "__main__":
    main()
