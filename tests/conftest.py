"""What rooms' tests share: reading files without a process for each."""

import pytest


@pytest.fixture
def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in this process, for tests of what becomes of a reading: a child's start costs ten times as much.

    The child itself, its limits and its refusals are tests/intake/test_awkward_files.py and test_hostile_files.py.
    """
    from studio.intake import child
    from tests.intake import inside

    monkeypatch.setattr(child, "read", inside.whole)
