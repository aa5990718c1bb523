"""What rooms' tests share: the order of their files, and reading files without a process for each."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For workers side by side: the journey, which is the longest, first, and the browser's last, when it is quieter."""
    items.sort(key=lambda item: ("browser" in item.keywords, not item.nodeid.startswith("tests/test_journey")))


@pytest.fixture
def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in this process, for tests of what becomes of a reading: a child's start costs ten times as much.

    The child itself, its limits and its refusals are tests/intake/test_awkward_files.py and test_hostile_files.py.
    """
    from studio.intake import child
    from tests.intake import inside

    monkeypatch.setattr(child, "read", inside.whole)
