"""Rows as they go through the model together: packed behind their common beginning, or padded side by side.

All prompts begin with the same words of the template. Packed, these go through once, all rows' other tokens follow in one
sequence, and nothing is padded; only attention, which is little of the work, still sees row by row. The same maths over
fewer tokens: 1.6 times the speed of padded rows with torch's fused attention, 1.4 times with the same attention (135M
starter, batches of 8 rows of 51 tokens of which 24 are shared; forth and back, one core that was not alone, bfloat16, median
of 3 batches in turn; Intel Xeon with AMX, 2026-11-22). A model that does not allow it gets padded rows.
"""

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from studio.engines.prompts import beginning
from studio.training import order
from studio.training.attention import Fed, Packed
from studio.training.rendering import NOT_LEARNT, Row

if TYPE_CHECKING:
    import torch

    from studio.training.loading import Learner

OPENING, OPENINGS = 12, 3  # tokens; beginnings that are worth going through apart
ALIKE, ALIKE_SHORT = 0.01, 0.1
"""How far logits may lie apart, as a share of their spread, in 32 and in 16 bits. Of the starter in bfloat16 they do not
at all, 0.03 with another order of sums, 0.28 where positions do not begin anew, and 0.70 where rows see each other."""


def portions(learner: "Learner", rows: Sequence[Row]) -> list[list[int]]:
    """Which of the rows go through the model together: as many as memory allows."""
    lengths = [len(row.input_ids) for row in rows]
    if not learner.packs:
        return order.portions(range(len(rows)), lengths, learner.tokens)
    found: list[list[int]] = []
    size = 0
    for group in _openings(rows):
        shared = beginning([rows[at].input_ids for at in group])
        for portion in order.portions(group, lengths, learner.tokens, shared):
            tokens = shared + sum(lengths[at] - shared for at in portion)
            if found and size + tokens <= learner.tokens:
                found[-1] += portion
                size += tokens
            else:
                found.append(portion)
                size = tokens
    return found


def feed(learner: "Learner", rows: Sequence[Row]) -> Fed:
    """The rows in the way that was chosen, and from where the layers begin that learn, if that is kept of all of them."""
    from torch.nn.utils.rnn import pad_sequence

    if not learner.packs or (len(rows) == 1 and learner.below is None):
        return padded(learner, rows)
    fed = packed(learner, rows)
    known = [learner.below.get(tuple(row.input_ids)) for row in rows] if learner.below is not None else []
    kept = [each for each in known if each is not None]
    if fed.packed is None or len(kept) < len(rows):
        return fed
    below = pad_sequence(kept, batch_first=True).flatten(0, 1).index_select(0, fed.packed.back)
    return fed._replace(below=below[None])


def packed(learner: "Learner", rows: Sequence[Row]) -> Fed:
    import torch

    longest = max(len(row.input_ids) for row in rows)
    places: list[list[int]] = [[]] * len(rows)
    ids, positions, back = list[int](), list[int](), list[int]()
    for group in _openings(rows):
        shared = beginning([rows[at].input_ids for at in group])
        opening = range(len(ids), len(ids) + shared)
        for turn, number in enumerate([group[0], *group]):
            start, end = (shared, len(rows[number].input_ids)) if turn else (0, shared)
            if turn:
                own = range(len(ids), len(ids) + end - start)
                places[number] = [*opening, *own, *[0] * (longest - end)]
            ids += rows[number].input_ids[start:end]
            positions += range(start, end)
            back += range(number * longest + start, number * longest + end)
    where = [places[number][at] for number, row in enumerate(rows) for at in _asked(row)]
    told = torch.tensor([ids, positions, back], device=learner.device)
    type_ = learner.autocast or torch.float32
    mask = torch.full((longest, longest), torch.finfo(type_).min, dtype=type_, device=learner.device).triu(1)
    how = Packed(told[1:2], torch.tensor(places, device=learner.device), told[2])
    learnt = _learnt(learner, rows, where)
    return Fed(told[:1], mask[None, None], learnt[0], how, learnt[1], learnt[2])


def padded(learner: "Learner", rows: Sequence[Row]) -> Fed:
    ids = learner.batch([row.input_ids for row in rows])
    mask = learner.batch([[1] * len(row.input_ids) for row in rows], 0)
    learnt = _learnt(learner, rows, [n * ids.shape[1] + at for n, row in enumerate(rows) for at in _asked(row)])
    return Fed(ids, mask, learnt[0], None, learnt[1], learnt[2])


def choose(learner: "Learner", rows: Sequence[Row]) -> None:
    """Pack from now on if this model, as it is, answers packed rows as it does padded ones; tried with the longest rows, for
    there it shows what a model does to those. Unsloth's kernels for cards know no such attention, and are not asked.
    """
    some = telling(rows)
    learner.packs = learner.own_forward and len(rows) >= len(some) and agrees(learner, some, packed)


def telling(rows: Sequence[Row]) -> list[Row]:
    """Rows that show whether they go through well: the shortest and the two longest."""
    ordered = sorted(rows, key=lambda row: len(row.input_ids))
    return [ordered[0], *ordered[-2:]]


def agrees(learner: "Learner", rows: Sequence[Row], way: "Callable[[Learner, Sequence[Row]], Fed]") -> bool:
    """Whether the model takes rows in this way, and answers them as it does when they are padded."""
    import torch

    learner.model.eval()
    try:
        with torch.no_grad():
            first, second = (learner.logits(fed(learner, rows)) for fed in (way, padded))
    except (TypeError, ValueError, RuntimeError, NotImplementedError, LookupError, AttributeError) as error:
        logging.getLogger(__name__).info("This model takes no rows by %s: %s", way.__name__, error)
        return False
    finally:
        learner.model.train()
    apart = float(((first - second).std(-1) / second.std(-1)).max())
    return apart <= (ALIKE if learner.autocast is None else ALIKE_SHORT)


def _openings(rows: Sequence[Row]) -> list[list[int]]:
    """The rows by how they begin, where that is one of a few system messages: what all share is short then, and what those
    share that begin alike is long."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for number, row in enumerate(rows):
        groups.setdefault(tuple(row.input_ids[:OPENING]), []).append(number)
    return list(groups.values()) if len(groups) <= OPENINGS else [list(range(len(rows)))]


def _asked(row: Row) -> list[int]:
    """The positions of a row behind which a token comes that is learnt."""
    return [at for at, label in enumerate(row.labels[1:]) if label != NOT_LEARNT]


def _learnt(learner: "Learner", rows: Sequence[Row], where: Sequence[int]) -> "torch.Tensor":
    """Of every token that is learnt: behind which position it comes, which it is, and the number of its row."""
    import torch

    wanted = [label for row in rows for label in row.labels[1:] if label != NOT_LEARNT]
    of = [number for number, row in enumerate(rows) for _ in _asked(row)]
    return torch.tensor([list(where), wanted, of], device=learner.device)
