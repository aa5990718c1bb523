"""Nearly the same, checked against comparing everything with everything."""

import random

import pytest

from studio.base.folding import plain
from studio.health import near
from studio.health.near import Unit

WORDS = [f"word{n}" for n in range(40)]


def texts() -> list[str]:
    draw = random.Random(3)
    made = [" ".join(draw.choices(WORDS, k=draw.randint(0, 12))) for _ in range(150)]
    return [*made, *(f"{text} word1" for text in made[:50]), *(text.upper() for text in made[:10])]


def groups(text: str, unit: Unit) -> set[str]:
    bare = plain(text)
    units, width = (bare.split(), 3) if unit == "words" else (list(bare), 5)
    return {" ".join(units[at : at + width]) for at in range(max(len(units) - width + 1, 1))} if units else set()


def by_hand(made: list[str], unit: Unit, threshold: float) -> set[tuple[int, int]]:
    sets = [groups(text, unit) for text in made]
    return {
        (a, b)
        for a in range(len(sets))
        for b in range(a + 1, len(sets))
        if sets[a] and sets[b] and len(sets[a] & sets[b]) >= threshold * len(sets[a] | sets[b])
    }


@pytest.mark.parametrize("unit", ["words", "letters"])
@pytest.mark.parametrize("threshold", [0.3, 0.6, 0.8, 1.0])
def test_all_near_pairs_are_found_and_no_others(unit: Unit, threshold: float) -> None:
    made = texts()
    expected = by_hand(made, unit, threshold)
    assert set(near.pairs(made, threshold, unit)) == expected
    across = {(a, b - 60) for a, b in expected if a < 60 <= b}
    assert set(near.across(made[:60], made[60:], threshold, unit)) == across


def test_of_near_texts_one_stays_and_each_copy_is_near_to_it() -> None:
    made = texts()
    expected = by_hand(made, "words", 0.6)
    copies = near.copies(made, 0.6)
    assert all((first, copy) in expected and first not in copies for copy, first in copies.items())
    assert [(a, b) for a, b in expected if a not in copies and b not in copies] == []


def test_texts_with_different_keys_are_never_the_same() -> None:
    made = ["one two three four five six"] * 4
    assert near.copies(made, 0.8, keys=["a", "b", "a", "b"]) == {2: 0, 3: 1}
    assert near.across(made[:2], made[2:], 0.8, keys=["a", "b", "a", "b"]) == [(0, 0), (1, 1)]


def test_nothing_is_near_to_nothing() -> None:
    assert near.copies([], 0.8) == {}
    assert near.copies(["", "…", ""], 0.8) == {}
    assert near.pairs(["", "…"], 0.8, "letters") == []
    assert near.across([], ["a"], 0.8) == []
    assert near.across([""], ["a"], 0.8) == []
    assert (near.similarity("", ""), near.similarity("a b c", "A, b. C!")) == (0.0, 1.0)


def test_more_groups_than_fit_into_32_bits_are_told_apart() -> None:
    made = [f"word{n}" for n in range(60_000)]
    assert near.copies([*made, "WORD7"], 0.8) == {60_000: 7}


@pytest.mark.slow
def test_many_texts_that_share_a_beginning_take_no_longer_than_many_others() -> None:
    import time

    draw = random.Random(5)
    names = ["".join(draw.choices("abcdefghil", k=7)) for _ in range(5_000)]
    alike = [
        f"Dear {draw.choice(names)} your parcel left our house today and is on its way to you" for _ in range(50_000)
    ]
    start = time.process_time()
    copies = near.copies(alike, 0.8)
    assert time.process_time() - start < 40  # measured 2 to 3 seconds
    assert len(copies) >= len(alike) - len(set(alike))
