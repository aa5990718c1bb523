"""The process in which a run works: `python -m studio.work RUN_DIR`, which is `__main__`.

`kinds` knows which function does a run of which kind. The functions call the rooms in their order and word nothing; each
stands in a file of the same name as the one of `studio.orders` that asks for it.
"""

from pathlib import Path
from typing import NamedTuple

from studio.base import events, settings
from studio.base.project import Project


class Work(NamedTuple):
    """All a kind of run gets: whose project, which folder, how to speak, when to end, and what happened before."""

    project: Project
    folder: Path
    settings: settings.Settings
    emit: events.Emit
    should_stop: events.ShouldStop
    after: str | None = None
