"""What an explanation costs and how right it is, beside plain `shap.Explainer(model, tokenizer)` and Captum, in one run.

    python -m tests.benchmarks.bench_explanation WEIGHTS [--captum PYTHON] [--parts screen beside time masking]

WEIGHTS is a model folder as `engines.weights` leaves it; PYTHON one that has Captum. CPU seconds, because wall time tells
more about the neighbours; both sides of a comparison in the same precision, in turn, three times, and their medians.
Plain shap at its 500 evaluations is timed on prompts with half of the tokens masked, and multiplied: each is one forward
pass of a prompt of its own. Its fidelity comes from all 500, scored by our engine, whose numbers are those of plain passes
(tests/engines/test_scoring.py). Captum draws orders one like the other: one is timed, 25 are its default, and how right a
number of them is follows from how far single orders lie apart. The reference is the mean of many orders, forwards and
backwards, of seeds that no estimate uses; r with it is lower than with the true values by the same factor for all.

Seen on 2026-11-22 in one piece (12 minutes by the clock), starter model in bfloat16 on both sides, one thread of an Intel
Xeon with AMX whose other core and cache other programs used; medians of the four questions, and the least and the most:

    plain shap's CPU s / ours     first look           values               where ours is first as right as plain shap
    phrases (9 to 11)             132 (127 to 160)     100 (79 to 104)      128 (69 to 135)
    words (28 to 32)              46 (40 to 50)        39 (32 to 42)        46 (40 to 50)
    r with the reference          first look           values               plain shap at 500 evaluations
    phrases                       0.94 (0.87 to 0.99)  0.97 (0.89 to 0.99)  0.82 (0.62 to 0.97)
    words                         0.91 (0.83 to 0.93)  0.92 (0.80 to 0.95)  0.64 (0.43 to 0.93)

So at plain shap's fidelity or better phrases cost 127 to 135 times less for three questions and 69 times for the first,
whose values (104 times, r 0.954) are a little less right than plain shap's (0.968), and words 40 times and more for all.
42 to 91 % of the limit of the matrix products were reached.

Lost without the first 1 / 3 / 5: phrases, values 14.4 / 27.8 / 32.9, plain shap 13.5 / 24.4 / 28.0, random 3.3 / 11.0 /
17.1; words, values 10.5 / 21.3 / 23.8, plain shap 10.0 / 18.0 / 22.7, random 2.5 / 4.5 / 5.6.

Captum, words: its 25 orders cost 78 times (36 to 101) what our values do. As right as its 4 orders (r 0.88) ours is at 15
times less (6 to 19), its 8 orders (0.93) at 22 (2 to 34), its 25 orders (0.96) at 13 and 20 for two questions and, within
four pairs of orders, not at all for the other two. It was timed once, before ours, while the load changed: in the run
before it (with fewer orders of ours) 12, 20 and 23 to 26 times for 4, 8 and 25 orders.

The weighing (what is lost counts 0.6) was chosen on other questions. On these, r of both ends at 0.4 / 0.5 / 0.6 / 0.7:
phrases 0.982 / 0.986 / 0.986 / 0.981, words 0.83 / 0.89 / 0.92 / 0.93. That phrases behind passages are first left out,
not first tried alone, was decided by the third and fourth question in the run before (alone, the fourth's values had r
0.53; now 0.89).

On time (answer 55 tokens): the question behind 197 tokens of prompt by phrases 1.6 CPU s, its instructions 1.3, first
bars after 1.0; five passages 1.7, the question behind them 1.7, first bars after 1.1. Four passages by masking beside
removal: r 0.998. Through the models' own process: first bars after 0.8, values 1.4 CPU s; first explanation of a session
7.2 and 7.6, of which the model's libraries are 4 to 5; loaded while the answers stood, 0.9 and 1.4.
"""

import argparse
import contextlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any, Literal, TypeVar

import numpy as np

from studio import explanation
from studio.base import events
from studio.base.records import Answer, Chunk, Game, Message, Passage, Variant
from studio.base.settings import Settings
from studio.engines import Engine, weights
from studio.engines.scoring import Scorer, without
from studio.engines.speech import Scores
from studio.explanation import games, players
from tests.benchmarks.explanation_questions import ANSWER, PASSAGES, QUESTION, QUESTIONS, SAID, SYSTEM, Asked
from tests.benchmarks.rival_explanations import EVALUATIONS, SAMPLES, Plain

R = TypeVar("R")
Detail = Literal["phrases", "words"]

STARTER = "smollm2-135m-instruct"
TURNS = 3  # how often each side is timed
REFERENCE_PAIRS: dict[Detail, int] = {"phrases": 8, "words": 8}
ROUNDS: dict[Detail, int] = {"phrases": 5, "words": 6}  # how far ours is followed: to two pairs of orders and more
ORDERS = (1, 2, 4, 8, SAMPLES)  # of Captum
WEIGHINGS = (0.4, 0.5, 0.6, 0.7)


class Local:
    """The scoring half of an engine, in this process."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    def score(self, conversations: Sequence[Sequence[Message]], answer: str, **_: object) -> Scores:
        return self.scorer.score(conversations, answer)

    def score_masked(self, conversation: Any, units: Any, masks: Any, answer: str, **_: object) -> Scores:
        return self.scorer.score_masked(conversation, units, masks, answer)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("weights", type=Path)
    parser.add_argument("--dtype", default="bfloat16", choices=["float32", "bfloat16"])
    parser.add_argument("--captum", type=Path, help="a python that has captum installed")
    parser.add_argument("--quick", action="store_true", help="one question, timed once, with a small reference")
    parser.add_argument("--parts", nargs="+", default=["screen", "beside", "time", "masking"])
    asked = parser.parse_args()

    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    if "screen" in asked.parts:
        _on_screen()
    tokenizer = transformers.AutoTokenizer.from_pretrained(asked.weights)

    def loaded(dtype: str) -> Any:
        return transformers.AutoModelForCausalLM.from_pretrained(asked.weights, dtype=getattr(torch, dtype)).eval()

    model = loaded(asked.dtype)
    rates = _limits(model)
    print(
        f"{asked.dtype}: matrix products alone {rates[0]:.0f} tokens and {rates[1]:.0f} answer rows a CPU s", flush=True
    )
    if "beside" in asked.parts:
        _beside(model, tokenizer, rates, asked)
    for threads in (1, 2)[: len(_CORES)] * ("time" in asked.parts):
        _on_time(model, tokenizer, rates, threads)
    torch.set_num_threads(1)
    if "masking" in asked.parts:
        _masking(Scorer(loaded("float32"), tokenizer))


# ---- beside the usual ways: what it costs, and how right it is


class Beside(dict[str, list[float]]):
    """Numbers of all questions by what they say."""

    def note(self, name: str, value: float) -> None:
        self.setdefault(name, []).append(value)

    def told(self) -> None:
        for name, found in self.items():
            held = [each for each in found if each == each]
            missed = f", {len(found) - len(held)} not reached" if len(held) < len(found) else ""
            if held:
                print(f"  {name}: {median(held):.3g} ({min(held):.3g} to {max(held):.3g}{missed})")
            else:
                print(f"  {name}: not reached")


def _beside(model: Any, tokenizer: Any, rates: tuple[float, float], given: Any) -> None:
    questions = QUESTIONS[:1] if given.quick else QUESTIONS
    captum = _captum(given, len(questions))
    table, lost = Beside(), dict[tuple[str, str], list[list[float]]]()
    for number, asked in enumerate(questions):
        conversation = (Message(role="user", content=asked.prompt),)
        taken = players.passages(conversation, asked.passages)
        scorer = Scorer(model, tokenizer)
        prompt, said = scorer._render(conversation), scorer._answer(asked.said)[0]
        print(f"question {number + 1}, {len(scorer._ids([prompt])[0])} tokens, answer {len(said)}", flush=True)
        plain = Plain(tokenizer, prompt)
        units: dict[Detail, Any] = {
            detail: players.question(conversation, asked.question, detail, taken=taken) for detail in REFERENCE_PAIRS
        }
        theirs, ours = list[float](), dict[Detail, list[list[float]]]()
        for _ in range(1 if given.quick else TURNS):
            theirs.append(EVALUATIONS * plain.seconds(model, asked.said))
            for detail, parts in units.items():
                ours.setdefault(detail, []).append(
                    [cpu for _, cpu in _played(model, tokenizer, conversation, parts, asked)]
                )
        per_token = plain.on_characters(_by_engine(scorer, said), 40 if given.quick else EVALUATIONS)
        start = prompt.rindex(asked.question)
        inside = abs(per_token[start : start + len(asked.question)]).sum() / abs(per_token).sum()
        print(f"  plain shap {median(theirs):.0f} CPU s, {inside:.0%} of its amounts in the question", flush=True)
        for detail, parts in units.items():
            values = games.Values(_by_removal(scorer, conversation, parts, asked.said), ((0, len(asked.said)),))
            orders = _orders(values, len(parts), 2 if given.quick else REFERENCE_PAIRS[detail])
            reference = orders.mean(axis=0)
            beginning = start - asked.prompt.rindex(asked.question)
            rival = [per_token[beginning + part.start : beginning + part.end].sum() for part in parts]
            look, value = (median(each[n] for each in ours[detail]) for n in (0, 1))
            shown = _played(model, tokenizer, conversation, parts, asked, ROUNDS[detail])
            spent = [
                look,
                *(value * cpu / shown[1][1] for _, cpu in shown[1:]),
            ]  # one run, brought to the three's median
            right = [_r([unit.value for unit in game.units], reference) for game, _ in shown]
            for (game, _), cpu, r in zip(shown, spent, right, strict=True):
                print(
                    f"  {detail} ({len(parts)}) {game.evaluations} evaluations, {game.tokens} tokens, {cpu:.2f} CPU s, "
                    f"{_share(game, rates, cpu):.0%} of the limit, {median(theirs) / cpu:.0f}x, r {r:.3f}", flush=True,
                )  # fmt: skip
            for name, n in (("first look", 0), ("values", 1)):
                table.note(f"{detail}, {name}: times less than plain shap", median(theirs) / spent[n])
                table.note(f"{detail}, {name}: r", right[n])
            table.note(f"{detail}, plain shap {EVALUATIONS}: r", _r(rival, reference))
            enough = [cpu for cpu, r in zip(spent, right, strict=True) if r >= _r(rival, reference)]
            table.note(
                f"{detail}, at plain shap's r: times less", median(theirs) / enough[0] if enough else float("nan")
            )
            table.note(
                f"{detail}: halves of the reference, r", _r(*(half.mean(axis=0) for half in np.split(orders, 2)))
            )
            one = np.eye(len(parts), dtype=bool)
            none, whole = values(np.array([[False], [True]]) | (one[:2] & False))[:, 0]
            brought, left = values(one)[:, 0], values(~one)[:, 0]
            for weighing in WEIGHINGS:
                mean = weighing * (whole - left) + (1 - weighing) * (brought - none)
                table.note(
                    f"{detail}: r of both ends, all of them, what is lost weighed {weighing}", _r(mean, reference)
                )
            for orders_of in ORDERS * (detail == "words"):
                as_right = _expected(orders, orders_of)
                table.note(f"{detail}: {orders_of} of Captum's orders, r", as_right)
                enough = [cpu for cpu, r in zip(spent, right, strict=True) if r >= as_right]
                if captum:
                    used = orders_of * captum[number]
                    table.note(f"{detail}, values: times less than {orders_of} of Captum's orders", used / value)
                    table.note(f"{detail}, as right as {orders_of} of Captum's orders: times less",
                               used / enough[0] if enough else float("nan"))  # fmt: skip
            rankings = {
                "first look": [unit.value for unit in shown[0][0].units],
                "values": [unit.value for unit in shown[1][0].units],
                f"plain shap {EVALUATIONS}": rival,
                "reference": reference,
            }
            for name, ranking in rankings.items():
                lost.setdefault((detail, name), []).append(_lost(values, np.argsort(-np.array(ranking))))
            chance = [_lost(values, np.random.default_rng(seed).permutation(len(parts))) for seed in range(8)]
            lost.setdefault((detail, "random"), []).append(np.mean(chance, axis=0))
    print(f"medians of {len(questions)} questions, and from the least to the most")
    table.told()
    print("lost without the first 1 / 3 / 5, means")
    for (detail, name), rows in lost.items():
        print(f"  {detail:8} {name:16} " + " / ".join(f"{each:.1f}" for each in np.mean(rows, axis=0)))


def _by_engine(scorer: Scorer, said: tuple[int, ...]) -> Callable[[list[str]], list[float]]:
    def score(prompts: list[str]) -> list[float]:
        rows = scorer._ids(prompts)
        found = scorer._found([(row, said) for row in rows])
        return [sum(found[row, said]) for row in rows]

    return score


def _orders(values: games.Values, players: int, pairs: int) -> Any:
    """What each adds in single orders, forwards and backwards."""
    made = []
    for seed in range(pairs):
        order = np.random.default_rng(100 + seed).permutation(players)
        for each in (order, order[::-1]):
            place = np.argsort(each)
            rows = np.tril(np.ones((players + 1, players), dtype=bool), -1)[:, place]
            made.append(np.diff(values(rows)[:, 0])[place])
    return np.array(made)


def _expected(orders: Any, n: int) -> float:
    """The r with this reference of the mean of n other orders, from how far single orders and pairs of them lie apart."""
    pairs = orders.reshape(len(orders) // 2, 2, -1).mean(axis=1)
    noise = pairs.var(axis=0, ddof=1).mean() / len(pairs)
    true = orders.mean(axis=0).var() - noise
    return float(true / ((true + orders.var(axis=0, ddof=1).mean() / n) * (true + noise)) ** 0.5)


def _lost(values: games.Values, order: Any) -> list[float]:
    """How much the answer loses when the first 1, 3 and 5 of an order are taken out."""
    rows = np.array([[n not in order[:k] for n in range(len(order))] for k in (0, 1, 3, 5)])
    full, *less = values(rows)[:, 0]
    return [float(full - each) for each in less]


def _captum(given: Any, questions: int) -> list[float]:
    """CPU seconds of one of its orders over the words, for each question."""
    if not given.captum:
        return []
    command = [
        str(given.captum), "-m", "tests.benchmarks.rival_explanations", str(given.weights), given.dtype, str(questions)
    ]  # fmt: skip
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    found: list[float] = json.loads(said.stdout.splitlines()[-1])
    print("Captum: " + ", ".join(f"{each:.1f}" for each in found) + " CPU s an order over the words", flush=True)
    return found


# ---- on time: a prompt of 200 tokens, and five passages


def _on_time(model: Any, tokenizer: Any, rates: tuple[float, float], threads: int) -> None:
    import torch

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(_CORES)[:threads])
    torch.set_num_threads(threads)
    prompt_only = (Message(role="system", content=SYSTEM), Message(role="user", content=QUESTION))
    listed = "\n\n".join(f"[{n}] {text}" for n, text in reversed(list(enumerate(PASSAGES, 1))))
    rag = (Message(role="user", content=f"{listed}\n\nAnswer only from the text above.\nQuestion: {QUESTION}"),)
    for name, conversation, found in (("prompt", prompt_only, ()), ("documents", rag, PASSAGES)):
        scorer = Scorer(model, tokenizer)
        scorer._tree.packs(scorer._ids([scorer._render(conversation)]), scorer._answer(ANSWER)[0])  # once a model
        tokens = len(scorer._ids([scorer._render(conversation)])[0])
        print(f"{name}, {threads} threads: {tokens} tokens of prompt, {len(scorer._answer(ANSWER)[0])} of answer")
        _explained(scorer, conversation, found, rates)


_CORES = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else {0}


def _explained(
    scorer: Scorer, conversation: Sequence[Message], found: Sequence[str], rates: tuple[float, float]
) -> None:
    passages = tuple(
        Passage(chunk=Chunk(id=str(n), document_id="", document="", text=t, start=0, end=0), score=1, similarity=1)
        for n, t in enumerate(found)
    )
    answer = Answer(variant="v", question=QUESTION, text=ANSWER, messages=tuple(conversation), passages=passages)
    variant = Variant(id="v", approach="documents" if found else "instructions", model="")
    marks = [(time.process_time(), time.monotonic())]
    first: list[str] = []

    def emit(event: events.Event) -> None:
        if isinstance(event, events.Stage):
            marks.append((time.process_time(), time.monotonic()))
        if isinstance(event, events.Explained) and not first:
            cpu, wall = time.process_time() - marks[0][0], time.monotonic() - marks[0][1]
            first.append(f"first bars after {cpu:.1f} CPU s, {wall:.1f} s")

    made = explanation.explain(answer, variant, None, Local(scorer), emit, lambda: False, seconds=0)  # type: ignore[arg-type]
    marks.append((time.process_time(), time.monotonic()))
    for game, (cpu, wall), (cpu_then, wall_then) in zip(made.games, marks[1:], marks[2:], strict=False):
        used = cpu_then - cpu
        print(
            f"  {game.kind:12} {len(game.units):2} units {game.method:14} {game.evaluations:3} evaluations {game.tokens:6} "
            f"tokens {used:6.1f} CPU s {wall_then - wall:6.1f} s, {_share(game, rates, used):.0%} of the limit, gap "
            f"{abs(game.gap) / max(abs(game.full - game.base), 1e-12):.0e}"
        )
    print(f"  {first[0]}")


def _on_screen() -> None:
    """CPU seconds of this process and of the models' own until the first bars: of its first explanation, and of another."""
    import psutil

    def used() -> float:
        me = psutil.Process()
        return sum(sum(each.cpu_times()[:2]) for each in (me, *me.children(recursive=True)))

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(projects=Path(folder))
        weights(STARTER, settings)
        engine = Engine(settings)
        variant, seen = Variant(id="v", approach="instructions", model=STARTER), list[float]()
        try:
            for name, asked_of, ahead in (
                ("first explanation of a session", QUESTIONS[0], False),
                ("another", QUESTIONS[1], False),
                ("first of a session, loaded while the answers stood", QUESTIONS[0], True),
            ):
                if ahead:
                    engine.stop()
                    explanation.warm(variant, None, engine)
                seen.clear()
                begun = used()
                emit = lambda event: seen.append(used()) if isinstance(event, events.Explained) else None  # noqa: E731
                asked = (Message(role="user", content=asked_of.question),)
                answer = Answer(variant="v", question=asked_of.question, text=asked_of.said, messages=asked)
                explanation.explain(answer, variant, None, engine, emit, lambda: False, seconds=0)
                bars, values = (each - begun for each in seen[:2])
                print(f"{name}, through the models' process: first bars {bars:.1f}, values {values:.1f} CPU s")
        finally:
            engine.stop()


def _masking(scorer: Scorer) -> None:
    """Exact passage values by masking beside those by true removal."""
    listed = "\n\n".join(f"[{n}] {text}" for n, text in enumerate(PASSAGES[:4], 1))
    conversation = (Message(role="user", content=f"{listed}\n\nQuestion: {QUESTION}"),)
    found = players.passages(conversation, PASSAGES[:4])
    units, masks = [player.where for player in found], list(product([False, True], repeat=len(found)))
    removed = scorer.score([without(conversation, units, mask) for mask in masks], SAID)
    masked = scorer.score_masked(conversation, units, masks, SAID)
    values = []
    for scores in (removed, masked):
        table = dict(zip(masks, scores.logprobs, strict=True))
        evaluate = lambda ms, t=table: Scores(tokens=removed.tokens, logprobs=tuple(t[m] for m in ms))  # noqa: E731
        game = games.play("passages", found, evaluate, ((0, len(SAID)),), 0)
        values.append([unit.value for unit in game.units])
    print(
        f"four passages by removal {np.round(values[0], 2)}, by masking {np.round(values[1], 2)}, r {_r(*values):.3f}"
    )


# ---- how it is measured


class _Enough(Exception):
    """It was followed far enough."""


def _played(
    model: Any, tokenizer: Any, conversation: Any, parts: Any, asked: Asked, rounds: int = 2
) -> list[tuple[Game, float]]:
    """The first look, the values and what refines them, as the studio plays the game, with the CPU seconds until each."""
    scorer = Scorer(model, tokenizer)
    scorer._tree.packs(scorer._ids([scorer._render(conversation)]), scorer._answer(asked.said)[0])  # once a model
    scorer.forget()
    shown: list[tuple[Game, float]] = []
    begun = time.process_time()

    def show(game: Game) -> None:
        shown.append((game, time.process_time() - begun))
        if len(shown) == rounds:
            raise _Enough

    alone = len(parts) <= players.MOST_PHRASES and not asked.passages  # as the studio: phrases of a question alone
    evaluate = _by_removal(scorer, conversation, parts, asked.said)
    with contextlib.suppress(_Enough):
        games.play("question", parts, evaluate, ((0, len(asked.said)),), 1e9, show=show, alone=alone)
    return shown


def _by_removal(scorer: Scorer, conversation: Any, units: Any, said: str) -> Any:
    where = [player.where for player in units]
    return lambda masks: scorer.score([without(conversation, where, mask) for mask in masks], said)


def _limits(model: Any) -> tuple[float, float]:
    """How fast the processor multiplies: tokens a CPU s through all layers' matrices, rows a CPU s through the last one."""
    import torch

    layers = [part.weight for part in model.model.modules() if isinstance(part, torch.nn.Linear)]

    def through(matrices: Any) -> float:
        given = {m.shape[1]: torch.randn(256, m.shape[1], dtype=m.dtype) for m in matrices}
        with torch.inference_mode():
            times = [
                _cpu(lambda: [torch.nn.functional.linear(given[m.shape[1]], m) for m in matrices])[1] for _ in range(4)
            ]
        return 256 / min(times)

    return through(layers), through([model.lm_head.weight])


def _share(game: Game, rates: tuple[float, float], used: float) -> float:
    """What part of the CPU seconds the matrix products alone would have taken."""
    return (game.tokens / rates[0] + game.evaluations * game.answer_tokens / rates[1]) / used


def _r(a: Any, b: Any) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def _cpu(work: Callable[[], R]) -> tuple[R, float]:
    started = time.process_time()
    made = work()
    return made, time.process_time() - started


if __name__ == "__main__":
    main()
