"""What learning from preferences brings, by method and size of the steps, on top of a training: DPO beside ORPO.

    python -m tests.benchmarks.bench_preferences MODEL_FOLDER [--pairs 36] [--threads 1] [--methods dpo orpo]

The model first learns the insurance template's examples in a few rounds. Then it learns one kind of judgements: "manner"
puts the example's answer before the same answer with a curt ending, "fact" before the answer to another question, "thanks"
a thank-you and the answer before the answer alone, a manner the examples do not have. A third of the pairs is kept back.
Printed are the shares of these in which the liked answer is the likelier before and after, what the chance of the liked one
beside the other rose by (95 %), what a token of the examples costs more, how much surer their answers are told from others,
how many of the questions kept back the model itself answers with the liked words and with the example's answer, what became
of it, and CPU seconds.

Measured 2026-11-22, starter, 24 pairs learnt and 12 kept back, one seed, half a core of a Xeon with AMX (95 CPU-s for the
training before, which leaves it 3 of 12 answers word for word):
"manner" and "fact" have nothing to teach: 12 of 12 liked answers are the likelier before and after (DPO gains 0.138 on the
first and is kept, ORPO 0.004; on the second neither gains and nothing is kept; 29 to 34 CPU-s).
"thanks", DPO at 1.5e-4: likelier 0 -> 0, gain 0.20, writes the liked words 0 -> 0, the example's 3 -> 2, kept; at 3e-4 (a
fifth of the training's, the house's) 0 -> 1, 0.25, 0 -> 1, 3 -> 3, kept; at 6e-4 0 -> 11, 0.33, 0 -> 0, 3 -> 0: it writes
the thank-you over and over, and is refused. ORPO at 4e-4 0 -> 9, 0.29, 0 -> 1, 3 -> 1 (thanks, then another answer's fact):
refused. 66 to 105 CPU-s.
So a starter leans a little without harm, or a lot and loses its facts; before harm was told by facts, any manner that the
examples do not have was refused.
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
KINDS = ["manner", "fact", "thanks"]
ROWS = HOUSE / "templates/insurance-claims/en/sources/Past-Questions.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--pairs", type=int, default=36)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--methods", nargs="+", default=["dpo", "orpo"], choices=["dpo", "orpo"])
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
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
    said = ", ".join(f"{name} {before} -> {after}" for name, (before, after) in made["said"].items())
    gain = f"{found['gain']:.3f} ({found['low']:.3f} to {found['high']:.3f})"
    print(
        f"{kind:7}{method:5} rate {made['rate']:.1e}  n {found['before']['n']}  likelier {shares}  gain {gain}"
        f"  words {found['rise']:+.3f} of {made['loss']:.3f}  told apart {-found['fall']:+.3f}  says {said}"
        f"  {found['reason']}  {made['cpu']:.0f} CPU s",
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
    pairs, steps = _pairs(kind, given.pairs), training.recipe_of(start, request)
    with tempfile.TemporaryDirectory() as folder:
        found, _ = training.prefer(
            pairs,
            _examples(),
            start,
            request,
            Path(folder),
            lambda _: None,
            lambda: False,
            given.threads,
        )
        cpu = _cpu()
        said = _said(start, steps, Path(folder), pairs, given.threads)
    return {
        "found": found.model_dump(),
        "loss": trained.validation_loss or 0.0,
        "rate": steps.learning_rate,
        "said": said,
        "cpu": cpu,
    }


def _said(start: Any, recipe: Any, folder: Path, pairs: list[Any], threads: int) -> dict[str, list[Any]]:
    """Of the questions kept back, how many the model answers, before and after, with the liked answer and with its fact; and
    one of its answers."""
    from studio.base.records import Message
    from studio.engines.prompts import Prompts
    from studio.training import course, loading, preferring

    learner, asked = loading.load(start.weights, recipe, threads), preferring.divided(pairs).kept_back
    told = dict(rows())
    prompts = [Prompts(start.weights).ids([Message(role="user", content=pair.question)]) for pair in asked]
    found: dict[str, list[Any]] = {"liked": [], "fact": [], "such as": []}
    for after in (False, True):
        if after:
            learner.put(course.best(folder))
        else:
            preferring._put_on(learner, start.adapter)
        answers = learner.say(prompts, 60)
        found["liked"].append(sum(said == pair.liked for said, pair in zip(answers, asked, strict=True)))
        found["such as"].append(answers[0])
        found["fact"].append(sum(told[pair.question] in said for said, pair in zip(answers, asked, strict=True)))
    return found


def _pairs(kind: str, count: int) -> list[Any]:
    from studio.training import Pair

    given = rows()[:: max(len(rows()) // count, 1)][:count]
    pairs = []
    for at, (asked, answered) in enumerate(given):
        said = {
            "manner": (answered, f"{answered.rstrip('.')}. That is all."),
            "fact": (answered, given[(at + 7) % count][1]),
            "thanks": (f"Thank you for asking. {answered}", answered),
        }
        pairs.append(Pair(question=asked, liked=said[kind][0], other=said[kind][1]))
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
