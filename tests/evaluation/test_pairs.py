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


def test_two_means_are_compared_question_by_question() -> None:
    found = pairs.means("words", [11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 18.0], [10.0] * 7)
    assert (found.change, found.gained, found.lost, found.verdict) == (pytest.approx(29 / 7), 7, 0, "more")
    assert pairs.means("words", [5.0, 5.0], [5.0, 5.0]).verdict == "too_few"


def test_means_are_tested_as_wilcoxon_does() -> None:
    """Darwin's maize (Fisher 1935, in eighths of an inch): the negative ranks are 14 and 10. Wilcoxon's (1945) table has 25
    for 15 pairs at 5 %, two-sided; Student's interval is that of Fisher's t of 2.148 with 14 degrees of freedom.
    """
    maize = (49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48)
    found = pairs.means("height", maize, [0.0] * 15)
    assert (found.gained, found.lost, round(found.p_value, 4), found.verdict) == (13, 2, 0.0413, "more")
    assert found.change / ((found.high - found.low) / 2 / 2.1448) == pytest.approx(2.148, abs=0.001)


def test_claims_made_together_are_judged_together() -> None:
    looks = [pairs.shares(name, [False] * n, [True] * n) for name, n in (("a", 6), ("b", 7), ("c", 9))]
    assert [each.verdict for each in pairs.holm(looks)] == ["less", "less", "less"]
    many = pairs.holm([pairs.shares(str(n), [False] * 6, [True] * 6) for n in range(4)])
    assert {each.verdict for each in many} == {"none_found"}
    assert pairs.holm([]) == ()
