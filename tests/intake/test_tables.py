"""CSV and its relatives: how they are understood, what is mended, what the person may change."""

from pathlib import Path

import pytest

from studio import intake
from studio.base import project
from studio.base.errors import Unreadable
from studio.base.records import Column, ColumnRole, How, Layout, RowFault
from studio.intake import importers
from studio.intake.reading import Reading
from studio.intake.tables import delimited as tables
from tests.intake import makers

pytestmark = pytest.mark.usefixtures("read_here")

FAQ = "Pregunta;Respuesta;Tema;Código\n¿Abren?;Sí, de 9 a 18.;Horario;1\n¿Envían?;En 2 días.;Envío;2\n"


def read(folder: Path, content: str | bytes, *columns: ColumnRole, encoding: str = "utf-8") -> Reading:
    file = makers.written(folder, "a.csv", content, encoding)
    return importers.read(file, makers.origin("a.csv").model_copy(update={"how": How(columns=columns)}))


def pairs(reading: Reading) -> list[tuple[int | None, str, str]]:
    return [(example.row, example.question, example.answer) for example in reading.examples]


def texts(reading: Reading) -> list[str]:
    return [document.text for document in reading.documents]


def layout(reading: Reading) -> Layout:
    assert reading.layout is not None
    return reading.layout


def test_how_a_table_was_understood_is_shown_with_its_first_cells(tmp_path: Path) -> None:
    assert read(tmp_path, FAQ, encoding="cp1252").layout == Layout(
        columns=(
            Column(name="Pregunta", role="question", samples=("¿Abren?", "¿Envían?")),
            Column(name="Respuesta", role="answer", samples=("Sí, de 9 a 18.", "En 2 días.")),
            Column(name="Tema", role="topic", samples=("Horario", "Envío")),
            Column(name="Código", role="ignore", samples=("1", "2")),
        ),
        encoding="cp1252",
        delimiter=";",
        rows=2,
        read=2,
    )


@pytest.mark.parametrize(
    ("columns", "examples", "documents"),
    [
        (
            ("text", "text", "text", "text"),
            [],
            ["Pregunta: ¿Abren?; Respuesta: Sí, de 9 a 18.; Tema: Horario; Código: 1"],
        ),
        (("ignore", "text", "ignore", "ignore"), [], ["Respuesta: Sí, de 9 a 18."]),
        (("answer", "question", "ignore", "ignore"), [("Sí, de 9 a 18.", "¿Abren?", "")], []),
        (("question", "answer", "text", "text"), [("¿Abren?", "Sí, de 9 a 18.", "")], ["Tema: Horario; Código: 1"]),
        (("question", "answer", "more", "topic"), [("¿Abren?\nHorario", "Sí, de 9 a 18.", "1")], []),
        (("question", "text", "text", "ignore"), [], ["Pregunta: ¿Abren?; Respuesta: Sí, de 9 a 18.; Tema: Horario"]),
        (("question", "answer"), [("¿Abren?", "Sí, de 9 a 18.", "")], []),
        (("question", "answer", "answer", "ignore"), [("¿Abren?", "Sí, de 9 a 18.\nHorario", "")], []),
    ],
)
def test_the_person_decides_what_the_columns_are(
    tmp_path: Path, columns: tuple[ColumnRole, ...], examples: list[tuple[str, str, str]], documents: list[str]
) -> None:
    reading = read(tmp_path, "\n".join(FAQ.split("\n")[:2]) + "\n", *columns)
    assert [(e.question, e.answer, e.topic) for e in reading.examples] == examples
    assert texts(reading) == documents
    assert [column.role for column in layout(reading).columns][: len(columns)] == list(columns)


def test_a_table_whose_every_column_is_ignored_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="columns_ignored"):
        read(tmp_path, FAQ, "ignore", "ignore", "ignore", "ignore")


def test_roles_are_changed_by_reading_again_and_stay_for_the_next_version(tmp_path: Path) -> None:
    shop = project.create(tmp_path / "projects", "Shop")
    added = intake.add(shop, makers.written(tmp_path, "faq.csv", FAQ))
    assert (added.examples, added.documents) == (2, 0)
    how = How(columns=("text", "text", "ignore", "ignore"))
    again = intake.read_again(shop, added.source, how)
    assert (again.examples, again.documents) == (0, 1)
    assert [d.text for d in shop.store.documents()] == [
        "Pregunta: ¿Abren?; Respuesta: Sí, de 9 a 18.\nPregunta: ¿Envían?; Respuesta: En 2 días."
    ]
    intake.add(shop, makers.written(tmp_path, "faq.csv", FAQ + "¿Y hoy?;No.;Horario;3\n"))
    assert shop.store.examples() == []
    source = shop.store.source(added.source)
    assert source is not None
    assert source.layout is not None
    assert [column.role for column in source.layout.columns] == list(how.columns)


@pytest.mark.parametrize(
    ("content", "kept", "repaired", "refused"),
    [
        (
            "question,answer\nA?,Yes, of course\nB?,No\n",
            [(2, "A?", "Yes, of course"), (3, "B?", "No")],
            {2: "joined"},
            {},
        ),
        ("question,answer,topic\nA?,Yes\n", [(2, "A?", "Yes")], {2: "padded"}, {}),
        ('question,answer\n"A?,Yes\nB?,No\n', [(2, "A?", "Yes"), (3, "B?", "No")], {2: "quote"}, {}),
        ("question,answer\nA?,Y\x00es\nB?,No\n", [(2, "A?", "Yes"), (3, "B?", "No")], {2: "nul"}, {}),
        ("question,answer\nA?,DirecciÃ³n\nB?,No\n", [(2, "A?", "Dirección"), (3, "B?", "No")], {2: "garbled"}, {}),
        ("question,answer\nA?,â€œSÃ­â€\x9d\nB?,No\n", [(2, "A?", "“Sí”"), (3, "B?", "No")], {2: "garbled"}, {}),
        ("question,answer\nA?\nB?,\nC?,No\n", [(4, "C?", "No")], {}, {2: "cells", 3: "empty"}),
        ("question,answer\nA?,1,2,3\nB?,No\n", [(3, "B?", "No")], {}, {2: "cells"}),
        ('question,answer\n"A?\nB?,No\n', [(3, "B?", "No")], {}, {2: "open_quote"}),
    ],
)
def test_every_row_is_read_or_mended_or_refused_by_its_number(
    tmp_path: Path,
    content: str,
    kept: list[tuple[int, str, str]],
    repaired: dict[int, str],
    refused: dict[int, str],
) -> None:
    reading = read(tmp_path, content)
    found = layout(reading)
    assert pairs(reading) == kept
    assert found.repaired == tuple(RowFault(row=row, code=code) for row, code in repaired.items())
    assert found.refused == tuple(RowFault(row=row, code=code) for row, code in refused.items())
    assert (found.rows, found.read) == (len(kept) + len(refused), len(kept))


def test_letters_of_another_encoding_in_utf8_are_read_and_their_row_is_named(tmp_path: Path) -> None:
    content = "pregunta,respuesta\n¿Qué?,Sí, así es\n".encode() + "A,añil\n".encode("cp1252")
    reading = read(tmp_path, content)
    assert pairs(reading)[1] == (3, "A", "añil")
    assert layout(reading).repaired == (RowFault(row=2, code="joined"), RowFault(row=3, code="letters"))


def test_right_letters_are_never_taken_for_garbled_ones(tmp_path: Path) -> None:
    content = "question,answer\nSÃO PAULO?,Ça coûte 5 £ – «sí» à l'été\n"
    reading = read(tmp_path, content)
    assert pairs(reading) == [(2, "SÃO PAULO?", "Ça coûte 5 £ – «sí» à l'été")]
    assert layout(reading).repaired_count == 0


def test_a_row_that_fits_nowhere_is_kept_as_it_stands_in_a_table_to_look_things_up_in(tmp_path: Path) -> None:
    reading = read(tmp_path, "Plan,Price\nFlat,10\nHouse,1,250,x\nBoat,30\n")
    assert texts(reading) == ["Plan: Flat; Price: 10\nHouse; 1; 250; x\nPlan: Boat; Price: 30"]
    assert layout(reading).repaired == (RowFault(row=3, code="unnamed"),)
    assert (layout(reading).rows, layout(reading).read) == (3, 3)


def test_prose_in_a_single_column_keeps_its_commas(tmp_path: Path) -> None:
    """It was once cut at its commas, because something had to be the delimiter."""
    reading = read(tmp_path, "texto\nUno, dos y tres.\nCuatro.\nCinco, seis, siete.\n")
    assert texts(reading) == ["texto: Uno, dos y tres.\ntexto: Cuatro.\ntexto: Cinco, seis, siete."]


def test_columns_beyond_the_last_name_are_read_without_one(tmp_path: Path) -> None:
    reading = read(tmp_path, "Plan;Price\nFlat;10;new\nHouse;20;old\n")
    assert texts(reading) == ["Plan: Flat; Price: 10; new\nPlan: House; Price: 20; old"]
    assert [column.name for column in layout(reading).columns] == ["Plan", "Price", "3"]


def test_the_line_in_which_excel_says_the_delimiter_is_believed_and_no_row(tmp_path: Path) -> None:
    assert pairs(read(tmp_path, "sep=|\nquestion|answer\nA; b?|C\n")) == [(3, "A; b?", "C")]


def test_lines_above_a_table_of_questions_are_said_and_left_out(tmp_path: Path) -> None:
    reading = read(tmp_path, "Preguntas frecuentes\n\nPregunta;Respuesta\n¿A?;B\n")
    assert pairs(reading) == [(4, "¿A?", "B")]
    assert [(f.code, f.parameters) for f in reading.findings[1:]] == [("titles_skipped", {"rows": "1"})]


def test_a_table_without_names_says_so_and_shows_its_columns_by_number(tmp_path: Path) -> None:
    reading = read(tmp_path, "1,2\n3,4\n")
    assert layout(reading).columns == (
        Column(name="1", role="text", samples=("1", "3")),
        Column(name="2", role="text", samples=("2", "4")),
    )
    assert [f.code for f in reading.findings] == ["rows_read", "header_none"]


def test_lines_within_cells_keep_the_numbers_of_the_rows_after_them(tmp_path: Path) -> None:
    reading = read(tmp_path, 'Name,Address,Note\n"Ana","Line 1\nLine 2",x\nLuis,Street,y\n')
    (document,) = reading.documents
    assert [section.row for section in document.sections] == [2, 4]


def test_a_long_table_has_a_section_for_a_few_rows_and_loses_none(tmp_path: Path) -> None:
    reading = read(tmp_path, "Code,Plan\n" + "".join(f"{n},Flat {n}\n" for n in range(50_000)))
    (document,) = reading.documents
    assert document.text.count("\n") == 49_999
    assert len(document.sections) <= 20_000
    assert "".join(document.text[s.start : s.end] + "\n" for s in document.sections) == document.text + "\n"
    assert (layout(reading).rows, layout(reading).read) == (50_000, 50_000)


def test_known_names_tell_the_delimiter_of_a_table_of_two_rows() -> None:
    assert tables.sniff("question,answer,topic\nHow?,Yes, 9 to 18.,Hours\nB?,C\n") == ","
