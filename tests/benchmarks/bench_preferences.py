"""What learning from preferences brings, by method and size of the steps, on top of a training: DPO beside ORPO.

    python -m tests.benchmarks.bench_preferences MODEL_FOLDER [--pairs 36] [--threads 1] [--methods dpo orpo]

The model first learns the insurance template's examples as a quick build does. Then it learns two kinds of judgements:
"manner" puts the example's answer before the same answer said curtly, "fact" before the answer to another question. A
third of the pairs is kept back. Printed are the shares of these in which the liked answer is the likelier before and after,
what the chance of the liked one beside the other rose by (95 %), what a token of the examples costs more, and CPU seconds.
"""

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HOUSE = Path(__file__).parents[2]
ROWS = HOUSE / "templates/insurance-claims/en/sources/Past-Questions.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--pairs", type=int, default=36)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--methods", nargs="+", default=["dpo", "orpo"], choices=["dpo", "orpo"])
    parser.add_argument("--kinds", nargs="+", default=["manner", "fact"], choices=["manner", "fact"])
    parser.add_argument("--rates", type=float, nargs="+", default=[0.0], help="0 is the house's own")
    parser.add_argument("--epochs", type=float, default=3, help="of the training before")
    parser.add_argument("--start", type=Path, help="where the training before lies, or is put")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one is not None:
        out, sys.stdout = sys.stdout, sys.stderr
        made = first(given) if given.one[0] == "first" else second(given, *given.one)
        print(json.dumps(made), file=out)
        return
    with tempfile.TemporaryDirectory() as folder:
        given.start = given.start or Path(folder)
        given.start.mkdir(exist_ok=True, parents=True)
        if not (given.start / "trained.json").is_file():
            print(f"first   {child(given, 'first', '-', '0')['cpu']:.0f} CPU s", flush=True)
        for kind in given.kinds:
            for method in given.methods:
                for rate in given.rates:
                    show(kind, method, rate, child(given, kind, method, str(rate)))


def show(kind: str, method: str, rate: float, made: dict[str, Any]) -> None:
    found = made["found"]
    shares = " -> ".join(f"{found[when]['value']:.2f}" for when in ("before", "after"))
    gain = f"{found['gain']:.3f} ({found['low']:.3f} to {found['high']:.3f})"
    print(
        f"{kind:7}{method:5} rate {made['rate']:.1e}  n {found['before']['n']}  likelier {shares}  gain {gain}"
        f"  examples {found['rise']:+.3f} of {made['loss']:.3f}  {found['reason']}  {made['cpu']:.0f} CPU s",
        flush=True,
    )


def first(given: argparse.Namespace) -> dict[str, Any]:
    from studio import training
    from studio.base.recipes import TrainingRecipe

    recipe = TrainingRecipe(epochs=given.epochs, learning_rate=1.5e-3, max_length=256)
    training.train(
        _examples(), "bench", given.model.resolve(), recipe, given.start, lambda _: None, lambda: False, given.threads
    )
    return {"cpu": _cpu()}


def second(given: argparse.Namespace, kind: str, method: str, rate: str) -> dict[str, Any]:
    from studio import training
    from studio.base import files
    from studio.base.recipes import PreferRequest
    from studio.base.records import Trained

    told = files.read_json(given.start / "trained.json")
    assert told is not None
    trained = Trained.model_validate(told["trained"])
    request = PreferRequest.model_validate({"model": "bench", "method": method, "learning_rate": float(rate)})
    start = training.Start("bench", given.model.resolve(), given.start.resolve() / "adapter", trained)
    with tempfile.TemporaryDirectory() as folder:
        found, _ = training.prefer(
            _pairs(kind, given.pairs),
            _examples(),
            start,
            request,
            Path(folder),
            lambda _: None,
            lambda: False,
            given.threads,
        )
    steps = training.recipe_of(start, request).learning_rate
    return {"found": found.model_dump(), "loss": trained.validation_loss or 0.0, "rate": steps, "cpu": _cpu()}


def _pairs(kind: str, count: int) -> list[Any]:
    from studio.training import Pair

    given = rows()[:: max(len(rows()) // count, 1)][:count]
    pairs = []
    for at, (asked, answered) in enumerate(given):
        other = given[(at + 7) % count][1] if kind == "fact" else f"{answered.split('. ')[0].rstrip('.')}. That is all."
        pairs.append(Pair(question=asked, liked=answered, other=other))
    return pairs


def _examples() -> list[Any]:
    from studio.base.records import Example, Message

    return [
        Example(id=str(n), messages=(Message(role="user", content=asked), Message(role="assistant", content=answered)))
        for n, (asked, answered) in enumerate(rows())
    ]


def rows() -> list[tuple[str, str]]:
    with ROWS.open(encoding="utf-8-sig", newline="") as file:
        return [(row[0], row[1]) for row in list(csv.reader(file))[1:]]


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def child(given: argparse.Namespace, *one: str) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.bench_preferences",
        str(given.model),
        "--start",
        str(given.start),
    ]
    command += [
        "--pairs",
        str(given.pairs),
        "--threads",
        str(given.threads),
        "--epochs",
        str(given.epochs),
        "--one",
        *one,
    ]
    done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return made


if __name__ == "__main__":
    main()
