import pytest

from studio.retrieval import terms


@pytest.mark.parametrize(
    ("one", "other"),
    [("1,800", "1.800"), ("1800", "1.800"), ("3,50", "3.50"), ("27.30", "27,3"), ("1.234,50", "1,234.5"), ("007", "7")],
)
def test_a_number_is_the_same_number_in_both_countries(one: str, other: str) -> None:
    assert terms.numbers(one) == terms.numbers(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Averías", "averia"), ("claims", "claim"), ("policies", "policy"), ("meses", "mes"), ("covered", "covers")],
)
def test_accents_case_and_plural_do_not_tell_words_apart(one: str, other: str) -> None:
    assert terms.content(one) == terms.content(other)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("¿Cuánto cuesta el envío?", "es"),
        ("cuanto tarda el pedido", "es"),
        ("How much is shipping?", "en"),
        ("iPhone 15", "es"),
        ("", "es"),
    ],
)
def test_the_language_of_a_question_is_told_by_its_small_words(text: str, language: str) -> None:
    assert terms.language(text, otherwise="es") == language
