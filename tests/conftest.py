"""What rooms' tests share: the order of their files, and what makes many of them quick."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.base.settings import Settings

LONGEST = (
    "tests/test_journey.py",
    "tests/browser/test_journey.py",
    "tests/training/test_learning.py",
    "tests/browser/test_data.py",
    "tests/browser/test_answers.py",
    "tests/browser/test_votes.py",
    "tests/retrieval/test_living.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For workers side by side, each of which takes the next whole file when it is done with one: those that take minutes
    come first, so that nobody is left alone with one at the end.
    """
    place = {file: number for number, file in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.nodeid.partition("::")[0], len(place)))


@pytest.fixture
def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in this process, for tests of what becomes of a reading: a child's start costs ten times as much.

    The child itself, its limits and its refusals are tests/intake/test_awkward_files.py and test_hostile_files.py.
    """
    from studio.intake import child
    from tests.intake import inside

    monkeypatch.setattr(child, "read", inside.whole)


@pytest.fixture
def few_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Indexes are built quickly, for tests of anything but what an index declines."""
    from studio.retrieval import calibration
    from tests.retrieval import fakes

    monkeypatch.setattr(calibration, "probes", fakes.few_probes)


@pytest.fixture(scope="session")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Settings]:
    """Puts the real starter into a folder of projects, prepared once for everybody: half a gigabyte and five seconds.

    The preparing itself is tests/engines/test_real_starter.py, and the journeys'.
    """
    from studio import engines

    workers = "PYTEST_XDIST_WORKER" in os.environ
    shared = tmp_path_factory.getbasetemp().parent if workers else tmp_path_factory.getbasetemp()
    made = Settings(projects=shared / "starter")
    engines.weights(made.model, made)

    def put(projects: Path) -> Settings:
        found = Settings(projects=projects)
        shutil.copytree(made.private / "models", found.private / "models", copy_function=os.link)
        return found

    return put
