"""The values are Shapley's, they add up, and what could be chance is said to be so."""

import math
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest

from studio.base.records import Game, Unit
from studio.engines.speech import Scores
from studio.explanation import games, reading
from studio.explanation.games import Mask
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


def test_passages_played_by_masking_say_so() -> None:
    assert games.play("passages", named(4), toy(4), SPANS, seconds=1).method == "kv_exact"


@pytest.mark.parametrize("players", [7, 10])
def test_permutations_add_up_in_every_column(players: int) -> None:
    game = games.play("question", named(players), toy(players), SPANS, seconds=0)
    assert game.method == "permutation"
    assert game.evaluations == 2 * players
    assert abs(game.gap) <= 1e-4 * abs(game.full - game.base)
    for sentence in range(2):
        total = sum(unit.by_sentence[sentence] for unit in game.units)
        assert total == pytest.approx(game.full_by_sentence[sentence] - game.base_by_sentence[sentence], rel=1e-9)


def test_permutations_are_right_on_average_and_within_their_errors() -> None:
    expected = [each[0] for each in by_definition(7)]
    values = games.Values(toy(7), SPANS)
    pairs = [games._pair(values, [f"p{n}" for n in range(7)], seed=n) for n in range(200)]
    worth = games._averaged(pairs)
    for mean, error, right in zip(worth.values[:, 0], worth.errors[:, 0], expected, strict=True):
        assert abs(mean - right) <= 4 * error + 1e-9


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
    assert asked == sorted(asked, reverse=True)


def test_what_is_reported_ends_with_nothing_left() -> None:
    said: list[tuple[int, int, float]] = []
    games.play("question", named(5), toy(5), SPANS, 0, lambda done, of, left: said.append((done, of, left)))
    assert said[-1][:2] == (32, 32)
    assert said[-1][2] == 0
    assert [done for done, _, _ in said] == sorted(done for done, _, _ in said)


def test_the_game_as_shaps_own_record_can_be_plotted() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    game = games.play("question", named(4), toy(4), SPANS, seconds=0)
    whole, first = games.shap_explanation(game), games.shap_explanation(game, sentence=0)
    assert whole.values.sum() + whole.base_values == pytest.approx(game.full)
    assert first.values.sum() + first.base_values == pytest.approx(game.full_by_sentence[0])
    games._shap().plots.waterfall(whole, show=False)


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


def test_what_was_explained_is_said_in_nats_in_share_and_per_word() -> None:
    gain = reading.explained(read(12.0, 3.0))
    assert (gain.nats, gain.share) == (15.0, 0.5)
    assert gain.times_per_token == pytest.approx(math.exp(1.5))
    assert reading.explained(read(-5.0)).share == 0.0
