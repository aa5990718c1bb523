"""An intake run, from what lies in the incoming folder or is fetched to documents, examples and an index that follows."""

import sqlite3
from pathlib import Path

import pytest

from studio.base import events, handed
from studio.base import project as projects
from studio.base.errors import Refused, Stopped
from studio.base.events import Event
from studio.base.project import Project
from studio.base.recipes import DatabaseRequest, IntakeRequest
from studio.base.records import new_id
from studio.base.runs import Runs
from studio.base.settings import Settings
from studio.health import reporting
from studio.work import Work, material
from tests.intake import makers

pytestmark = pytest.mark.usefixtures("read_here")

GOOD = b"pregunta;respuesta\n" + "\u00bfCu\u00e1ndo abren?;A las nueve.\n".encode("cp1252")


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return projects.create(tmp_path / "projects", "Tienda", "es")


def test_one_bad_file_of_a_batch_is_told_and_the_others_are_read(shop: Project, tmp_path: Path) -> None:
    request = batch(shop, {"faq.csv": GOOD, "kaputt.pdf": b"%PDF-1.7 nothing more", "leer.txt": b""})
    said = run(shop, tmp_path, request)
    assert [(e.question, e.answer) for e in shop.store.examples()] == [("\u00bfCu\u00e1ndo abren?", "A las nueve.")]
    assert [finding.names for finding in said.findings] == [("kaputt.pdf",), ("leer.txt",)]
    assert {finding.level for finding in said.findings} == {"stop"}
    assert said.stages == ("read", "look")
    assert list(shop.incoming.iterdir()) == []
    assert shop.store.fact(reporting.FACT) is not None


def test_a_file_that_wants_its_password_waits_for_it(shop: Project, tmp_path: Path) -> None:
    locked = makers.pdf(tmp_path, "vertrag.pdf", ["Kündigung in drei Monaten."], password="geheim").read_bytes()
    request = batch(shop, {"vertrag.pdf": locked})
    said = run(shop, tmp_path, request)
    assert [finding.code for finding in said.findings] == ["pdf_password_needed"]
    again = request.model_copy(update={"files": ("vertrag.pdf",)})
    run(shop, tmp_path, again, secret="geheim")
    assert [document.name for document in shop.store.documents()] == ["vertrag.pdf"]
    assert list(shop.incoming.iterdir()) == []


def test_a_name_that_leads_out_of_the_batch_is_refused(shop: Project, tmp_path: Path) -> None:
    request = IntakeRequest(batch=new_id(), files=("../../project.json",))
    with pytest.raises(Refused, match="path_outside"):
        run(shop, tmp_path, request)
    assert (shop.folder / "project.json").is_file()


def test_a_batch_that_was_cut_off_goes_on_with_what_is_left(shop: Project, tmp_path: Path) -> None:
    request = batch(shop, {"faq.csv": GOOD, "horario.txt": b"Abrimos de nueve a dos."})
    with pytest.raises(Stopped):
        run(shop, tmp_path, request, should_stop=stops_after(1))
    assert [example.source for example in shop.store.examples()] == ["sources/faq.csv"]
    run(shop, tmp_path, request)
    assert [document.name for document in shop.store.documents()] == ["horario.txt"]
    assert len(shop.store.examples()) == 1


def test_rows_of_a_database_come_in_like_a_file_and_its_address_is_kept_nowhere(shop: Project, tmp_path: Path) -> None:
    file = tmp_path / "secret-place.db"
    with sqlite3.connect(file) as database:
        database.execute("create table faq (pregunta text, respuesta text)")
        database.execute("insert into faq values ('\u00bfCu\u00e1ndo abren?', 'A las nueve.')")
    database.close()
    request = IntakeRequest(batch=new_id(), database=DatabaseRequest(shown="secret-place.db", table="faq"))
    said = run(shop, tmp_path, request, secret=str(file))
    assert [example.answer for example in shop.store.examples()] == ["A las nueve."]
    assert said.stages == ("fetch_database", "read", "look")
    assert str(tmp_path) not in (shop.folder / "project.json").read_text("utf-8") + str(shop.store.all_sources())


def batch(project: Project, files: dict[str, bytes]) -> IntakeRequest:
    request = IntakeRequest(batch=new_id(), files=tuple(files))
    folder = project.incoming / request.batch
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return request


def run(
    project: Project,
    folder: Path,
    request: IntakeRequest,
    secret: str = "",
    should_stop: events.ShouldStop = lambda: False,
) -> events.Said:
    """What a run says that works this request off in our own process."""
    settings = Settings(projects=folder / "projects")
    made = Runs(settings).start(project, "intake", request, secret=secret)
    said: list[Event] = []
    given = Work(project, Path(made.folder), settings, said.append, should_stop)
    material.intake(given, request)
    assert handed.take(settings.private, made.id) == ""
    return events.fold(said)


def stops_after(times: int) -> events.ShouldStop:
    asked = iter(range(times + 1))
    return lambda: next(asked, times) >= times
