"""The mix of what is found by meaning and by words."""

import pytest

from studio.retrieval import finding
from studio.retrieval.finding import Sides


@pytest.mark.parametrize(
    ("asked_in", "near", "abroad"),
    [
        ("es", ["en", "en", "en", "en"], 1.0),
        ("es", ["en", "en", "en", "es"], 0.5),
        ("es", ["en", "en", "es", "es"], 0.0),
        ("en", ["en", "en"], 0.0),
        ("", ["en", "en"], 0.0),
        ("es", ["", ""], 0.0),
        ("es", [], 0.0),
    ],
)
def test_material_is_abroad_as_far_as_more_than_half_of_what_is_near_is_in_another_language(
    asked_in: str, near: list[str], abroad: float
) -> None:
    assert finding._abroad(asked_in, near) == abroad


@pytest.mark.parametrize(("abroad", "first"), [(0.0, "shares a word"), (1.0, "means it")])
def test_a_shared_word_outweighs_the_meaning_in_the_same_language_and_not_in_another(abroad: float, first: str) -> None:
    sides = Sides(by_meaning={1: 0.88, 2: 0.84, 3: 0.80}, by_words={2: 4.0}, without=frozenset(), abroad=abroad)
    hashes = {1: "means it", 2: "shares a word", 3: "neither"}
    assert finding.order(sides, hashes, 0.6)[0] == first


def test_what_has_no_vector_yet_is_found_by_its_words_in_any_language() -> None:
    sides = Sides(by_meaning={1: 0.9, 2: 0.8}, by_words={3: 4.0}, without=frozenset({3}), abroad=1.0)
    assert finding._mixed(sides, 0.6)[3] == 1.0
