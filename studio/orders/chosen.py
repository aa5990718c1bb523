"""What a project has chosen: its model, and the assistants that can answer now."""

from typing import Literal

from studio import answering
from studio.base.project import Project
from studio.base.records import Trained, Variant
from studio.base.runs import Runs

Effort = Literal["quick", "balanced", "thorough"]


def model_of(project: Project, runs: Runs) -> str:
    """The catalogue name of the project's model."""
    return project.card.model or runs.settings.model


def last_training(project: Project, model: str) -> Trained | None:
    return next((made for made in reversed(project.store.all(Trained)) if made.model == model), None)


def assistants(project: Project) -> list[Variant]:
    """Who can answer now, kept in the project: instructions may have changed since the build, and runs look them up."""
    made = answering.variants(project)
    known = {variant.id for variant in project.variants()}
    project.store.put(*[variant for variant in made if variant.id not in known])
    return made
