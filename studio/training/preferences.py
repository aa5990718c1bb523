"""What people like better as a thing to learn: the loss of a pair of answers, and how a model stands to it.

A row holds the answer that was liked, and in `against` the one that was not, to the same question. Two ways: DPO moves the
model from where it stood towards the liked answer; ORPO teaches that answer's words as well and needs no such standpoint.
Knows rows and tensors; where pairs come from and whether what was learnt is kept is `preferring`'s business.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio.base.errors import Stopped
from studio.base.events import ShouldStop
from studio.base.recipes import PreferRequest
from studio.training import packing
from studio.training.checking import Marks
from studio.training.course import Aim
from studio.training.loading import Learner
from studio.training.rendering import Row

if TYPE_CHECKING:
    import torch

BETA = 0.1  # DPO: how dearly it pays to leave the standpoint; the paper's own, and what most have used since
ODDS = 0.1  # ORPO: what the odds count beside the words; the paper's for models of its largest size


def aim(request: PreferRequest) -> Aim:
    """What a course learns in place of the words of its rows; every pair counts alike.

    `Marks.right` is the chance of the liked answer beside the other by how likely their tokens are in the mean, the same for
    both methods whatever they learn by.
    """

    def losses(learner: Learner, rows: Sequence[Row]) -> "torch.Tensor":
        import torch

        liked, other, lengths = likelihoods(learner, rows)
        if request.method == "orpo":
            return orpo(liked / lengths[0], other / lengths[1])
        return dpo(liked, other, torch.tensor([row.ahead for row in rows], device=liked.device))

    def marks(learner: Learner, rows: Sequence[Row]) -> list[Marks]:
        found = zip(losses(learner, rows).tolist(), apart(learner, rows), strict=True)
        return [mark._replace(loss=loss) for loss, mark in found]

    return Aim(losses, marks)


def apart(learner: Learner, rows: Sequence[Row]) -> list[Marks]:
    """How surely the model tells the rows' answers from the others, as `Marks.right`."""
    liked, other, lengths = likelihoods(learner, rows)
    chances = (liked / lengths[0] - other / lengths[1]).sigmoid().tolist()
    return [Marks(1 - chance, chance, chance > 0.5, 1) for chance in chances]


def dpo(liked: "torch.Tensor", other: "torch.Tensor", ahead: "torch.Tensor") -> "torch.Tensor":
    """-log sigmoid(beta * ((log p(liked) - log p(other)) - the same by the reference)), one a pair: equation 7 of Rafailov
    et al. 2023, "Direct Preference Optimization". `liked` and `other` are log-probabilities of whole answers, `ahead` the
    reference's difference of the two.
    """
    from torch.nn.functional import logsigmoid

    return -logsigmoid(BETA * (liked - other - ahead))


def orpo(liked: "torch.Tensor", other: "torch.Tensor") -> "torch.Tensor":
    """-log p(liked) - lambda * log sigmoid(log odds(liked) - log odds(other)), one a pair, with odds = p / (1 - p):
    equations 4 to 7 of Hong et al. 2024, "ORPO: Monolithic Preference Optimization without Reference Model".
    Log-probabilities are means over an answer's tokens.
    """
    import torch
    from torch.nn.functional import logsigmoid

    def odds(logp: "torch.Tensor") -> "torch.Tensor":
        return logp - torch.log1p(-torch.exp(logp.clamp(max=-1e-6)))

    return -liked - ODDS * logsigmoid(odds(liked) - odds(other))


def likelihoods(learner: Learner, rows: Sequence[Row]) -> "tuple[torch.Tensor, torch.Tensor, torch.Tensor]":
    """Log-probabilities of the liked answers and of the others (one a row each), and their lengths in tokens (2, rows)."""
    import torch

    count = len(rows)
    both = [*rows, *(row.against for row in rows if row.against is not None)]
    fed = packing.feed(learner, both)
    each = learner.logits(fed).log_softmax(-1).gather(1, fed.wanted[:, None]).squeeze(1)
    sums = torch.zeros(len(both), device=each.device).index_add(0, fed.of, each)
    lengths = torch.zeros(len(both), device=each.device).index_add(0, fed.of, torch.ones_like(each))
    return sums[:count], sums[count:], lengths.reshape(2, count)


def standing(learner: Learner, rows: Sequence[Row], should_stop: ShouldStop) -> list[Row]:
    """The rows with how far ahead the liked answers are for the model as it is now: what DPO starts from. Raises Stopped."""
    import torch

    found: list[Row] = []
    learner.model.eval()
    try:
        with torch.no_grad():
            for row in rows:
                if should_stop():
                    raise Stopped
                liked, other, _ = likelihoods(learner, [row])
                found.append(row._replace(ahead=float(liked - other)))
    finally:
        learner.model.train()
    return found
