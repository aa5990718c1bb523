"""What an explanation costs and how right it is, beside plain `shap.Explainer(model, tokenizer)` and Captum, in one run.

    python -m tests.benchmarks.bench_explanation WEIGHTS [--captum PYTHON] [--parts cost fidelity time masking]

WEIGHTS is a model folder as `engines.weights` leaves it; PYTHON one that has Captum. CPU seconds, because wall time tells
more about the neighbours; both sides of a comparison in the same precision. Plain shap at its 500 evaluations is timed
on five prompts with half of the tokens masked, and multiplied: each is one forward pass of a prompt of its own. Its
fidelity comes from all 500, scored by our engine. Captum draws orders one like the other: one is timed, 25 are its default.

Seen on 2026-11-22, starter model, one thread of an AMD EPYC with AVX512-BF16 that a dozen other programs used too; a
question of 36 words alone (69 tokens, answer 35 tokens), CPU seconds within one run:

    bfloat16 on both sides   plain shap 162 (nothing masked), Captum 239
      phrases (13)   first look 2.4 (67 and 100 times less), values 4.4 (37 and 54 times less)
      words (36)     first look 4.4 (37 and 54 times less), values 8.3 (20 and 29 times less)
    float32 on both sides    plain shap 237 (half masked), Captum 433
      phrases (12)   first look 4.3 (55 and 100 times less), values 7.9 (30 and 55 times less), 63 % of the limit

On time (bfloat16, answer 55 tokens): the question behind 197 tokens of prompt by phrases 5.0 to 7.2 CPU s (35-51 % of the
limit), five passages 3.3 to 4.2 (11.5 when all 32 sets were tried), the question behind them 5.3 to 5.6. With 14 programs
waiting for two cores the first bars came after 4.5 s at best; an idle machine was not to be had.

How right the first look (r 0.94-0.98) and the values (0.97-0.995) of phrases are was measured on complete games, in
`estimating`. Plain shap's fidelity, words against a large reference and two threads were not measured on that day.
"""

import argparse
import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from studio import explanation
from studio.base import events
from studio.base.records import Answer, Chunk, Game, Message, Passage, Variant
from studio.engines.scoring import Scorer, without
from studio.engines.speech import Scores
from studio.explanation import estimating, games, players
from tests.benchmarks.rival_explanations import EVALUATIONS, SAMPLES, Plain

R = TypeVar("R")

SAID = (
    "Please send us photos of the damage, the invoice of the repair and the name of your neighbour's insurer. The repair is "
    "paid fourteen days after we have approved it."
)
REFERENCE_PAIRS = 6  # independent of the orders that are judged by them
SYSTEM = (
    "You answer customers of an insurance company. Be brief and friendly. Name the number of days, months or "
    "euros where there is one. If you do not know, say so and give the telephone number of the office. Never "
    "promise a payment, never give legal advice, and never speak about other companies. Sign with the name of the "
    "office and wish a good day. Write in the language of the customer, in short sentences, without lists, and "
    "without any word a customer would have to look up. When somebody was hurt, say first that you are sorry, and "
    "then what they can do today. When a customer is angry, thank them for telling you, and offer to call them "
    "back on the same day."
)
QUESTION = (
    "My kitchen floor was damaged on Monday because the washing machine of the neighbour leaked through the ceiling; which "
    "papers do you need from me, and how long does it take until the repair is paid?"
)
ANSWER = (
    "Please send us photos of the damage, the invoice of the repair and the name of your neighbour's insurer. We answer "
    "every claim within ten days, and the repair is paid fourteen days after we have approved it. Until then please keep "
    "the broken parts of the floor."
)
PASSAGES = (
    "Water damage. The cover pays for damage to floors, walls and furniture by water that leaks from pipes or "
    "machines, also from those of a neighbour. It does not pay for damage by rain through an open window, nor for "
    "the machine itself. The own share is 150 euros. Broken parts are to be kept until the claim has been "
    "settled, as an expert may wish to see them.",
    "Papers. A claim needs photos of the damage, the invoice of the repair or an estimate, and, where somebody "
    "else caused the damage, the name and address of that person and of the insurer. Papers can be sent by e-mail "
    "or brought to any office. Originals are given back. A claim without photos is not refused, but takes longer, "
    "because an expert has to come.",
    "Times. Every claim is answered within ten days. The repair is paid fourteen days after the claim has been "
    "approved. Where an expert has to come, the answer may take thirty days. The customer is told about each step "
    "by e-mail, and may ask at any time by telephone, Monday to Friday from nine to six. A complaint is answered "
    "within one month.",
    "Travel. The travel cover pays for luggage that is lost or stolen, up to 1,500 euros for each journey, and "
    "for the costs of a doctor abroad. It begins on the day of departure and ends after ninety days. Sports that "
    "need a licence are not covered. Cameras and computers are covered up to half of the sum. A theft has to be "
    "told to the police within a day.",
    "Cars. The car cover pays for damage by others who cannot be found, by hail and by martens. The own share is 300 "
    "euros, and nothing for glass that is repaired instead of replaced. A rented car is paid for seven days while the own "
    "one is repaired. Whoever drives without a licence is not covered. The premium falls each year without a claim.",
)


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
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--captum", type=Path, help="a python that has captum installed")
    parser.add_argument("--quick", action="store_true", help="one reference pair, no 500 evaluations")
    parser.add_argument("--parts", nargs="+", default=["cost", "fidelity", "time", "masking"])
    asked = parser.parse_args()

    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    print(
        f"loading shap: {_cpu(estimating.library)[1]:.1f} CPU s (once a process, while the engine takes its first look)"
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(asked.weights)
    for dtype in asked.dtypes:
        model = transformers.AutoModelForCausalLM.from_pretrained(asked.weights, dtype=getattr(torch, dtype)).eval()
        rates = _limits(model)
        print(f"\n== {dtype}: matrix products alone {rates[0]:.0f} tokens and {rates[1]:.0f} answer rows a CPU s")
        if "cost" in asked.parts:
            _cost(model, tokenizer, rates, asked, dtype)
        if "fidelity" in asked.parts:
            _fidelity(model, tokenizer, asked, dtype)
        for threads in (1, 2) * ("time" in asked.parts):
            _on_time(model, tokenizer, rates, threads)
        torch.set_num_threads(1)
        if "masking" in asked.parts and dtype == "float32":
            _masking(Scorer(model, tokenizer))


# ---- beside the usual ways: what it costs (a question alone, and behind instructions), and how right it is


def _cost(model: Any, tokenizer: Any, rates: tuple[float, float], asked: Any, dtype: str) -> None:
    captum = _captum(asked, dtype)
    if captum:
        print(f"Captum: {captum['seconds'] / captum['evaluations']:.2f} CPU s an evaluation of the question alone")
    theirs = SAMPLES * captum["seconds"] if captum else 0.0
    question, system = Message(role="user", content=QUESTION), Message(role="system", content=SYSTEM)
    for name, conversation in (("question alone", (question,)), ("with instructions", (system, question))):
        scorer = Scorer(model, tokenizer)
        prompt = scorer._render(conversation)
        plain = EVALUATIONS * Plain(tokenizer, prompt).seconds(model, SAID)
        tokens = len(scorer._ids([prompt])[0])
        print(f"{name}, {tokens} tokens: plain shap {plain / EVALUATIONS:.2f} CPU s an evaluation, {plain:.0f} in all")
        for detail in ("phrases", "words"):
            units = players.question(conversation, QUESTION, detail)  # type: ignore[arg-type]
            shown = _played(Scorer(model, tokenizer), conversation, units)
            for what, (game, used) in zip(("first look", "values"), shown, strict=True):
                gap = f", gap {abs(game.gap) / abs(game.full - game.base):.0e}" if what == "values" else ""
                less = f", {theirs / used:.0f}x less than Captum" if theirs and len(conversation) == 1 else ""
                print(
                    f"  {detail} ({len(units)}), {what}: {game.evaluations} evaluations, {game.tokens} tokens, "
                    f"{used:.1f} CPU s, {_share(game, rates, used):.0%} of the limit{gap}: "
                    f"{plain / used:.0f}x less than plain shap{less}"
                )


def _fidelity(model: Any, tokenizer: Any, asked: Any, dtype: str) -> None:
    conversation = (Message(role="user", content=QUESTION),)
    scorer = Scorer(model, tokenizer)
    prompt, ids = scorer._render(conversation), scorer._answer(SAID)[0]
    scorer._tree.packs(scorer._ids([prompt]), ids)

    def by_engine(prompts: list[str]) -> list[float]:
        rows = scorer._ids(prompts)
        found = scorer._tree.score(set(rows), ids)
        return [sum(found[row]) for row in rows]

    theirs = np.zeros(len(prompt))
    if not asked.quick:
        theirs = Plain(tokenizer, prompt).on_characters(by_engine)
        print(f"{dtype}: {_template_share(theirs, prompt):.0%} of plain shap's amounts go to the template")
    start = prompt.index(QUESTION)
    for detail in ("phrases", "words"):
        units = players.question(conversation, QUESTION, detail)  # type: ignore[arg-type]
        reference, orders = _reference(scorer, conversation, units, dtype, detail, asked.quick)
        (look, _), (game, _) = _played(scorer, conversation, units)
        first, mine = ([unit.value for unit in each.units] for each in (look, game))
        second = [unit.lime or 0.0 for unit in game.units]
        its = np.array([theirs[start + u.start : start + u.end].sum() for u in units])
        print(
            f"  {detail}, r with the reference: first look {_r(first, reference):.3f}, values {_r(mine, reference):.3f}, "
            f"LIME on the same sets {_r(second, reference):.3f}, plain shap {_r(its, reference):.3f}"
        )
        for n in (1, 2, 4):
            if 2 * n <= len(orders):
                print(f"    {n} sampled orders ({n * (len(units) + 1)} evaluations): r {_apart(orders, n):.3f}")
        rankings = {"values": np.array(mine), "plain shap": its, "reference": reference}
        _deletion(scorer, conversation, units, rankings)


_FOUND: dict[str, Any] = {}


def _reference(scorer: Scorer, conversation: Any, units: Any, dtype: str, detail: str, quick: bool) -> Any:
    """The mean of many antithetic pairs in float32, and the single orders they are made of."""
    key = f"reference {detail}"
    if key not in _FOUND:
        values = games.Values(_by_removal(scorer, conversation, units), ((0, len(SAID)),))
        orders = []
        for seed in range(1 if quick else REFERENCE_PAIRS * (1 if detail == "words" else 2)):
            order = np.random.default_rng(100 + seed).permutation(len(units))
            orders += [_order(values, order), _order(values, order[::-1])]
        _FOUND[key] = np.mean(orders, axis=0), np.array(orders)
        halves = np.mean(orders[: len(orders) // 2], axis=0), np.mean(orders[len(orders) // 2 :], axis=0)
        print(f"reference for {detail}, {dtype}: {values.evaluations} evaluations, halves agree r {_r(*halves):.3f}")
    return _FOUND[key]


def _order(values: games.Values, order: Any) -> Any:
    rows = np.tril(np.ones((len(order) + 1, len(order)), dtype=bool), -1)[:, np.argsort(order)]
    return np.diff(values(rows)[:, 0])[np.argsort(order)]


def _apart(orders: Any, n: int) -> float:
    """How well the mean of n orders goes with the mean of the others, on average."""
    found = []
    for start in range(0, len(orders) - n + 1, n):
        rest = np.delete(orders, range(start, start + n), axis=0)
        found.append(_r(orders[start : start + n].mean(axis=0), rest.mean(axis=0)))
    return float(np.mean(found))


def _deletion(scorer: Scorer, conversation: Any, units: Any, rankings: dict[str, Any]) -> None:
    """How much the answer loses when the first few of a ranking are taken out; random is the mean of eight orders."""
    evaluate, everybody = _by_removal(scorer, conversation, units), tuple([True] * len(units))
    (full,) = (sum(row) for row in evaluate([everybody]).logprobs)

    def lost(order: Any) -> list[float]:
        masks = [tuple(n not in order[:k] for n in range(len(units))) for k in (1, 3, 5)]
        return [full - sum(row) for row in evaluate(masks).logprobs]

    chance = [lost(np.random.default_rng(seed).permutation(len(units))) for seed in range(8)]
    lines = {name: lost(np.argsort(-values)) for name, values in rankings.items()} | {"random": np.mean(chance, axis=0)}
    print("  lost without the first 1 / 3 / 5: " + "; ".join(
        f"{name} {' / '.join(f'{value:.1f}' for value in values)}" for name, values in lines.items()))  # fmt: skip


def _captum(asked: Any, dtype: str) -> dict[str, float] | None:
    if not asked.captum:
        return None
    command = [str(asked.captum), "-m", "tests.benchmarks.rival_explanations", str(asked.weights), dtype]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    found: dict[str, float] = json.loads(said.stdout.splitlines()[-1])
    return found


def _template_share(spread: Any, prompt: str) -> float:
    start = prompt.index(QUESTION)
    inside = abs(spread[start : start + len(QUESTION)]).sum()
    return float(1 - inside / abs(spread).sum()) if abs(spread).sum() else 0.0


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
    begun = time.monotonic()
    marks = [(time.process_time(), time.monotonic())]
    first: list[str] = []

    def emit(event: events.Event) -> None:
        if isinstance(event, events.Stage):
            marks.append((time.process_time(), time.monotonic()))
        if isinstance(event, events.Explained) and not first:
            first.append(f"first bars after {time.monotonic() - begun:.1f} s")

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


def _played(scorer: Scorer, conversation: Any, units: Any) -> list[tuple[Game, float]]:
    """The first look and the values, as the studio plays the game at least, with the CPU seconds until each."""
    scorer._tree.packs(
        scorer._ids([scorer._render(conversation)]), scorer._answer(SAID)[0]
    )  # once a model, not each time
    scorer.forget()
    begun = time.process_time()
    shown: list[tuple[Game, float]] = []
    evaluate, spans = _by_removal(scorer, conversation, units), ((0, len(SAID)),)
    games.play(
        "question", units, evaluate, spans, 0, show=lambda game: shown.append((game, time.process_time() - begun))
    )
    return shown


def _by_removal(scorer: Scorer, conversation: Any, units: Any) -> Any:
    where = [player.where for player in units]
    return lambda masks: scorer.score([without(conversation, where, mask) for mask in masks], SAID)


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
