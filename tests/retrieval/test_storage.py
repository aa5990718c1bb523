"""The index on object storage. `AMEDIDA_TEST_S3`, an endpoint with a bucket "amedida", puts another store in its place."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.base import project as projects
from studio.base.errors import NotFound, NotPossibleHere, Unavailable
from studio.base.project import Project
from studio.retrieval import build, clear, forget, search, storage, table
from tests.retrieval.fakes import WordEmbedder, found, go_on, put
from tests.retrieval.object_store import Store, serving

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_probes")]  # processes, sockets or many real tables

TEXTS = {
    "Devoluciones.pdf": "Las devoluciones se admiten durante 30 días naturales.",
    "Garantía.pdf": "La garantía cubre averías de fábrica durante 3 años. El Sr. Ortega la atiende.",
    "Shipping.md": "We ship to the UK by courier for £4.95. Delivery takes 3 working days.",
}


@pytest.fixture
def store() -> Iterator[Store]:
    with serving() as made:
        if endpoint := os.environ.get("AMEDIDA_TEST_S3"):
            made.options["endpoint"] = endpoint
        yield made


def studio(root: Path, store: Store) -> Project:
    """A project of a studio whose settings say where its indexes lie."""
    settings = root / ".studio" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"index_uri": store.uri, "index_options": store.options}), encoding="utf-8")
    made = projects.create(root, "Tienda", "es")
    for name, text in TEXTS.items():
        put(made, name, text)
    return made


def test_an_index_on_object_storage_finds_what_one_in_the_project_finds(tmp_path: Path, store: Store) -> None:
    engine, questions = WordEmbedder(), ["averías", "plazo de devolución", "UK courier"]
    here = projects.create(tmp_path / "here", "Tienda", "es")
    for name, text in TEXTS.items():
        put(here, name, text)
    far = studio(tmp_path / "far", store)
    for one in (here, far):
        build(one, engine, lambda event: None, go_on)
    assert storage.of(far).is_remote
    assert {path.name for path in far.index.iterdir()} <= {".lock", ".documents"}
    for question in questions:
        assert search(far, question, engine) == search(here, question, engine)
    put(far, "Garantía.pdf", "La garantía dura ahora 5 años.")
    build(far, engine, lambda event: None, go_on)
    assert "5 años" in search(far, "¿Cuánto dura la garantía?", engine).passages[0].chunk.text


def test_another_machine_opens_the_same_index_without_building(tmp_path: Path, store: Store) -> None:
    engine = WordEmbedder()
    one = studio(tmp_path / "one", store)
    build(one, engine, lambda event: None, go_on)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    shutil.rmtree(tmp_path / "two" / one.folder.name / "index")
    asked = "; ".join(
        [
            "import sys, pathlib",
            "from studio.base.project import Project",
            "from studio.retrieval import search",
            "from tests.retrieval.fakes import WordEmbedder",
            "hits = search(Project(pathlib.Path(sys.argv[1])), 'averías', WordEmbedder())",
            "print(hits.model_dump_json())",
        ]
    )
    said = subprocess.run(
        [sys.executable, "-c", asked, str(tmp_path / "two" / one.folder.name)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    assert said.stdout.strip() == search(one, "averías", engine).model_dump_json()


def test_what_is_forgotten_and_what_is_cleared_lies_in_no_object(tmp_path: Path, store: Store) -> None:
    engine = WordEmbedder()
    made = studio(tmp_path, store)
    build(made, engine, lambda event: None, go_on)
    gone = next(document for document in made.store.documents() if document.name == "Garantía.pdf")
    made.store.remove_source(gone.source)
    forget(made, {gone.id})
    assert [key for key, body in store.objects.items() if b"ortega" in body.lower()] == []
    assert found(search(made, "devoluciones", engine))[0] == "Devoluciones.pdf"
    clear(made)
    if "AMEDIDA_TEST_S3" not in os.environ:
        assert store.objects == {}
    with pytest.raises(NotFound):
        search(made, "devoluciones", engine)


def test_keys_stand_in_no_file_of_the_project_and_in_nothing_that_is_printed(tmp_path: Path, store: Store) -> None:
    made = studio(tmp_path, store)
    build(made, WordEmbedder(), lambda event: None, go_on)
    assert [path for path in made.folder.rglob("*") if path.is_file() and b"hush-hush" in path.read_bytes()] == []
    assert "hush-hush" not in repr(storage.of(made))


def test_a_store_that_overlooks_conditions_is_not_written_to(tmp_path: Path) -> None:
    with serving(forgetful=True) as store:
        made = studio(tmp_path, store)
        with pytest.raises(NotPossibleHere) as caught:
            build(made, WordEmbedder(), lambda event: None, go_on)
        assert caught.value.code == "index_store_unsafe"
        assert store.objects == {}


def test_a_store_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with serving() as store:
        pass
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        store.options["endpoint"] = f"http://127.0.0.1:{closed.getsockname()[1]}"
        made = studio(tmp_path, store)
        with pytest.raises(Unavailable) as caught:
            build(made, WordEmbedder(), lambda event: None, go_on)
        assert caught.value.code == "index_store_unreachable"
        with pytest.raises(Unavailable):
            search(made, "averías", WordEmbedder())


def test_the_environment_says_where_indexes_lie_as_well_as_the_settings_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = projects.create(tmp_path, "Tienda", "es")
    assert storage.of(made) == storage.Place(made.index)
    monkeypatch.setenv("AMEDIDA_INDEX_URI", "s3://bucket/indexes/")
    monkeypatch.setenv("AMEDIDA_INDEX_OPTIONS", '{"region": "eu-south-2"}')
    assert storage.of(made) == storage.Place(made.index, f"s3://bucket/indexes/{made.id}", (("region", "eu-south-2"),))


def test_a_damaged_manifest_is_no_index(tmp_path: Path) -> None:
    made = projects.create(tmp_path, "Tienda", "es")
    (made.index / table.MANIFEST).write_text('{"format": 3, "tab', encoding="utf-8")
    assert table.manifest(storage.of(made)) is None
