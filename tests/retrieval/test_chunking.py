from itertools import pairwise

import pytest

from studio.base.records import Chunk, Document, Section
from studio.retrieval import chunks, passage_in_context
from studio.retrieval.chunking import LIMIT, headed


def document(text: str, *sections: Section, name: str = "Home-Policy.pdf") -> Document:
    return Document(
        id="d1",
        name=name,
        kind="pdf",
        text=text,
        source=f"sources/{name}",
        sha256="0",
        language="en",
        sections=sections,
    )


def paged(*pages: str) -> Document:
    text, sections = "", []
    for number, page in enumerate(pages, start=1):
        sections.append(Section(start=len(text), end=len(text) + len(page), page=number, heading=f"Part {number}"))
        text += page + "\n\n"
    return document(text, *sections)


def test_passages_are_whole_sentences_of_one_page_and_say_where_they_stand() -> None:
    page = " ".join(f"Sentence number {n} says something about the cover of your home." for n in range(30))
    made = paged(page, page.replace("home", "boat"))
    cut = chunks(made)
    assert all(made.text[chunk.start : chunk.end] == chunk.text for chunk in cut)
    assert all(
        len(chunk.text) <= LIMIT and chunk.text.startswith("Sentence") and chunk.text.endswith(".") for chunk in cut
    )
    assert {chunk.page for chunk in cut} == {1, 2}
    assert all(("boat" in chunk.text) == (chunk.page == 2) and chunk.heading == f"Part {chunk.page}" for chunk in cut)


def test_neighbouring_passages_share_one_sentence() -> None:
    cut = chunks(
        paged(" ".join(f"Sentence number {n} says something about the cover of your home." for n in range(30)))
    )
    for one, next_one in pairwise(cut):
        assert one.start < next_one.start < one.end < next_one.end
        assert one.text.endswith(next_one.text.split(". ")[0].rstrip(".") + ".")


def test_every_word_of_a_document_is_in_some_passage() -> None:
    made = document(
        "Before any section. " + "word " * 500 + "x" * 1500 + "\n\nThe end.", Section(start=20, end=60, heading="H")
    )
    covered = set()
    for chunk in chunks(made):
        covered.update(range(chunk.start, chunk.end))
    assert all(position in covered for position, letter in enumerate(made.text) if not letter.isspace())


def test_a_table_row_is_a_passage_of_its_own_with_its_sheet_and_number() -> None:
    rows = ["Plan: Cove; Price: 138", "Plan: Harbour; Price: 204"]
    text = "\n".join(rows)
    made = document(
        text,
        Section(start=0, end=len(rows[0]), sheet="Prices", row=2),
        Section(start=len(rows[0]) + 1, end=len(text), sheet="Prices", row=3),
        name="Premiums.xlsx",
    )
    assert [(chunk.text, chunk.sheet, chunk.row) for chunk in chunks(made)] == [
        (text, "Prices", None),  # and a small table is one as a whole
        (rows[0], "Prices", 2),
        (rows[1], "Prices", 3),
    ]
    assert headed(chunks(made)[1]) == "Premiums. Prices. Plan: Cove; Price: 138"


def test_rows_that_do_not_name_their_columns_get_the_header_in_front() -> None:
    text = "Plan | Price\nCove | 138\nHarbour | 204"
    made = document(
        text,
        Section(start=0, end=12, sheet="S"),
        Section(start=13, end=23, sheet="S", row=2),
        Section(start=24, end=len(text), sheet="S", row=3),
    )
    assert [chunk.text for chunk in chunks(made)][1:] == [
        text,
        "Plan | Price\nCove | 138",
        "Plan | Price\nHarbour | 204",
    ]


def test_rows_of_a_long_sheet_share_passages() -> None:
    lines = [f"Item: {n}; Price: {n}" for n in range(500)]
    text, sections = "", []
    for number, line in enumerate(lines):
        sections.append(Section(start=len(text), end=len(text) + len(line), sheet="S", row=number))
        text += line + "\n"
    cut = chunks(document(text, *sections))
    assert len(cut) < 50
    assert "\n".join(chunk.text for chunk in cut) == text.strip()


@pytest.mark.parametrize(
    "table",
    [
        ("| Plan | Price |\n|---|:-:|\n", ["| Cove | 138 |", "| Harbour | 204 |"], "| Plan | Price |"),
        ("Plan | Price\n", ["Cove | 138", "Harbour | 204"], "Plan | Price"),
        ("", ["Plan: Cove; Price: 138", "Plan: Harbour; Price: 204"], ""),
        ("", ["Cove | 138", "Harbour | 204"], ""),  # no titles: a first row like all others
    ],
)
def test_a_table_inside_text_is_found_row_by_row_and_whole(table: tuple[str, list[str], str]) -> None:
    above, rows, header = table
    before, after = "These are our prices.\n\n", "\n\nThey include tax."
    text = before + above + "\n".join(rows) + after
    front = f"{header}\n" if header else ""
    assert [chunk.text for chunk in chunks(document(text))] == [
        "These are our prices.",
        front + "\n".join(rows),
        *(front + row for row in rows),
        "They include tax.",
    ]


def test_the_rows_of_a_table_on_a_page_have_their_own_numbers() -> None:
    text = "Plan | Price\nCove | 138\nHarbour | 204"
    cut = chunks(document(text, Section(start=0, end=len(text), page=3, heading="Prices", row=2)))
    assert [(chunk.text, chunk.row, chunk.page) for chunk in cut[1:]] == [
        ("Plan | Price\nCove | 138", 2, 3),
        ("Plan | Price\nHarbour | 204", 3, 3),
    ]


def test_a_cell_of_several_lines_stays_in_its_row() -> None:
    rows = ["Question: Do you ship?; Answer: Yes.\nIn two days.", "Question: Returns?; Answer: 30 days."]
    text = "\n".join(rows)
    made = document(
        text,
        Section(start=0, end=len(rows[0]), sheet="F", row=2),
        Section(start=len(rows[0]) + 1, end=len(text), sheet="F", row=3),
    )
    assert [(chunk.text, chunk.row) for chunk in chunks(made)[1:]] == [(rows[0], 2), (rows[1], 3)]


def test_a_row_too_long_for_a_passage_is_cut_and_goes_on_under_its_first_cell() -> None:
    text = "Product: Chair; Notes: " + "solid oak and linen " * 60
    cut = chunks(document(text, Section(start=0, end=len(text), sheet="S", row=7)))
    assert len(cut) > 1
    assert all(len(chunk.text) <= LIMIT + 20 and chunk.row == 7 for chunk in cut)
    assert all(chunk.text.startswith("Product: Chair") for chunk in cut)


def test_a_long_mail_is_cut_like_text_and_keeps_who_wrote_it_when() -> None:
    people = "Ana Pérez <ana@x.es> → info@tienda.es · 2026-03-03 10:00"
    body = " ".join(f"La frase número {n} cuenta lo que pasó con el pedido roto." for n in range(40))
    text = f"Pedido 123 roto\n{people}\n\n{body}"
    section = Section(start=0, end=len(text), heading="Pedido 123 roto", row=1)
    cut = chunks(document(text, section, name="mail.eml").model_copy(update={"kind": "eml"}))
    assert len(cut) > 3
    assert all(chunk.text.startswith(f"{people}\nLa frase") and chunk.text.endswith(".") for chunk in cut)
    assert all(len(chunk.text) <= LIMIT + len(people) + 1 and chunk.row is None for chunk in cut)


def test_a_talk_is_cut_between_turns() -> None:
    turns = [
        f"{who}: Digo la cosa número {n}. Y luego otra más larga todavía." for n in range(9) for who in ("Ana", "Sol")
    ]
    text = "\n".join(turns)
    made = document(text, Section(start=0, end=len(text), heading="2026-03-03 · Ana, Sol"), name="chat.txt")
    cut = chunks(made.model_copy(update={"kind": "whatsapp"}))
    assert len(cut) > 1
    assert all(line in turns for chunk in cut for line in chunk.text.split("\n"))


def test_a_question_and_its_answer_are_a_passage() -> None:
    text = "FAQ\n\nHow long does it take?\nIt takes 30 days.\n\nDo you ship to Malta?\nYes.\nIn 5 days.\n\nWhy?\nHow?"
    assert [chunk.text for chunk in chunks(document(text))] == [
        "FAQ\n\nHow long does it take?\nIt takes 30 days.",
        "Do you ship to Malta?\nYes.\nIn 5 days.\n\nWhy?\nHow?",
    ]


def test_passages_end_with_a_paragraph_where_one_ends_in_their_second_half() -> None:
    paragraphs = [" ".join(f"{word} number {n} says something here." for n in range(12)) for word in ("One", "Two")]
    cut = chunks(document("\n\n".join(paragraphs)))
    assert [chunk.text for chunk in cut] == paragraphs


def test_a_heading_alone_is_no_passage_and_an_empty_document_has_none() -> None:
    assert chunks(document("Part 1", Section(start=0, end=6, heading="Part 1"))) == []
    assert chunks(document("  \n")) == []


def test_a_heading_is_carried_beside_the_text_and_searched_with_it() -> None:
    text = "5. Making a claim\n5.1 What we ask\nTell us within 7 days."
    [chunk] = chunks(document(text, Section(start=0, end=len(text), heading="5. Making a claim 5.1 What we ask")))
    assert (chunk.text, chunk.heading) == ("Tell us within 7 days.", "5. Making a claim 5.1 What we ask")
    assert headed(chunk) == "Home Policy. 5. Making a claim 5.1 What we ask. Tell us within 7 days."


def test_ids_follow_from_content_and_place() -> None:
    made = paged("One page. With text.", "Another page.")
    assert [chunk.id for chunk in chunks(made)] == [chunk.id for chunk in chunks(made)]
    assert len({chunk.id for chunk in chunks(made)}) == 2


def test_a_passage_is_shown_within_its_page() -> None:
    made = paged("First page.", "It begins. " + "Middle of it. " * 60 + "It ends.", "Third page.")
    chunk = next(c for c in chunks(made) if c.page == 2 and c.start > made.sections[1].start)
    before, text, after = passage_in_context(made, chunk)
    assert text == chunk.text
    assert "First" not in before
    assert "Third" not in after
    assert before.endswith("it. ")


def test_a_passage_of_a_document_that_changed_is_shown_alone() -> None:
    chunk = Chunk(id="c", document_id="d1", document="d", text="Old words.", start=0, end=10)
    assert passage_in_context(document("New text altogether."), chunk) == ("", "Old words.", "")
