"""What a model said before it learnt, held beside what it learns, so that it does not forget everything else.

Everyday questions in both languages (`everyday`; none of them belongs to the check of general ability) are answered by
the untrained model itself: no data from outside is needed, and the same model and seed give the same rows. Such a row
teaches no word; it holds the model to how likely it thought each next word (distillation, as in Li and Hoiem 2016,
"Learning without Forgetting"). Share and weight: `planning.RATES` and `planning.REPLAY_WEIGHT`, with what was measured.
"""

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from studio.base import files
from studio.base.events import Told
from studio.base.records import Message
from studio.training import everyday, listening, packing, planning
from studio.training.rendering import NOT_LEARNT, Expected, Renderer, Row

if TYPE_CHECKING:
    import torch

    from studio.training.loading import Learner

KEPT = "replay.json"
ANSWER_TOKENS = 12  # a narrow model is lost in its first words; in 8 a sum is repeated and its result not yet said
LIKELY = 32  # next words whose likelihood is kept; all others together are what is left
# 128 take 7 s of a core, too long for whoever stops it where others work too; 32 cost a quarter more in all.
AT_ONCE = 64
WRITTEN = 2  # after so many times
LEAST = 1e-6  # of likelihood: what rounding leaves of none


class Said(NamedTuple):
    """What an untrained model says to a prompt, as token ids, and what it expected at each. Empty when it says nothing."""

    prompt: list[int]
    answer: list[int]
    words: list[list[int]]
    likely: list[list[float]]


def rows(
    learner: "Learner",
    renderer: Renderer,
    count: int,
    weight: float,
    seed: int,
    place: Path | None = None,
    frame: str = "",
    told: Told = lambda done, of: None,
) -> list[Row]:
    """`count` rows, or as many as there are questions; each of their tokens counts `weight` beside one of the examples.

    With a `frame`, the system message of the examples, every second question is asked within it: there, too, the model must
    not forget. Nothing of an adapter is heard; layers that learn themselves must not have learnt anything yet. What it says
    is kept in `place`, the folder of its weights, and need not be asked again; `told` hears how many of those left are done,
    and may raise to end it.
    """
    framed = [
        (question, frame if number % 2 else "") for number, question in enumerate(everyday.questions(count, seed))
    ]
    prompts = {f"{within}\n{question}": _asked(question, within) for question, within in framed}
    known = _read(learner, place)
    new = {
        key: turns for key, turns in prompts.items() if key not in known or known[key].prompt != renderer.prompt(turns)
    }
    left = list(new)
    for at in range(0, len(left), AT_ONCE):
        told(at, len(left))
        with learner.untaught():
            known |= _ask(learner, renderer, {key: new[key] for key in left[at : at + AT_ONCE]})
        if place is not None and (at // AT_ONCE % WRITTEN == WRITTEN - 1 or at + AT_ONCE >= len(left)):
            kept = json.dumps({"way": _way(learner), "said": known}, ensure_ascii=False)
            with contextlib.suppress(OSError):  # a folder that cannot be written to costs time, nothing else
                files.write_atomically(place / KEPT, kept)
    return [_row(known[key], weight) for key in prompts if known[key].answer]


def weighed(rows: Sequence[Row], past: float) -> list[Row]:
    """The rows as they count when `past` of the learning (0 to 1) is over. What holds a model counts little at first, while
    facts are learnt, and in full at the end, when what moved without need is put back.
    """
    share = planning.REPLAY_FIRST + (1 - planning.REPLAY_FIRST) * past
    return [row if row.expected is None else row._replace(weight=row.weight * share) for row in rows]


def losses(logits: "torch.Tensor", labels: "torch.Tensor", rows: Sequence[Row]) -> "torch.Tensor":
    """One loss a token that is learnt, row after row: cross-entropy, or how far the model moved from what it expected.

    The second is the Kullback-Leibler divergence over the likely words, all others counted as one: 0 for a model that has
    not changed.
    """
    import torch

    found = logits.log_softmax(-1)
    losses = -found.gather(1, labels[:, None]).squeeze(1)
    learnt = [row.expected for row in rows for label in row.labels[1:] if label != NOT_LEARNT]
    held = [index for index, each in enumerate(learnt) if each is not None]
    if not held:
        return losses
    where = torch.tensor(held, device=logits.device)
    words, before = expected(rows, logits.device)
    return losses.index_copy(0, where, moved(before, found[where[:, None], words]))


def moved(before: "torch.Tensor", now: "torch.Tensor") -> "torch.Tensor":
    """How far the likely words' log-likelihoods (tokens, likely) moved; (tokens)."""
    rest, left = (1 - before.exp().sum(-1)).clamp(min=LEAST), (1 - now.exp().sum(-1)).clamp(min=LEAST)
    return (before.exp() * (before - now)).sum(-1) + rest * (rest.log() - left.log())


def expected(rows: Sequence[Row], device: "torch.device | str") -> "tuple[torch.Tensor, torch.Tensor]":
    """The likely words (tokens, likely) of the rows that hold the model, row after row, and their log-likelihoods."""
    import torch

    each = [row.expected for row in rows if row.expected is not None]
    words = torch.tensor([line for held in each for line in held.words], dtype=torch.long, device=device)
    return words, torch.tensor([line for held in each for line in held.likely], device=device)


def _expected(learner: "Learner", rows: Sequence[Row]) -> list[Expected]:
    """The likely next words of every answer's token, by the model as it is now."""
    import torch

    found: dict[int, Expected] = {}
    for portion in packing.portions(learner, rows):
        fed = packing.feed(learner, [rows[at] for at in portion])
        with torch.no_grad():
            likely = learner.logits(fed).log_softmax(-1).topk(LIKELY, dim=-1)
        words, values, of = likely.indices.tolist(), likely.values.tolist(), fed.of.tolist()
        for number, at in enumerate(portion):
            mine = [place for place, row in enumerate(of) if row == number]
            found[at] = Expected([words[place] for place in mine], [values[place] for place in mine])
    return [found[at] for at in range(len(rows))]


def _ask(learner: "Learner", renderer: Renderer, asked: Mapping[str, list[Message]]) -> dict[str, Said]:
    prompts = {key: renderer.prompt(turns) for key, turns in asked.items()}
    if listening.possible(learner):
        heard = listening.hear(learner, list(prompts.values()), ANSWER_TOKENS, LIKELY)
        return {
            key: Said(prompt, each.answer, each.words, [_rounded(line) for line in each.likely])
            for (key, prompt), each in zip(prompts.items(), heard, strict=True)
        }
    answers = dict(zip(prompts, learner.say(list(prompts.values()), ANSWER_TOKENS), strict=True))
    found = {key: Said(prompt, [], [], []) for key, prompt in prompts.items()}
    said = {key: Row(*renderer.render([*asked[key][:-1], _said(text)])) for key, text in answers.items() if text}
    for (key, row), each in zip(said.items(), _expected(learner, list(said.values())), strict=True):
        answer = [label for label in row.labels if label != NOT_LEARNT]
        found[key] = Said(prompts[key], answer, each.words, [_rounded(line) for line in each.likely])
    return found


def _rounded(line: Sequence[float]) -> list[float]:
    return [round(value, 4) for value in line]


def _row(said: Said, weight: float) -> Row:
    labels = [NOT_LEARNT] * len(said.prompt) + said.answer
    return Row(said.prompt + said.answer, labels, weight, Expected(said.words, said.likely))


def _read(learner: "Learner", place: Path | None) -> dict[str, Said]:
    if place is None:
        return {}
    try:
        told = json.loads((place / KEPT).read_text(encoding="utf-8"))
        return {q: Said(*each) for q, each in told["said"].items()} if told["way"] == _way(learner) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _way(learner: "Learner") -> str:
    """What changes the answers besides weights and prompt: how they are computed, and how much of them is kept."""
    in_4_bits = getattr(learner.model, "is_loaded_in_4bit", False)
    return f"2 {learner.device} {learner.autocast} {learner.model.dtype} {in_4_bits} {ANSWER_TOKENS} {LIKELY}"


def _asked(question: str, frame: str) -> list[Message]:
    """The question within its frame, and the place of its answer."""
    before = [Message(role="system", content=frame)] if frame else []
    return [*before, Message(role="user", content=question), _said("")]


def _said(text: str) -> Message:
    return Message(role="assistant", content=text)
