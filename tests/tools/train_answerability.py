"""Learn how much each sign of an answer weighs, and write it into studio/retrieval/answerability.json.

    python -m tests.tools.train_answerability DATA [--vectors FOLDER] [--write]

DATA holds the public sets that `tests/benchmarks/open_questions.py` names; only the third of their articles that is learnt
from, and the insurer's template, are read. Two logistic models, for questions in the language of the passages and in the
other one; a set weighs by the root of its size, its two answers alike, and no sign may speak against what it stands for.
The same data give the same weights. Measured on other articles and other trades by `bench_answerability`.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from studio.retrieval import calibration
from studio.retrieval.calibration import LEARNT
from tests.benchmarks.open_questions import Half, auroc, bundled, grounds, halves, keeping

PULL = 1e-3  # of every weight towards zero
AGAINST = ("strange",)  # signs that may only lower the score; all others may only raise it
LEFT_OUT = ("adversarial",)  # worded after the passage: no sign tells them apart, they would only blur the others


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--vectors", type=Path, help="where vectors are kept between two runs")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    encode = keeping(bundled(), asked.vectors) if asked.vectors else bundled()
    learnt = list(halves(asked.data, encode, learnt=True))
    weights = {}
    for kind, chosen in (
        ("same", [half for half in learnt if not half.foreign]),
        ("foreign", [half for half in learnt if half.foreign and "xquad" in half.name]),  # 176 questions blur thousands
    ):
        weights[kind] = fit(chosen)
        print(kind, weights[kind])
    if asked.write:
        written = json.loads(LEARNT.read_text(encoding="utf-8"))
        text = json.dumps(written | {"weights": weights}, ensure_ascii=False, indent=2)
        LEARNT.write_text(text + "\n", encoding="utf-8")


def fit(learnt: Sequence[Half]) -> dict[str, float]:
    """The weights of a logistic model by its likelihood, each held to its side of zero."""
    values, right, shares = [], [], []
    names: list[str] = []
    for half in learnt:
        base = grounds(half.corpus)[half.asked_in]
        used = [each for each in half.asked if each.kind not in LEFT_OUT]
        answered = np.array([each.kind == "answerable" for each in used])
        for found, is_answered in zip(half.corpus.find(used), answered, strict=True):
            seen = calibration.evidence(found.asked.text, found.passages, half.corpus.frequencies)
            signs = calibration.features(seen, base)
            names = list(signs)
            values.append(list(signs.values()))
            right.append(is_answered)
            shares.append(len(used) ** 0.5 / max((answered == is_answered).sum(), 1))
    x, y, w = np.array(values), np.array(right, float), np.array(shares) / np.sum(shares)
    x = np.hstack([np.ones((len(x), 1)), x])
    bounds = [(None, None)] + [(None, 0) if name in AGAINST else (0, None) for name in names]

    def loss(beta: np.ndarray) -> tuple[float, np.ndarray]:
        z = x @ beta
        likely = np.logaddexp(0, z) - y * z
        slope = x.T @ (w * (1 / (1 + np.exp(-z)) - y)) + 2 * PULL * np.r_[0, beta[1:]]
        return float(w @ likely + PULL * (beta[1:] ** 2).sum()), slope

    found = minimize(loss, np.zeros(x.shape[1]), jac=True, bounds=bounds, method="L-BFGS-B")
    print("AUROC where it was learnt", round(auroc(list(x @ found.x), [bool(each) for each in right]), 3))
    return dict(zip(["one", *names], (round(float(each), 4) for each in found.x), strict=True))


if __name__ == "__main__":
    main()
