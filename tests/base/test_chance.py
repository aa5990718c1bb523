"""The arithmetic against published tables."""

from fractions import Fraction

import pytest

from studio.base import chance


@pytest.mark.parametrize(
    ("wins", "n", "p"),
    [(5, 5, 0.0625), (6, 6, 0.03125), (9, 10, 0.021484375), (12, 15, 0.03515625), (0, 0, 1.0), (5, 10, 1.0)],
)
def test_the_sign_test_agrees_with_the_binomial_tables(wins: int, n: int, p: float) -> None:
    assert chance.sign_test(wins, n) == pytest.approx(p)
    assert chance.sign_test(n - wins, n) == chance.sign_test(wins, n)


@pytest.mark.slow
def test_the_sign_test_is_scipys() -> None:
    from scipy.stats import binomtest

    for n in (1, 7, 16, 50, 301):
        for wins in range(0, n + 1, max(n // 9, 1)):
            assert chance.sign_test(wins, n) == pytest.approx(binomtest(wins, n, 0.5).pvalue, rel=1e-9)


# Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3 (the score method of Wilson).
@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718),
        (0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (0, 0, 0.0, 1.0),
    ],
)  # fmt: skip
def test_wilsons_interval_is_the_published_one(hits: int, n: int, low: float, high: float) -> None:
    assert tuple(round(each, 4) for each in chance.wilson(hits, n)) == (low, high)


def test_the_interval_of_a_paired_difference_is_the_published_one() -> None:
    """For 20 and 5 discordant of 100 pairs that is 15/102 plus or minus 1.96 sqrt(26 - 15^2/102)/102."""
    assert chance.paired(20, 5, 100) == (pytest.approx(0.0533, abs=1e-4), pytest.approx(0.2408, abs=1e-4))


def test_holm_is_the_published_procedure() -> None:
    """The smallest times all that are looked at, the next times one fewer, none below the one before it."""
    assert chance.holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    exact = [Fraction(2, 2**n) for n in (6, 7, 9)]
    assert chance.holm([float(p) for p in exact]) == pytest.approx([2 / 2**6, 4 / 2**7, 6 / 2**9])
    assert chance.holm([]) == []
