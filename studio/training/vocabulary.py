"""The loss of a step and its way back through the vocabulary as one operation.

Autograd would fill five tables in 32 bits, a vocabulary's width for every token, and walk through each from memory. Here a
gradient takes the place of its logits, a few tokens at a time, while they lie in a core's cache: a step of the 135M starter
takes 0.84 of the time (bfloat16, one core that was not alone, median of 14 pairs of steps in turn; Xeon with AMX,
2026-11-22). As Hsu et al. 2024, "Liger Kernel", do on cards.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from studio.training import replay
from studio.training.attention import Fed
from studio.training.rendering import Row

if TYPE_CHECKING:
    import torch

    from studio.training.loading import Learner

AT_ONCE, AT_ONCE_ON_CARD = 8, 1_024  # tokens


def cost(learner: "Learner", fed: Fed, rows: Sequence[Row]) -> "tuple[torch.Tensor, float]":
    """The weighted sum over the tokens that are learnt, and what of it comes from rows that teach words: cross-entropy of
    what is taught, and `replay.moved` of what holds the model."""
    import torch
    from torch.nn.functional import cross_entropy

    weights = torch.tensor([row.weight for row in rows], device=fed.of.device)[fed.of]
    teaches = torch.tensor([row.expected is None for row in rows], device=fed.of.device)[fed.of]
    head = learner.head()
    if head is None:
        logits, held = learner.logits(fed), any(row.expected for row in rows)
        losses = (
            replay.losses(logits, fed.wanted, rows) if held else cross_entropy(logits, fed.wanted, reduction="none")
        )
        losses = losses * weights
        return losses.sum(), float(losses.detach()[teaches].sum())
    where = torch.cat([teaches.nonzero(), (~teaches).nonzero()]).squeeze(1)
    last, wanted = learner.last(fed)[where], Wanted(fed.wanted[teaches], *replay.expected(rows, fed.of.device))
    with torch.no_grad(), torch.autocast(learner.device, enabled=False):
        losses, gradient = weighed(last.detach(), head, wanted, weights[where])
    back = (last * gradient).sum(dtype=torch.float32)  # its way back is the gradient; the sum itself says nothing
    return losses.sum() + (back - back.detach()), float(losses[: len(wanted.taught)].sum())


class Wanted(NamedTuple):
    """The words of the tokens that are taught, which come first, and of the others the likely words and their
    log-likelihoods (tokens, likely)."""

    taught: "torch.Tensor"
    words: "torch.Tensor"
    likely: "torch.Tensor"


def weighed(
    hidden: "torch.Tensor", head: "torch.Tensor", wanted: Wanted, weights: "torch.Tensor"
) -> "tuple[torch.Tensor, torch.Tensor]":
    """The weighted loss of every token, and the gradient of their sum at what the last layer holds (tokens, width); `head`
    is the vocabulary (words, width)."""
    taught, size = len(wanted.taught), AT_ONCE if hidden.device.type == "cpu" else AT_ONCE_ON_CARD
    losses, logits = weights.clone(), hidden.to(head.dtype) @ head.t()
    for at in range(0, taught, size):
        mine = slice(at, min(at + size, taught))
        losses[mine], logits[mine] = _of_words(logits[mine].float(), wanted.taught[mine], weights[mine])
    for at in range(taught, len(hidden), size):
        mine, own = slice(at, at + size), slice(at - taught, at - taught + size)
        found = _of_likelihoods(logits[mine].float(), wanted.words[own], wanted.likely[own], weights[mine])
        losses[mine], logits[mine] = found
    return losses * weights, (logits @ head).to(hidden.dtype)


def _of_words(
    logits: "torch.Tensor", wanted: "torch.Tensor", weights: "torch.Tensor"
) -> "tuple[torch.Tensor, torch.Tensor]":
    """The cross-entropy of each token, and the weighted gradient of its logits, in whose place it stands."""
    right = logits.gather(1, wanted[:, None])
    whole, total = _softened(logits)
    logits.mul_(weights[:, None] / total).scatter_add_(1, wanted[:, None], -weights[:, None])
    return (whole - right).squeeze(1), logits


def _of_likelihoods(
    logits: "torch.Tensor", words: "torch.Tensor", likely: "torch.Tensor", weights: "torch.Tensor"
) -> "tuple[torch.Tensor, torch.Tensor]":
    """The same for `replay.moved`: with p expected and q now of the likely words, r and s of all others, the gradient is
    q (sum p - r/s sum q) everywhere and r/s q - p more at the likely words."""
    import torch

    now = logits.gather(1, words)
    whole, total = _softened(logits)
    now -= whole
    before, each = likely.exp(), now.exp()
    left = 1 - each.sum(-1, keepdim=True)
    rest = (1 - before.sum(-1, keepdim=True)).clamp(min=replay.LEAST)
    ratio = torch.where(left > replay.LEAST, rest / left, 0.0)
    pull = before.sum(-1, keepdim=True) - ratio * each.sum(-1, keepdim=True)
    weight = weights[:, None]
    logits.mul_(weight * pull / total).scatter_add_(1, words, weight * (ratio * each - before))
    return replay.moved(likely, now), logits


def _softened(logits: "torch.Tensor") -> "tuple[torch.Tensor, torch.Tensor]":
    """The logarithm of the sum of all exponentials; and in place of the logits these but for a factor, and their sum."""
    most = logits.amax(-1, keepdim=True)
    total = logits.sub_(most).exp_().sum(-1, keepdim=True)
    return total.log() + most, total
