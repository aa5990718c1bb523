"""Do the metrics tell what they say they tell? AUROC of each on answers written for it, beside what others measure with.

    python -m tests.benchmarks.bench_metrics [--held] [--rivals SITE_PACKAGES]

The answers are tests/evaluation/*.json, in both languages: right, wrong (another value, denied, right and wrong at once),
ungrounded, with a right figure given to another thing, refused, in the other language. `--held` takes those that were kept
back. BLEU, ROUGE-L and a second chrF come from sacrebleu and rouge-score where `--rivals` says they lie; cosine is the
bundled embedder's, language by py3langid.
Intervals: 95 %, 1,000 draws of whole questions with replacement. Then the templates' references with their figure changed
by rule; and how often two assistants that do not differ are called different, with Holm's correction and without.

Kept back, 2026-11-22, AUROC with its interval and n right + others; what others measure with in brackets:

    fact match, right above wrong, invented, refused   1.000 (1.000-1.000)  36 + 60  [letters .719, cosine .838]
      when these were first scored                      .967 (.942-.992)             [ROUGE-L .697]
    right above right figures given to another thing    .735 (.650-.828)    72 + 41  [half of them are noticed]
    groundedness, right above invented                  .967 (.937-.992)    72 + 72  [words shared .965, sentences .840]
      above wrong                                       .815 (.778-.862)    36 + 36  [words shared .630]
      above figures given to another thing              .739 (.647-.817)    72 + 41  [words shared .266]
      when first scored: .965 and .517 (grounds_held), then, told better, .942 and .733 (grounds_last)
    declining, by rule and meaning                      .989 (.966-1.000)   30 + 30  [rules alone .617 (.548-.696)]
    language                                            .958 (.875-1.000)   36 + 12  [py3langid .958]
    well-formed, above cut off and above stuttered     1.000 and .917       36 + 36 each

2.2 ms of processor an answer for all rules. A false "better" on 1 of 100 cards with Holm's correction, on 62 without.
"""

import argparse
import random
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.answering import support
from studio.answering.declining import declines
from studio.base import chance
from studio.base.project import read_questions
from studio.base.records import Answer
from studio.evaluation import declining as sounding
from studio.evaluation import differences, lookup, metrics
from studio.evaluation.chrf import chrf
from studio.evaluation.grading import grade
from studio.retrieval import terms
from tests.benchmarks.open_questions import bundled
from tests.evaluation.cases import Case, Set, Told, auroc, cases, declining

if TYPE_CHECKING:
    import numpy as np

TEMPLATES = Path(__file__).parents[2] / "templates"
DRAWS, SEED = 1_000, 7
CARDS, QUESTIONS = 100, 40
SORRY = re.compile(r"sorry|unfortunately|cannot|can't|i don't|lo siento|no puedo|no sé|lamento|no hay", re.I)

Way = Callable[[Case], float]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--held", action="store_true")
    parser.add_argument("--rivals", type=Path)
    given = parser.parse_args()
    if given.rivals:
        sys.path.append(str(given.rivals))
    name: Set = "validation_held" if given.held else "validation"
    every = cases(name)
    print(f"{name}: {len(every)} answers to {len({case.question.id for case in every})} questions")
    began = time.process_time()
    values = {case: metrics.measured(case.question, grade(case.question, case.answer)) for case in every}
    spent = time.process_time() - began
    print(f"all rules: {1000 * spent / len(every):.1f} ms of processor an answer\n")

    def measured(metric: str) -> Way:
        return lambda case: values[case].get(metric, 0.0)

    ours = {"fact match": measured("facts"), "right": measured("right"), "chrF, ours": measured("chrf")}
    plain = {
        "facts looked up letter by letter": _looked_up,
        "exact match": _exact,
        "cosine, bundled embedder": _cosine(every),
    }
    against = {**ours, **plain, **(_rivals() if given.rivals else {})}
    section("right above wrong, ungrounded and refused", every, ("right",), ("wrong", "ungrounded", "refused"), against)
    section("right above wrong alone", every, ("right",), ("wrong",), against)
    grounds = {"groundedness": measured("grounded"), "words shared with the passage": _overlap}
    section("grounded: right above ungrounded", every, ("right",), ("ungrounded",), grounds)
    section("grounded: right above wrong", every, ("right",), ("wrong",), grounds)
    declined: dict[str, Way] = {
        "declines, by rule": lambda case: float(declines(case.answer.text)),
        "a list of words": lambda case: float(bool(SORRY.search(case.answer.text))),
    }
    section("refused above everything else", every, ("refused",), ("right", "wrong", "ungrounded", "other"), declined)
    spoken = {"language match": measured("language"), "py3langid": _langid}
    section("right language above the other", every, ("right",), ("other",), spoken)
    right = [case for case in every if case.kind == "right"]
    for way in ("cut off", "stuttered"):
        broken = [metrics.fluent(text) for case in right for how, text in damaged(case) if how == way]
        whole = [metrics.fluent(case.answer.text) for case in right]
        print(f"well-formed above {way:24} AUROC {auroc(whole, broken):.3f}  n {len(whole)} + {len(broken)}")
    _rest(("grounds_held", "grounds_last") if given.held else ("grounds",))
    _declined("declining_held" if given.held else "known")
    if not given.held:
        _made()
        _alike()


def _rest(names: Sequence[Set]) -> None:
    """Invented claims of the same subject, and right figures given to other things."""
    every = [case for name in names for case in cases(name)]
    values = {case: metrics.measured(case.question, grade(case.question, case.answer)) for case in every}
    print(f"{' + '.join(names)}: {len(every)} answers")
    ways: dict[str, Way] = {
        "groundedness": lambda case: values[case].get("grounded", 0.0),
        "sentences supported": lambda case: _supported(case),
        "words shared with the passage": _overlap,
        "figures backed": lambda case: values[case].get("figures_backed", 1.0),
        "right": lambda case: values[case]["right"],
    }
    section("right above invented", every, ("right",), ("ungrounded",), ways)
    section("right above figures given to another thing", every, ("right",), ("swapped",), ways)


def _supported(case: Case) -> float:
    marks = support.check(case.answer)
    return sum(mark.state == "supported" for mark in marks) / max(len(marks), 1)


def _declined(name: Told) -> None:
    """Answers that decline or only sound so; what the meaning is judged by is not judged by it."""
    every = declining(name)
    rules = [float(declines(text)) for text, _ in every]
    meant = sounding.likeness([text for text, _ in every], Embedding()) if name != "known" else [0.0] * len(every)  # type: ignore[arg-type]
    ways = {"rules": rules, "meaning": meant, "both": [10 * a + b for a, b in zip(rules, meant, strict=True)]}
    print(f"{name}: {len(every)} answers that decline or only sound so")
    for way, values in ways.items():
        groups = [([value], []) if yes else ([], [value]) for value, (_, yes) in zip(values, every, strict=True)]
        print(f"  {way:34} AUROC {_interval(groups)}")
    told = [rule > 0 or value >= sounding.SURE for rule, value in zip(rules, meant, strict=True)]
    print(f"  told {sum(a == yes for a, (_, yes) in zip(told, every, strict=True))} of {len(every)}\n")


class Embedding:
    def embed(self, texts: Sequence[str], kind: str) -> "np.ndarray[Any, Any]":
        found: np.ndarray[Any, Any] = bundled()(list(texts), kind)
        return found


def section(title: str, every: Sequence[Case], yes: Sequence[str], no: Sequence[str], ways: dict[str, Way]) -> None:
    print(f"{title} ({sum(c.kind in yes for c in every)} + {sum(c.kind in no for c in every)})")
    for name, way in ways.items():
        by_question: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
        for case in every:
            if case.kind in (*yes, *no):
                by_question[case.question.id][case.kind in no].append(way(case))
        groups = list(by_question.values())
        parts = [
            auroc([way(c) for c in every if c.kind in yes and c.language == code],
                  [way(c) for c in every if c.kind in no and c.language == code])
            for code in ("en", "es")
        ]  # fmt: skip
        print(f"  {name:34} AUROC {_interval(groups)}   en {parts[0]:.3f}  es {parts[1]:.3f}")
    print()


def _interval(groups: Sequence[tuple[list[float], list[float]]]) -> str:
    drawn = sorted(_auroc(random.Random(SEED + n).choices(groups, k=len(groups))) for n in range(DRAWS))
    low, high = drawn[round(0.025 * DRAWS)], drawn[round(0.975 * DRAWS) - 1]
    return f"{_auroc(groups):.3f} ({low:.3f}-{high:.3f})"


def _auroc(groups: Sequence[tuple[list[float], list[float]]]) -> float:
    import numpy as np
    from scipy.stats import rankdata

    yes = [value for group in groups for value in group[0]]
    no = [value for group in groups for value in group[1]]
    ranks = rankdata(np.array(yes + no))
    return float((ranks[: len(yes)].sum() - len(yes) * (len(yes) + 1) / 2) / (len(yes) * len(no)))


def _looked_up(case: Case) -> float:
    found = [lookup.states(case.answer.text, fact) for fact in case.question.must_contain]
    return sum(found) / len(found)


def _exact(case: Case) -> float:
    return float(lookup.normal(case.answer.text) == lookup.normal(case.question.reference))


def _overlap(case: Case) -> float:
    words = set(terms.content(case.answer.text))
    return len(words & set(terms.content(case.answer.passages[0].chunk.text))) / max(len(words), 1)


def _cosine(every: Sequence[Case]) -> Way:
    texts = list(dict.fromkeys(text for case in every for text in (case.answer.text, case.question.reference)))
    vectors = dict(zip(texts, bundled()(texts, "passage"), strict=True))
    return lambda case: float(vectors[case.answer.text] @ vectors[case.question.reference])


def _langid(case: Case) -> float:
    import py3langid

    py3langid.set_languages(["en", "es"])
    return float(py3langid.classify(case.answer.text)[0] == case.language)


def _rivals() -> dict[str, Way]:
    import sacrebleu
    from rouge_score import rouge_scorer

    scorer = rouge_scorer.RougeScorer(["rougeL"])
    gaps = [
        abs(sacrebleu.sentence_chrf(said, [reference]).score / 100 - chrf(said, reference))
        for said, reference in ((case.answer.text, case.question.reference) for case in cases())
    ]  # fmt: skip
    print(f"chrF, ours against sacrebleu's: largest gap {max(gaps):.1e} of {len(gaps)}\n")
    return {
        "BLEU, sacrebleu": lambda c: sacrebleu.sentence_bleu(c.answer.text, [c.question.reference]).score,
        "ROUGE-L, rouge-score": lambda c: scorer.score(c.question.reference, c.answer.text)["rougeL"].fmeasure,
    }


def damaged(case: Case) -> list[tuple[str, str]]:
    words = case.answer.text.split()
    return [
        ("cut off", " ".join(words[: max(len(words) * 2 // 3, 1)]).rstrip(".")),
        ("stuttered", " ".join([*words[:2] * 4, *words[2:]])),
    ]


def _made() -> None:
    """Made by rule from the templates' questions: the reference as it is, its figure changed, doubled, taken back."""
    told: Counter[tuple[str, bool]] = Counter()
    for file in sorted(TEMPLATES.glob("*/*/questions.jsonl")):
        either, sorry = (
            (" o ", " Perdón, en realidad es ") if file.parent.name == "es" else (" or ", " Sorry, actually it is ")
        )
        for question in read_questions(file):
            facts = question.must_contain
            figure = re.search(r"\d+(?:[.,]\d+)?", facts[0].split("|")[0]) if question.answerable and facts else None
            if figure is None or figure[0] not in question.reference:
                continue
            other = figure[0][:-1] + str((int(figure[0][-1]) + 3) % 10)
            here = re.compile(rf"(?<!\d){re.escape(figure[0])}(?!\d)")
            for way, text in (
                ("as it is", question.reference),
                ("another figure", here.sub(other, question.reference)),
                ("one or the other", here.sub(f"{figure[0]}{either}{other}", question.reference, count=1)),
                ("taken back", f"{question.reference}{sorry}{facts[0].split('|')[0].replace(figure[0], other)}."),
            ):
                told[way, grade(question, Answer(variant="v", question=question.question, text=text)).right] += 1
    print("\nthe templates' references, changed by rule; graded as they should be:")
    for way in dict.fromkeys(way for way, _ in told):
        good = told[way, way == "as it is"]
        print(f"  {way:18} {good} of {told[way, True] + told[way, False]}")


def _alike() -> None:
    """Four assistants whose answers come from one distribution: any "better" is false."""
    drawn = random.Random(SEED)
    any_plain = any_holm = 0
    for _ in range(CARDS):
        tests = []
        for metric in range(6):
            hard = [drawn.random() for _ in range(QUESTIONS)]  # questions differ alike for all four
            sides = []
            for _ in range(4):
                if metric % 2:
                    sides.append({str(n): float(drawn.random() < h) for n, h in enumerate(hard)})
                else:
                    sides.append({str(n): h + drawn.expovariate(2) for n, h in enumerate(hard)})
            for a, b in combinations(range(4), 2):
                if (
                    found := differences.compare(str(metric), "more", (str(a), sides[a]), (str(b), sides[b]))
                ) is not None:
                    tests.append(found)
        any_plain += any(each.p_value < chance.LEVEL for each in tests)
        any_holm += any(each.verdict == "better" for each in differences.corrected(tests))
    print(f"\nfour alike assistants, six metrics, {QUESTIONS} questions, {CARDS} cards of 36 comparisons each:")
    print(
        f"  a false “better” on {any_holm / CARDS:.1%} of cards with Holm's correction, {any_plain / CARDS:.1%} without"
    )


if __name__ == "__main__":
    main()
