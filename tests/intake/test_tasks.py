import json
from pathlib import Path

import pytest

from studio import intake
from studio.base import project as projects
from studio.base.records import TASKS, How
from studio.intake.tables import conversations, delimited, tasks
from studio.web.pages import data
from studio.web.views import material
from studio.web.voice import Voice
from tests.intake.makers import origin, written


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("classify", "sort"),
        ("Clasificación", "sort"),
        ("Summarize", "summarise"),
        ("traducir", "translate"),
        ("dance", None),
    ],
)
def test_a_task_is_known_by_its_names_in_both_languages(name: str, task: str | None) -> None:
    assert tasks.named(name) == task
    assert [tasks.named(each) for each in TASKS] == list(TASKS)


def test_a_column_of_tasks_says_what_each_row_teaches_and_an_unknown_one_is_counted(tmp_path: Path) -> None:
    file = written(tmp_path, "mixed.csv", "question,answer,task\nA?,a,\nB?,b,translate\nC?,c,dance\nD?,d,resumen\n")
    reading = delimited.read(file, origin("mixed.csv"))
    assert [example.task for example in reading.examples] == ["answer", "translate", "answer", "summarise"]
    assert reading.layout is not None
    assert [column.role for column in reading.layout.columns] == ["question", "answer", "task"]
    assert [(fault.row, fault.code) for fault in reading.layout.repaired] == [(4, "task_unknown")]


def test_json_lines_may_name_their_task(tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    items = [
        {"messages": talk, "task": "write"},
        {"messages": talk},
        {"question": "A?", "answer": "a", "task": "classify"},
    ]
    file = written(tmp_path, "all.jsonl", "\n".join(json.dumps(item) for item in items))
    assert [e.task for e in conversations.read(file, origin("all.jsonl")).examples] == ["write", "answer", "sort"]


def test_a_person_says_the_task_of_a_whole_source_and_takes_it_back(tmp_path: Path) -> None:
    project = projects.create(tmp_path, "Shop")
    file = written(tmp_path, "letters.csv", "question,answer\nA?,a\nB?,b\n")
    added = intake.add(project, file)
    ids = {example.id for example in project.store.examples()}
    for given, task in (("translate", "translate"), ("", "answer")):
        how = data.decided(project, {"source": added.source, "task": given})
        intake.read_again(project, added.source, how)
        assert {e.task for e in project.store.examples()} == {task}
        assert {e.id for e in project.store.examples()} == ids
    assert data.decided(project, {"source": added.source}) == How()


def test_the_data_page_offers_the_tasks_for_a_source_with_examples_and_for_no_other(tmp_path: Path) -> None:
    project, voice = projects.create(tmp_path, "Shop"), Voice("en")
    talk = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    added = intake.add(project, written(tmp_path, "talks.jsonl", json.dumps({"messages": talk})))
    intake.read_again(project, added.source, How(task="write"))
    intake.add(project, written(tmp_path, "prices.csv", "Plan,Price\nCove,138\nBay,190\n"))
    shown = str(material.sources(project.store.all_sources(), data.contents(project), [], {}, 0, voice))
    assert shown.count('<select name="task">') == 1
    assert f'<option value="write" selected>{voice.t("task.write")}</option>' in shown
