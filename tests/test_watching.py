import os
import time
from pathlib import Path

import pytest

from studio import watching
from studio.base import project as projects
from studio.base.errors import BadInput, Refused
from studio.base.project import Project
from studio.base.records import Finding
from studio.base.runs import Runs
from studio.base.settings import Settings
from studio.watching import Watched, Watcher

pytestmark = pytest.mark.slow  # processes, sockets or many real tables

HOURS = "# Horario\n\nAbrimos los sábados de nueve a dos.\n"


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(Settings(projects=tmp_path / "projects"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "shared"
    made.mkdir()
    return made


@pytest.fixture
def project(runs: Runs, folder: Path) -> Project:
    made = projects.create(runs.root, "Tienda", "es")
    watching.watch(made, str(folder), runs.root)
    return made


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SETTLED", 0.05)
    monkeypatch.setattr(watching, "EVERY", 0.2)


def looked(watcher: Watcher, project: Project) -> Watched:
    """Two looks, as far apart as a file needs to settle."""
    watcher.look(project)
    time.sleep(0.06)
    return watcher.look(project)


def ordered(project: Project) -> dict[str, str]:
    """What waits to be taken in, by its name among the sources."""
    return {path.name: path.read_text(encoding="utf-8") for path in project.incoming.rglob("*") if path.is_file()}


def test_new_files_are_ordered_once_with_their_folders_in_their_names(
    project: Project, runs: Runs, folder: Path
) -> None:
    (folder / "prices").mkdir()
    (folder / "prices" / "2026.md").write_text("Pala: 12 €", encoding="utf-8")
    (folder / "hours.md").write_text(HOURS, encoding="utf-8")
    watcher = Watcher(runs)
    watcher.look(project)
    assert ordered(project) == {}
    time.sleep(0.06)
    watcher.look(project)
    assert ordered(project) == {"prices - 2026.md": "Pala: 12 €", "hours.md": HOURS}
    runs.stop(runs.of(project)[0].id)
    looked(watcher, project)
    looked(Watcher(runs), project)
    assert len(runs.of(project)) == 1


def test_a_file_that_is_still_written_waits(project: Project, runs: Runs, folder: Path) -> None:
    watcher = Watcher(runs)
    for part in range(4):
        (folder / "big.md").write_text(HOURS * (part + 1), encoding="utf-8")
        watcher.look(project)
        time.sleep(0.06)
    assert ordered(project) == {}
    watcher.look(project)
    assert ordered(project) == {"big.md": HOURS * 4}


def test_links_hidden_files_and_unfinished_downloads_are_left_alone(
    project: Project, runs: Runs, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.md").write_text("secret", encoding="utf-8")
    (folder / "link.md").symlink_to(tmp_path / "elsewhere" / "secret.md")
    (folder / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    os.mkfifo(folder / "pipe.md")
    for name in (".hidden.md", "~$open.docx", "Thumbs.db", "film.crdownload"):
        (folder / name).write_text("x", encoding="utf-8")
    assert looked(Watcher(runs), project).files == {}
    assert ordered(project) == {}


def test_a_folder_out_of_reach_takes_nothing_out_and_is_named(project: Project, runs: Runs, folder: Path) -> None:
    (folder / "hours.md").write_text(HOURS, encoding="utf-8")
    watcher = Watcher(runs)
    taken = looked(watcher, project).files
    runs.stop(runs.of(project)[0].id)
    folder.rename(folder.with_name("unplugged"))
    away = looked(watcher, project)
    assert (away.files, away.findings) == (
        taken,
        (Finding(code="watched_gone", level="warn", names=(str(folder),), parameters={"name": str(folder)}),),
    )
    folder.with_name("unplugged").rename(folder)
    assert looked(watcher, project).findings == ()
    assert len(runs.of(project)) == 1


def test_another_disk_without_our_files_is_a_folder_out_of_reach(project: Project, runs: Runs, folder: Path) -> None:
    (folder / "hours.md").write_text(HOURS, encoding="utf-8")
    watcher = Watcher(runs)
    known = looked(watcher, project)
    runs.stop(runs.of(project)[0].id)
    project.store.put_fact(watching.FACT, known.model_copy(update={"device": known.device + 1}))
    (folder / "hours.md").unlink()
    assert looked(watcher, project).files == known.files


def test_what_is_too_large_or_closed_is_named_and_stops_nobody(
    project: Project, runs: Runs, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "hours.md").write_text(HOURS, encoding="utf-8")
    with (folder / "film.md").open("wb") as film:
        film.truncate(600 << 20)
    (folder / "open.md").write_text("x", encoding="utf-8")
    real = os.open

    def refusing(path: object, *rest: object) -> int:
        if str(path).endswith("/open.md"):
            raise PermissionError(13, "denied")
        return real(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refusing)
    watcher = Watcher(runs)
    assert looked(watcher, project).findings == (
        Finding(
            code="watched_too_large", level="warn", names=("film.md",), parameters={"name": "film.md", "limit": 500}
        ),
        Finding(code="watched_file_not_taken", level="warn", names=("open.md",), parameters={"name": "open.md"}),
    )
    assert set(ordered(project)) == {"hours.md"}


def test_a_file_brought_by_hand_is_never_replaced_by_one_of_the_same_name(
    project: Project, runs: Runs, folder: Path
) -> None:
    project.store.put_source("sources/hours.md", "abc", [], [], [])
    (folder / "hours.md").write_text(HOURS, encoding="utf-8")
    looked(Watcher(runs), project)
    assert set(ordered(project)) == {"hours (2).md"}


@pytest.mark.parametrize("place", ["projects", "projects/tienda", "."])
def test_the_projects_themselves_are_not_watched(project: Project, runs: Runs, tmp_path: Path, place: str) -> None:
    with pytest.raises(Refused) as caught:
        watching.watch(project, str(tmp_path / place), runs.root)
    assert caught.value.code == "watched_is_ours"


@pytest.mark.parametrize("given", ["nowhere", "/nowhere/at/all", "hours.md"])
def test_only_a_folder_is_watched(project: Project, runs: Runs, given: str) -> None:
    with pytest.raises(BadInput) as caught:
        watching.watch(project, given, runs.root)
    assert caught.value.fault.parameters == {"name": given}


def test_nothing_is_watched_any_more_when_the_person_says_so(project: Project, runs: Runs, folder: Path) -> None:
    watching.watch(project, "", runs.root)
    assert (project.card.watched, watching.state(project)) == ("", Watched())


@pytest.mark.slow
def test_a_watched_folder_and_its_project_go_hand_in_hand(project: Project, runs: Runs, folder: Path) -> None:
    """Real files, real time, real runs: appear, change, be renamed, be copied, vanish, be damaged."""

    def becomes(expected: dict[str, str], seconds: float = 90.0) -> None:
        def now() -> dict[str, str]:
            return {document.name: document.text.strip()[-12:] for document in project.store.documents()}

        end = time.monotonic() + seconds
        while now() != expected and time.monotonic() < end:
            time.sleep(0.2)
        assert now() == expected

    with runs.supervise(), watching.keep(runs):
        (folder / "hours.txt").write_text("Abrimos de nueve a dos.", encoding="utf-8")
        (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing more")
        becomes({"hours.txt": "nueve a dos."})
        (folder / "hours.txt").write_text("Abrimos de diez a tres.", encoding="utf-8")
        becomes({"hours.txt": "diez a tres."})
        (folder / "hours.txt").rename(folder / "times.txt")
        becomes({"times.txt": "diez a tres."})
        (folder / "copy.txt").write_text("Abrimos de diez a tres.", encoding="utf-8")
        time.sleep(1.0)
        (folder / "times.txt").unlink()
        becomes({"copy.txt": "diez a tres."})
        (folder / "copy.txt").unlink()
        becomes({})
    assert [path.name for path in project.sources.iterdir()] == []
