"""JSON and JSON lines: every shape of training data, what is left out of a conversation, broken lines."""

import json
from pathlib import Path
from typing import Any

import pytest

from studio.base.records import Column, ColumnRole, How, RowFault
from studio.intake import importers
from studio.intake.reading import Reading
from tests.intake import makers

ASKED = {"role": "user", "content": "How?"}
ANSWERED = {"role": "assistant", "content": "So."}
CALL = {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "stock"}}]}


def read(folder: Path, *items: Any, columns: tuple[ColumnRole, ...] = (), name: str = "a.jsonl") -> Reading:
    content = "\n".join(item if isinstance(item, str) else json.dumps(item) for item in items)
    file = makers.written(folder, name, content)
    return importers.read(file, makers.origin(name).model_copy(update={"how": How(columns=columns)}))


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"messages": [ASKED, CALL, {"role": "tool", "content": "7"}, ANSWERED]}, [("user", "How?"), ("assistant", "So.")]),
        ({"messages": [ASKED, {**CALL, "content": "I look."}, {"role": "function", "content": "7"}, ANSWERED]},
         [("user", "How?"), ("assistant", "I look."), ("assistant", "So.")]),
        ({"messages": [{"role": "developer", "content": "Be kind."}, ASKED, ANSWERED, ASKED]},
         [("system", "Be kind."), ("user", "How?"), ("assistant", "So.")]),
        ({"conversations": [{"from": "human", "value": "How?"}, {"from": "gpt", "value": "So."}], "system": "Be kind."},
         [("system", "Be kind."), ("user", "How?"), ("assistant", "So.")]),
        ({"conversations": [{"from": "human", "value": "How?"}, {"from": "function_call", "value": "{}"},
                            {"from": "observation", "value": "7"}, {"from": "gpt", "value": "So."}]},
         [("user", "How?"), ("assistant", "So.")]),
        ({"text": "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHow?<|im_end|>\n"
                  "<|im_start|>assistant\nSo.<|im_end|>\n"},
         [("system", "Be kind."), ("user", "How?"), ("assistant", "So.")]),
        ({"instruction": "Translate", "input": "house", "output": "casa"},
         [("user", "Translate\nhouse"), ("assistant", "casa")]),
        ({"prompt": "How?", "chosen": "So.", "rejected": "No."}, [("user", "How?"), ("assistant", "So.")]),
        ({"prompt": [ASKED], "completion": [ANSWERED]}, [("user", "How?"), ("assistant", "So.")]),
        ({"instrucción": "¿Cómo?", "salida": "Así."}, [("user", "¿Cómo?"), ("assistant", "Así.")]),
    ],
)  # fmt: skip
def test_every_shape_of_a_conversation_is_understood(
    tmp_path: Path, item: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    (made,) = read(tmp_path, item).examples
    assert [(message.role, message.content) for message in made.messages] == expected


def test_a_text_in_the_marks_of_a_template_is_a_conversation_for_each_start(tmp_path: Path) -> None:
    one = "<|im_start|>user\nHow?<|im_end|>\n<|im_start|>assistant\nSo.<|im_end|>\n"
    system = "<|im_start|>system\nBe kind.<|im_end|>\n"
    for content, lines in ((one, [1]), (one + "\n" + one, [1, 6]), (system + one + system + one, [1, 7])):
        reading = read(tmp_path, content, name="a.txt")
        assert [(e.row, e.question, e.answer) for e in reading.examples] == [(line, "How?", "So.") for line in lines]


def test_one_broken_line_in_ten_thousand_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    lines = [json.dumps({"prompt": f"q{n}", "completion": f"a{n}"}) for n in range(10_000)]
    lines[6_283] = lines[6_283][:-4]
    reading = read(tmp_path, *lines)
    assert reading.layout is not None
    assert (len(reading.examples), reading.layout.rows, reading.layout.read) == (9_999, 10_000, 9_999)
    assert reading.layout.refused == (RowFault(row=6_284, code="not_json"),)


def test_conversations_without_an_answer_and_objects_of_another_kind_are_named(tmp_path: Path) -> None:
    reading = read(
        tmp_path, {"messages": [ASKED, ANSWERED]}, {"messages": [ASKED]}, {"messages": [ASKED, CALL]}, {"plan": "Flat"},
        {"prompt": "a", "completion": ""}, {},
    )  # fmt: skip
    assert reading.layout is not None
    assert (reading.layout.rows, reading.layout.read) == (6, 1)
    assert reading.layout.refused == (
        RowFault(row=2, code="no_answer"),
        RowFault(row=3, code="no_answer"),
        RowFault(row=4, code="not_json"),
        RowFault(row=5, code="empty"),
        RowFault(row=6, code="not_json"),
    )
    assert [(f.code, f.count) for f in reading.findings] == [
        ("conversations_read", 1),
        ("rows_empty_cells", 1),
        ("rows_not_json", 2),
        ("rows_no_answer", 2),
    ]


def test_objects_with_a_question_and_an_answer_show_their_keys_as_columns(tmp_path: Path) -> None:
    reading = read(tmp_path, {"id": 7, "pregunta": "¿A?", "respuesta": "B"})
    assert reading.layout is not None
    assert reading.layout.columns == (
        Column(name="id", role="ignore", samples=("7",)),
        Column(name="pregunta", role="question", samples=("¿A?",)),
        Column(name="respuesta", role="answer", samples=("B",)),
    )


def test_the_person_decides_what_the_keys_are(tmp_path: Path) -> None:
    items = [{"titulo": "¿A?", "cuerpo": {"es": "B", "en": "C"}}, {"titulo": "¿D?", "cuerpo": {"es": "E"}, "nota": "n"}]
    plain = read(tmp_path, *items)
    assert plain.layout is not None
    assert [column.name for column in plain.layout.columns] == ["titulo", "cuerpo es", "cuerpo en", "nota"]
    assert plain.documents[0].text == ("titulo: ¿A?; cuerpo es: B; cuerpo en: C\ntitulo: ¿D?; cuerpo es: E; nota: n")
    chosen = read(tmp_path, *items, columns=("question", "answer", "ignore", "text"))
    assert [(e.row, e.question, e.answer) for e in chosen.examples] == [(1, "¿A?", "B"), (2, "¿D?", "E")]
    assert [d.text for d in chosen.documents] == ["nota: n"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_json_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    content = json.dumps({"prompt": "¿Año?", "completion": "Sí"}, ensure_ascii=False)
    file = makers.written(tmp_path, "a.jsonl", content, encoding)
    reading = importers.read(file, makers.origin("a.jsonl"))
    assert [(e.question, e.answer) for e in reading.examples] == [("¿Año?", "Sí")]
    assert reading.layout is not None
    assert reading.layout.encoding == encoding
