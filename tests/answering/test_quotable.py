"""What of a passage may stand as an answer."""

import pytest

from studio.answering import quotable
from studio.base.records import Chunk


def statements(text: str, ahead: int = 0) -> list[str]:
    return quotable.statements(Chunk(id="1", document_id="d", document="d", text=text, start=0, end=len(text) - ahead))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "7. Complaints and privacy\n7.1 If we got it wrong\nWrite to Maeve Corrigan, head of customer care.",
            ["Write to Maeve Corrigan, head of customer care."],
            id="numbered headings say nothing",
        ),
        pytest.param("Complaints and privacy", [], id="a heading alone says nothing"),
        pytest.param("Formas de pago\nAceptamos tarjeta.", ["Aceptamos tarjeta."], id="nor does one without a number"),
        pytest.param("Hours 9 to 17", ["Hours 9 to 17"], id="a line with a figure is no heading"),
        pytest.param(
            "\u2022 Keep the box\n\u2022 Call us.",
            ["Keep the box", "Call us."],
            id="an item of a list says something itself",
        ),
        pytest.param(
            "We accept:\n- card\n- bank transfer\nNothing else is taken.",
            ["We accept: card bank transfer", "card", "bank transfer", "Nothing else is taken."],
            id="a label is said with what it announces",
        ),
        pytest.param("We accept:", [], id="a label without its value is not said"),
        pytest.param(
            "Can I return it? Yes, within 30 days.",
            ["Can I return it? Yes, within 30 days.", "Yes, within 30 days."],
            id="a question is said with its answer",
        ),
        pytest.param("Can I return it?", [], id="a question answers nothing"),
        pytest.param(
            "Your account is called My Shed. There you find your labels.",
            ["Your account is called My Shed.", "Your account is called My Shed. There you find your labels."],
            id="a sentence that points back comes with the one before it",
        ),
        pytest.param(
            "Allí están sus pedidos.", ["Allí están sus pedidos."], id="the first of a passage has nothing to point to"
        ),
        pytest.param(
            "Plan: Cove; Home: Flat; Price: 138\nPlan: Harbour; Home: Flat; Price: 204",
            ["Plan: Cove; Home: Flat; Price: 138", "Plan: Harbour; Home: Flat; Price: 204"],
            id="rows that name their cells are said one by one",
        ),
        pytest.param(
            "Question: Terracotta in frost?; Answer: Safe down to -10 °C.",
            ["Terracotta in frost? Safe down to -10 °C."],
            id="a question in a table needs no titles",
        ),
        pytest.param(
            "Delivery | Price | Time\nExpress | €8.50 | the next working day\nIslands | €10.90 | 5 to 7 working days",
            [
                "Delivery: Express; Price: €8.50; Time: the next working day",
                "Delivery: Islands; Price: €10.90; Time: 5 to 7 working days",
            ],
            id="a row is said with its headers",
        ),
        pytest.param("Express |  |\nIslands | 5 days |", ["Islands; 5 days"], id="a label without a value is no row"),
    ],
)
def test_what_is_said_of_a_passage_can_answer(text: str, said: list[str]) -> None:
    assert statements(text) == said


def test_a_header_that_was_put_in_front_of_a_row_gives_its_titles() -> None:
    header = "Producto | Garantía 2026\n"
    assert statements(f"{header}Sartenes | 25 años", len(header)) == ["Producto: Sartenes; Garantía 2026: 25 años"]
