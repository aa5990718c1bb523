"""What an explanation costs and how right it is, beside plain `shap.Explainer(model, tokenizer)` and Captum, in one run.

    python -m tests.benchmarks.bench_explanation WEIGHTS [--captum PYTHON] [--parts screen cost fidelity time masking]

WEIGHTS is a model folder as `engines.weights` leaves it; PYTHON one that has Captum. CPU seconds, because wall time tells
more about the neighbours; both sides of a comparison in the same precision. Plain shap at its 500 evaluations is timed
on five prompts with half of the tokens masked, and multiplied: each is one forward pass of a prompt of its own. Its
fidelity comes from all 500, scored by our engine. Captum draws orders one like the other: one is timed, 25 are its default.

Seen on 2026-11-22, starter model in bfloat16 on both sides, one thread of an Intel Xeon with AMX that eight other programs
used too (an idle machine was not to be had, nor time for all parts in one run); a question of 36 words alone (69 tokens,
answer 35 tokens), medians of CPU seconds within one run, plain shap 97 with half of the tokens masked:

    phrases (12)   first look 0.9 (110 times less than plain shap)   values 1.8 (55 times less), 78 % of the limit
    words (36)     first look 2.5 (40 times less)                    values 4.2 (23 times less), 90 % of the limit

Captum's 25 orders over the words would take 220 (another run of that hour): 52 times the words' 4.2. Of four orders, which
are about as right as our values of words, it would be 8 times.

How right, of the same question, beside 24 (words: 12) random orders in bfloat16, that day, before the two ends were weighed:
    phrases   first look r 0.83, values 0.98, plain shap (500) 0.97; two random orders (26 evaluations) 0.92, four 0.97
    words     first look r 0.79, values 0.92, plain shap (500) 0.83; two random orders (74 evaluations) 0.90, four 0.93
    lost without the first 1 / 3 / 5: phrases 6.1 / 14.6 / 19.5, plain shap 1.6 / 14.6 / 20.7, random 0.9 / 3.5 / 10.0;
    words 6.1 / 12.4 / 19.5, plain shap 6.1 / 15.5 / 15.4, random 0.1 / 1.2 / 2.5. 24 % of plain shap's went to the template.
So 55 and 23 are at better fidelity than plain shap's 500 evaluations, 110 and 40 at less. Two thirds and more of the CPU
seconds are matrix products of 39 tokens an evaluation that no order of the sets can share.

On time (answer 55 tokens): the question behind 197 tokens of prompt by phrases 4.0 CPU s, first bars after 1.5; five
passages 2.5, first bars after 1.6; the question behind them 2.9. Through the models' own process: first bars after 1.2,
values 2.5 CPU s; of a session's first explanation 9.4 and 11.6, of which 8 are torch and transformers being imported.
Not measured that day: plain shap at 250 and 1,000 evaluations, the other two questions beside it, float32, masking.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from studio import explanation
from studio.base import events
from studio.base.records import Answer, Chunk, Game, Message, Passage, Variant
from studio.base.settings import Settings
from studio.engines import Engine, weights
from studio.engines.scoring import Scorer, without
from studio.engines.speech import Scores
from studio.explanation import estimating, games, players
from tests.benchmarks.rival_explanations import EVALUATIONS, SAMPLES, Plain

R = TypeVar("R")

SAID = (
    "Please send us photos of the damage, the invoice of the repair and the name of your neighbour's insurer. The repair is "
    "paid fourteen days after we have approved it."
)
BUDGETS = (250, 500, 1000)  # evaluations of plain shap
STARTER = "smollm2-135m-instruct"
REFERENCE_PAIRS = {"phrases": 12, "words": 8}
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

CASES = (
    (QUESTION, SAID),
    (
        "We fly to Lisbon on Friday and my suitcase was stolen at the station this morning; does the travel cover pay for a "
        "new one before we leave?",
        "Yes, the travel cover pays up to 1,500 euros for each journey when luggage is stolen. Please tell the police "
        "within a day and send us their report.",
    ),
    (
        "¿Cuánto tarda el envío de una lavadora a Tenerife y qué tengo que hacer si el paquete llega roto o fuera de plazo?",
        "El envío a Canarias tarda de cinco a ocho días laborables. Si la lavadora llega rota, haga una foto y escríbanos "
        "en las primeras 24 horas.",
    ),
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
    parser.add_argument("--quick", action="store_true", help="fidelity: one question, few evaluations")
    parser.add_argument("--parts", nargs="+", default=["screen", "cost", "fidelity", "time", "masking"])
    asked = parser.parse_args()

    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    print(
        f"loading shap: {_cpu(estimating.library)[1]:.1f} CPU s (once a process, if a game asks for more than its two ends)"
    )
    if "screen" in asked.parts:
        _on_screen()
    tokenizer = transformers.AutoTokenizer.from_pretrained(asked.weights)
    for dtype in asked.dtypes:
        model = transformers.AutoModelForCausalLM.from_pretrained(asked.weights, dtype=getattr(torch, dtype)).eval()
        rates = _limits(model)
        print(f"\n== {dtype}: matrix products alone {rates[0]:.0f} tokens and {rates[1]:.0f} answer rows a CPU s")
        if "cost" in asked.parts:
            _cost(model, tokenizer, rates, asked, dtype)
        if "fidelity" in asked.parts:
            _fidelity(model, tokenizer, asked.quick)
        for threads in (1, 2)[: len(_CORES)] * ("time" in asked.parts):
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


def _fidelity(model: Any, tokenizer: Any, quick: bool) -> None:
    """Means over CASES: the correlation with a large reference, and what the answer loses without the first parts."""
    table: dict[tuple[str, str], list[list[float]]] = {}
    template: list[float] = []
    for question, said in CASES[:1] if quick else CASES:
        conversation = (Message(role="user", content=question),)
        scorer = Scorer(model, tokenizer)
        prompt, ids = scorer._render(conversation), scorer._answer(said)[0]
        start, known = prompt.index(question), dict[str, float]()

        def by_engine(prompts: list[str], scorer: Any = scorer, known: Any = known, ids: Any = ids) -> list[float]:
            rows = dict(zip(prompts, scorer._ids(prompts), strict=True))
            new = sorted({(rows[each], ids) for each in prompts if each not in known})
            found = dict(zip(new, scorer._tree.each(new), strict=True)) if new else {}
            known |= {each: sum(found[rows[each], ids]) for each in prompts if each not in known}
            return [known[each] for each in prompts]

        plain = Plain(tokenizer, prompt)
        theirs = {n: plain.on_characters(by_engine, n) for n in (BUDGETS[:1] if quick else BUDGETS)}
        inside = slice(start, start + len(question))
        template += [1 - abs(each[inside]).sum() / abs(each).sum() for each in theirs.values()]
        for detail in ("phrases", "words"):
            units = players.question(conversation, question, detail)  # type: ignore[arg-type]
            values = games.Values(_by_removal(scorer, conversation, units, said), ((0, len(said)),))
            orders = _orders(values, len(units), 2 if quick else REFERENCE_PAIRS[detail])
            reference = np.mean(orders, axis=0)
            (look, _), (game, _) = _played(scorer, conversation, units, said)
            rankings = {
                "first look": [unit.value for unit in look.units],
                "values": [unit.value for unit in game.units],
                "LIME on the same sets": [unit.lime or 0.0 for unit in game.units],
                **{f"plain shap {n}": [each[start + u.start : start + u.end].sum() for u in units]
                   for n, each in theirs.items()},
                "reference": reference,
            }  # fmt: skip
            for name, ranking in rankings.items():
                lost = _lost(values, np.argsort(-np.array(ranking)))
                table.setdefault((detail, name), []).append([_r(ranking, reference), *lost])
            for n in (2, 4, 8)[: len(orders) // 8 + 1]:
                table.setdefault((detail, f"{n} random orders"), []).append([_apart(orders, n)])
            chance = [_lost(values, np.random.default_rng(seed).permutation(len(units))) for seed in range(8)]
            table.setdefault((detail, "random"), []).append([0.0, *np.mean(chance, axis=0)])
            halves = np.mean(orders[: len(orders) // 2], axis=0), np.mean(orders[len(orders) // 2 :], axis=0)
            print(
                f"  {detail} ({len(units)}), reference of {values.evaluations} evaluations: halves agree r {_r(*halves):.3f}"
            )
    print(f"  {np.mean(template):.0%} of plain shap's amounts go to the template")
    for (detail, name), rows in table.items():
        r, *lost = np.mean(rows, axis=0)
        each = " ".join(f"{row[0]:.2f}" for row in rows)
        print(f"  {detail:8} {name:22} r {r:.3f} ({each})  lost " + " / ".join(f"{value:.1f}" for value in lost))


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


def _apart(orders: Any, n: int) -> float:
    """How well the mean of n orders goes with the mean of the others, on average."""
    found = []
    for start in range(0, len(orders) - n + 1, n):
        rest = np.delete(orders, range(start, start + n), axis=0)
        found.append(_r(orders[start : start + n].mean(axis=0), rest.mean(axis=0)))
    return float(np.mean(found))


def _lost(values: games.Values, order: Any) -> list[float]:
    """How much the answer loses when the first 1, 3 and 5 of an order are taken out."""
    rows = np.array([[n not in order[:k] for n in range(len(order))] for k in (0, 1, 3, 5)])
    full, *less = values(rows)[:, 0]
    return [float(full - each) for each in less]


def _captum(asked: Any, dtype: str) -> dict[str, float] | None:
    if not asked.captum:
        return None
    command = [str(asked.captum), "-m", "tests.benchmarks.rival_explanations", str(asked.weights), dtype]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    found: dict[str, float] = json.loads(said.stdout.splitlines()[-1])
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
            for name, (question, said) in zip(("first explanation of a session", "another"), CASES, strict=False):
                seen.clear()
                begun = used()
                emit = lambda event: seen.append(used()) if isinstance(event, events.Explained) else None  # noqa: E731
                asked = (Message(role="user", content=question),)
                answer = Answer(variant="v", question=question, text=said, messages=asked)
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


def _played(scorer: Scorer, conversation: Any, units: Any, said: str = SAID) -> list[tuple[Game, float]]:
    """The first look and the values, as the studio plays the game at least, with the CPU seconds until each."""
    scorer._tree.packs(
        scorer._ids([scorer._render(conversation)]), scorer._answer(said)[0]
    )  # once a model, not each time
    scorer.forget()
    begun = time.process_time()
    shown: list[tuple[Game, float]] = []
    evaluate, spans = _by_removal(scorer, conversation, units, said), ((0, len(said)),)
    games.play(
        "question", units, evaluate, spans, 0, show=lambda game: shown.append((game, time.process_time() - begun))
    )
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
