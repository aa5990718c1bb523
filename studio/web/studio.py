"""What every page is handed: the settings, the queue of runs and the engine that answers. It keeps nothing of a project."""

from dataclasses import dataclass, field
from pathlib import Path

from studio.base import project as projects
from studio.base.project import Project
from studio.base.runs import Runs
from studio.base.settings import Settings
from studio.engines import Engine


@dataclass(frozen=True)
class Studio:
    settings: Settings
    runs: Runs = field(init=False)
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "runs", Runs(self.settings))
        object.__setattr__(self, "engine", Engine(self.settings))

    @property
    def root(self) -> Path:
        return self.settings.projects.resolve()

    def project(self, id: str | None) -> Project:
        """The project with this id, as it is on disk now. Raises NotFound."""
        return projects.open_by_id(self.root, id or "")

    def projects(self) -> list[Project]:
        return projects.find(self.root)
