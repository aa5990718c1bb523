"""An index that changes while it is asked: several processes at once, killed ones, full disks, one change at a time."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import filelock
import pytest

from studio.base import project as projects
from studio.base.errors import NotPossibleHere, Stopped
from studio.base.project import Project
from studio.retrieval import build, forget, index, search, storage, table
from tests.retrieval.fakes import WordEmbedder, found, go_on, put

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_probes")]  # processes, sockets or many real tables

OLD = {
    "Devoluciones.pdf": "Las devoluciones se admiten durante 30 días naturales. El dinero tarda 10 días laborables.",
    "Garantía.pdf": "La garantía cubre averías de fábrica durante 3 años. El Sr. Ortega la atiende.",
    "Shipping.md": "We ship to the UK by courier for £4.95. Delivery takes 3 working days.",
}
QUESTIONS = {
    "averías de fábrica": "Garantía.pdf",
    "devoluciones dinero": "Devoluciones.pdf",
    "courier UK": "Shipping.md",
}

CHANGING = """
import random, sys
from pathlib import Path
from studio.base.project import Project
from studio.retrieval import build, calibration, forget, index, table
from tests.retrieval.fakes import WordEmbedder, few_probes, put

project, draw = Project(Path(sys.argv[1])), random.Random(int(sys.argv[2]))
calibration.probes, index.BATCH, index.SAVE_EVERY, index.TIDY_EVERY = few_probes, 1, 0.0, 3
print("changing", flush=True)
for _ in range(int(sys.argv[3])):
    for _ in range(3):
        put(project, f"New {draw.randrange(12)}.md", f"Novedad {draw.randrange(10**6)}: abrimos a las {draw.randrange(24)}.")
    build(project, WordEmbedder(), lambda event: None, lambda: False)
    gone = draw.choice([source for source in project.store.sources() if "New" in source])
    ids = {document.id for document in project.store.documents() if document.source == gone}
    project.store.remove_source(gone)
    forget(project, ids)
"""

READING = """
import sys, time
from pathlib import Path
from studio.base.project import Project
from studio.retrieval import search
from tests.retrieval.fakes import WordEmbedder, found
from tests.retrieval.test_living import QUESTIONS

project, engine, asked = Project(Path(sys.argv[1])), WordEmbedder(), 0
while not (project.folder / "over").exists():
    for question, expected in QUESTIONS.items():
        names = found(search(project, question, engine))
        assert names[:1] == [expected], (question, names)
        asked += 1
        time.sleep(0.02)
print(asked, flush=True)
"""

BUILDING = """
import sys
from pathlib import Path
from studio.base.project import Project
from studio.retrieval import build, calibration
from tests.retrieval.fakes import WordEmbedder, few_probes

calibration.probes = few_probes
engine = WordEmbedder()
build(Project(Path(sys.argv[1])), engine, lambda event: None, lambda: False)
print(len(engine.seen))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = projects.create(tmp_path_factory.mktemp("built"), "Tienda", "es")
    for name, text in OLD.items():
        put(made, name, text)
    build(made, WordEmbedder(), lambda event: None, go_on)
    return made


@pytest.fixture
def project(built: Project, tmp_path: Path) -> Project:
    return Project(shutil.copytree(built.folder, tmp_path / "tienda"))


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": "."},
    )


def ended(child: subprocess.Popen[str]) -> int:
    """The number a child said last; what went wrong in it goes wrong here."""
    out, err = child.communicate(timeout=300)
    assert child.returncode == 0, err
    return int(out.split()[-1])


def rows(project: Project) -> list[str]:
    """The ids of all rows, as often as they are there."""
    place = storage.of(project)
    made = table.manifest(place)
    assert made is not None
    return sorted(table.connect(place).open_table(made.table).search().select(["id"]).to_arrow()["id"].to_pylist())


def test_readers_in_other_processes_find_every_old_document_while_material_comes_and_goes(project: Project) -> None:
    readers = [start(READING, project.folder) for _ in range(2)]
    out, err = start(CHANGING, project.folder, 1, 5).communicate(timeout=300)
    (project.folder / "over").touch()
    assert (out.strip(), err) == ("changing", "")
    assert min(map(ended, readers)) >= 30


def test_after_fifteen_kills_at_random_moments_the_index_is_whole_and_finds_what_a_new_one_finds(
    project: Project,
) -> None:
    engine, draw = WordEmbedder(), random.Random(7)
    for number in range(15):
        child = start(CHANGING, project.folder, number, 1_000)
        assert child.stdout is not None
        assert child.stdout.readline().strip() == "changing"
        time.sleep(draw.uniform(0.0, 2.0))
        child.send_signal(signal.SIGKILL)
        child.communicate()
        for question, expected in QUESTIONS.items():
            assert found(search(project, question, engine))[:1] == [expected]
        ids = rows(project)
        assert len(ids) == len(set(ids))
    indexed = build(project, engine, lambda event: None, go_on)
    assert not (project.index / index.PURGE).exists()
    questions = [*QUESTIONS, "novedad", "abrimos a las 7", "abrimos"]
    kept = [search(project, question, engine, limit=8) for question in questions]
    shutil.rmtree(project.index)
    again = build(project, engine, lambda event: None, go_on)
    assert again.model_dump(exclude={"seconds", "created"}) == indexed.model_dump(exclude={"seconds", "created"})
    assert [search(project, question, engine, limit=8) for question in questions] == kept


def test_two_builds_at_once_take_turns_and_embed_every_text_once(project: Project) -> None:
    for number in range(30):
        put(project, f"New {number}.md", f"Novedad número {number}: abrimos los sábados.")
    embedded = [ended(child) for child in [start(BUILDING, project.folder) for _ in range(2)]]
    assert sorted(embedded) == [0, 30]
    assert len(rows(project)) == len(set(rows(project))) == 33


def test_who_waits_for_another_build_can_be_stopped(project: Project) -> None:
    with filelock.FileLock(project.index / ".lock"), pytest.raises(Stopped):
        build(project, WordEmbedder(), lambda event: None, lambda: True)


def test_what_is_forgotten_during_a_build_leaves_the_files_when_that_is_done(project: Project) -> None:
    gone = next(document for document in project.store.documents() if document.name == "Garantía.pdf")
    project.store.remove_source(gone.source)
    with filelock.FileLock(project.index / ".lock"):
        forget(project, {gone.id})
        assert "Garantía.pdf" not in found(search(project, "averías de fábrica", WordEmbedder()))
        assert holding(project, b"ortega")
    build(project, WordEmbedder(), lambda event: None, go_on)
    assert holding(project, b"ortega") == []


def test_a_document_removed_while_the_index_is_built_is_not_in_it(project: Project) -> None:
    put(project, "New.md", "Novedad: el Sr. Zubizarreta abre los sábados.")

    def on_the_way(_event: object) -> None:
        project.store.remove_source("sources/New.md")

    build(project, WordEmbedder(), on_the_way, go_on)
    assert holding(project, b"zubizarreta") == []
    assert build(project, WordEmbedder(), lambda event: None, go_on).chunks == 3


def test_many_small_steps_leave_few_pieces(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("BATCH", 1), ("SAVE_EVERY", 0.0), ("TIDY_EVERY", 4)):
        monkeypatch.setattr(index, name, value)
    for number in range(9):
        put(project, f"New {number}.md", f"Novedad número {number}.")
    pieces: list[int] = []
    place = storage.of(project)
    made = table.manifest(place)
    assert made is not None

    def look(_event: object) -> None:
        pieces.append(table.connect(place).open_table(made.table).stats()["fragment_stats"]["num_fragments"])

    build(project, WordEmbedder(), look, go_on)
    look(None)
    assert max(pieces) <= 8
    assert pieces[-1] <= 2


@pytest.mark.parametrize("error", [RuntimeError, OSError])
def test_a_full_disk_is_said_as_such(project: Project, error: type[Exception]) -> None:
    with pytest.raises(NotPossibleHere) as caught, table.translated(storage.of(project)):
        raise error("lance error: LanceError(IO): No space left on device (os error 28)")
    assert caught.value.code == "disk_full_for_index"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("only an administrator can make a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_on_a_disk_that_is_really_full_the_old_index_answers_and_the_build_goes_on_when_there_is_room(
    project: Project, small_disk: Path
) -> None:
    engine = WordEmbedder()
    shutil.copytree(project.index, small_disk / "index")
    shutil.rmtree(project.index)
    (project.folder / "index").symlink_to(small_disk / "index")
    (small_disk / "ballast").write_bytes(bytes(2_500_000))
    for number in range(200):
        put(project, f"New {number}.md", f"Novedad {number}: " + " ".join(str(number * n) for n in range(150)))
    with pytest.raises(NotPossibleHere) as caught:
        build(project, engine, lambda event: None, go_on)
    assert caught.value.code == "disk_full_for_index"
    assert found(search(project, "averías de fábrica", engine))[0] == "Garantía.pdf"
    (small_disk / "ballast").unlink()
    for number in range(20, 200):
        project.store.remove_source(f"sources/New {number}.md")
    assert build(project, engine, lambda event: None, go_on).documents == 23


def holding(project: Project, word: bytes) -> list[str]:
    files = (path for path in project.index.rglob("*") if path.is_file())
    return [path.name for path in files if word in path.read_bytes().lower()]
