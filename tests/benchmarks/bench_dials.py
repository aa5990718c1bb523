"""Whether the studio's own learning rate is right, and whether looking for a better one is ever worse.

    python -m tests.benchmarks.bench_dials MODEL_FOLDER RESULTS.json [--sizes 50 300 2000] [--parts rates search]
        [--seeds 1 2] [--budgets 1 6] [--epochs N] [--again]

*rates*: the house trains as `training.plan` sets it up, at half, at once and at twice its rate, on 50, 300 and 2,000 rows of
five wordings each; every fact is then asked in a sixth. The default is right within noise when neither other rate brings
more than it by more than chance: the same questions paired, over all seeds, 95 %. *search*: `training.seek` gets so many
times the seconds its own training took, and what it keeps is trained and asked the same. Every cell is a process, and its
result is written down at once: a second call does only what is missing. `--epochs` stands in for the plan's own rounds from
2,000 rows on, where they take long.

Measured 2026-11-22, Xeon with AMX, one core beside a busy one, one seed, the starter, default rate 1.3e-3. 50 rows: 8, 9 and
9 of 10 facts at half, once and twice the rate. 300 rows: 46, 49 and 52 of 60, apart by -0.05 [-0.12, 0.02] and +0.05 [-0.04,
0.14]. 2,000 rows: 120 of 120 at the default, so that no other could bring more (in three rounds instead of five: 30, and 48
at twice the rate). The search within once the training's own time: 1, 3 and 4 trials in 91, 285 and 1,386 s, "short" each
time, the default kept, so not worse anywhere; it asks for 14, 28 and 98 minutes to prove something.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from tests.benchmarks import facts
from tests.benchmarks.facts import Row

HOUSE = Path(__file__).parents[2]
NAME = "smollm2-135m-instruct"
FACTORS = (0.5, 1.0, 2.0)
ASKED = 120  # questions at most, evenly picked
SHIPS = (
    "Amber",
    "Blue",
    "Coral",
    "Dune",
    "East",
    "Fern",
    "Gull",
    "High",
    "Iron",
    "Jade",
    "Kelp",
    "Lime",
    "Moss",
    "North",
)
WAYS = ("Arrow", "Bridge", "Crossing", "Drift", "Express", "Ferry", "Glide", "Hopper", "Line", "Runner")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 300, 2_000])
    parser.add_argument("--parts", nargs="+", choices=("rates", "search"), default=["rates", "search"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--budgets", type=float, nargs="+", default=[1.0, 6.0])
    parser.add_argument("--epochs", type=float, help="rounds from 2,000 rows on")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="forget earlier results")
    parser.add_argument("--cell", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.cell:
        out, sys.stdout = sys.stdout, sys.stderr
        print(json.dumps(_cell(given.model.resolve(), given.threads, **json.loads(given.cell))), file=out)
        return
    if given.again:
        given.results.unlink(missing_ok=True)
    for size in given.sizes:
        epochs = given.epochs if size >= 2_000 else None
        for seed in given.seeds:
            for factor in FACTORS if "rates" in given.parts else (1.0,):
                _done(given, {"part": "rates", "size": size, "seed": seed, "factor": factor, "epochs": epochs})
            for budget in given.budgets if "search" in given.parts else ():
                own = _done(given, {"part": "rates", "size": size, "seed": seed, "factor": 1.0, "epochs": epochs})
                minutes = own["seconds"] / 60 * budget
                cell = {"part": "search", "size": size, "seed": seed, "factor": budget, "epochs": epochs}
                _done(given, cell, {"minutes": minutes})
    _print(_known(given.results))


# ---- cells


def _known(file: Path) -> list[dict[str, Any]]:
    return list(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else []


def _done(given: argparse.Namespace, cell: dict[str, Any], more: dict[str, Any] | None = None) -> dict[str, Any]:
    """A cell's result, from the file or from a child of its own."""
    known = _known(given.results)
    for each in known:
        if all(each[name] == value for name, value in cell.items()):
            return each
    command = [sys.executable, "-m", "tests.benchmarks.bench_dials", str(given.model), str(given.results)]
    command += ["--threads", str(given.threads), "--cell", json.dumps(cell | (more or {}))]
    ended = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(ended.stderr[-3_000:])
    result: dict[str, Any] = cell | json.loads(ended.stdout.splitlines()[-1])
    given.results.write_text(json.dumps([*_known(given.results), result], indent=1), encoding="utf-8")
    told = {name: value for name, value in result.items() if name not in ("right", "trials")}
    print(f"{_share(result['right']):.3f}  {told}", flush=True)
    return result


def _cell(
    weights: Path,
    threads: int,
    part: str,
    size: int,
    seed: int,
    factor: float,
    epochs: float | None,
    minutes: float = 0,
) -> dict[str, Any]:
    from studio import engines, training
    from studio.base import machine, settings

    settings.silence_libraries()
    learnt, asked = rows(size, seed)
    made = training.plan(_examples(learnt), engines.model(NAME), machine.look(weights)).recipe
    recipe = made.model_copy(update={"seed": seed} | ({"epochs": epochs} if epochs else {}))
    told: dict[str, Any] = {}
    if part == "search":
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            sought = training.seek(
                _examples(learnt),
                NAME,
                weights,
                recipe,
                {},
                minutes,
                Path(folder),
                lambda _: None,
                lambda: False,
                threads,
            )
        told = {"reason": sought.reason, "dials": sought.dials, "gain": sought.gain and sought.gain.model_dump()}
        told |= {"minutes": minutes, "needed": sought.needed, "trials": [each.model_dump() for each in sought.trials]}
        recipe = recipe.model_copy(update=sought.dials)
        told["sought_seconds"] = round(time.monotonic() - began)
        if not sought.dials:
            return told | {"right": [], "rate": recipe.learning_rate, "seconds": 0, "cpu": round(time.process_time())}
    recipe = recipe.model_copy(update={"learning_rate": recipe.learning_rate * (factor if part == "rates" else 1.0)})
    began, ran = time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        trained = training.train(
            _examples(learnt), NAME, weights, recipe, Path(folder), lambda _: None, lambda: False, threads
        )
        told |= {"seconds": round(time.monotonic() - began), "cpu": round(time.process_time() - ran)}
        right = _asked(weights, Path(folder) / "adapter", asked, threads)
    return told | {
        "rate": recipe.learning_rate,
        "rounds": recipe.epochs,
        "loss": trained.validation_loss,
        "right": right,
    }


def _asked(weights: Path, adapter: Path, asked: Sequence[Row], threads: int) -> list[bool]:
    from peft import PeftModel

    from tests.benchmarks import bench_learning

    model = PeftModel.from_pretrained(bench_learning._plain(weights, threads), str(adapter)).merge_and_unload()
    said = bench_learning._answers(model, weights, [each.messages for each in _examples(asked)])
    return [facts.right(row, text) for row, text in zip(asked, said, strict=True)]


def _examples(learnt: Sequence[Row]) -> list[Any]:
    from studio.base.records import Example, Message

    return [
        Example(
            id=str(n),
            messages=(Message(role="user", content=row.question), Message(role="assistant", content=row.answer)),
        )
        for n, row in enumerate(learnt)
    ]


def rows(size: int, seed: int) -> tuple[list[Row], list[Row]]:
    """So many rows to learn, five wordings a fact, and the sixth wording of the facts, to be asked."""
    if size <= 300:
        return facts.learnt(size // 5, seed), facts.held_out(size // 5)
    made = _made(size // 5)
    learnt = [row for asked in made for row in asked[:-1]]
    random.Random(seed).shuffle(learnt)
    return learnt, [asked[-1] for asked in made[:: max(len(made) // ASKED, 1)]][:ASKED]


def _made(count: int) -> list[list[Row]]:
    """Facts of further routes, in the patterns of `facts.json` with values of the same kind."""
    dice = random.Random(0)
    patterns = json.loads((Path(facts.__file__).parent / facts.FACTS["ferry"]).read_text(encoding="utf-8"))["made"]
    routes = [f"{ship} {way}" for ship in SHIPS for way in WAYS]
    kinds = (
        lambda: f"{dice.randint(5, 99)} euros",
        lambda: f"{dice.randint(15, 180)} minutes",
        lambda: f"{dice.randint(40, 600)}",
        lambda: f"{dice.choice('ABCDEF')}{dice.randint(10, 99)}",
        lambda: f"{dice.choice('BCDFGHKLMNRST')}{dice.choice('ACEHILMRSTX')}-{dice.randint(100, 999)}",
    )
    found: list[list[Row]] = []
    for n in range(count):
        route, kind = routes[n // len(patterns)], n % len(patterns)
        value, pattern = kinds[kind](), patterns[kind]
        answer = pattern["answer"].format(route=route, value=value)
        found.append([Row(n, question.format(route=route), answer, value) for question in pattern["questions"]])
    return found


# ---- what it comes to


def _print(known: Sequence[dict[str, Any]]) -> None:
    for size in sorted({each["size"] for each in known}):
        cells = {(each["part"], each["factor"], each["seed"]): each for each in known if each["size"] == size}
        seeds = sorted({seed for part, factor, seed in cells if (part, factor) == ("rates", 1.0)})
        own = [cells["rates", 1.0, seed]["right"] for seed in seeds]
        if not own:
            continue
        cpu = sum(each["cpu"] for each in cells.values())
        share = _share([hit for right in own for hit in right])
        print(f"\n{size} rows: the default {share:.3f} of {len(own[0])} facts, seeds {seeds}, {cpu} CPU-s in all")
        for factor in FACTORS:
            both = [(cells["rates", factor, s], cells["rates", 1.0, s]) for s in seeds if ("rates", factor, s) in cells]
            if factor != 1 and both:
                share = _share([hit for one, _ in both for hit in one["right"]])
                print(f"  rate x {factor:<4} {share:.3f}  {_difference([(a['right'], b['right']) for a, b in both])}")
        for (part, budget, seed), each in sorted(cells.items()):
            if part == "search":
                right = each["right"] or cells["rates", 1.0, seed]["right"]
                found = f"{each['reason']} {each['dials']} in {each['sought_seconds']} s, {len(each['trials'])} trials"
                gain = f"{_share(right):.3f}  {_difference([(right, cells['rates', 1.0, seed]['right'])])}"
                print(f"  search, {budget:g} x the training, seed {seed}: {found}\n    {gain}")


def _difference(pairs: Sequence[tuple[Sequence[bool], Sequence[bool]]]) -> str:
    """Mean difference over facts (seeds put together) with its 95 % interval (Student's t)."""
    from scipy.stats import t

    each = [fmean(int(a[n]) - int(b[n]) for a, b in pairs) for n in range(len(pairs[0][0]))]
    mean, half = fmean(each), float(t.ppf(0.975, len(each) - 1)) * stdev(each) / sqrt(len(each))
    return f"{mean:+.3f} [{mean - half:+.3f}, {mean + half:+.3f}] beside the default (n = {len(each)} x {len(pairs)})"


def _share(right: Sequence[bool]) -> float:
    return sum(right) / max(len(right), 1)


if __name__ == "__main__":
    main()
