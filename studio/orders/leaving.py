"""An assistant is taken home; a project is thrown away."""

from typing import Literal

from studio import retrieval
from studio.base import project as projects
from studio.base.errors import NotFound, Refused
from studio.base.project import Project
from studio.base.recipes import ExportRequest, PushRequest
from studio.base.records import Exported, Run, Variant
from studio.base.runs import Runs
from studio.evaluation import character as testing


def export(
    project: Project, runs: Runs, variant: Variant, form: Literal["adapter", "merged"], *, anyway: bool = False
) -> Run:
    """Write an assistant into a folder. Untrained assistants have no adapter of their own: they are exported whole.

    Raises Refused("facts_drifted") for one whose profile was proven to cost facts, unless that is wanted `anyway`.
    """
    drifted = testing.drifted(project, variant)
    if drifted is not None and not anyway:
        facts = drifted.personality.facts
        raise Refused("facts_drifted", count=facts.n, lost=facts.lost, won=facts.gained)
    project.store.put(variant)
    request = ExportRequest(variant=variant.id, form=form if variant.adapter else "merged")
    return runs.start(project, "export", request, again=True)


def push(project: Project, runs: Runs, exported: Exported, repository: str, token: str, *, private: bool = True) -> Run:
    """Upload an export to the Hub; the token goes to the run alone."""
    if project.store.get(Exported, exported.id) is None:
        raise NotFound("export_missing", name=exported.id)
    request = PushRequest(export=exported.id, repository=repository, private=private)
    return runs.start(project, "push", request, again=True, secret=token)


def discard(project: Project, runs: Runs) -> None:
    """Delete a project with everything it made, its index on object storage too. There is no way back.

    Raises Unavailable, before anything is deleted, when that does not answer.
    """
    runs.forget(project)
    retrieval.clear(project)
    projects.remove(project)
