"""One index on object storage and several machines: processes with projects and caches of their own, one loopback store."""

import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.base.errors import Unavailable
from studio.base.project import Project
from studio.retrieval import build, forget, index, lease, search, storage, table
from tests.retrieval.fakes import WordEmbedder, found, go_on, put
from tests.retrieval.object_store import Store, serving
from tests.retrieval.test_living import ended, rows, start
from tests.retrieval.test_storage import studio

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_probes")]  # processes and sockets

QUESTIONS = {"averías de fábrica": "Garantía.pdf", "devoluciones": "Devoluciones.pdf", "courier UK": "Shipping.md"}

WRITING = """
import random, sys
from pathlib import Path
from studio.base.project import Project
from studio.retrieval import build, calibration, forget, index, lease
from tests.retrieval.fakes import WordEmbedder, few_probes, put

project, name, draw = Project(Path(sys.argv[1])), sys.argv[2], random.Random(sys.argv[2])
calibration.probes, index.BATCH, index.SAVE_EVERY, index.TIDY_EVERY = few_probes, 1, 0.0, 3
lease.BEAT, lease.DEAD, lease.LOOK = 0.3, 5.0, 0.1

def make():
    build(project, WordEmbedder(), lambda event: None, lambda: False)

print("writing", flush=True)
for turn in range(int(sys.argv[3])):
    for number in range(3):
        put(project, f"{name} {turn} {number}.md", f"Novedad {name}: oferta {draw.randrange(10**6)} del turno {turn}.")
    make()
    put(project, f"{name} {turn} 0.md", f"Novedad {name}: el turno {turn} cambia a {draw.randrange(10**6)}.")
    make()
    project.store.remove_source(f"sources/{name} {turn} 1.md")
    forget(project, {f"{name} {turn} 1.md"})
print(len(project.store.document_ids()))
"""

READING = """
import sys, time
from pathlib import Path
from studio.base.project import Project
from studio.retrieval import search
from tests.retrieval.fakes import WordEmbedder, found
from tests.retrieval.test_sharing import QUESTIONS

project, engine, asked = Project(Path(sys.argv[1])), WordEmbedder(), 0
print("reading", flush=True)
while not (project.folder / "over").exists():
    for question, expected in QUESTIONS.items():
        names = found(search(project, question, engine))
        assert names[:1] == [expected], (question, names)
        asked += 1
        time.sleep(0.02)
print(asked, flush=True)
"""


@pytest.fixture
def store() -> Iterator[Store]:
    with serving() as made:
        yield made


@pytest.fixture
def machines(tmp_path: Path, store: Store) -> list[Project]:
    """Three machines with the same project; the first one has built the index."""
    first = studio(tmp_path / "0", store)
    for number in (1, 2):
        shutil.copytree(tmp_path / "0", tmp_path / str(number), symlinks=True)
    build(first, WordEmbedder(), lambda event: None, go_on)
    return [Project(tmp_path / str(number) / first.folder.name) for number in range(3)]


def names_in(project: Project) -> Counter[str]:
    """How many passages of each document the shared table holds."""
    place = storage.of(project)
    made = table.manifest(place)
    assert made is not None
    held = table.connect(place).open_table(made.table).search().select(["document"]).to_arrow()
    return Counter(held["document"].to_pylist())


def everywhere(machines: list[Project]) -> list[str]:
    return sorted({document.name for each in machines for document in each.store.documents()})


def test_one_machine_writes_while_another_answers_and_then_shows_the_new_state(machines: list[Project]) -> None:
    writer, reader, _ = machines
    reading = start(READING, reader.folder)
    assert reading.stdout is not None
    assert reading.stdout.readline().strip() == "reading"
    assert ended(start(WRITING, writer.folder, "one", 1)) == 5
    (reader.folder / "over").touch()
    assert ended(reading) >= 6
    storage.doubt()
    assert names_in(reader) == Counter(everywhere([writer]))
    engine = WordEmbedder()
    shown = found(search(reader, "novedad one", engine, limit=8))
    assert {name for name in shown if name.startswith("one")} == {"one 0 0.md", "one 0 2.md"}
    assert any("turno 0 cambia" in hit.chunk.text for hit in search(reader, "turno 0 cambia", engine).passages)
    assert search(reader, "novedad one", engine) == search(writer, "novedad one", engine)


def test_of_two_machines_that_write_at_once_neither_loses_anything(machines: list[Project]) -> None:
    assert [ended(one) for one in [start(WRITING, machines[n].folder, f"w{n}", 1) for n in (0, 1)]] == [5, 5]
    storage.doubt()
    assert names_in(machines[2]) == Counter(everywhere(machines))
    made = table.manifest(storage.of(machines[2]))
    assert made is not None
    engine = WordEmbedder()
    last = build(machines[0], engine, lambda event: None, go_on)  # what both have, by one that has half of it
    assert (last.documents, last.chunks, engine.seen) == (7, 7, [])
    assert names_in(machines[2]) == Counter(everywhere(machines))


def test_a_writer_that_is_killed_leaves_an_index_that_answers_and_the_next_machine_goes_on(
    machines: list[Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("BEAT", 0.3), ("DEAD", 3.0), ("LOOK", 0.1)):
        monkeypatch.setattr(lease, name, value)
    engine = WordEmbedder()
    for number, moment in enumerate((0.4, 1.2, 2.5)):
        child = start(WRITING, machines[0].folder, f"killed{number}", 1_000)
        assert child.stdout is not None
        assert child.stdout.readline().strip() == "writing"
        time.sleep(moment)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        for question, expected in QUESTIONS.items():
            assert found(search(machines[2], question, engine))[:1] == [expected]
        assert len(rows(machines[2])) == len(set(rows(machines[2])))
    put(machines[1], "Next.md", "Novedad: el Sr. Zubizarreta abre los sábados.")
    build(machines[1], engine, lambda event: None, go_on)
    storage.doubt()
    assert found(search(machines[2], "Zubizarreta", engine))[:1] == ["Next.md"]
    build(machines[0], engine, lambda event: None, go_on)
    storage.doubt()
    assert names_in(machines[2]) == Counter(everywhere(machines))


def test_what_one_machine_removes_is_gone_for_all_and_what_only_another_has_stays(machines: list[Project]) -> None:
    one, other, reader = machines
    engine = WordEmbedder()
    put(other, "Other.md", "Novedad: el Sr. Zubizarreta abre los sábados.")
    build(other, engine, lambda event: None, go_on)
    one.store.remove_source("sources/Garantía.pdf")
    forget(one, {"Garantía.pdf"})
    build(one, engine, lambda event: None, go_on)
    storage.doubt()
    assert names_in(reader) == Counter(["Devoluciones.pdf", "Shipping.md", "Other.md"])
    assert found(search(reader, "Zubizarreta", engine))[:1] == ["Other.md"]
    other.store.remove_source("sources/Other.md")
    assert "Other.md" not in found(
        search(other, "Zubizarreta", engine)
    )  # where it was removed, before anything is built
    build(other, engine, lambda event: None, go_on)
    storage.doubt()
    assert "Other.md" not in names_in(reader)


class SlowEmbedder(WordEmbedder):
    """Waits in the middle of a build until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.go = threading.Event(), threading.Event()

    def embed(self, texts: Any, kind: Any, embedder: str = "") -> np.ndarray:
        self.reached.set()
        assert self.go.wait(60)
        return super().embed(texts, kind, embedder)


def test_a_machine_that_was_taken_for_dead_says_so_and_writes_nothing_more(
    machines: list[Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(machines[0], "New.md", "Novedad: abrimos los sábados.")
    engine, said = SlowEmbedder(), list[str]()

    def builds() -> None:
        try:
            build(machines[0], engine, lambda event: None, go_on)
        except Unavailable as error:
            said.append(error.code)

    working = threading.Thread(target=builds)
    working.start()
    assert engine.reached.wait(60)
    place = storage.of(machines[0])
    number = max(lease._numbers(place))
    assert storage.create(place, lease._name(number + 1), "another")
    engine.go.set()
    working.join(60)
    assert said == ["index_taken_over"]
    storage.write(place, lease._name(number + 1), lease.FREE)
    assert build(machines[0], WordEmbedder(), lambda event: None, go_on).chunks == 4


def test_who_gives_signs_of_life_is_waited_for_and_who_gives_none_is_not(
    machines: list[Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("BEAT", 0.2), ("DEAD", 1.5), ("LOOK", 0.1)):
        monkeypatch.setattr(lease, name, value)
    one, other = (storage.of(machines[number]) for number in (0, 1))
    with lease.alone(one, go_on):
        with lease.at_once(other) as free:
            assert not free
        began = time.monotonic()
        with pytest.raises(lease.Stopped), lease.alone(other, lambda: time.monotonic() - began > 3.5):
            raise AssertionError("it was not waited for")
        lease.kept(one)
    with lease.at_once(other) as free:
        assert free
    number = max(lease._numbers(one)) + 1
    assert storage.create(one, lease._name(number), "died at once")
    began = time.monotonic()
    with lease.alone(other, go_on):
        assert time.monotonic() - began > 1.5
    assert lease._numbers(one) == {number + 1}
    assert index.PURGE not in storage.names(one)
