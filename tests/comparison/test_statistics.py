"""The arithmetic against published tables, a reference fitted elsewhere, and counting everything there is."""

import itertools
import math
import random

import pytest

from studio.base.chance import sign_test
from studio.comparison.agreement import Agreement, agreement
from studio.comparison.length import Side, length
from studio.comparison.looks import PLANS, allowed, bar, boundaries, crossing, looks, shows
from studio.comparison.statistics import chance, interval, needed, wins_needed
from studio.comparison.strengths import Choice, difference, strengths

# Dixon & Mood (1946), J. Amer. Statist. Assoc. 41, 557-566, table 1: the most of the rarer sign at 5 %, two-sided, for 1 to
# 30 choices, and for 35, 40, ... 100.
TO_THIRTY = (*[None] * 5, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 7, 7, 7, 8, 8, 9)
BY_FIVES = (11, 13, 15, 17, 19, 21, 24, 26, 28, 30, 32, 35, 37, 39)


def test_the_wins_needed_are_those_of_the_table() -> None:
    rarer = dict(enumerate(TO_THIRTY, start=1)) | dict(zip(range(35, 101, 5), BY_FIVES, strict=True))
    assert {n: wins_needed(n) for n in rarer} == {n: None if r is None else n - r for n, r in rarer.items()}


def test_nothing_asked_may_be_anything() -> None:
    assert interval(0, 0).model_dump() == {"value": 0.5, "low": 0.0, "high": 1.0}


def test_as_many_votes_are_asked_for_as_find_the_preference_four_times_of_five() -> None:
    assert {share: needed(share) for share in (0.9, 0.8, 0.7, 0.5)} == {0.9: 12, 0.8: 23, 0.7: 54, 0.5: None}
    assert needed(0.3) == needed(0.7)
    for share, enough in ((0.9, 12), (0.8, 23), (0.7, 54)):
        brute = [_power(n, share) >= 0.8 for n in range(1, enough + 20)]
        assert all(brute[enough - 1 :])
        assert not brute[enough - 2]
        assert chance(enough, share) == pytest.approx(_power(enough, share))


def _power(n: int, share: float) -> float:
    return sum(
        math.comb(n, k) * share**k * (1 - share) ** (n - k)
        for k in range(n + 1)
        if sign_test(k, n) <= 0.05 and 2 * k > n
    )


# ---- looking before the end


def test_twelve_of_fifteen_is_enough_at_the_first_look_of_every_plan() -> None:
    assert [looks(planned) for planned in PLANS] == [(15,), (15, 30), (15, 30, 45, 60)]
    found = {n: boundaries(looks(n), tuple(look / n for look in looks(n))) for n in PLANS}
    assert found == {15: (12,), 30: (12, 22), 60: (12, 23, 32, 40)}
    assert [shows(planned) for planned in PLANS] == [0.85, 0.78, 0.71]


def test_all_looks_together_err_in_less_than_five_of_a_hundred() -> None:
    for planned in PLANS:
        sizes = looks(planned)
        wins = boundaries(sizes, tuple(look / planned for look in sizes))
        assert 0.03 < crossing(sizes, wins) <= 0.05
    naive = [wins_needed(size) for size in looks(60)]
    assert crossing(looks(60), naive) > 0.09  # what looking four times at 5 % would do


def test_the_error_of_a_plan_is_that_of_every_path_counted() -> None:
    sizes, wins = (4, 8, 12), boundaries((4, 8, 12), (1 / 3, 2 / 3, 1.0), 0.2)
    wrong = 0
    for path in itertools.product((0, 1), repeat=12):
        counts = [sum(path[:size]) for size in sizes]
        wrong += any(
            need is not None and max(count, size - count) >= need
            for count, size, need in zip(counts, sizes, wins, strict=True)
        )
    assert crossing(sizes, wins) == pytest.approx(wrong / 2**12)
    assert wrong / 2**12 <= 0.2


@pytest.mark.parametrize("ties", [0.0, 0.05, 0.3, 0.8])
def test_with_any_share_of_ties_all_looks_together_err_in_less_than_five_of_a_hundred(ties: float) -> None:
    step = _of_fifteen(ties)
    before, wrong, seen = {(0, 0): 1.0}, 0.0, looks(60)
    for number, look in enumerate(seen, start=1):
        paths: dict[tuple[int, int], float] = {}
        for (a, b), chance_so_far in before.items():
            for (more_a, more_b), probability in step.items():
                at = (a + more_a, b + more_b)
                paths[at] = paths.get(at, 0.0) + chance_so_far * probability
        proven = {at for at in paths if max(at) >= (bar(sum(at), seen[:number], 60) or look + 1)}
        wrong += sum(paths[at] for at in proven)
        before = {at: probability for at, probability in paths.items() if at not in proven and probability > 1e-9}
    assert 0.01 < wrong <= 0.05


def _of_fifteen(ties: float) -> dict[tuple[int, int], float]:
    """How probably fifteen votes hold so many for each of two that are equally good."""
    made = {}
    for a in range(16):
        for b in range(16 - a):
            ways = math.comb(15, a) * math.comb(15 - a, b)
            made[a, b] = ways * ((1 - ties) / 2) ** (a + b) * ties ** (15 - a - b)
    return {at: probability for at, probability in made.items() if probability > 1e-12}


def test_when_the_ties_came_does_not_matter() -> None:
    """22 of 30 choices among 60 votes were enough once when all ties had come first, and not when they came in between."""
    assert boundaries((0, 0, 15, 30), (0.25, 0.5, 0.75, 1.0))[-1] == 22
    assert bar(30, (15, 30, 45, 60), 60) == 23 == boundaries((8, 15, 23, 30), (0.25, 0.5, 0.75, 1.0))[-1]
    assert bar(30, (15, 30), 30) == boundaries((15, 30), (0.5, 1.0))[-1] == 22


def test_the_error_is_spent_as_kim_and_demets_have_it() -> None:
    assert [round(allowed(t), 4) for t in (0, 0.25, 0.5, 0.75, 1, 2)] == [0.0, 0.0354, 0.042, 0.0465, 0.05, 0.05]


def test_a_look_at_nothing_and_a_look_too_early_can_prove_nothing() -> None:
    assert boundaries((0, 3, 15), (0.2, 0.5, 1.0)) == (None, None, 12)


# ---- the strength of several


# Agresti, Categorical Data Analysis (2002), table 10.10: baseball, American League East 1987, won by row against column; and
# the Bradley-Terry estimates for it, against Baltimore, with their errors (Turner & Firth, J. Stat. Software 48 (9), 2012).
TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
WON = (
    (0, 7, 9, 7, 7, 9, 11), (6, 0, 7, 5, 11, 9, 9), (4, 6, 0, 7, 7, 8, 12), (6, 8, 6, 0, 6, 7, 10),
    (6, 2, 6, 7, 0, 7, 12), (4, 4, 5, 6, 6, 0, 6), (2, 4, 1, 3, 1, 7, 0),
)  # fmt: skip
PUBLISHED = {
    "Milwaukee": (1.5814, 0.3433), "Detroit": (1.4364, 0.3396), "Toronto": (1.2945, 0.3367), "New York": (1.2476, 0.3359),
    "Boston": (1.1077, 0.3339), "Cleveland": (0.6839, 0.3319),
}  # fmt: skip


def test_bradley_and_terrys_strengths_are_the_published_ones() -> None:
    games = [
        Choice(among=(winner, loser), best=winner)
        for winner, row in zip(TEAMS, WON, strict=True)
        for loser, wins in zip(TEAMS, row, strict=True)
        for _ in range(wins)
    ]
    found = strengths(games)
    assert [place.variant for place in found.places] == list(TEAMS)
    assert not found.helped
    for team, (log, error) in PUBLISHED.items():
        assert tuple(round(each, 4) for each in difference(found, team, "Baltimore")) == (log, error)


Counts = dict[tuple[str, str | None], int]
PAIRS: Counts = {
    ("ab", "a"): 12, ("ab", "b"): 7, ("ab", None): 5, ("ac", "a"): 9, ("ac", "c"): 11, ("ac", None): 4,
    ("bc", "b"): 6, ("bc", "c"): 13, ("bc", None): 8,
}  # fmt: skip
MANY: Counts = {
    ("abcd", "a"): 10, ("abcd", "b"): 4, ("abcd", "c"): 15, ("abcd", "d"): 3, ("abcd", None): 8, ("ab", "a"): 5,
    ("ab", "b"): 3, ("ab", None): 2, ("bcd", "b"): 2, ("bcd", "c"): 7, ("bcd", "d"): 4, ("bcd", None): 3,
}  # fmt: skip


# Expected: the same model as a Poisson log-linear one (Fienberg & Larntz 1976), fitted by statsmodels 0.14: log strength
# against a, its error, and the tie parameters.
@pytest.mark.parametrize(
    ("counts", "expected", "ties"),
    [
        (PAIRS, {"b": (-0.52551257, 0.38677384), "c": (0.19229197, 0.38188363)}, {2: 0.60705391}),
        (
            MANY,
            {"b": (-0.82046787, 0.43278621), "c": (0.39039449, 0.38765974), "d": (-0.75473781, 0.49767728)},
            {2: 0.54266634, 3: 0.81793204, 4: 1.13897132},
        ),
    ],
    ids=["two, with ties (Davidson)", "two to four, with ties (Davidson and Luce)"],
)
def test_strengths_with_ties_are_those_of_another_program(
    counts: Counts, expected: dict[str, tuple[float, float]], ties: dict[int, float]
) -> None:
    choices = [Choice(among=tuple(among), best=best) for (among, best), n in counts.items() for _ in range(n)]
    found = strengths(choices)
    for name, (log, error) in expected.items():
        assert difference(found, name, "a") == pytest.approx((log, error), abs=1e-6)
    assert found.ties == pytest.approx(ties, abs=1e-6)


def test_no_order_of_votes_and_no_order_of_sides_changes_a_strength() -> None:
    choices = [Choice(among=tuple(among), best=best) for (among, best), n in MANY.items() for _ in range(n)]
    shuffled = [Choice(among=tuple(random.Random(1).sample(c.among, len(c.among))), best=c.best) for c in choices]
    random.Random(2).shuffle(shuffled)
    assert strengths(shuffled) == strengths(choices)


def test_one_that_always_wins_is_strong_and_not_infinitely_so() -> None:
    found = strengths([Choice(among=("a", "b"), best="a")] * 5)
    assert found.helped
    assert [(place.variant, place.share > 0.5, place.low < 0.5 < place.high) for place in found.places] == [
        ("a", True, True),
        ("b", False, True),
    ]
    for tied in ([("ab", None)] * 15, [("abc", None)] * 4 + [("abc", "a")], [("ab", "a")] * 9 + [("ab", None)] * 3):
        found = strengths([Choice(among=tuple(among), best=best) for among, best in tied])
        assert found.helped
        assert all(0.02 < place.share < 0.98 for place in found.places)
    assert strengths([Choice(among=("a",), best="a")]).places[0].share == 0.5
    assert strengths([]).places == ()


# ---- agreement, length


# Krippendorff (2011), "Computing Krippendorff's alpha-reliability": A (two values), B (names), C (four observers, gaps).
@pytest.mark.parametrize(
    ("rows", "questions", "alpha"),
    [
        (("0100000010", "1110010000"), 10, 0.095),
        (("aabbdcccedda", "babbbccceddd"), 12, 0.692),
        (("123321412***", "1233224125*3", "*3332342251*", "12332441251*"), 11, 0.743),
    ],
    ids=["A", "B", "C"],
)
def test_krippendorffs_alpha_is_the_published_one(rows: tuple[str, ...], questions: int, alpha: float) -> None:
    said = {str(who): {str(at): c for at, c in enumerate(row) if c != "*"} for who, row in enumerate(rows)}
    found = agreement(said)
    assert (found.voters, found.questions) == (len(rows), questions)
    assert found.alpha == pytest.approx(alpha, abs=0.0005)


def test_agreement_needs_two_who_answered_the_same() -> None:
    assert agreement({"": {"q1": "a"}, "x": {"q2": "a"}}) == Agreement(voters=2, questions=0)
    assert agreement({}) == Agreement(voters=0, questions=0)
    assert agreement({"": {"q": "a"}, "x": {"q": "a"}}) == Agreement(voters=2, questions=1, alpha=None, same=1.0)
    assert agreement({"": {"q": "a", "r": "b"}, "x": {"q": "b", "r": "a"}}).alpha == pytest.approx(-0.5)


def test_votes_for_the_longer_answer_are_noticed_and_taken_out() -> None:
    longer = length([Side(won=n % 10 != 0, words=100 if n % 10 != 0 else 50, other_words=70) for n in range(60)])
    assert longer is not None
    assert (longer.n, longer.longer.value, longer.noticed) == (60, 1.0, True)
    assert longer.adjusted.value < longer.plain - 0.1
    fair = length([Side(won=n % 4 != 0, words=70 + 10 * (-1) ** (n // 4), other_words=70) for n in range(60)])
    assert fair is not None
    assert not fair.noticed
    assert fair.adjusted.value == pytest.approx(fair.plain, abs=0.02)
    assert length([Side(won=True, words=5, other_words=5)] * 30) is None
