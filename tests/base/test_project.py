import json
import shutil
from pathlib import Path

import pytest

from studio.base import project as projects
from studio.base.errors import BadInput, NotFound, Refused
from studio.base.project import Card, Project
from studio.base.records import (
    Document,
    Example,
    Finding,
    Goal,
    Indexed,
    Message,
    Outcome,
    Question,
    Scorecard,
    Variant,
    Vote,
)


def a_document(source: str = "sources/a.txt", text: str = "Hours: 9-5") -> Document:
    return Document(id=f"d-{source}", name="a.txt", kind="txt", text=text, source=source, sha256="00")


def an_example(id: str = "e1", source: str = "sources/a.csv") -> Example:
    return Example(
        id=id,
        messages=(Message(role="user", content="q"), Message(role="assistant", content="a")),
        source=source,
    )


def test_a_new_project_is_a_folder_that_explains_itself(tmp_path: Path) -> None:
    made = projects.create(tmp_path, "Atención al cliente", language="es")
    assert made.folder == tmp_path / "atencion-al-cliente"
    assert made.card == Card(
        id=made.id,
        name="Atención al cliente",
        language="es",
        created=made.card.created,
        changed=made.card.changed,
    )
    assert "project of Amedida" in (made.folder / "README.md").read_text()


def test_a_project_called_like_a_path_stays_inside_the_projects_folder(tmp_path: Path) -> None:
    root = tmp_path / "projects"
    made = projects.create(root, "../../etc")
    assert made.folder.parent == root
    assert made.name == "../../etc"


def test_two_projects_of_one_name_get_two_folders(tmp_path: Path) -> None:
    assert [projects.create(tmp_path, "Shop").folder.name for _ in range(3)] == ["shop", "shop-2", "shop-3"]


def test_a_template_brings_its_card_sources_and_questions(tmp_path: Path) -> None:
    template = tmp_path / "template"
    (template / "sources").mkdir(parents=True)
    (template / "sources" / "a.txt").write_text("Hours: 9-5")
    (template / "questions.jsonl").write_text('{"question": "When?", "reference": "9-5"}\n')
    (template / "project.json").write_text(
        json.dumps({"format": 1, "name": "T", "language": "es", "goal": {"kind": "write"}})
    )
    made = projects.create(tmp_path / "projects", "Mine", template=template)
    assert (made.card.name, made.card.language, made.card.goal) == ("Mine", "es", Goal(kind="write"))
    assert (made.sources / "a.txt").read_text() == "Hours: 9-5"
    assert [question.question for question in made.store.questions()] == ["When?"]


def test_a_folder_that_is_no_template_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="template_missing"):
        projects.create(tmp_path / "projects", "Mine", template=tmp_path / "nothing")
    assert not list((tmp_path / "projects").iterdir())


def test_a_project_of_a_newer_studio_is_refused_and_left_alone(tmp_path: Path) -> None:
    made = projects.create(tmp_path, "Shop")
    card = json.loads((made.folder / "project.json").read_text())
    (made.folder / "project.json").write_text(json.dumps(card | {"format": 99}))
    with pytest.raises(Refused, match="newer_format"):
        Project(made.folder)
    (made.folder / "project.json").write_text(json.dumps(card | {"unknown": True}))
    with pytest.raises(BadInput, match="project_damaged"):
        Project(made.folder)
    assert projects.find(tmp_path) == []


def test_changes_are_written_whole_and_validated(tmp_path: Path) -> None:
    made = projects.create(tmp_path, "Shop")
    made.change(instructions="Be kind.", chosen=("documents",))
    made.finish_step("goal")
    made.finish_step("goal")
    again = Project(made.folder).card
    assert (again.instructions, again.chosen, again.done) == ("Be kind.", ("documents",), ("goal",))
    with pytest.raises(ValueError, match="chosen"):
        made.change(chosen=("magic",))
    assert Project(made.folder).card == again


def test_projects_are_found_by_id_and_by_folder(tmp_path: Path) -> None:
    first, second = projects.create(tmp_path, "One"), projects.create(tmp_path, "Two")
    assert projects.open_by_id(tmp_path, first.id).name == "One"
    assert projects.open_by_id(tmp_path, "two").id == second.id
    with pytest.raises(NotFound, match="project_missing"):
        projects.open_by_id(tmp_path, "../one")


def test_what_a_source_gave_is_replaced_and_removed_as_a_whole(tmp_path: Path) -> None:
    store = projects.create(tmp_path, "Shop").store
    finding = Finding(code="rows_refused", level="warn", count=3)
    store.put_source("sources/a.csv", "00", [], [an_example("e1"), an_example("e2")], [finding])
    store.put_source("sources/a.txt", "01", [a_document()], [], [])
    assert (store.counts()["documents"], store.counts()["examples"]) == (1, 2)
    assert store.source_findings() == {"sources/a.csv": (finding,), "sources/a.txt": ()}
    store.put_source("sources/a.csv", "02", [], [an_example("e3")], [])
    assert [example.id for example in store.examples()] == ["e3"]
    assert store.sources() == {"sources/a.txt": "01", "sources/a.csv": "02"}
    store.remove_source("sources/a.csv")
    assert (store.examples(), store.documents()) == ([], [a_document()])


def test_records_come_back_as_they_went_in(tmp_path: Path) -> None:
    store = projects.create(tmp_path, "Shop").store
    variant = Variant(id="v1", approach="documents", model="smollm2-135m-instruct")
    vote = Vote(question="q", shown=("v1", "v2"), winner="v1")
    store.put(variant, vote, Question(id="q1", question="When?"))
    store.put(variant)
    assert store.all(Variant) == [variant]
    assert store.get(Vote, vote.id) == vote
    assert store.some(Variant, ["none", "v1"]) == [variant]
    assert store.questions() == [Question(id="q1", question="When?")]
    store.remove(Variant, "v1")
    assert store.all(Variant) == []


def test_the_newest_is_the_one_that_stands_there_now(tmp_path: Path) -> None:
    made = projects.create(tmp_path, "Shop")
    assert made.store.newest(Scorecard) is None
    made.store.put(Scorecard(id="s1", variants=()))
    first = made.store.newest(Scorecard)
    assert made.store.newest(Scorecard) is first
    Project(made.folder).store.put(Scorecard(id="s2", variants=()))
    found = made.store.newest(Scorecard)
    assert found is not None
    assert found.id == "s2"


def test_taking_an_outcome_twice_is_taking_it_once(tmp_path: Path) -> None:
    made = projects.create(tmp_path, "Shop")
    run = made.runs / "r1"
    (run / "adapter").mkdir(parents=True)
    (run / "adapter" / "weights").write_text("w")
    indexed = Indexed(documents=1, chunks=2, embedder="e", threshold=0.8)
    outcome = Outcome(moves={"adapter": "models/m1"}, indexed=indexed, scorecards=(Scorecard(id="s1", variants=()),))
    made.take(outcome, run)
    made.take(outcome, run)
    assert (made.folder / "models" / "m1" / "weights").read_text() == "w"
    assert (made.indexed(), len(made.store.all(Scorecard))) == (indexed, 1)


def test_an_outcome_cannot_reach_outside_the_project(tmp_path: Path) -> None:
    made = projects.create(tmp_path / "projects", "Shop")
    (made.runs / "r1").mkdir()
    with pytest.raises(Refused, match="path_outside"):
        made.take(Outcome(moves={"x": "../../stolen"}), made.runs / "r1")


def test_a_database_of_a_newer_studio_is_refused(tmp_path: Path) -> None:
    made = projects.create(tmp_path, "Shop")
    made.store._db.execute("pragma user_version = 999")
    with pytest.raises(Refused, match="newer_format"):
        _ = Project(made.folder).store


def test_a_copied_project_folder_gets_an_id_of_its_own(tmp_path: Path) -> None:
    made = projects.create(tmp_path, "Shop")
    shutil.copytree(made.folder, tmp_path / "backup")
    found = projects.find(tmp_path)
    assert len({project.id for project in found}) == 2
    assert projects.open_by_id(tmp_path, made.id).folder == made.folder


def test_an_odd_folder_does_not_hide_the_others(tmp_path: Path) -> None:
    made = projects.create(tmp_path, "Shop")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "project.json").write_text('{"format": "one"}')
    assert [project.id for project in projects.find(tmp_path)] == [made.id]
