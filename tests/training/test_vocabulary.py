"""The loss and its way back as one operation, against the same by autograd."""

from typing import TYPE_CHECKING

import pytest

from studio.training import replay, vocabulary
from studio.training.rendering import NOT_LEARNT, Expected, Row

if TYPE_CHECKING:
    import torch

WIDTH, WORDS = 12, 40
WEIGHTS = [1.0, 6.0, 0.5]


def rows(*shares: float) -> list[Row]:
    """A row that teaches 11 words, one that holds a word to each of some shares of likelihood, and one that teaches one."""
    import torch

    dice = torch.Generator().manual_seed(2)
    likely = torch.stack([torch.rand(5, generator=dice).softmax(0) * share for share in shares])
    words = [torch.randperm(WORDS, generator=dice)[:5].tolist() for _ in shares]
    held = Expected(words, likely.log().tolist())
    taught = torch.randint(WORDS, (11,), generator=dice).tolist()
    return [
        Row([5, *taught], [NOT_LEARNT, *taught], WEIGHTS[0]),
        Row([5, *range(len(shares))], [NOT_LEARNT, *range(len(shares))], WEIGHTS[1], held),
        Row([5, 9], [NOT_LEARNT, 9], WEIGHTS[2]),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("spread", [1.0, 30.0])
def test_the_gradient_that_takes_the_place_of_the_logits_is_autograds(spread: float) -> None:
    import torch

    dice = torch.Generator().manual_seed(1)
    some = rows(0.2, 0.6, 0.9, 1 - 1e-8, 0.5, 0.5, 0.5, 0.5, 0.999)
    labels = torch.tensor([label for row in some for label in row.labels[1:]])
    weights = torch.tensor([row.weight for row in some for _ in row.labels[1:]])
    hidden = (torch.randn(len(labels), WIDTH, generator=dice) * spread).requires_grad_()
    head = torch.randn(WORDS, WIDTH, generator=dice)

    losses = replay.losses(hidden @ head.t(), labels, some) * weights
    losses.sum().backward()
    order = torch.tensor([*range(11), 20, *range(11, 20)])
    wanted = vocabulary.Wanted(labels[[*range(11), 20]], *replay.expected(some, "cpu"))
    found, gradient = vocabulary.weighed(hidden.detach()[order], head, wanted, weights[order])

    assert hidden.grad is not None
    torch.testing.assert_close(found, losses.detach()[order])
    torch.testing.assert_close(gradient, hidden.grad[order], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("short", [False, True])
def test_a_model_is_taught_the_same_where_its_vocabulary_is_gone_through_by_hand(short: bool) -> None:
    import torch

    from studio.training import packing
    from studio.training.loading import Learner
    from tests import tiny

    model = tiny.model().to(torch.bfloat16 if short else torch.float32)
    model.lm_head.weight.requires_grad_(False)
    moving = {name: each for name, each in model.named_parameters() if each.requires_grad}
    autocast = torch.bfloat16 if short else None
    learner = Learner(model, tiny.tokenizer(), "cpu", autocast, False, None, 1_000, 1, moving=moving)
    some, found = rows(0.2, 0.6, 0.9), []
    for by_hand in (True, False):
        model.lm_head.weight.requires_grad_(not by_hand)
        assert (learner.head() is not None) == by_hand
        for each in moving.values():
            each.grad = None
        total, taught = vocabulary.cost(learner, packing.feed(learner, some), some)
        (total / 3).backward()
        found.append((float(total.detach()), taught, _gradient(moving)))
    (total, taught, gradient), (other, told, usual) = found
    assert [total, taught] == pytest.approx([other, told], rel=1e-2 if short else 1e-5)
    assert float((gradient - usual).norm() / usual.norm()) < (0.03 if short else 1e-4)


def _gradient(moving: "dict[str, torch.Tensor]") -> "torch.Tensor":
    import torch

    return torch.cat([each.grad.flatten().float() for each in moving.values() if each.grad is not None])
