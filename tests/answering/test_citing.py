from pathlib import Path

import pytest

from studio import intake
from studio.answering.citing import cite, highlight, places, without_markers
from studio.base import project as projects
from studio.base.records import Answer, Chunk, Citation, Passage
from studio.retrieval import chunks, sentences


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


def answered(text: str, *texts: str, prefix: str = "", **more: object) -> Answer:
    found = tuple(
        each.model_copy(
            update={
                "chunk": each.chunk.model_copy(
                    update={
                        "text": prefix + each.chunk.text,
                        "start": 100,
                        "end": 100 + len(each.chunk.text),
                        "page": 2,
                    }
                )
            }
        )
        for each in passages(*texts)
    )
    made = cite(text, found)
    return Answer.model_validate(
        {"variant": "v", "question": "?", "text": made.text, "citations": made.citations, "passages": found} | more
    )


@pytest.mark.parametrize(
    ("said", "text", "part"),
    [
        (
            "Para daños por agua son 250 €.",
            "La franquicia es de 150 €. Para daños por agua son 250 €. Nada más.",
            "Para daños por agua son 250 €.",
        ),
        (
            "La avería se paga en 5 días.",
            "Cláusula 1. La averi\u0301a se paga en 5 di\u0301as. Fin.",
            "La averi\u0301a se paga en 5 di\u0301as.",
        ),
        (
            "You pay 150 euros.",
            "Excess.\nThe excess that you pay is 150 euros a claim.",
            "The excess that you pay is 150 euros a claim.",
        ),
        (
            "We decide in 10 days and pay in 5 days.",
            "Intro. We decide in 10 days. We pay in 5 days. Bye.",
            "We decide in 10 days. We pay in 5 days.",
        ),
        (
            "REPORT   a theft within 48 hours.",
            "First. Report a theft\nwithin 48 hours. Last.",
            "Report a theft\nwithin 48 hours.",
        ),
    ],
)
def test_a_cited_sentence_knows_the_part_of_its_passage_that_carries_it(said: str, text: str, part: str) -> None:
    answer = answered(said, text, quoted=True)
    [found] = places(answer)
    assert (found.text, text[found.chunk_start : found.chunk_end]) == (part, part)
    assert (found.document_start, found.document_end) == (100 + found.chunk_start, 100 + found.chunk_end)
    assert (found.page, found.number, found.passage) == (2, 1, 0)
    assert answer.text[found.start : found.end] == answer.text


def test_every_sentence_has_its_own_place_and_one_without_a_citation_has_none() -> None:
    answer = answered(
        "The excess is €150. It never rains. We pay within 5 days.", "We pay within 5 days.", "The excess is €150."
    )
    assert [(answer.text[each.start : each.end], each.passage, each.text) for each in places(answer)] == [
        ("The excess is €150 [2].", 1, "The excess is €150."),
        ("We pay within 5 days [1].", 0, "We pay within 5 days."),
    ]


def test_offsets_count_without_the_header_that_a_row_repeats() -> None:
    answer = answered("Cash: €600", "Cash | €600", prefix="Item | Cove\n")
    [found] = places(answer)
    assert found.text == "Cash | €600"
    assert (found.chunk_start, found.document_start, found.document_end) == (12, 100, 111)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "question"),
    [("en", "How high is the standard excess?"), ("es", "¿Cuánto suma la franquicia general?")],
)
def test_a_cited_sentence_is_found_on_the_page_of_its_pdf(tmp_path: Path, language: str, question: str) -> None:
    template = Path(__file__).parents[2] / "templates" / "insurance-claims" / language
    project = projects.create(tmp_path, "Insurance", "en", template)
    intake.add_all(project)
    policy = next(each for each in project.store.documents() if each.kind == "pdf")
    chunk = next(each for each in chunks(policy) if "150" in each.text)
    sentence = next(each for each in sentences.split(chunk.text) if "150" in each)
    made = cite(sentence, [Passage(chunk=chunk, score=1, similarity=1)])
    answer = Answer(
        variant="v",
        question=question,
        text=made.text,
        citations=made.citations,
        passages=(Passage(chunk=chunk, score=1, similarity=1),),
        quoted=True,
    )
    [found] = places(answer)
    assert policy.text[found.document_start : found.document_end] == found.text
    shown = highlight(project, found)
    assert shown is not None
    assert shown.rectangles
    assert all(0 <= left < right <= shown.width for left, _, right, _ in shown.rectangles)
    assert highlight(project, found.model_copy(update={"page": None})) is None
