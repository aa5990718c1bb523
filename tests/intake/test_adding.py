"""Files come into a project, are known again, replaced and removed; a bad one stops nobody else."""

from pathlib import Path

import pytest

from studio import intake
from studio.base import events, project
from studio.base.errors import NotFound, Unreadable
from studio.base.project import Project
from studio.base.records import Added, Finding
from studio.intake import importers
from tests.intake import makers

pytestmark = pytest.mark.usefixtures("read_here")

TEMPLATES = Path(__file__).parents[2] / "templates"


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return project.create(tmp_path / "projects", "Shop")


def test_an_added_file_lies_in_the_project_and_gives_what_it_holds(shop: Project, tmp_path: Path) -> None:
    file = makers.written(tmp_path, "faq.csv", "question,answer\nOpen?,Yes\n")
    added = intake.add(shop, file, "../../Preguntas: 2026.csv")
    assert (added.name, added.documents, added.examples, added.known) == ("Preguntas_ 2026.csv", 0, 1, False)
    assert (shop.sources / "Preguntas_ 2026.csv").read_bytes() == file.read_bytes()
    assert [e.source for e in shop.store.examples()] == ["sources/Preguntas_ 2026.csv"]
    assert list(shop.store.sources()) == ["sources/Preguntas_ 2026.csv"]


def test_the_same_content_is_known_whatever_it_is_called(shop: Project, tmp_path: Path) -> None:
    file = makers.written(tmp_path, "hours.txt", "We open at nine.")
    first = intake.add(shop, file)
    assert intake.add(shop, file) == first.model_copy(update={"known": True})
    assert intake.add(shop, file, "hours (1).txt").name == "hours.txt"
    assert [path.name for path in shop.sources.iterdir()] == ["hours.txt"]


def test_other_content_under_the_same_name_replaces_the_old(shop: Project, tmp_path: Path) -> None:
    intake.add(shop, makers.written(tmp_path, "hours.txt", "We open at nine."))
    added = intake.add(shop, makers.written(tmp_path, "hours.txt", "We open at ten."))
    assert added == Added(
        name="hours.txt",
        source="sources/hours.txt",
        documents=1,
        characters=15,
        findings=(Finding(code="replaced", level="note", names=("hours.txt",)),),
    )
    assert [document.text for document in shop.store.documents()] == ["We open at ten."]


def test_a_file_that_cannot_be_read_leaves_the_project_as_it_was(shop: Project, tmp_path: Path) -> None:
    intake.add(shop, makers.written(tmp_path, "guide.pdf", makers.pdf(tmp_path, "a.pdf", ["Hello there"]).read_bytes()))
    with pytest.raises(Unreadable, match="not_what_it_says"):
        intake.add(shop, makers.written(tmp_path, "guide.pdf", makers.png(9, 9)))
    assert [document.text for document in shop.store.documents()] == ["Hello there"]
    assert [path.name for path in shop.sources.iterdir()] == ["guide.pdf"]


def test_a_file_over_the_limit_is_refused_before_it_is_copied(shop: Project, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="file_too_large"):
        intake.add(shop, makers.written(tmp_path, "a.txt", b"a" * (2 << 20)), largest_mb=1)
    assert list(shop.sources.iterdir()) == []


def test_one_bad_file_stops_nobody_else(shop: Project) -> None:
    makers.written(shop.sources, "a.txt", "We open at nine.")
    makers.written(shop.sources, "b.pdf", makers.png(9, 9))
    makers.written(shop.sources, "c.csv", "question,answer\nOpen?,Yes\n")
    makers.written(shop.sources, ".hidden", "no")
    said: list[events.Event] = []
    added = intake.add_all(shop, said.append)
    bad = Finding(code="not_what_it_says", level="stop", names=("b.pdf",), parameters={"name": "b.pdf", "kind": "PNG"})
    assert [(a.name, a.documents, a.examples) for a in added] == [("a.txt", 1, 0), ("b.pdf", 0, 0), ("c.csv", 0, 1)]
    assert [event.finding for event in said if isinstance(event, events.Found)] == [bad]
    assert [event.done for event in said if isinstance(event, events.Progress)] == [1, 2, 3]
    assert shop.store.source_findings()["sources/b.pdf"] == (bad,)
    assert [a.known for a in intake.add_all(shop)] == [True, True, True]


def test_what_no_longer_lies_there_is_forgotten_and_what_changed_is_read_again(shop: Project) -> None:
    makers.written(shop.sources, "a.txt", "We open at nine.")
    makers.written(shop.sources, "b.txt", "We close at six.")
    intake.add_all(shop)
    (shop.sources / "a.txt").unlink()
    makers.written(shop.sources, "b.txt", "We close at seven.")
    assert [a.known for a in intake.add_all(shop)] == [False]
    assert [document.text for document in shop.store.documents()] == ["We close at seven."]


def test_a_removed_source_takes_everything_with_it(shop: Project, tmp_path: Path) -> None:
    intake.add(shop, makers.written(tmp_path, "faq.csv", "question,answer\nOpen?,Yes\n"))
    intake.remove(shop, "sources/faq.csv")
    assert (shop.store.examples(), shop.store.sources(), list(shop.sources.iterdir())) == ([], {}, [])
    with pytest.raises(NotFound, match="source_missing"):
        intake.remove(shop, "sources/faq.csv")


@pytest.mark.parametrize("folder", sorted(path.parent for path in TEMPLATES.glob("*/*/sources")), ids=str)
def test_every_row_and_page_of_the_templates_comes_in(folder: Path) -> None:
    paths = sorted((folder / "sources").iterdir())
    read = [importers.read(path, makers.origin(path.name)) for path in paths]
    findings = [finding for each in read for finding in each.findings]
    assert [f for f in findings if f.level in ("stop", "warn")] == []
    assert all(each.documents or each.examples for each in read)
    for finding in findings:
        if finding.code == "examples_read":
            assert finding.count == finding.parameters["of"]
