"""Does likelihood tell broken language? Right answers and the same damaged, read by the starter model.

    python -m tests.benchmarks.bench_likelihood

The right answers of tests/evaluation/validation_held.json, cut off, stuttered and with their words shuffled. `odder` is what
the scorecard shows: how much odder than the reference, both after the question; beside it the likelihood alone and
the rule for well-formed sentences.

Seen on 2026-11-22, 36 right and as many damaged each, AUROC of odder, likelihood and the rule: cut off .593, .601, 1.000;
stuttered .448, .424, .917 (what is said again is likely); shuffled .843, .885, .931. So likelihood tells jumbled words and
little else that the rule does not tell better; the scorecard says so.
"""

import random
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from studio.base.records import Message
from studio.base.settings import Settings
from studio.engines import Engine
from studio.evaluation import metrics
from tests.benchmarks.bench_metrics import SEED, damaged
from tests.evaluation.cases import Case, auroc, cases

MODEL = "smollm2-135m-instruct"


def main() -> None:
    right = [case for case in cases("validation_held") if case.kind == "right"]
    texts = [("right", case, case.answer.text) for case in right]
    texts += [(way, case, text) for case in right for way, text in (*damaged(case), ("shuffled", _shuffled(case)))]
    asked = [((Message(role="user", content=case.question.question),), text) for _, case, text in texts]
    own = [((Message(role="user", content=case.question.question),), case.question.reference) for _, case, _ in texts]
    with TemporaryDirectory() as root:
        engine = Engine(Settings(projects=Path(root)))
        try:
            list(engine.chat(asked[0][0], model=MODEL, max_tokens=1))  # makes the weights where they are not
            scores = engine.score_each([*asked, *own], model=MODEL)
        finally:
            engine.stop()
    each = [-sum(score.logprobs[0]) / len(score.logprobs[0]) for score in scores]
    told: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for (way, _, text), value, usual in zip(texts, each, each[len(texts) :], strict=False):
        told[way]["odder"].append(-max(value - usual, 0.0))
        told[way]["likelihood"].append(-value)
        told[way]["well-formed"].append(metrics.fluent(text))
    for way in ("cut off", "stuttered", "shuffled"):
        figures = "  ".join(f"{name} {auroc(told['right'][name], values):.3f}" for name, values in told[way].items())
        print(f"right above {way:10} AUROC  {figures}   n {len(right)} + {len(right)}")


def _shuffled(case: Case) -> str:
    words = case.answer.text.split()
    random.Random(SEED).shuffle(words)
    return " ".join(words)


if __name__ == "__main__":
    main()
