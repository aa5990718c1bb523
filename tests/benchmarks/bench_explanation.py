"""What an explanation costs: CPU seconds, tokens and the efficiency check, beside plain `shap.Explainer(model, tokenizer)`.

    python -m tests.benchmarks.bench_explanation WEIGHTS [--dtype bfloat16] [--threads 1] [--plain 0] [--naive]

WEIGHTS is a model folder as `engines.weights` leaves it. `--plain N` times N evaluations of plain shap (0: none; each takes
seconds); `--naive` times the same prompts read one by one. CPU seconds, because wall time tells more about the neighbours.
"""

import argparse
import copy
import time
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

from studio import explanation
from studio.base import events
from studio.base.records import Answer, Chunk, Message, Passage, Variant
from studio.engines.scoring import Scorer, without
from studio.engines.speech import Scores
from studio.explanation import players

R = TypeVar("R")

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
    parser.add_argument("--dtype", default="bfloat16", choices=["bfloat16", "float32"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--plain", type=int, default=0)
    parser.add_argument("--naive", action="store_true")
    asked = parser.parse_args()

    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(asked.threads)
    model = transformers.AutoModelForCausalLM.from_pretrained(asked.weights, dtype=getattr(torch, asked.dtype)).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(asked.weights)
    used = _cpu(lambda: explanation.games._shap())[1]
    print(f"loading shap: {used:.1f} CPU s (once a process)")

    prompt_only = (Message(role="system", content=SYSTEM), Message(role="user", content=QUESTION))
    listed = "\n\n".join(f"[{n}] {text}" for n, text in reversed(list(enumerate(PASSAGES, 1))))
    rag = (Message(role="user", content=f"{listed}\n\nAnswer only from the text above.\nQuestion: {QUESTION}"),)
    for name, conversation, found in (("prompt", prompt_only, ()), ("documents", rag, PASSAGES)):
        scorer = Scorer(model, tokenizer)
        tokens = len(scorer._ids([scorer._render(conversation)])[0])
        print(f"\n{name}: {tokens} tokens of prompt, {len(scorer._answer(ANSWER)[0])} of answer, {asked.dtype}")
        ours = _explain(scorer, conversation, found, asked.seconds)
        if asked.naive:
            _read_plainly(scorer, conversation, ours)
        if asked.plain:
            single = model if asked.dtype == "float32" else copy.deepcopy(model).float()  # it knows no bfloat16
            _plain_shap(single, tokenizer, scorer, conversation, asked.plain, ours)
    _fidelity(Scorer(model, tokenizer), rag)


def _explain(scorer: Scorer, conversation: Sequence[Message], found: Sequence[str], seconds: float) -> float:
    """Explain and print each game. Returns CPU seconds per evaluation of the question's game."""
    passages = tuple(
        Passage(chunk=Chunk(id=str(n), document_id="", document="", text=t, start=0, end=0), score=1, similarity=1)
        for n, t in enumerate(found)
    )
    answer = Answer(variant="v", question=QUESTION, text=ANSWER, messages=tuple(conversation), passages=passages)
    variant = Variant(id="v", approach="documents" if found else "instructions", model="")
    marks = [time.process_time()]

    def emit(event: events.Event) -> None:
        if isinstance(event, events.Explained):
            marks.append(time.process_time())

    made = explanation.explain(answer, variant, None, Local(scorer), emit, lambda: False, seconds=seconds)  # type: ignore[arg-type]
    each = 0.0
    for game, before, after in zip(made.games, marks, marks[1:], strict=False):
        if game.kind == "question":
            each = (after - before) / game.evaluations
        gap = abs(game.gap) / max(abs(game.full - game.base), 1e-12)
        print(
            f"  {game.kind:12} {len(game.units):2} units  {game.method:11} {game.evaluations:3} evaluations "
            f"{game.tokens:6} tokens  {after - before:6.2f} CPU s  "
            f"{(after - before) / game.evaluations:.3f} each  gap {gap:.1e}"
        )
        top = sorted(game.units, key=lambda unit: -abs(unit.value))[:3]
        print("    " + " | ".join(f"{unit.text[:40]!r} {unit.value:+.1f} ±{unit.error:.1f}" for unit in top))
    print(f"  all: {marks[-1] - marks[0]:.2f} CPU s")
    return each


def _read_plainly(scorer: Scorer, conversation: Sequence[Message], ours: float) -> None:
    prompts = scorer._ids([scorer._render(conversation)]) * 3
    used = _cpu(lambda: [scorer._plain([prompt], scorer._answer(ANSWER)[0]) for prompt in prompts])[1] / len(prompts)
    print(f"  one prompt read plainly: {used:.2f} CPU s; ours is {used / ours:.1f} times cheaper")


def _plain_shap(model: Any, tokenizer: Any, scorer: Scorer, conversation: Any, evaluations: int, ours: float) -> None:
    """shap's documented way for a text generating model, on the prompt as text, timed for a few evaluations."""
    import numpy as np

    shap = explanation.games._shap()
    text, wanted = scorer._render(conversation), np.array([ANSWER])
    masker = shap.maskers.Text(tokenizer, mask_token="...", collapse_mask_token=True)
    forced = shap.models.TeacherForcing(model, tokenizer)
    players_ = masker.shape(text)[1]
    rows = np.random.default_rng(0).random((evaluations, players_)) < 0.5
    masked = [masker(row, text)[0] for row in rows]
    used = _cpu(lambda: [forced(np.array(one), wanted) for one in masked])[1] / evaluations
    print(f"  plain shap: {used:.2f} CPU s per evaluation; ours is {used / ours:.1f} times cheaper")


def _fidelity(scorer: Scorer, conversation: Sequence[Message]) -> None:
    """Exact passage values by masking beside those by true removal."""
    import numpy as np

    found = players.passages(conversation, PASSAGES)
    units, masks = [player.where for player in found], list(product([False, True], repeat=len(found)))
    removed = scorer.score([without(conversation, units, mask) for mask in masks], ANSWER).logprobs
    masked = scorer.score_masked(conversation, units, masks, ANSWER).logprobs
    spans = ((0, len(ANSWER)),)
    tables = [dict(zip(masks, rows, strict=True)) for rows in (removed, masked)]
    tokens = scorer.score([conversation], ANSWER).tokens
    games = [
        explanation.games.play(
            "passages", found, lambda ms, t=t: Scores(tokens=tokens, logprobs=tuple(t[m] for m in ms)), spans, 0
        )
        for t in tables
    ]
    values = np.array([[unit.value for unit in game.units] for game in games])
    print(
        f"\npassages by removal {values[0].round(2)}, by masking {values[1].round(2)}, r {np.corrcoef(values)[0, 1]:.3f}"
    )
    print(f"base by removal {games[0].base:.2f}, by masking {games[1].base:.2f}")


def _cpu(work: Callable[[], R]) -> tuple[R, float]:
    started = time.process_time()
    made = work()
    return made, time.process_time() - started


if __name__ == "__main__":
    main()
