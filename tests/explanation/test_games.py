"""The values are Shapley's, they add up, and what could be chance is said to be so."""

import math
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest

from studio.base.records import Game, Unit
from studio.engines.speech import Scores
from studio.explanation import estimating, games, pictures, reading, second
from studio.explanation.estimating import Mask, Worth
from studio.explanation.players import Player

WEIGHTS = (3.0, -1.0, 0.5, 2.0, 0.0, 1.0, -0.5, 0.25, 4.0, 1.5)
SPANS = ((0, 5), (5, 10))  # the toy answer: two sentences of one token each


def toy(players: int) -> Any:
    """A value function with interactions of second and third order; the second sentence hears only even players."""

    def value(mask: Mask) -> tuple[float, float]:
        present = [n for n, kept in enumerate(mask) if kept]
        together = 5.0 * all(mask[:3]) - 2.0 * (mask[0] and mask[-1])
        return sum(WEIGHTS[n] for n in present) + together - 20, sum(WEIGHTS[n] for n in present if n % 2 == 0) - 10

    def evaluate(masks: Sequence[Mask]) -> Scores:
        assert all(len(mask) == players for mask in masks)
        return Scores(
            tokens=("First", " next"), logprobs=tuple(value(mask) for mask in masks), forwarded=7 * len(masks)
        )

    return evaluate


def named(players: int) -> list[Player]:
    return [Player(f"part {n}", 0, 10 * n, 10 * n + 10, None) for n in range(players)]


def by_definition(players: int) -> list[tuple[float, ...]]:
    """The mean over all orders of what a player adds when it joins."""
    evaluate = toy(players)
    worth = [[0.0, 0.0, 0.0] for _ in range(players)]
    for order in permutations(range(players)):
        present: tuple[bool, ...] = (False,) * players
        before = evaluate([present]).logprobs[0]
        for player in order:
            present = tuple(kept or n == player for n, kept in enumerate(present))
            after = evaluate([present]).logprobs[0]
            for column, gain in enumerate((sum(after) - sum(before), after[0] - before[0], after[1] - before[1])):
                worth[player][column] += gain / math.factorial(players)
            before = after
    return [tuple(each) for each in worth]


@pytest.mark.parametrize("players", [1, 2, 3, 5, 6])
def test_exact_values_are_shapleys_for_the_answer_and_each_sentence(players: int) -> None:
    game = games.play("question", named(players), toy(players), SPANS, seconds=60)
    assert game.method == "exact"
    assert game.evaluations == 2**players
    assert game.tokens == 7 * 2**players
    for unit, expected in zip(game.units, by_definition(players), strict=True):
        assert (unit.value, *unit.by_sentence) == pytest.approx(expected, abs=1e-9)
        assert unit.error == 0


@pytest.mark.parametrize("players", [1, 2, 3])
def test_of_few_parts_the_two_ends_are_all_sets(players: int) -> None:
    game = games.play("question", named(players), toy(players), SPANS, seconds=60)
    assert game.method == "exact"
    for unit, expected in zip(game.units, by_definition(players), strict=True):
        assert (unit.value, *unit.by_sentence) == pytest.approx(expected, abs=1e-9)


def test_passages_played_by_masking_say_so() -> None:
    assert games.play("passages", named(4), toy(4), SPANS, seconds=1).method == "kv_exact"


@pytest.mark.parametrize("players", [7, 10])
def test_permutations_add_up_in_every_column(players: int) -> None:
    game = games.play("question", named(players), toy(players), SPANS, seconds=0)
    assert game.method == "permutation"
    assert game.evaluations == 2 + players + math.ceil(players / 2)
    assert abs(game.gap) <= 1e-4 * abs(game.full - game.base)
    for sentence in range(2):
        total = sum(unit.by_sentence[sentence] for unit in game.units)
        assert total == pytest.approx(game.full_by_sentence[sentence] - game.base_by_sentence[sentence], rel=1e-9)


def test_more_and_more_pairs_lead_to_the_exact_values_and_errors_hold_them() -> None:
    import numpy as np

    expected = np.array([each[0] for each in by_definition(7)])
    values = games.Values(toy(7), SPANS)
    pairs = [estimating.pair(values, 7, seed=n) for n in range(200)]
    stages = list(estimating.refined(values, 7, seconds=0))
    ends, (few, many) = stages[-1], (estimating.blended(stages[-1], pairs[:n]) for n in (2, 200))
    assert [stage.first for stage in stages] == [True, False]
    for worth in (ends, few, many):
        assert worth.values[:, 0].sum() == pytest.approx(expected.sum())
        assert all(abs(worth.values[:, 0] - expected) <= 4 * worth.errors[:, 0] + 0.05)
    assert abs(many.values[:, 0] - expected).max() < 0.1


def test_two_ends_are_exact_where_parts_work_at_most_in_pairs() -> None:
    import numpy as np

    both = np.array([[1.0, 0.5, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 3.0]])  # the first two together: 0.5 more
    value = lambda kept: float(kept @ both @ kept)  # noqa: E731
    each = np.eye(3)
    lost = np.array([[value(np.ones(3)) - value(1 - one)] for one in each])
    worth = estimating.two_ended(lost, np.array([[value(one)] for one in each]), np.array([value(np.ones(3))]))
    assert worth.values[:, 0] == pytest.approx([1.25, 2.25, 3.0])


def test_no_pair_is_played_once_the_errors_are_small() -> None:
    import numpy as np

    values = np.array([[10.0], [1.0]])
    assert estimating.precise(Worth(values, np.array([[0.5], [0.5]])))
    assert not estimating.precise(Worth(values, np.array([[0.5], [1.5]])))

    def line(masks: Sequence[Mask]) -> Scores:
        return Scores(tokens=("x",), logprobs=tuple((sum(np.array(WEIGHTS) * mask),) for mask in masks))

    game = games.play("question", named(10), line, ((0, 1),), seconds=60, alone=True)
    assert game.evaluations == 22
    assert [unit.value for unit in game.units] == pytest.approx(WEIGHTS)


def test_a_first_look_is_shown_and_then_each_refinement() -> None:
    shown: list[Game] = []
    game = games.play("passages", named(4), toy(4), SPANS, 0, show=shown.append)
    assert [each.method for each in shown] == ["alone", "kv_permutation", "kv_exact"]
    assert [each.evaluations for each in shown] == [6, 10, 16]
    assert [unit.value for unit in shown[0].units] == [unit.without for unit in game.units]
    assert shown[-1] == game
    games.play("question", named(10), toy(10), SPANS, 60, show=shown.append, alone=True)
    assert [each.method for each in shown[3:6]] == ["alone", "permutation", "permutation"]
    assert [each.evaluations for each in shown[3:6]] == [12, 17, 22]
    assert [sum(unit.without is None for unit in each.units) for each in shown[3:6]] == [10, 5, 0]
    assert [reading.agreement(each) is None for each in shown[3:6]] == [True, True, False]


@pytest.mark.parametrize("alone", [True, False])
def test_the_first_look_tries_each_part_alone_or_leaves_it_out(alone: bool) -> None:
    shown: list[Game] = []
    games.play("question", named(8), toy(8), SPANS, 0, show=shown.append, alone=alone)
    assert [unit.without is None for unit in shown[0].units] == [alone] * 8
    nobody, everybody = (sum(row) for row in toy(8)([(False,) * 8, (True,) * 8]).logprobs)
    first = sum(toy(8)([tuple((n == 3) == alone for n in range(8))]).logprobs[0])
    assert shown[0].units[3].value == pytest.approx(first - nobody if alone else everybody - first)


@pytest.mark.slow
def test_shaps_own_explainers_ask_the_same_model_and_find_the_same() -> None:
    import numpy as np

    class Masker:
        shape, immutable_outputs, fixed_background = (1, 6), True, True

        def __call__(self, mask: Any, _row: Any) -> Any:
            return (mask.astype(bool).reshape(1, -1),)

        def mask_shapes(self, _row: Any) -> list[tuple[int]]:
            return [(6,)]

    values = games.Values(toy(6), SPANS)
    explained = estimating.library().explainers.ExactExplainer(values, Masker())(np.zeros((1, 6)), max_evals=65)
    assert explained.values[0] == pytest.approx(estimating.exactly(values, 6).values)


def test_without_is_what_the_whole_answer_loses_when_one_part_alone_goes() -> None:
    (full,), *rest = (
        toy(4)([tuple(n != out for n in range(4))]).logprobs if out is not None else toy(4)([(True,) * 4]).logprobs
        for out in (None, 0, 1, 2, 3)
    )
    game = games.play("question", named(4), toy(4), SPANS, 0)
    assert [unit.without for unit in game.units] == pytest.approx([sum(full) - sum(each[0]) for each in rest])
    assert second.without({(True, True): 5.0, (False, True): 1.0}, 2) == (4.0, None)


def test_lime_finds_the_line_it_is_given_and_asks_for_nothing() -> None:
    asked: list[Mask] = []

    def evaluate(masks: Sequence[Mask]) -> Scores:
        asked.extend(masks)
        return Scores(
            tokens=("x",), logprobs=tuple((100 * sum(WEIGHTS[n] * k for n, k in enumerate(m)),) for m in masks)
        )

    game = games.play("question", named(8), evaluate, ((0, 1),), seconds=60)
    assert len(asked) == game.evaluations
    lime = [unit.lime or 0.0 for unit in game.units]
    assert all(0 < weight / (100 * right) < 1 for weight, right in zip(lime, WEIGHTS, strict=False) if right)  # shrunk
    assert [found.verdict for found in [reading.agreement(game)] if found] == ["agrees"]
    assert second.closeness(4, 4) == 1.0 > second.closeness(3, 4) > second.closeness(1, 4) > 0


def test_more_time_means_more_pairs_and_smaller_errors() -> None:
    quick = games.play("question", named(10), toy(10), SPANS, seconds=0)
    slow = games.play("question", named(10), toy(10), SPANS, seconds=60)
    assert slow.evaluations > quick.evaluations
    assert sum(u.error for u in slow.units) < sum(u.error for u in quick.units)


def test_every_set_is_asked_for_once_and_in_an_order_that_shares_beginnings() -> None:
    asked: list[Mask] = []

    def evaluate(masks: Sequence[Mask]) -> Scores:
        asked.extend(masks)
        return toy(5)(masks)

    games.play("question", named(5), evaluate, SPANS, seconds=0)
    assert len(asked) == len(set(asked)) == 32
    assert asked[12:] == sorted(asked[12:], reverse=True)  # after the first look and the two ends


def test_what_is_reported_ends_with_nothing_left() -> None:
    said: list[tuple[int, int, float]] = []
    games.play("question", named(5), toy(5), SPANS, 0, lambda done, of, left: said.append((done, of, left)))
    assert said[-1][:2] == (32, 32)
    assert said[-1][2] == 0
    assert [done for done, _, _ in said] == sorted(done for done, _, _ in said)


def test_the_game_as_shaps_own_record_can_be_plotted() -> None:
    game = games.play("question", named(4), toy(4), SPANS, seconds=0)
    whole, first = games.shap_explanation(game), games.shap_explanation(game, sentence=0)
    assert whole.values.sum() + whole.base_values == pytest.approx(game.full)
    assert first.values.sum() + first.base_values == pytest.approx(game.full_by_sentence[0])
    assert pictures.drawn(game, "waterfall", "svg", sentence=0).startswith(b"<?xml")
    assert pictures.drawn(game, "bar", "png", None).startswith(b"\x89PNG")


def test_shaps_record_needs_no_plotting_library() -> None:
    game = games.play("question", named(4), toy(4), SPANS, seconds=0)
    explanation = games.shap_explanation(game)
    assert list(explanation.feature_names) == [unit.text for unit in game.units]
    assert explanation.values.sum() + explanation.base_values == pytest.approx(game.full)


# ---- reading


def read(*values: float, errors: Sequence[float] = (), base: float = -30.0, tokens: int = 10) -> Game:
    errors = errors or (0.0,) * len(values)
    units = tuple(
        Unit(text=str(v), value=v, by_sentence=(v / 2,), error=e) for v, e in zip(values, errors, strict=True)
    )
    return Game(
        kind="question",
        units=units,
        base=base,
        full=base + sum(values),
        method="exact",
        evaluations=4,
        answer_tokens=tokens,
    )


def test_shares_keep_their_sign_and_their_amounts_sum_to_one() -> None:
    assert reading.shares(read(6.0, -3.0, 1.0)) == (0.6, -0.3, 0.1)
    assert reading.shares(read(6.0, -3.0, 1.0), sentence=0) == (0.6, -0.3, 0.1)
    assert reading.shares(read(0.0, 0.0)) == (0.0, 0.0)


def test_strength_goes_down_in_steps_whatever_the_sign() -> None:
    game = read(10.0, -6.0, 3.0, -1.0, 0.2)
    assert [reading.strength(u, game) for u in game.units] == ["strong", "strong", "medium", "weak", "none"]


def test_a_value_within_two_standard_errors_is_none() -> None:
    game = read(10.0, 6.0, errors=(1.0, 3.5))
    assert [reading.strength(u, game) for u in game.units] == ["strong", "none"]


def test_nothing_is_strong_in_a_game_that_moved_nothing() -> None:
    game = read(0.2, -0.1)
    assert [reading.strength(u, game) for u in game.units] == ["none", "none"]


@pytest.mark.parametrize(
    ("lime", "verdict"),
    [((9.0, 4.0, 1.0), "agrees"), ((9.0, 1.0, 4.0), "same_top"), ((4.0, 9.0, 1.0), "differs"), ((None,) * 3, None)],
)
def test_a_second_method_agrees_on_the_order_on_the_first_part_or_not(lime: Any, verdict: str | None) -> None:
    game = read(9.0, 4.0, 1.0)
    units = tuple(unit.model_copy(update={"lime": weight}) for unit, weight in zip(game.units, lime, strict=True))
    found = reading.agreement(game.model_copy(update={"units": units}))
    assert (found and found.verdict) == verdict


def test_a_newer_game_about_the_same_takes_the_older_ones_place() -> None:
    old, words = read(1.0), read(1.0, 2.0).model_copy(update={"detail": "words"})
    new = read(3.0)
    assert reading.merged([old, words], [new]) == (new, words)


def test_what_was_explained_is_said_in_nats_in_share_and_per_word() -> None:
    gain = reading.explained(read(12.0, 3.0))
    assert (gain.nats, gain.share) == (15.0, 0.5)
    assert gain.times_per_token == pytest.approx(math.exp(1.5))
    assert reading.explained(read(-5.0)).share == 0.0
