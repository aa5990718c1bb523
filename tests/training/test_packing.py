"""Packed rows against padded ones, on a random Llama in 32 bits: there, nothing but the order of sums may differ."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from studio.base.errors import Stopped
from studio.base.events import Event, Progress, telling
from studio.base.recipes import TrainingRecipe
from studio.training import below, course, loading, order, packing, replay
from studio.training.loading import Learner
from studio.training.rendering import NOT_LEARNT, Expected, Row

if TYPE_CHECKING:
    import torch


def row(*ids: int, asked: int) -> Row:
    return Row(list(ids), [NOT_LEARNT] * asked + list(ids[asked:]))


ROWS = [
    row(7, 8, 9, 20, 21, 30, 31, 2, asked=5),
    row(7, 8, 9, 22, 32, 33, 34, 35, 36, 2, asked=4),
    row(7, 8, 9, 22, 32, 33, 34, 35, 36, 2, asked=4),
    row(7, 8, 9, 2, asked=3),  # learnt from the first token that is its own
]


@pytest.mark.parametrize(
    ("tokens", "shared", "found"),
    [
        (20, None, [[3, 0], [1, 2]]),  # 2 x 8, 2 x 10
        (20, 3, [[3, 0, 1], [2]]),  # 3 + 1 + 5 + 7
        (100, 3, [[3, 0, 1, 2]]),
        (5, 3, [[3], [0], [1], [2]]),
    ],
)
def test_a_batch_goes_through_in_portions_that_count_a_common_beginning_once(
    tokens: int, shared: int | None, found: list[list[int]]
) -> None:
    assert order.portions(range(4), [len(each.input_ids) for each in ROWS], tokens, shared) == found


TWO_WAYS = [
    row(*range(40, 60), 61, 62, 2, asked=21),
    row(*range(70, 85), 7, 2, asked=16),
    row(*range(40, 60), 63, 64, 65, 2, asked=22),
    row(*range(70, 85), 9, 10, 11, 12, 2, asked=17),
]


@pytest.fixture(scope="module")
def learner() -> Learner:
    from tests import tiny

    return learning(tiny.model())


def learning(model: Any, device: str = "cpu", autocast: Any = None) -> Learner:
    """All weights of a model of transformers learn, without Unsloth. Also for test_card.py."""
    import torch

    from tests import tiny

    model = model.to(device).train()
    learner = Learner(model, tiny.tokenizer(), device, autocast, autocast == torch.float16, None, 1_024, 0)
    learner.moving = dict(model.named_parameters())
    return learner


def _loss(learner: Learner, rows: list[Row]) -> "tuple[torch.Tensor, dict[str, torch.Tensor]]":
    from torch.nn.functional import cross_entropy

    fed = packing.feed(learner, rows)
    learner.model.zero_grad()
    losses = cross_entropy(learner.logits(fed), fed.wanted, reduction="none")
    (losses * (fed.of + 1)).sum().backward()
    return losses.detach(), {name: cast("torch.Tensor", each.grad).clone() for name, each in learner.moving.items()}


@pytest.mark.slow
@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], ROWS[1:3], [ROWS[3], ROWS[1]]], ids=["all", "one", "twice", "two"])
def test_packed_rows_are_learnt_as_padded_ones(rows: list[Row], learner: Learner) -> None:
    import torch

    told = {}
    for learner.packs in (False, True):
        told[learner.packs] = _loss(learner, rows)
    torch.testing.assert_close(told[True][0], told[False][0], rtol=1e-4, atol=1e-5)
    for name, gradient in told[False][1].items():
        torch.testing.assert_close(told[True][1][name], gradient, rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.slow
def test_rows_that_begin_in_two_ways_go_through_in_one_sequence_and_share_both_beginnings(learner: Learner) -> None:
    import torch

    told = {}
    for learner.packs in (False, True):
        told[learner.packs] = _loss(learner, TWO_WAYS)
    torch.testing.assert_close(told[True][0], told[False][0], rtol=1e-4, atol=1e-5)
    assert packing.portions(learner, TWO_WAYS) == [[0, 2, 1, 3]]
    assert packing.feed(learner, TWO_WAYS).ids.shape == (1, 20 + 3 + 4 + 15 + 2 + 5)


@pytest.mark.slow
def test_what_lies_below_the_layers_that_learn_is_read_once_and_changes_nothing(learner: Learner) -> None:
    """Losses and gradients of the upper layer; with rows it has not been given they go all the way."""
    import torch

    other = row(*range(100, 118), 2, asked=16)
    every, told = learner.moving, {}
    learner.moving = {name: tensor for name, tensor in every.items() if loading.layer(name) == 1}
    learner.packs, learner.still = True, 1
    for kept in (False, True):
        if kept:
            below.keep(learner, [TWO_WAYS[0]._replace(wordings=(TWO_WAYS[2],)), TWO_WAYS[1], TWO_WAYS[3]])
        told[kept] = _loss(learner, TWO_WAYS)
    assert packing.feed(learner, TWO_WAYS).below is not None
    assert packing.feed(learner, [other]).below is None
    learner.moving, learner.still, learner.below = every, 0, None
    torch.testing.assert_close(told[True], told[False], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_reading_what_lies_below_hears_that_it_shall_stop(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cause: a search that was paused while it read was killed after ten seconds."""
    monkeypatch.setattr(below, "TOLD_SECONDS", -1)
    learner.packs, learner.still, learner.tokens = True, 1, 5
    heard: list[Event] = []
    try:
        with pytest.raises(Stopped):
            below.keep(learner, ROWS, telling(heard.append, lambda: len(heard) > 1))
    finally:
        learner.still, learner.tokens = 0, 1_024
    assert [event.done for event in heard if isinstance(event, Progress)] == [0, 1]
    assert learner.below is None


@pytest.mark.slow
def test_a_model_that_cannot_begin_half_way_goes_all_the_way() -> None:
    """Granite multiplies what it is given in place of words, as if it were words."""
    from transformers import GraniteConfig, GraniteForCausalLM

    small: dict[str, Any] = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "vocab_size": 512}
    heads: dict[str, Any] = {"num_attention_heads": 2, "num_key_value_heads": 1}
    learner = learning(GraniteForCausalLM(GraniteConfig(**small, **heads, embedding_multiplier=6.0)))
    learner.still = 1
    packing.choose(learner, ROWS)
    below.keep(learner, ROWS)
    assert (learner.packs, learner.below) == (True, None)


@pytest.mark.slow
def test_packed_rows_cost_fewer_tokens(learner: Learner) -> None:
    learner.packs = True
    assert packing.feed(learner, ROWS).ids.shape == (1, 8 + 10 + 4)  # the second and the third are the same
    learner.packs = False
    assert packing.feed(learner, ROWS).ids.shape == (4, 10)


@pytest.mark.slow
def test_rows_are_packed_for_a_model_that_keeps_them_apart_and_padded_for_others(learner: Learner) -> None:
    """Others: those that carry something from token to token, and those whose attention is a card's kernel."""
    from tests import tiny

    config: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 1, "vocab_size": 512, "state_size": 4}
    from transformers import MambaConfig, MambaForCausalLM

    recurrent, on_card = learning(MambaForCausalLM(MambaConfig(**config))), learning(tiny.model())
    recurrent.model.model = recurrent.model.backbone
    on_card.own_forward = False
    for each in (learner, recurrent, on_card):
        packing.choose(each, ROWS)
    assert [each.packs for each in (learner, recurrent, on_card)] == [True, False, False]
    assert learner.model.training
    assert learner.model.config._attn_implementation == "sdpa"


@pytest.mark.slow
def test_a_model_that_bends_its_attention_does_so_to_packed_rows_too() -> None:
    """Cause looked for: torch's fused attention knows no such bend, so a packed row would be read by another model."""
    import torch
    from transformers import Gemma2Config, Gemma2ForCausalLM

    small: dict[str, Any] = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "vocab_size": 512}
    heads: dict[str, Any] = {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8}
    bent = Gemma2ForCausalLM(Gemma2Config(**small, **heads, attn_logit_softcapping=0.05, initializer_range=0.5))
    learner = learning(bent)
    packing.choose(learner, ROWS)
    assert learner.packs
    told = [learner.logits(feed(learner, ROWS)) for feed in (packing.packed, packing.padded)]
    torch.testing.assert_close(*told, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_the_loss_that_is_told_is_that_of_the_examples_and_not_of_what_is_mixed_in(
    learner: Learner, tmp_path: Path
) -> None:
    """Cause: questions mixed in against forgetting made the shown loss fall and rise with their own share."""
    before = {name: tensor.detach().clone() for name, tensor in learner.moving.items()}
    learner.packs = True
    losses = _loss(learner, ROWS)[0]
    held = ROWS[0]._replace(weight=6.0, expected=Expected([[1, 2], [3, 4], [5, 6]], [[-0.1, -3.0]] * 3))
    recipe = TrainingRecipe(epochs=1, batch=8)
    told = []
    for rows in ([*ROWS, held], [held, held]):
        run = course._Run(learner, course.Lesson(rows, [], recipe, tmp_path, "x"), course.Watch(lambda: False))
        learner.put(before)
        run._step()
        told += run.course.losses
    learner.put(before)
    assert told == [pytest.approx(float(losses.mean()), rel=1e-4), None]


@pytest.mark.slow
def test_what_holds_a_model_that_has_not_moved_takes_nothing_from_what_the_examples_teach(
    learner: Learner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cause: the loss was divided by the weight of both, and that of one grew: the more held, the less was learnt."""
    import torch

    before = {name: tensor.detach().clone() for name, tensor in learner.moving.items()}
    learner.packs = True
    held = ROWS[0]._replace(weight=600.0, expected=replay._expected(learner, ROWS[:1])[0])
    recipe, clip, norms = TrainingRecipe(epochs=1, batch=8), torch.nn.utils.clip_grad_norm_, list[float]()
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda *given: norms.append(float(clip(*given))))
    for rows in (ROWS, [*ROWS, held]):
        course._Run(learner, course.Lesson(rows, [], recipe, tmp_path, "x"), course.Watch(lambda: False))._step()
        learner.put(before)
    assert norms[1] == pytest.approx(norms[0], rel=0.02)
