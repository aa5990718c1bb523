"""The statistics of paired comparisons."""

from fractions import Fraction

import pytest

from studio.evaluation import pairs


def test_two_shares_are_compared_question_by_question() -> None:
    found = pairs.shares("right", [True] * 8 + [False] * 2, [False] * 7 + [True] * 3)
    assert (found.gained, found.lost, found.change, found.verdict) == (7, 2, 0.5, "none_found")
    assert found.p_value == pytest.approx(float(Fraction(2 * (1 + 9 + 36), 2**9)))
    assert found.low < 0.5 < found.high
    assert pairs.shares("right", [False] * 6, [True] * 6).verdict == "less"
    assert pairs.shares("right", [False] * 5, [True] * 5).verdict == "too_few"


def test_the_interval_of_a_paired_difference_is_the_published_one() -> None:
    """Agresti and Min (2005), Statistics in Medicine 24:729-740: half an observation in each cell. For 20 and 5 discordant
    of 100 pairs that is 15/102 plus or minus 1.96 sqrt(26 - 15^2/102)/102."""
    found = pairs.shares("right", [True] * 20 + [False] * 80, [False] * 20 + [True] * 5 + [False] * 75)
    assert (found.low, found.high) == (pytest.approx(0.0533, abs=1e-4), pytest.approx(0.2408, abs=1e-4))


def test_two_means_are_compared_question_by_question() -> None:
    found = pairs.means("words", [11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 18.0], [10.0] * 7)
    assert (found.change, found.gained, found.lost, found.verdict) == (pytest.approx(29 / 7), 7, 0, "more")
    assert pairs.means("words", [5.0, 5.0], [5.0, 5.0]).verdict == "too_few"


def test_claims_made_together_are_judged_together() -> None:
    """Holm (1979), Scandinavian Journal of Statistics 6:65-70: the smallest times three, the next times two."""
    looks = [pairs.shares(name, [False] * n, [True] * n) for name, n in (("a", 6), ("b", 7), ("c", 9))]
    judged = pairs.holm(looks)
    assert [each.p_value for each in judged] == [pytest.approx(p) for p in (2 / 2**6, 2 * 2 / 2**7, 3 * 2 / 2**9)]
    assert [each.verdict for each in judged] == ["less", "less", "less"]
    many = pairs.holm([pairs.shares(str(n), [False] * 6, [True] * 6) for n in range(4)])
    assert {each.verdict for each in many} == {"none_found"}
    assert pairs.holm([]) == ()
