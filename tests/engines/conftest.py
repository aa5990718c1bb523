"""A studio whose starter model is a tiny random Llama, and the real one for slow tests; children end with the test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.base import files
from studio.base.settings import Settings
from studio.engines import Engine, shelf, starter
from tests.engines import tiny

STARTER = "smollm2-135m-instruct"


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `shelf` would make of the tiny model."""
    folder = tmp_path_factory.mktemp("tiny")
    written = starter.prepare(tiny.write_gguf(folder / "source.gguf"), folder, lambda done, of: None)
    files.write_json(folder / shelf.IDENTITY, {"sha256": written.sha256, "parts": ["gguf", "weights"]})
    return folder


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Settings:
    """A studio in which the tiny model stands where the starter would."""
    made = Settings(projects=tmp_path_factory.mktemp("projects"), threads=1)
    (made.private / "models").mkdir()
    shutil.copytree(tiny_model, made.private / "models" / STARTER)
    return made


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Iterator[Engine]:
    made = Engine(settings)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Engine]]:
    """The real starter, prepared from its package."""
    made = Settings(projects=tmp_path_factory.mktemp("real"))
    engine = Engine(made)
    yield made, engine
    engine.stop()
