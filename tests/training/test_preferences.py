"""The losses of liked and disliked answers by hand, how judgements are divided, and when what was learnt may be kept."""

from math import exp, log
from typing import Any

import pytest

from studio.base.errors import NotEnough, NotPossibleHere
from studio.base.recipes import PreferRequest
from studio.base.records import Trained
from studio.training import preferences, preferring
from studio.training.checking import Check, Marks
from studio.training.course import Course
from studio.training.preferring import NEEDED, Pair, Start, divided, judged, note, recipe_of

DPO = PreferRequest(model="m")


def pairs(count: int, each: int = 1) -> list[Pair]:
    return [Pair(question=f"Q{n // each}?", liked=f"Good {n}.", other=f"Bad {n}.") for n in range(count)]


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


@pytest.mark.parametrize(
    ("liked", "other", "ahead", "loss"),
    [
        (-4.0, -9.0, 5.0, log(2)),  # stands where the reference stood
        (-4.0, -9.0, 0.0, -log(sigmoid(0.1 * 5))),
        (-9.0, -4.0, 0.0, -log(sigmoid(0.1 * -5))),
        (-2.0, -30.0, -2.0, -log(sigmoid(0.1 * 30))),
    ],
)
def test_dpo_is_what_the_paper_writes(liked: float, other: float, ahead: float, loss: float) -> None:
    import torch

    given = [torch.tensor([value]) for value in (liked, other, ahead)]
    assert float(preferences.dpo(*given)) == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize(("liked", "other"), [(0.5, 0.5), (0.8, 0.2), (0.1, 0.6)])
def test_orpo_is_what_the_paper_writes(liked: float, other: float) -> None:
    import torch

    ratio = (liked / (1 - liked)) / (other / (1 - other))
    loss = -log(liked) - 0.1 * log(sigmoid(log(ratio)))
    given = [torch.tensor([log(value)]) for value in (liked, other)]
    assert float(preferences.orpo(*given)) == pytest.approx(loss, rel=1e-5)


def test_an_answer_that_is_certain_gives_a_loss_and_a_gradient_that_are_numbers() -> None:
    import torch

    liked = torch.zeros(1, requires_grad=True)
    loss = preferences.orpo(liked, torch.tensor([-3.0])).sum()
    loss.backward()
    assert bool(torch.isfinite(loss))
    assert liked.grad is not None
    assert bool(torch.isfinite(liked.grad).all())


@pytest.mark.parametrize(("count", "kept"), [(30, 10), (90, 30), (400, 64)])
def test_a_third_of_the_judgements_is_kept_back(count: int, kept: int) -> None:
    parts = divided(pairs(count))
    assert (len(parts.kept_back), len(parts.learnt)) == (kept, count - kept)
    assert divided(pairs(count)[::-1]).learnt == parts.learnt[::-1]


def test_judgements_on_one_question_stay_on_one_side() -> None:
    parts = divided(pairs(60, each=3))
    assert not {pair.question for pair in parts.learnt} & {pair.question for pair in parts.kept_back}
    assert len(parts.kept_back) == 21


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ([], "preferences_too_few"),
        (pairs(NEEDED - 1), "preferences_too_few"),
        (pairs(40, 40), "preferences_one_question"),
    ],
)
def test_too_few_judgements_are_refused(given: list[Pair], code: str) -> None:
    with pytest.raises(NotEnough) as caught:
        divided(given)
    assert (caught.value.code, caught.value.parameters["count"]) == (code, len(given))


def trained(**recipe: Any) -> Trained:
    told = {"method": "lora", "rank": 32, "learning_rate": 2e-3, "epochs": 9.0, "pilot": True} | recipe
    return Trained(id="t", model="m", adapter="models/t", examples=9, steps=9, seconds=1, loss=1, recipe=told)


def test_it_goes_on_from_the_adapter_in_smaller_steps(tmp_path: Any) -> None:
    recipe = recipe_of(Start("m", tmp_path, tmp_path, trained()), DPO)
    assert (recipe.rank, recipe.learning_rate, recipe.epochs, recipe.pilot) == (32, 2e-4, preferring.EPOCHS, False)
    with pytest.raises(NotPossibleHere, match="prefer_layers"):
        recipe_of(Start("m", tmp_path, tmp_path, trained(method="last_layers")), DPO)


def pair_check(step: int, chances: list[float]) -> Check:
    return Check(step, tuple(Marks(0.5, chance, chance > 0.5, 1) for chance in chances))


BEFORE = [0.6, 0.4, 0.3] * 4


def words_check(loss: float) -> Check:
    return Check(0, tuple(Marks(loss + 0.01 * n, 0.5, False, 8) for n in range(9)))


@pytest.mark.parametrize(
    ("chances", "words", "reason"),
    [
        ([0.8, 0.7, 0.4] * 4, 1.0, "kept"),
        ([0.8, 0.7, 0.4] * 4, 1.005, "kept"),  # the examples cost more, but by less than is tolerated
        ([0.8, 0.7, 0.4] * 4, 1.2, "harms"),
        ([0.49, 0.49, 0.49] * 4, 1.0, "not_learnt"),  # none is the likelier one any more
        ([0.9, 0.1, 0.4] * 4, 1.0, "not_learnt"),  # no more than chance
    ],
)
def test_it_is_kept_only_where_it_learnt_and_did_no_harm(chances: list[float], words: float, reason: str) -> None:
    done = Course(step=9, of=9, before=pair_check(0, BEFORE), checks=[pair_check(9, chances)], best=9)
    found = judged(DPO, divided(pairs(36)), done, words_check(1.0), words_check(words))
    assert found.reason == reason
    assert found.low <= found.gain <= found.high
    assert len(found.questions) == found.pairs == 24
    said = note(found)
    after = sum(chance > 0.5 for chance in chances)
    assert (said.code, said.parameters) == (
        f"prefer_{reason}",
        {"count": 12, "pairs": 24, "before": 4, "after": after},
    )


def test_without_examples_only_the_judgements_decide() -> None:
    done = Course(step=9, of=9, before=pair_check(0, BEFORE), checks=[pair_check(9, [0.9] * 12)], best=9)
    assert judged(DPO, divided(pairs(36)), done, None, None).reason == "kept"
