"""The losses of liked and disliked answers by hand, how judgements are divided, and when what was learnt may be kept."""

from math import exp, log
from typing import Any

import pytest

from studio.base.errors import NotEnough, NotPossibleHere
from studio.base.recipes import PreferRequest
from studio.base.records import Trained
from studio.engines.prompts import Prompts
from studio.training import preferences, preferring
from studio.training.checking import Check, Marks
from studio.training.course import Course
from studio.training.preferring import NEEDED, Pair, Start, divided, recipe_of
from studio.training.rendering import Renderer
from studio.training.weighing import Standing, judged, note
from tests import tiny
from tests.training import learner

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
    assert (recipe.rank, recipe.learning_rate, recipe.epochs, recipe.pilot) == (32, 4e-4, preferring.EPOCHS, False)
    with pytest.raises(NotPossibleHere, match="prefer_layers"):
        recipe_of(Start("m", tmp_path, tmp_path, trained(method="last_layers")), DPO)


def pair_check(step: int, chances: list[float]) -> Check:
    return Check(step, tuple(Marks(0.5, chance, chance > 0.5, 1) for chance in chances))


QUESTIONS = [pair.question for pair in divided(pairs(36)).learnt]
BEFORE = [0.6, 0.4, 0.3] * 4


def stands(sure: float, loss: float = 1.0) -> Standing:
    words = tuple(Marks(loss + 0.01 * n, 0.5, False, 8) for n in range(9))
    return Standing(words, tuple(Marks(0.1, sure - 0.01 * (n % 3), True, 1) for n in range(9)))


@pytest.mark.parametrize(
    ("chances", "after", "reason"),
    [
        ([0.8, 0.7, 0.4] * 4, stands(0.9), "kept"),
        ([0.8, 0.7, 0.4] * 4, stands(0.89), "kept"),  # told apart less surely, but by less than is tolerated
        ([0.8, 0.7, 0.4] * 4, stands(0.9, 1.4), "kept"),  # another manner: other words, the same facts
        ([0.8, 0.7, 0.4] * 4, stands(0.8), "harms"),
        ([0.49, 0.49, 0.49] * 4, stands(0.9), "not_learnt"),  # none is the likelier one any more
        ([0.9, 0.1, 0.4] * 4, stands(0.9), "not_learnt"),  # no more than chance
    ],
)
def test_it_is_kept_only_where_it_learnt_and_did_no_harm(chances: list[float], after: Standing, reason: str) -> None:
    """Cause: harm was told by the words of the examples, so whoever liked another manner than theirs was refused."""
    done = Course(step=9, of=9, before=pair_check(0, BEFORE), checks=[pair_check(9, chances)], best=9)
    found = judged("dpo", QUESTIONS, done, stands(0.9), after)
    assert found.reason == reason
    assert found.low <= found.gain <= found.high
    assert len(found.questions) == found.pairs == 24
    said = note(found)
    after = sum(chance > 0.5 for chance in chances)
    assert (said.code, said.parameters) == (
        f"prefer_{reason}",
        {"count": 12, "pairs": 24, "before": 4, "after": after},
    )


SAID = ["We pay within 5 days."] * 9


@pytest.mark.parametrize(
    ("now", "reason", "unsaid"),
    [
        ([f"Thank you for asking. {text}" for text in SAID], "kept", 0.0),
        (["Thank you for asking. " * 9] * 9, "harms", 1.0),
        ([*SAID[:8], "We pay within 9 days."], "kept", 0.0222),
    ],
)
def test_another_manner_is_no_harm_and_answers_without_their_facts_are(
    now: list[str], reason: str, unsaid: float
) -> None:
    """Cause: too large steps left likelihoods in order and made all answers one opening, over and over."""
    done = Course(step=9, of=9, before=pair_check(0, BEFORE), checks=[pair_check(9, [0.9] * 12)], best=9)
    before = stands(0.9)._replace(said=SAID)
    found = judged("dpo", QUESTIONS, done, before, before._replace(said=now), SAID)
    assert (found.reason, found.unsaid) == (reason, unsaid)


def test_without_examples_only_the_judgements_decide() -> None:
    done = Course(step=9, of=9, before=pair_check(0, BEFORE), checks=[pair_check(9, [0.9] * 12)], best=9)
    assert judged("dpo", QUESTIONS, done, Standing(), Standing()).reason == "kept"


def test_judgements_are_learnt_within_the_message_in_which_the_assistant_is_asked(tmp_path: Any) -> None:
    """Cause: they were learnt bare, and the adapter that had learnt them was asked bare from then on."""
    tiny.tokenizer().save_pretrained(tmp_path)
    renderer = Renderer(tiny.tokenizer(), Prompts(tmp_path))
    given = [Pair(question="When?", liked="At noon.", other="Soon."), Pair(question="Who?", liked="We.", other=" We. ")]
    (row,) = preferring._rows(renderer, given, "You help guests.", 64)
    assert row.against is not None
    for each in (row, row.against):
        said = tiny.tokenizer().decode(each.input_ids)
        assert said.startswith("<|im_start|>system\nYou help guests.<|im_end|>\n<|im_start|>user\nWhen?")
    assert preferring._rows(renderer, given, "", 64)[0].input_ids != row.input_ids


def test_an_answer_of_the_examples_stands_against_the_most_alike_of_the_others(tmp_path: Any) -> None:
    tiny.tokenizer().save_pretrained(tmp_path)
    renderer = Renderer(tiny.tokenizer(), Prompts(tmp_path))
    said = ("We pay within 5 days.", "We pay within 9 days.", "The office is closed.", "we pay within 5 days.")
    every = [learner.example(f"Q{n}?", answer) for n, answer in enumerate(said)]
    (row,) = preferring._facts(renderer, every[:1], every, 64)
    assert row.against is not None
    texts = [tiny.tokenizer().decode(each.input_ids).rpartition("assistant\n")[2] for each in (row, row.against)]
    assert texts == ["We pay within 5 days.<|im_end|>", "We pay within 9 days.<|im_end|>"]
    assert preferring._facts(renderer, every[:1], every[:1], 64) == []


def test_what_learnt_from_judgements_is_asked_within_the_message_its_examples_had(tmp_path: Any) -> None:
    start = Start("m", tmp_path, tmp_path, trained().model_copy(update={"frame": "You help guests."}))
    done = Course(step=9, of=9, before=pair_check(0, BEFORE), checks=[pair_check(9, [0.9] * 12)], losses=[0.5], best=9)
    found = judged("dpo", QUESTIONS, done, Standing(), Standing())
    made = preferring._trained(start, recipe_of(start, DPO), "i", done, found, (), (), ())
    assert (made.frame, made.preferred) == ("You help guests.", found)
