"""How a model judges pairs of a right and a wrong answer, and how often a judge that only guesses would be heard.

    python -m tests.benchmarks.bench_judging [--model NAME]

Pairs: the validation's questions (tests/evaluation/validation.json), English and Spanish, each in both orders, without and
with the right answer told. Guessing judges are drawn beside people who care for something else; 2.5 in 100 may get through.
"""

import argparse
import random
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from studio import engines
from studio.base.settings import Settings
from studio.evaluation import judging
from tests.benchmarks.bench_tables import share
from tests.evaluation.cases import Case, cases

DRAWS = 1_500
KINDS = {
    "both even": ((4, 4, 2), (4, 4, 2)),
    "never equal": ((5, 5, 0), (5, 5, 0)),
    "both lean": ((6, 3, 1), (7, 3, 0)),
    "judge unsure": ((4, 4, 2), (15, 15, 70)),
    "judge hardly ever sure": ((5, 5, 0), (2, 2, 96)),
}
"""How often people, and the judge, choose the first, the second and neither."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    name = parser.parse_args().model
    found: dict[str, dict[str, Case]] = defaultdict(dict)
    for case in cases():
        found[case.question.id][case.kind] = case
    pairs = [(each["right"], each["wrong"]) for each in found.values() if {"right", "wrong"} <= set(each)]
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(projects=Path(folder))
        engines.prepare(name, settings, train=True)
        engine = engines.Engine(settings)
        try:
            for told in (False, True):
                began, said = time.perf_counter(), Counter[str]()
                for right, wrong in pairs:
                    question, answers = right.question, (right.answer.text, wrong.answer.text)
                    known = question.reference if told else ""
                    said[str(judging.judge(engine, name, question.question, *answers, known, right.language))] += 1
                took = (time.perf_counter() - began) / len(pairs)
                print(f"{name}, right answer {'told' if told else 'not told'}: chose the right one "
                      f"{share(said['first'], len(pairs))}, {dict(said)}, {took:.2f} s a pair")  # fmt: skip
        finally:
            engine.stop()
    drawn = random.Random(7)
    for kind, weights in KINDS.items():
        for n in (30, 100):
            sides = ([drawn.choices("abc", each, k=n) for each in weights] for _ in range(DRAWS))
            heard = sum(judging.agreement(name, list(zip(*both, strict=True))).proven for both in sides)
            print(f"guessing, {kind}, {n} votes: heard {share(heard, DRAWS)}")


if __name__ == "__main__":
    main()
