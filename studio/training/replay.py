"""What a model said before it learnt, mixed in while it learns, so that it does not forget everything else.

Everyday questions in both languages (`replay.json`; none of them belongs to the check of general ability) are answered by
the untrained model itself: no data from outside is needed, and the same model and seed give the same rows. Such a row
teaches no word; it holds the model to how likely it thought each next word (distillation, as in Li and Hoiem 2016,
"Learning without Forgetting"). Share and weight are `planning.REPLAY` and `planning.REPLAY_WEIGHT`, with what was measured.
"""

import json
import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from studio.base.records import Message
from studio.training.rendering import NOT_LEARNT, Expected, Renderer, Row

if TYPE_CHECKING:
    import torch

    from studio.training.loading import Learner

QUESTIONS = Path(__file__).parent / "replay.json"
ANSWER_TOKENS = (
    12  # a narrow model is lost in its first words; longer rows would only pad the short examples beside them
)
LIKELY = 32  # next words whose likelihood is kept; all others together are told by what is left
AT_ONCE = 32


def rows(learner: "Learner", renderer: Renderer, count: int, weight: float, seed: int) -> list[Row]:
    """`count` rows, or as many as there are questions; each of their tokens counts `weight` beside one of the examples.

    The learner must not have learnt anything yet.
    """
    made: list[Row] = []
    asked = [Message(role="user", content=question) for question in questions(count, seed)]
    prompts = [renderer.prompt([question, _said("")]) for question in asked]
    for at in range(0, len(asked), AT_ONCE):
        answers = learner.say(prompts[at : at + AT_ONCE], ANSWER_TOKENS)
        spoken = [renderer.render([q, _said(text)]) for q, text in zip(asked[at:], answers, strict=False) if text]
        plain = [Row(each.input_ids, each.labels, weight) for each in spoken]
        made += [row._replace(expected=each) for row, each in zip(plain, _expected(learner, plain), strict=True)]
    return made


def questions(count: int, seed: int) -> list[str]:
    """So many of the questions, mixed, both languages in turn until one has no more."""
    dice = random.Random(seed)
    parts = [dice.sample(part, len(part)) for part in _questions()]
    turns = ((part[n] for part in parts if n < len(part)) for n in range(max(map(len, parts))))
    return [question for turn in turns for question in turn][:count]


def known() -> int:
    """How many questions there are."""
    return sum(map(len, _questions()))


def losses(logits: "torch.Tensor", labels: "torch.Tensor", rows: Sequence[Row]) -> "torch.Tensor":
    """One loss a token that is learnt, row after row: cross-entropy, or how far the model moved from what it expected.

    The second is the Kullback-Leibler divergence over the likely words: 0 for a model that has not changed.
    """
    import torch

    found = logits.log_softmax(-1)
    losses = -found.gather(1, labels[:, None]).squeeze(1)
    learnt = [row.expected for row in rows for label in row.labels[1:] if label != NOT_LEARNT]
    held = [index for index, expected in enumerate(learnt) if expected is not None]
    if not held:
        return losses
    each = [expected for row in rows if (expected := row.expected) is not None]
    where = torch.tensor(held, device=logits.device)
    words = torch.tensor([line for expected in each for line in expected.words], device=logits.device)
    before = torch.tensor([line for expected in each for line in expected.likely], device=logits.device)
    moved = (before.exp() * (before - found[where].gather(1, words))).sum(-1)
    return losses.index_copy(0, where, moved)


def _expected(learner: "Learner", rows: Sequence[Row]) -> list[Expected]:
    """The likely next words of every answer's token, by the model as it is now."""
    import torch

    ids = learner.batch([row.input_ids for row in rows])
    mask = learner.batch([[1] * len(row.input_ids) for row in rows], 0)
    width = ids.shape[1]
    places = [[at for at, label in enumerate(row.labels[1:]) if label != NOT_LEARNT] for row in rows]
    where = torch.tensor([n * width + at for n, each in enumerate(places) for at in each], device=learner.device)
    with torch.no_grad():
        likely = learner.logits(ids, mask, where).log_softmax(-1).topk(LIKELY, dim=-1)
    words, values = iter(likely.indices.tolist()), iter(likely.values.tolist())
    return [Expected([next(words) for _ in each], [next(values) for _ in each]) for each in places]


def _said(text: str) -> Message:
    return Message(role="assistant", content=text)


@cache
def _questions() -> tuple[tuple[str, ...], ...]:
    written = json.loads(QUESTIONS.read_text(encoding="utf-8"))
    return tuple(tuple(written[language]) for language in ("en", "es"))
