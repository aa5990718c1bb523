"""What the words of a table tell, what is mended in its rows, and how they are accounted for."""

import json
from pathlib import Path

import pytest

import studio
from studio.base.records import FAULTS, Finding, Layout, RowFault
from studio.intake.reading import Draft, answered, example, turn
from studio.intake.tables import account, header, mending, rows
from studio.intake.tables.account import Account
from studio.intake.tables.header import Header
from studio.intake.tables.rows import Row
from tests.intake import makers


def table(*lines: str) -> list[Row]:
    return [Row(number, line.split("|")) for number, line in enumerate(lines, start=1)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("Plan|Price", "Flat|1", "House|2"), Header(("Plan", "Price"), 0, 1)),
        (("Prices 2026|", "Plan|Price", "Flat|1"), Header(("Plan", "Price"), 1, 2)),
        (("Bank|", "Account|", "|", "Date|Text|Amount", "2026-01-02|Fee|3"), Header(("Date", "Text", "Amount"), 3, 4)),
        (("|Plan|Price", "0|Flat|1", "1|House|2"), Header(("", "Plan", "Price"), 0, 1)),
        (("Concept|2024|2025", "Rent|10|12", "Power|3|4"), Header(("Concept", "2024", "2025"), 0, 1)),
        (
            (
                "Marca temporal|¿Cómo valora el servicio?|¿Volvería?",
                "12/01/2026 9:30|Bien|Sí",
                "13/01/2026 9:31|Mal|No",
            ),
            Header(("Marca temporal", "¿Cómo valora el servicio?", "¿Volvería?"), 0, 1),
        ),
        (("Name|Amount|Amount", "Ana|1|2", "Luis|3|4"), Header(("Name", "Amount", "Amount"), 0, 1)),
        (
            ("Plan|2024||2025|", "|Price|Units|Price|Units", "Flat|1|2|3|4", "House|5|6|7|8"),
            Header(("Plan", "2024 Price", "2024 Units", "2025 Price", "2025 Units"), 0, 2),
        ),
        (("question|answer",), Header(("question", "answer"), 0, 1)),
        (("1|2", "3|4"), None),
        (("Open?|Yes", "On Sunday|closed"), None),
        (("Cork|2024", "Kinsale|2025"), None),
        (("A sentence.", "Another one."), None),
        (("texto", "Uno.", "Dos."), Header(("texto",), 0, 1)),
    ],
)
def test_the_row_that_names_the_columns_is_found(lines: tuple[str, ...], expected: Header | None) -> None:
    assert header.find(table(*lines)) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("p", "r"), ("question", "answer")),
        (("id", "Pregunta", "Respuesta", "Tema"), ("ignore", "question", "answer", "topic")),
        (("Instrucción", "Entrada", "Salida"), ("question", "more", "answer")),
        (("consulta del cliente", "fecha", "respuesta enviada"), ("question", "ignore", "answer")),
        (("prompt", "chosen", "rejected"), ("question", "answer", "ignore")),
        (("plan", "price"), ("text", "text")),
        (("answer", "response"), ("text", "text")),
    ],
)
def test_the_columns_have_the_roles_their_names_say(names: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert rows.guessed(names)[0] == expected


@pytest.mark.parametrize(
    ("cells", "needed", "prose", "expected"),
    [
        (["a", " b ", "c"], (), False, (["a", "b", "c"], "")),
        (["a", "b", "c", "", " "], (), False, (["a", "b", "c"], "")),
        (["a", "Yes", " 9 to 18.", "Hours"], (), False, (["a", "Yes, 9 to 18.", "Hours"], "joined")),
        (["a", "b", "one", "two"], (), True, (["a", "b", "one,two"], "joined")),
        (["Flat", "138", "50", "x"], (), False, None),
        (["a", "b"], (0, 1), False, (["a", "b", ""], "padded")),
        (["a"], (0, 1), False, None),
    ],
)
def test_a_row_is_mended_only_where_it_is_plain_what_belongs_where(
    cells: list[str], needed: tuple[int, ...], prose: bool, expected: tuple[list[str], str] | None
) -> None:
    assert mending.fitted(cells, 3, ",", needed, prose) == expected


def test_rows_read_and_rows_refused_are_all_rows() -> None:
    reckoning = Account()
    reckoning.rows = 5
    reckoning.mend(3, "joined")
    reckoning.refuse(4, "empty", "FAQ")
    assert reckoning.layout(encoding="utf-8", delimiter=";") == Layout(
        encoding="utf-8",
        delimiter=";",
        rows=5,
        read=4,
        repaired_count=1,
        refused_count=1,
        repaired=(RowFault(row=3, code="joined"),),
        refused=(RowFault(row=4, code="empty", sheet="FAQ"),),
    )
    assert reckoning.findings(makers.origin("a.csv")) == (
        Finding(code="rows_empty_cells", level="warn", names=("a.csv",), parameters={"rows": "4"}),
        Finding(code="rows_repaired", level="note", names=("a.csv",), parameters={"rows": "3"}),
    )


def test_a_million_refused_rows_are_counted_and_the_first_are_named() -> None:
    reckoning = Account()
    reckoning.rows = 10_000
    for number in range(10_000):
        reckoning.refuse(number, "cells")
    layout = reckoning.layout()
    assert (layout.refused_count, len(layout.refused), layout.read) == (10_000, FAULTS, 0)
    (finding,) = reckoning.findings(makers.origin("a.csv"))
    assert (finding.count, finding.parameters["rows"]) == (10_000, ", ".join(map(str, range(20))) + " …")


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_reason_has_its_sentence(language: str) -> None:
    said = json.loads((Path(studio.__file__).parent / "locales" / f"{language}.json").read_text(encoding="utf-8"))
    refused = [reason for _, reasons in account.FINDINGS for reason in reasons]
    assert [code for code in (*account.REPAIRED, *refused) if f"row.{code}" not in said] == []
    assert [c for c, _ in (*account.FINDINGS, ("rows_repaired", ())) if f"finding.{c}.more" not in said] == []


@pytest.mark.parametrize("words", ["¿Abren?", "half \ud83d a letter"])
def test_a_row_with_an_answer_is_the_example_its_turn_would_be(words: str) -> None:
    origin = makers.origin("a.csv")
    expected = example(origin, 7, turn(words, "Sí."), topic="t", sheet="FAQ", task="sort")
    before, after = (example(origin, row, turn("¿Y?", "No."), sheet="FAQ", task="sort") for row in (6, 8))
    rows = [(6, "¿Y?", "No.", ""), (7, words, "Sí.", "t"), (8, "¿Y?", "No.", "")]
    assert answered(origin, rows, sheet="FAQ", task="sort") == [before, expected, after]


def test_rows_added_together_are_the_rows_added_one_by_one() -> None:
    texts, numbers = ["one", "", "two \ud83d", "three"], [2, 3, 4, 7]
    one, other = Draft(), Draft()
    for draft in (one, other):
        draft.add("A title", row=1)
    one.add_rows(texts, numbers, sheet="S")
    for text, number in zip(texts, numbers, strict=True):
        other.add(text, sheet="S", row=number, gap="\n")
    assert one.documents(makers.origin("a.csv"), "csv") == other.documents(makers.origin("a.csv"), "csv")
    assert one.rows == other.rows == 4
