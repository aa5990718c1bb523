"""Whether voters agree with each other, beyond what chance would bring about."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence

from studio.base.records import Record


class Agreement(Record):
    """`alpha` is 1 for complete agreement, 0 for what chance gives, below for contradiction; None when too little was
    answered by two or more, or everybody always said the same one thing. `same` is the plain share of pairs that agree.
    """

    voters: int
    questions: int  # that two or more answered
    alpha: float | None = None
    same: float | None = None


def agreement(said: Mapping[str, Mapping[str, Hashable]]) -> Agreement:
    """Krippendorff's alpha for names (nominal data) over voter -> question -> choice; gaps are allowed.

    Krippendorff (2011), "Computing Krippendorff's alpha-reliability", and Hayes & Krippendorff (2007), Communication
    Methods and Measures 1, 77-89. Unlike Cohen's and Fleiss' kappa it takes any number of voters who did not all answer.
    """
    questions: dict[str, list[Hashable]] = {}
    for answers in said.values():
        for question, choice in answers.items():
            questions.setdefault(question, []).append(choice)
    units = [choices for choices in questions.values() if len(choices) > 1]
    voters = sum(1 for answers in said.values() if answers)
    if not units:
        return Agreement(voters=voters, questions=0)
    return Agreement(voters=voters, questions=len(units), alpha=_alpha(units), same=_same(units))


def _alpha(units: Sequence[Sequence[Hashable]]) -> float | None:
    total: Counter[Hashable] = Counter(choice for unit in units for choice in unit)
    n = sum(total.values())
    apart = sum(
        sum(count * (len(unit) - count) for count in Counter(unit).values()) / (len(unit) - 1) for unit in units
    )
    expected = sum(count * (n - count) for count in total.values()) / (n - 1)
    return None if expected == 0 else 1 - apart / expected


def _same(units: Sequence[Sequence[Hashable]]) -> float:
    pairs = sum(len(unit) * (len(unit) - 1) for unit in units)
    return sum(count * (count - 1) for unit in units for count in Counter(unit).values()) / pairs
