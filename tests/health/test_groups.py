"""Groups with unlike outcome or tone: told with their intervals, and only where chance is no explanation."""

import json
from pathlib import Path

import pytest

from studio.base.errors import BadInput
from studio.base.records import Example
from studio.health import groups
from studio.health.groups import Side
from tests.health.makers import document, example


def decided(who: str, approved: int, denied: int, at: int = 0) -> list[Example]:
    """Applications of somebody: so many approved, so many denied, every text another."""
    return [
        example(
            f"What became of file {at + n}?",
            f"{who} asked for credit {at + n}; we {'approved' if n < approved else 'denied'} it.",
            at + n,
        )
        for n in range(approved + denied)
    ]


def test_unlike_outcomes_are_counted_with_their_intervals() -> None:
    [found] = groups.one_sided([], [*decided("Mrs Smith", 8, 22), *decided("Mr Smith", 24, 6, 100)])
    assert (found.code, found.level, found.count, found.repairs) == ("groups_outcome", "note", 60, ())
    assert found.parameters == {
        "words": "mrs",
        "other_words": "mr",
        "mentions": 30,
        "good": 8,
        "share": 27,
        "low": 14,
        "high": 44,
        "other_mentions": 30,
        "other_good": 24,
        "other_share": 80,
        "other_low": 63,
        "other_high": 90,
        "difference": 53,
        "least": 29,
        "most": 70,
    }
    assert len(found.places) == 22
    assert "denied" in found.places[0].text


def test_in_spanish_too_and_by_the_sentence_in_documents() -> None:
    lines = [f"La señora del expediente {n} recibió una respuesta: denegado." for n in range(15)]
    lines += [f"El señor del expediente {n} recibió una respuesta: aprobado." for n in range(15)]
    [found] = groups.one_sided([document("\n".join(lines), "actas.txt", "es")], [])
    assert (found.code, found.parameters["words"], found.parameters["other_words"]) == (
        "groups_outcome",
        "señora",
        "señor",
    )


def test_tone_is_counted_by_words() -> None:
    old = [example(f"And visitor {n}?", f"The pensioner in room {n} was rude and slow.", n) for n in range(15)]
    young = [example(f"And visitor {n}?", f"The student in room {n} was polite and helpful.", n) for n in range(20, 35)]
    assert [(f.code, f.parameters["words"]) for f in groups.one_sided([], [*old, *young])] == [
        ("groups_tone", "pensioner")
    ]


@pytest.mark.parametrize(
    "examples",
    [
        [*decided("Mrs Smith", 15, 15), *decided("Mr Smith", 18, 12, 100)],  # chance explains it
        [*decided("Mrs Smith", 0, 9), *decided("Mr Smith", 9, 0, 100)],  # too few
        [*decided("Mr and Mrs Smith", 0, 30), *decided("Mr Smith", 30, 0, 100)],  # both are named
        decided("Mrs Smith", 0, 30),  # nobody to compare with
        [*[decided("Mrs Smith", 0, 1)[0]] * 30, *[decided("Mr Smith", 1, 0, 100)[0]] * 30],  # one text, often
    ],
)
def test_what_proves_nothing_is_not_told(examples: list[Example]) -> None:
    assert groups.one_sided([], examples) == []


def test_a_no_turns_an_outcome() -> None:
    women = [example(f"File {n}?", f"Mrs Smith asked; her credit {n} was not approved.", n) for n in range(15)]
    men = [example(f"File {n}?", f"Mr Smith asked; credit {n} was not denied.", n) for n in range(20, 35)]
    assert [f.code for f in groups.one_sided([], [*women, *men])] == ["groups_outcome"]


def test_of_many_comparisons_only_those_that_hold_together_are_told() -> None:
    people = ["french", "german", "italian", "polish", "chinese", "mexican", "irish", "spanish", "indian", "british"]
    shares = [12, 9, 10, 11, 8, 10, 9, 11, 10, 4]  # of 20; alone, the last would be told
    made = [
        each
        for n, (who, share) in enumerate(zip(people, shares, strict=True))
        for each in decided(f"A {who} client", share, 20 - share, 100 * n)
    ]
    mine, rest = Side(4, 20), Side(sum(shares) - 4, 180)
    _, high = groups.difference(mine, rest)
    assert high < 0
    assert groups._chance(mine, rest) < 0.05
    assert groups.one_sided([], made) == []


def test_the_intervals_are_those_of_the_books() -> None:
    """Newcombe 1998, Statistics in Medicine 17, table II: 56/70 against 48/80, method 10."""
    assert [round(bound, 4) for bound in groups.difference(Side(56, 70), Side(48, 80))] == [0.0524, 0.3339]
    assert [round(bound, 4) for bound in groups.interval(Side(81, 263))] == [0.2553, 0.3662]
    assert groups.interval(Side(0, 10))[0] == 0


def test_a_project_brings_its_own_lists(tmp_path: Path) -> None:
    assert groups.of_folder(tmp_path) == groups.ours()
    own = {
        "groups": {"shift": {"early": {"en": ["early shift"]}, "late": {"en": ["late shift"]}}},
        "outcome": {"good": {"en": ["granted"]}, "bad": {"en": ["cut"]}},
    }
    (tmp_path / "groups.json").write_text(json.dumps(own), encoding="utf-8")
    early = [example(f"Break {n}?", f"For the early shift it was granted, day {n}.", n) for n in range(15)]
    late = [example(f"Break {n}?", f"For the late shift it was cut, day {n}.", n) for n in range(20, 35)]
    [found] = groups.one_sided([], [*early, *late], groups.of_folder(tmp_path))
    assert (found.parameters["words"], found.parameters["other_words"]) == ("late shift", "early shift")


@pytest.mark.parametrize("text", ["{", "[]", '{"groups": 3}', '{"grups": {}}', "\xff"])
def test_a_list_that_cannot_be_understood_is_refused_by_name(text: str, tmp_path: Path) -> None:
    (tmp_path / "groups.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInput) as caught:
        groups.of_folder(tmp_path)
    assert (caught.value.code, caught.value.parameters) == ("groups_not_understood", {"name": "groups.json"})
