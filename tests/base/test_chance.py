"""The arithmetic against published tables."""

from fractions import Fraction

import pytest

from studio.base import chance

# Siegel (1956), Nonparametric Statistics for the Behavioral Sciences, table D: by n, how probable x or fewer are, one-sided.
TAILS = {
    5: {0: 0.031, 1: 0.188, 2: 0.500}, 10: {0: 0.001, 1: 0.011, 2: 0.055, 3: 0.172, 4: 0.377},
    15: {2: 0.004, 3: 0.018, 4: 0.059, 5: 0.151, 6: 0.304, 7: 0.500}, 20: {3: 0.001, 4: 0.006, 5: 0.021, 6: 0.058, 7: 0.132},
    25: {5: 0.002, 6: 0.007, 7: 0.022, 8: 0.054, 9: 0.115, 10: 0.212},
}  # fmt: skip


def test_the_sign_test_agrees_with_the_published_table() -> None:
    found = {n: {x: round(chance.sign_test(x, n) / 2, 3) for x in row} for n, row in TAILS.items()}
    assert found == TAILS
    assert {chance.sign_test(12, 15), chance.sign_test(3, 15)} == {0.03515625}
    assert [chance.sign_test(wins, n) for wins, n in ((0, 0), (5, 10))] == [1.0, 1.0]


def test_mcnemars_exact_test_is_the_published_one() -> None:
    """Agresti (1990), Categorical Data Analysis, page 350: of 1,600 voters 150 changed their mind one way and 86 the other.
    The exact p-value is that of binom.test(86, 236) in R.
    """
    assert chance.sign_test(86, 236) == pytest.approx(3.716e-05, rel=1e-3)


@pytest.mark.slow
def test_the_sign_test_is_scipys() -> None:
    from scipy.stats import binomtest

    for n in (1, 7, 16, 50, 301):
        for wins in range(0, n + 1, max(n // 9, 1)):
            assert chance.sign_test(wins, n) == pytest.approx(binomtest(wins, n, 0.5).pvalue, rel=1e-9)


# Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3 (the score method of Wilson): the first four. Then
# what the formula gives for none, half and all.
@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718),
        (0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (0, 0, 0.0, 1.0),
    ],
)  # fmt: skip
def test_wilsons_interval_is_the_published_one(hits: int, n: int, low: float, high: float) -> None:
    assert tuple(round(each, 4) for each in chance.wilson(hits, n)) == (low, high)


def test_the_interval_of_a_paired_difference_is_that_of_the_formula() -> None:
    """For 20 and 5 discordant of 100 pairs that is 15/102 plus or minus 1.96 sqrt(26 - 15^2/102)/102."""
    assert chance.paired(20, 5, 100) == (pytest.approx(0.0533, abs=1e-4), pytest.approx(0.2408, abs=1e-4))


def test_holm_is_the_published_procedure() -> None:
    """The smallest times all that are looked at, the next times one fewer, none below the one before it."""
    assert chance.holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    exact = [Fraction(2, 2**n) for n in (6, 7, 9)]
    assert chance.holm([float(p) for p in exact]) == pytest.approx([2 / 2**6, 4 / 2**7, 6 / 2**9])
    assert chance.holm([]) == []
