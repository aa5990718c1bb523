import pytest

from studio.answering.citing import cite, without_markers
from studio.base.records import Chunk, Citation, Passage


def passages(*texts: str) -> tuple[Passage, ...]:
    return tuple(
        Passage(
            chunk=Chunk(id=str(n), document_id="d", document="Policy.pdf", text=text, start=0, end=len(text)),
            score=1,
            similarity=0.9,
        )
        for n, text in enumerate(texts)
    )


FOUND = passages(
    "The standard excess is €150 a claim. For water damage the excess is €250.",
    "We decide within 10 working days, and we pay within 5 working days of saying yes.",
    "Las joyas están cubiertas hasta 3.000 € en total.",
)


@pytest.mark.parametrize(
    ("said", "cited"),
    [
        ("The standard excess is €150.", "The standard excess is €150 [1]."),
        ("The standard excess is €150 [1].", "The standard excess is €150 [1]."),
        ("The standard excess is €150 [2].", "The standard excess is €150 [1]."),
        ("The standard excess is €150 [9].", "The standard excess is €150 [1]."),
        ("The standard excess is €175.", "The standard excess is €175."),
        (
            "The excess is €250. We pay within 5 working days!",
            "The excess is €250 [1]. We pay within 5 working days [2]!",
        ),
        ("Joyas: hasta 3000 €", "Joyas: hasta 3000 € [3]"),
        ("Las JOYAS estan cubiertas hasta 3,000 €.", "Las JOYAS estan cubiertas hasta 3,000 € [3]."),
        ("Whales are mammals [1].", "Whales are mammals."),
        ("Yes.", "Yes."),
        ("What is the standard excess [1]?", "What is the standard excess?"),
        ("", ""),
    ],
)
def test_a_sentence_is_credited_to_the_passage_that_carries_it_and_to_no_other(said: str, cited: str) -> None:
    assert cite(said, FOUND).text == cited


def test_every_marker_has_its_citation_and_every_number_stands_in_the_cited_passage() -> None:
    made = cite("We decide within 10 working days. The excess is €150. We pay within 5 working days.", FOUND)
    assert made.citations == (Citation(number=1, passage=0), Citation(number=2, passage=1))
    assert (
        without_markers(made.text)
        == "We decide within 10 working days. The excess is €150. We pay within 5 working days."
    )


def test_two_numbers_from_two_passages_are_no_support() -> None:
    assert cite("The excess is €150 and we pay within 5 days.", FOUND).citations == ()
