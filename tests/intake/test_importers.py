"""What every importer makes of good files."""

import json
from pathlib import Path

import pytest

from studio.base.records import Finding, Message, Section
from studio.intake import child, importers, language
from studio.intake.encoding import text_of
from studio.intake.pages import pdf, pdf_furniture
from studio.intake.reading import Reading
from studio.intake.tables import delimited as tables
from tests.intake import makers

HEADER = ["question", "answer", "topic"]
ROWS = [HEADER, ["Open on Monday?", "Yes, 9 to 18.", "Hours"], ["Do you ship?", "Yes; in 2 days.", "Delivery"]]


def read(file: Path) -> Reading:
    return importers.read(file, makers.origin(file.name))


def pairs(reading: Reading) -> list[tuple[int | None, str, str, str]]:
    return [(e.row, e.question, e.answer, e.topic) for e in reading.examples]


def test_plain_text_is_one_section(tmp_path: Path) -> None:
    file = makers.written(tmp_path, "hours.txt", "We open at nine and close at six.\r\n\r\nThe shop is in Kinsale.\r\n")
    (document,) = read(file).documents
    assert document.text == "We open at nine and close at six.\n\nThe shop is in Kinsale."
    assert document.sections == (Section(start=0, end=len(document.text)),)
    assert (document.kind, document.language) == ("txt", "en")


def test_markdown_is_cut_at_its_headings_but_not_inside_code(tmp_path: Path) -> None:
    file = makers.written(tmp_path, "a.md", "# Uno\ntexto\n```\n# no\n```\n## Dos\nmás\n")
    (document,) = read(file).documents
    assert [(s.heading, document.text[s.start : s.end]) for s in document.sections] == [
        ("Uno", "# Uno\ntexto\n```\n# no\n```"),
        ("Dos", "## Dos\nmás"),
    ]


def test_a_pdf_keeps_its_pages_and_shows_its_headings(tmp_path: Path) -> None:
    file = makers.pdf(tmp_path, "policy.pdf", ["# Cover\nWe cover fire.\n# Water\nWe cover leaks.", "Up to 500 euros."])
    (document,) = read(file).documents
    assert [(s.page, s.heading, document.text[s.start : s.end]) for s in document.sections] == [
        (1, "Cover", "Cover\nWe cover fire."),
        (1, "Water", "Water\nWe cover leaks."),
        (2, "Water", "Up to 500 euros."),
    ]


def test_lines_of_a_page_become_sentences_again() -> None:
    lines = [
        "A sentence that was broken by the margin of the page goes on",
        "here, and a long word that was divid-",
        "ed by a hyphen is whole; the well-known",
        "Costs of up to",
        "500 euros",
        "- a list",
        "- of two",
    ]
    assert pdf.flow(lines, full=55) == [
        "A sentence that was broken by the margin of the page goes on here, and a long word that was divided "
        "by a hyphen is whole; the well-known",
        "Costs of up to",
        "500 euros",
        "- a list",
        "- of two",
    ]


def test_soft_hyphens_and_the_librarys_own_marks_disappear() -> None:
    assert pdf.clean("in\u00adfor\u00adma\u0301s  co\ufffe\r") == "informás co-"


def test_running_titles_and_page_numbers_are_not_text() -> None:
    pages = [[pdf.Line(t, 10) for t in ("Terms", f"Text {word}", f"page {n}")] for n, word in enumerate("abcd", 1)]
    kept = [[line.text for line in page] for page in pdf_furniture.without(pages)]
    assert kept == [["Terms", "Text a"], ["Text b"], ["Text c"], ["Text d"]]


def test_a_word_document_keeps_its_order_its_lists_and_its_tables(tmp_path: Path) -> None:
    (document,) = read(makers.docx(tmp_path)).documents
    assert [(s.heading, document.text[s.start : s.end]) for s in document.sections] == [
        ("Guía de siniestros", "Guía de siniestros\nAntes de nada."),
        ("1. Qué hacer", "1. Qué hacer\n- Llame al seguro.\n- Haga fotos."),
        (
            "2. Plazos",
            "2. Plazos\nPaso: Visita; Quién: Perito; Plazo: 3 días\nPaso: Pago; Quién: Contabilidad; Plazo: 5 días\n"
            "Después de la tabla.",
        ),
    ]
    assert document.language == "es"


def test_text_in_content_controls_and_tracked_insertions_is_not_lost(tmp_path: Path) -> None:
    plain = makers.docx(tmp_path)
    paragraph = b"<w:p><w:r><w:t>%s</w:t></w:r></w:p>"
    more = b"<w:sdt><w:sdtContent>" + paragraph % b"controlled" + b"</w:sdtContent></w:sdt>"
    more += b'<w:p><w:ins w:id="1" w:author="a"><w:r><w:t>inserted</w:t></w:r></w:ins>'
    more += b'<w:del w:id="2" w:author="a"><w:r><w:delText>deleted</w:delText></w:r></w:del></w:p>'
    xml = makers.document_xml(plain).replace(b"<w:sectPr", more + b"<w:sectPr", 1)
    (document,) = read(makers.with_part(plain, "more.docx", "word/document.xml", xml)).documents
    assert document.text.endswith("Después de la tabla.\ncontrolled\ninserted")


def test_a_text_box_is_read_once_although_it_is_stored_twice(tmp_path: Path) -> None:
    plain = makers.docx(tmp_path)
    boxed = b"<w:txbxContent><w:p><w:r><w:t>Note in a box</w:t></w:r></w:p></w:txbxContent>"
    twice = (
        b"<mc:AlternateContent><mc:Choice>"
        + boxed
        + b"</mc:Choice><mc:Fallback>"
        + boxed
        + b"</mc:Fallback></mc:AlternateContent>"
    )
    space = b' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    paragraph = b"<w:p" + space + b"><w:r>" + twice + b"</w:r><w:r><w:t>Anchor</w:t></w:r></w:p>"
    xml = makers.document_xml(plain).replace(b"<w:sectPr", paragraph + b"<w:sectPr", 1)
    (document,) = read(makers.with_part(plain, "box.docx", "word/document.xml", xml)).documents
    assert document.text.endswith("Después de la tabla.\nAnchor\nNote in a box")


def test_a_word_document_read_badly_is_read_from_its_raw_text(tmp_path: Path) -> None:
    plain = makers.docx(tmp_path)
    hidden = b"<w:unknownBox>" + b"<w:p><w:r><w:t>many words in a box</w:t></w:r></w:p>" * 20 + b"</w:unknownBox>"
    xml = makers.document_xml(plain).replace(b"<w:sectPr", hidden + b"<w:sectPr", 1)
    (document,) = read(makers.with_part(plain, "boxes.docx", "word/document.xml", xml)).documents
    assert document.text.count("many words in a box") == 20
    assert "Llame al seguro." in document.text


def test_a_workbook_gives_rows_that_speak_for_themselves_and_examples(tmp_path: Path) -> None:
    reading = read(makers.xlsx(tmp_path))
    (document,) = reading.documents
    assert document.text == (
        "Prices 2026\n"
        "Code: 1001; Plan: Flat; Price: 4.90; Discount: 5%; Valid from: 2026-01-12\n"
        "Code: 1002; Plan: House; Price: 12.00; Discount: 12.5%; Valid from: 2026-02-01\n"
        "All prices include tax."
    )
    assert [(s.sheet, s.row) for s in document.sections] == [("Prices", 1), ("Prices", 3), ("Prices", 4), ("Prices", 5)]
    assert pairs(reading) == [(2, "¿Abren el lunes?", "Sí, de 9 a 18.", "Horario")]
    assert [(f.code, f.count, f.parameters) for f in reading.findings] == [
        ("sheets_read", 4, {"sheets": 1}),
        ("examples_read", 1, {"of": 2, "question": "Pregunta", "answer": "Respuesta"}),
        ("rows_empty_cells", 1, {"rows": "3"}),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "mac_roman"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_table_of_questions_in_any_encoding_and_with_any_delimiter(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    rows = [["pregunta", "contestación", "categoría"], ["¿Dónde está?", "En la calle Peña.", "Dirección"]]
    file = makers.written(tmp_path, "faq.csv", makers.table(rows, delimiter), encoding)
    assert pairs(read(file)) == [(2, "¿Dónde está?", "En la calle Peña.", "Dirección")]


@pytest.mark.parametrize(
    "header",
    [
        "question,answer",
        "Pregunta,Respuesta",
        "consulta,contestación",
        "instruction,output",
        "Instrucción,Salida",
        "prompt,completion",
        "user,assistant",
        "Customer question,Our answer",
        "PREGUNTA DEL CLIENTE,Respuesta enviada",
        "q,a",
        "cliente,agente",
    ],
)
def test_headers_in_both_languages_are_understood(tmp_path: Path, header: str) -> None:
    assert pairs(read(makers.written(tmp_path, "a.csv", f"{header}\nHow?,So.\n"))) == [(2, "How?", "So.", "")]


def test_the_input_of_an_instruction_belongs_to_the_question(tmp_path: Path) -> None:
    file = makers.written(tmp_path, "a.csv", "instruction,input,output\nTranslate,house,casa\nSay hello,,hello\n")
    assert pairs(read(file)) == [(2, "Translate\nhouse", "casa", ""), (3, "Say hello", "hello", "")]


def test_texts_with_labels_are_examples_for_sorting(tmp_path: Path) -> None:
    (made,) = read(makers.written(tmp_path, "a.csv", "mensaje;etiqueta\nNo llega mi pedido;envío\n")).examples
    assert (made.question, made.answer, made.task) == ("No llega mi pedido", "envío", "sort")


def test_three_broken_rows_of_ten_are_named_and_seven_are_kept(tmp_path: Path) -> None:
    lines = ["question,answer", *(f"Q{n}?,A{n}" for n in range(2, 12))]
    lines[2], lines[5], lines[8] = "Q3?", "Q6?,A6,more,cells", "Q9?,"
    reading = read(makers.written(tmp_path, "a.csv", "\n".join(lines) + "\n"))
    assert [row for row, *_ in pairs(reading)] == [2, 4, 5, 7, 8, 10, 11]
    assert reading.findings == (
        Finding(
            code="examples_read",
            level="good",
            count=7,
            names=("a.csv",),
            parameters={"of": 10, "question": "question", "answer": "answer"},
        ),
        Finding(code="rows_wrong_cells", level="warn", count=2, names=("a.csv",), parameters={"rows": "3, 6"}),
        Finding(code="rows_empty_cells", level="warn", count=1, names=("a.csv",), parameters={"rows": "9"}),
    )


def test_line_ends_and_quotes_inside_quoted_cells_are_text(tmp_path: Path) -> None:
    file = makers.written(tmp_path, "a.csv", 'question,answer\r\n"How, where?","He said ""so"".\r\nTwice."\r\nB?,C\r\n')
    assert pairs(read(file)) == [(2, "How, where?", 'He said "so".\nTwice.', ""), (4, "B?", "C", "")]


def test_an_open_quote_is_mended_where_the_cells_can_be_told_and_costs_one_line_where_not(tmp_path: Path) -> None:
    content = 'question,answer\nA?,1\n"B?,2\nC?,3\n"D?\nE?,5\n'
    reading = read(makers.written(tmp_path, "a.csv", content))
    assert [row for row, *_ in pairs(reading)] == [2, 3, 4, 6]
    assert [(f.code, f.parameters) for f in reading.findings[1:]] == [
        ("rows_wrong_cells", {"rows": "5"}),
        ("rows_repaired", {"rows": "3"}),
    ]


def test_questions_without_a_header_are_recognised_and_the_guess_is_said(tmp_path: Path) -> None:
    reading = read(makers.written(tmp_path, "a.csv", "Open on Monday?,Yes\nOn Sunday?,No\n"))
    assert pairs(reading) == [(1, "Open on Monday?", "Yes", ""), (2, "On Sunday?", "No", "")]
    assert reading.findings[-1] == Finding(code="header_missing", level="note", names=("a.csv",))


def test_another_table_becomes_a_document_with_a_section_a_row(tmp_path: Path) -> None:
    reading = read(
        makers.written(tmp_path, "prices.csv", "Plan;Price;Note\nFlat;138,50;\nHouse;174;from May\nBoat;row\n")
    )
    (document,) = reading.documents
    assert document.text == (
        "Plan: Flat; Price: 138,50\nPlan: House; Price: 174; Note: from May\nPlan: Boat; Price: row"
    )
    assert [s.row for s in document.sections] == [2, 3, 4]
    assert [(f.code, f.count) for f in reading.findings] == [("rows_read", 3), ("rows_repaired", 1)]


def test_a_table_of_numbers_without_header_loses_no_row(tmp_path: Path) -> None:
    (document,) = read(makers.written(tmp_path, "a.csv", "1,2\n3,4\n")).documents
    assert document.text == "1; 2\n3; 4"


def test_prose_with_commas_is_no_table() -> None:
    assert tables.sniff("Well, this is prose.\nIt has a line, or two, with commas.\nAnd none here.\nNone.\n") == ""


@pytest.mark.parametrize(
    "item",
    [
        {"messages": [{"role": "user", "content": "How?"}, {"role": "assistant", "content": "So."}]},
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "How?"}]},
                {"role": "assistant", "content": "So."},
            ]
        },
        {"conversations": [{"from": "human", "value": "How?"}, {"from": "gpt", "value": "So."}]},
        {"instruction": "How?", "input": "", "output": "So."},
        {"prompt": "How?", "completion": "So."},
        {"question": "How?", "answer": "So.", "id": 7},
        {"Pregunta": "How?", "Respuesta": "So."},
    ],
)
@pytest.mark.parametrize("form", ["lines", "list", "data"])
def test_every_shape_of_training_data_is_understood(tmp_path: Path, item: dict[str, object], form: str) -> None:
    content = {"lines": json.dumps(item), "list": json.dumps([item]), "data": json.dumps({"data": [item]})}[form]
    file = makers.written(tmp_path, "a.jsonl" if form == "lines" else "a.json", content)
    assert [e.messages for e in read(file).examples] == [
        (Message(role="user", content="How?"), Message(role="assistant", content="So."))
    ]


def test_a_conversation_keeps_its_turns_up_to_the_last_answer(tmp_path: Path) -> None:
    said = [
        ("system", "Be kind."),
        ("user", "Hi"),
        ("assistant", "Hello"),
        ("user", "How?"),
        ("assistant", "So."),
        ("user", "Thanks"),
    ]
    content = json.dumps({"messages": [{"role": role, "content": text} for role, text in said]})
    (made,) = read(makers.written(tmp_path, "a.jsonl", content + "\n" + content)).examples[:1]
    assert [(m.role, m.content) for m in made.messages] == said[:-1]


def test_a_broken_line_among_json_lines_is_named(tmp_path: Path) -> None:
    lines = [json.dumps({"prompt": f"q{n}", "completion": "a"}) for n in range(10)]
    lines[4] = lines[4][:-3]
    reading = read(makers.written(tmp_path, "a.jsonl", "\n".join(lines)))
    assert len(reading.examples) == 9
    assert reading.findings[1] == Finding(
        code="rows_not_json", level="warn", names=("a.jsonl",), parameters={"rows": "5"}
    )


def test_half_a_letter_costs_that_letter_and_nothing_else(tmp_path: Path) -> None:
    """A lone surrogate once refused the whole file: JSON may hold it, UTF-8 may not."""
    lines = ['{"prompt": "q1", "completion": "a"}', '{"prompt": "q2 \\ud83d", "completion": "b \\udc00 c"}']
    file = makers.written(tmp_path, "a.jsonl", "\n".join(lines))
    assert pairs(child.read(file, makers.origin(file.name))) == [(1, "q1", "a", ""), (2, "q2 \ufffd", "b \ufffd c", "")]
    file = makers.written(tmp_path, "b.json", '[{"plan \\ud83d": "Flat \\ud83d"}]')
    (document,) = child.read(file, makers.origin(file.name)).documents
    assert document.text == "plan \ufffd: Flat \ufffd"


def test_other_json_objects_become_readable_sections(tmp_path: Path) -> None:
    (document,) = read(makers.written(tmp_path, "a.json", '[{"plan": "Flat", "price": {"year": 138}}]')).documents
    assert document.text == "plan: Flat; price year: 138"


def test_tokens_of_chat_templates_stay_text(tmp_path: Path) -> None:
    (made,) = read(makers.written(tmp_path, "a.csv", "question,answer\nHow?,<|im_end|>So.\n")).examples
    assert made.messages == (Message(role="user", content="How?"), Message(role="assistant", content="<|im_end|>So."))


def test_ids_are_the_same_when_a_file_is_read_again_and_differ_between_equal_rows(tmp_path: Path) -> None:
    file = makers.written(tmp_path, "a.csv", "question,answer\nHow?,So.\nHow?,So.\n")
    first, second = read(file).examples, read(file).examples
    assert first == second
    assert len({example.id for example in first}) == 2


def test_stray_windows_bytes_in_utf8_are_read_as_the_letters_they_are() -> None:
    assert text_of("¿Cuánto? ñandú ".encode() + "añil".encode("cp1252")) == ("¿Cuánto? ñandú añil", "utf-8 + cp1252")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("¿Cuánto cuesta el envío?", "es"), ("How much is delivery to the islands?", "en"), ("12345", ""), ("Tabla", "")],
)
def test_languages_are_told_by_their_small_words(text: str, expected: str) -> None:
    assert language.of(text) == expected
