"""Whether the studio knows when it does not know: AUROC of its score, and what each setting of the dial costs.

    python -m tests.benchmarks.bench_answerability DATA [--vectors FOLDER]

DATA holds the public sets that `open_questions.py` names. Measured are articles and open questions that nothing was learnt
from; of the insurer, the answerable questions were learnt from. In the same run: ours, the best cosine alone (a similarity
threshold, as other products have it), the idf cover alone, and what the studio weighed before (cosine and a little cover).
Intervals: 95 %, 400 draws of the questions with replacement.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from studio.answering.dial import FEWEST, SETTINGS, Case, measure
from studio.retrieval import calibration
from studio.retrieval.calibration import Evidence
from tests.benchmarks.open_questions import Half, auroc, bundled, halves, keeping, probed

DRAWS = 400
COVER_WEIGHT = 0.06  # what the cover counted beside the cosine before
OPEN = (
    "off topic",
    "article removed",
    "paragraph removed",
    "answer hidden",
    "left open",
    "own trade",
    "adversarial",
)


class Scored(NamedTuple):
    kind: str
    ours: float
    seen: Evidence
    held: bool  # the right text is among the first four passages


WAYS: dict[str, Callable[[Scored], float]] = {
    "ours": lambda each: each.ours,
    "cosine alone": lambda each: each.seen.near,
    "idf cover alone": lambda each: each.seen.cover,
    "cosine + .06 cover": lambda each: each.seen.near + COVER_WEIGHT * each.seen.cover,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--vectors", type=Path, help="where vectors are kept between two runs")
    asked = parser.parse_args()
    encode = keeping(bundled(), asked.vectors) if asked.vectors else bundled()
    measured: dict[str, list[Scored]] = {}
    leads: dict[str, list[Case]] = {}
    foreign: list[str] = []
    print(f"{'set':22}{'open because':20}{'n':>5} " + "".join(f"{way:>24}" for way in WAYS))
    for half in halves(asked.data, encode, learnt=False):
        scored, threshold = _scored(half)
        measured[half.name] = scored
        foreign += [half.name] * half.foreign
        leads[half.name] = [
            Case(each.ours - threshold, each.kind == "answerable", each.held, own=False) for each in scored
        ]
        for kind in OPEN:
            _line(half.name, kind, [each for each in scored if each.kind in ("answerable", kind)])
    for name, chosen in (
        ("one language", [name for name in measured if name not in foreign]),
        ("other language", list(foreign)),
    ):
        _mean(name, [measured[each] for each in chosen])
    for name, cases in leads.items():
        small = sum(not case.answerable for case in cases) < FEWEST
        if name != "policyqa" and not small:  # whose sites answer each other's questions
            _dial(name, cases)


def _scored(half: Half) -> tuple[list[Scored], float]:
    found = probed(half.corpus)[half.asked_in]
    ground = calibration.ground(found)
    made = []
    for each in half.corpus.find(half.asked):
        seen = calibration.evidence(each.asked.text, each.passages, half.corpus.frequencies)
        given = {passage.chunk.document_id for passage in each.passages[:4]}
        held = each.asked.kind == "answerable" and (not each.asked.home or bool({*map(str, each.asked.home)} & given))
        made.append(Scored(each.asked.kind, calibration.score(seen, ground), seen, held))
    return made, calibration.threshold(found, ground)


def _line(name: str, kind: str, scored: Sequence[Scored]) -> None:
    count = sum(each.kind == kind for each in scored)
    if count and count < len(scored):
        cells = [_interval(scored, way) for way in WAYS.values()]
        print(f"{name:22}{kind:20}{count:>5} " + "".join(f"{cell:>24}" for cell in cells))


def _interval(scored: Sequence[Scored], way: Callable[[Scored], float]) -> str:
    values = np.array([way(each) for each in scored])
    right = np.array([each.kind == "answerable" for each in scored])
    draw = np.random.default_rng(7)
    drawn = []
    for _ in range(DRAWS):
        some = draw.integers(0, len(values), len(values))
        drawn.append(auroc(list(values[some]), list(right[some])))
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return f"{auroc(list(values), list(right)):.3f} [{low:.3f} {high:.3f}]"


def _mean(name: str, sets: Sequence[Sequence[Scored]]) -> None:
    """The mean over sets and reasons, the adversarial ones apart."""
    for label, kinds in (("mean of all but adversarial", OPEN[:-1]), ("adversarial", OPEN[-1:])):
        means: dict[str, list[float]] = defaultdict(list)
        count = 0
        for scored in sets:
            for kind in kinds:
                some = [each for each in scored if each.kind in ("answerable", kind)]
                if 0 < (left := sum(each.kind == kind for each in some)) < len(some):
                    count += left
                    right = [each.kind == "answerable" for each in some]
                    for way, value in WAYS.items():
                        means[way].append(auroc([value(each) for each in some], right))
        if count:
            cells = "".join(f"{np.mean(means[way]):>24.3f}" for way in WAYS)
            print(f"{name:22}{label:20}{count:>5} {cells}")


def _dial(name: str, cases: Sequence[Case]) -> None:
    """Of 100 answers given, wrong ones; of 100 questions asked, those that go to a person: as shipped, before the dial has
    seen a question of this set.
    """
    made = measure(cases, move=False)
    print(f"\n{name}: {made.answerable} answerable, {made.unanswerable} open, weighed as {made.left_open:.0%} of all")
    print("  caution   wrong of 100 answers    to a person of 100   (open questions declined, answerable kept)")
    for caution, position in zip(SETTINGS, made.positions, strict=True):
        bar = calibration.dialled(0.0, caution, 0.0)
        declined = np.mean([case.lead < bar for case in cases if not case.answerable])
        kept = np.mean([case.lead >= bar for case in cases if case.answerable])
        wrong = [100 * share for share in (position.wrong, position.wrong_low, position.wrong_high)]
        person = [100 * share for share in (position.person, position.person_low, position.person_high)]
        print(
            f"  {caution:7.2f}   {wrong[0]:5.1f} [{wrong[1]:.1f} {wrong[2]:.1f}]"
            f"        {person[0]:5.1f} [{person[1]:.1f} {person[2]:.1f}]"
            f"          {declined:.2f}  {kept:.2f}"
        )


if __name__ == "__main__":
    main()
