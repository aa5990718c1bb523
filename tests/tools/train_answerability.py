"""Learn how much each sign of an answer weighs, and write it into studio/retrieval/answerability.json.

    python -m tests.tools.train_answerability DATA [--vectors FOLDER] [--write]

DATA holds the public sets that `tests/benchmarks/open_questions.py` names; only the part of them that is learnt from is
read, and the insurer's template. Two logistic models, for questions in the language of the passages and in the other one; a
set weighs by the root of its size (a company's more: its customers do not ask in its own words, as readers of an article
do), its two answers alike, and no sign may speak against what it stands for. Open are questions whose answer was hidden
and, at a company, the probes that one may ask any company. What a person wrote as open is never learnt from. The same data
give the same weights. Measured on other articles and other trades by `bench_answerability`.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from studio.retrieval import calibration
from studio.retrieval.wanted import LEARNT
from tests.benchmarks.open_questions import Found, Half, auroc, bundled, halves, keeping, probed

PULL = 1e-3  # of every weight towards zero
AGAINST = ("strange",)  # signs that may only lower the score; all others may only raise it
LEFT_OUT = ("left open", "own trade")  # by hand: they are for measuring
ADVERSARIAL = 0.3  # of a question: worded after the passage, they are told apart by nearness alone
PROBE = 3.0  # questions that a probe counts for
COUNTS = {"adversarial": ADVERSARIAL, "probe": PROBE}
TOUCHED = 0.8  # a probe this much covered may have its answer there
COMPANY, COMPANIES = 6.0, ("insurance", "stackfaq")  # times the weight of other sets


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
        ("foreign", [half for half in learnt if half.foreign]),
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
        company = half.name.startswith(COMPANIES)
        probes = probed(half.corpus)[half.asked_in]
        base = calibration.ground(probes)
        found = half.corpus.find([each for each in half.asked if each.kind not in LEFT_OUT])
        rows = [(each.asked.kind, _seen(half, each)) for each in found]
        if company:
            rows += [
                ("probe", each.evidence) for each in probes if each.kind == "company" and each.evidence.cover < TOUCHED
            ]
        counts = np.array([COUNTS.get(kind, 1.0) for kind, _ in rows])
        answered = np.array([kind == "answerable" for kind, _ in rows])
        for is_answered in (True, False):
            counts[answered == is_answered] *= len(rows) ** 0.5 / counts[answered == is_answered].sum()
        signs = [calibration.features(seen, base) for _, seen in rows]
        names = list(signs[0])
        values += [list(each.values()) for each in signs]
        right += list(answered)
        shares += list(counts * (COMPANY if company else 1.0))
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


def _seen(half: Half, found: Found) -> calibration.Evidence:
    return calibration.evidence(found.asked.text, found.passages, half.corpus.frequencies)


if __name__ == "__main__":
    main()
