"""Runs that take an assistant home."""

from studio.base import handed
from studio.base.errors import NotFound
from studio.base.recipes import ExportRequest, PushRequest
from studio.base.records import Exported, Outcome
from studio.work import Work


def export(work: Work, request: ExportRequest) -> Outcome:
    """Write an assistant into a folder that works without the studio, and zip it."""
    from studio import export as room

    variant = work.project.variant(request.variant)
    return room.folder(work.project, variant, request, work.folder, work.settings, work.emit, work.should_stop)


def push(work: Work, request: PushRequest) -> Outcome:
    """Upload an export to the Hub with the token that was handed over for this run alone."""
    from studio import export as room

    exported = work.project.store.get(Exported, request.export)
    if exported is None:
        raise NotFound("export_missing", name=request.export)
    token = handed.take(work.settings.private, work.folder.name)
    pushed = room.push(work.project, exported, request, token, work.emit, work.should_stop)
    return Outcome(exports=(pushed,))
