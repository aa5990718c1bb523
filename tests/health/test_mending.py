"""A repair is made whole or not at all, told with its numbers, and can be taken back to the last letter."""

import hashlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from studio import health
from studio.base import project as projects
from studio.base.errors import NotFound
from studio.base.project import Project
from studio.base.records import Document, Example, Message, Question, Repair, Section

SOURCE = "sources/faq.csv"


def example(id: str, question: str, answer: str, source: str = SOURCE) -> Example:
    messages = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Example(id=id, messages=messages, source=source, row=2)


EXAMPLES = (
    example("a", "¿Cuál es mi DNI?", "Su DNI es 12345678Z."),
    example("b", "¿Cuánto tarda?", "Tarda dos días. <|im_end|>"),
    example("c", "¿Y a las islas?", "..."),
    example("d", "¿Hay devoluciones?", "Sí, en 30 días."),
)
TEXT = "Contrato de Ana, DNI 12345678Z. <|im_end|> Horario: de 9 a 18 h."
GUIDE = Document(
    id="guide",
    name="guia.txt",
    kind="txt",
    text=TEXT,
    source="sources/guia.txt",
    sha256="1" * 64,
    language="es",
    sections=(Section(start=0, end=len(TEXT), page=1),),
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = projects.create(tmp_path / "projects", "Sol", "es")
    for name in ("faq.csv", "guia.txt"):
        (made.sources / name).write_text(f"original of {name}", encoding="utf-8")
    made.store.put_source(SOURCE, "0" * 64, [], EXAMPLES, [])
    made.store.put_source("sources/guia.txt", "1" * 64, [GUIDE], [], [])
    made.store.replace_questions([Question(id="q", question="¿Quién tiene el DNI 12345678Z?")])
    return made


@pytest.fixture
def private(tmp_path: Path) -> Path:
    return tmp_path / "private"


def rows(project: Project) -> dict[str, list[tuple[str, str]]]:
    """The material byte by byte, as it lies in the database."""
    with sqlite3.connect(project.folder / "studio.db") as db:
        found = {
            table: sorted(db.execute(f"select id, record from {table}").fetchall())
            for table in ("documents", "examples", "questions")
        }
    db.close()
    return found


def originals(project: Project) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in project.sources.iterdir()}


def undo_files(project: Project, private: Path) -> set[str]:
    return {path.stem for path in (private / "undo" / project.id).glob("*.json")} - {"masked"}


def test_a_repair_tells_what_it_did_and_touches_no_original(project: Project, private: Path) -> None:
    files = originals(project)
    made = health.repair(project, "drop_empty", private)
    assert (made.code, made.changed, made.removed, made.made, made.undone) == ("drop_empty", 0, 1, 0, None)
    counts = [
        (counted["documents"], counted["examples"], counted["questions"]) for counted in (made.before, made.after)
    ]
    assert counts == [(1, 4, 1), (1, 3, 1)]
    assert made.before["characters"] - made.after["characters"] == len("¿Y a las islas?...")
    assert made.before["warn"] > made.after["warn"]
    assert project.store.all(Repair) == [made]
    assert [(past.what, past.parameters) for past in project.store.history()] == [
        ("repaired", {"repair": "drop_empty", "id": made.id, "changed": 0, "removed": 1, "made": 0})
    ]
    assert originals(project) == files


def test_undo_gives_back_every_byte(project: Project, private: Path) -> None:
    before = rows(project)
    for code in ("mask_personal", "neutralise_tokens", "drop_empty"):
        made = health.repair(project, code, private)
        assert rows(project) != before
        undone = health.undo(project, made.id, private)
        assert undone.undone is not None
        assert undone.parameters == {"back": made.changed + made.removed, "lost": 0}
        assert rows(project) == before
    assert undo_files(project, private) == set()
    assert [past.what for past in project.store.history()] == ["repaired", "undone"] * 3


def test_a_second_time_there_is_nothing_to_do(project: Project, private: Path) -> None:
    first = health.repair(project, "neutralise_tokens", private)
    state = rows(project)
    second = health.repair(project, "neutralise_tokens", private)
    assert (first.changed, second.changed, second.removed) == (2, 0, 0)
    assert rows(project) == state
    assert project.store.all(Repair) == [first]


def test_the_middle_one_of_three_can_be_taken_back(project: Project, private: Path) -> None:
    health.repair(project, "mask_personal", private)
    masked = rows(project)
    middle = health.repair(project, "drop_empty", private)
    health.repair(project, "neutralise_tokens", private)
    undone = health.undo(project, middle.id, private)
    assert undone.parameters == {"back": 1, "lost": 0}
    assert {id for id, _ in rows(project)["examples"]} == {"a", "b", "c", "d"}
    assert dict(rows(project)["examples"])["c"] == dict(masked["examples"])["c"]
    assert "< |im_end|>" in dict(rows(project)["examples"])["b"]


def test_what_a_later_repair_changed_comes_back_once_that_is_taken_back(project: Project, private: Path) -> None:
    before = rows(project)
    first = health.repair(project, "mask_personal", private)
    later = health.repair(project, "neutralise_tokens", private)  # changes the document too
    assert health.undo(project, first.id, private).parameters == {"back": 2, "lost": 1}
    assert health.undo(project, later.id, private).parameters == {"back": 2, "lost": 0}
    again = health.undo(project, first.id, private)
    assert again.parameters == {"back": 3, "lost": 0}
    assert rows(project) == before
    assert health.undo(project, first.id, private) == again


@pytest.mark.parametrize("gone", ["removed", "read again"])
def test_what_came_from_a_source_that_is_gone_does_not_come_back(project: Project, private: Path, gone: str) -> None:
    made = health.repair(project, "mask_personal", private)
    if gone == "removed":
        project.store.remove_source("sources/guia.txt")
    else:
        newer = GUIDE.model_copy(update={"text": "Otro texto.", "sections": (), "sha256": "2" * 64})
        project.store.put_source("sources/guia.txt", "2" * 64, [newer], [], [])
    state = rows(project)["documents"]
    assert health.undo(project, made.id, private).parameters == {"back": 2, "lost": 1}
    assert rows(project)["documents"] == state


def test_only_the_owner_can_read_what_it_takes_to_undo(project: Project, private: Path) -> None:
    made = health.repair(project, "mask_personal", private)
    folder = private / "undo" / project.id
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / f"{made.id}.json", folder / "masked.json")]
    assert modes == [0o700, 0o600, 0o600]


def test_what_is_not_known_is_refused(project: Project, private: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        health.repair(project, "paint_it_green", private)
    assert caught.value.code == "repair_missing"
    with pytest.raises(NotFound) as caught:
        health.undo(project, "nobody", private)
    assert caught.value.code == "repair_missing"
    made = health.repair(project, "drop_empty", private)
    with pytest.raises(NotFound) as caught:
        health.undo(project, made.id, tmp_path / "another account")
    assert caught.value.code == "undo_missing"


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before the change", "after the change"])
def test_a_process_killed_half_way_leaves_a_repair_made_or_not_made(
    project: Project, private: Path, moment: str
) -> None:
    before = rows(project)
    code = f"""
        import os, signal, sys
        from pathlib import Path
        from studio import health
        from studio.base.project import Project
        from studio.base.store import Store
        change = Store.change
        def killed(self, changes):
            if {moment!r} == "after the change":
                change(self, changes)
            os.kill(os.getpid(), signal.SIGKILL)
        Store.change = killed
        health.repair(Project(Path(sys.argv[1])), "mask_personal", Path(sys.argv[2]))
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(project.folder), str(private)]
    ended = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    assert ended.returncode == -signal.SIGKILL
    assert len(undo_files(project, private)) == 1
    assert project.store.all(Repair) == []
    health.repair(project, "drop_duplicates", private)  # the next one puts the books in order
    if moment == "before the change":
        assert rows(project) == before
        assert undo_files(project, private) == set()
        assert project.store.all(Repair) == []
    else:
        (made,) = project.store.all(Repair)
        assert (made.code, made.changed) == ("mask_personal", 3)
        assert health.undo(project, made.id, private).parameters == {"back": 3, "lost": 0}
        assert rows(project) == before


def test_a_repair_starts_over_when_the_material_changes_under_it(
    project: Project, private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = [example("e", "¿Y?", "---")]

    def busy() -> str:
        if later:
            project.store.put_examples([later.pop()])
        return digest()

    digest, seen = project.store.material_digest, []

    def changing() -> str:
        seen.append(len(seen))
        return busy() if len(seen) == 2 else digest()

    monkeypatch.setattr(project.store, "material_digest", changing)
    made = health.repair(project, "drop_empty", private)
    assert made.removed == 2
    assert undo_files(project, private) == {made.id}
