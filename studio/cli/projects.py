"""Projects: serve them for a browser, make one, see and stop their runs."""

import argparse
from pathlib import Path

from studio.base import project as projects
from studio.base.errors import NotFound
from studio.base.project import Project
from studio.base.records import Added
from studio.base.runs import Runs
from studio.cli.session import Session, Verb, added_line


def serve(session: Session, given: argparse.Namespace) -> None:
    """Start the studio for a browser."""
    from studio.web import serving

    serving.serve(session.settings, session.t, open_browser=not given.no_browser)


def new(session: Session, given: argparse.Namespace) -> None:
    project = create(session, given.name, given.template)
    added = bring(session, project)
    session.give(
        {"project": project.card, "added": added},
        session.t("cli.created", name=project.name, folder=str(project.folder)),
    )


def list_runs(session: Session, given: argparse.Namespace) -> None:
    held = Runs(session.settings)
    if given.finish:
        held.finish(given.finish)
    if given.stop:
        held.wait(lambda: held.stop(given.stop).state not in ("queued", "running"), 15)
    chosen = [session.open(given.project)] if given.project else projects.find(session.settings.projects)
    found = [run for project in chosen for run in held.of(project)]
    names = {project.id: project.name for project in chosen}
    lines = [
        f"{r.id}  {session.t(f'run.{r.kind}'):<24} {session.t(f'state.{r.state}'):<12} {r.created}  {names[r.project]}"
        for r in found
    ]
    session.give({"runs": found}, "\n".join(lines) or session.t("cli.no_runs"))


def create(session: Session, name: str, template: str | None) -> Project:
    path = template_at(Path(template), session.settings.language) if template else None
    if template and path is None:
        path = template_at(projects.TEMPLATES / template, session.settings.language)
    if template and path is None:
        raise NotFound("template_missing", name=template)
    project = projects.create(session.settings.projects, name, session.settings.language, path)
    if not project.card.model:
        project.change(model=session.settings.model)
    return project


def template_at(path: Path, language: str) -> Path | None:
    """The template meant by a path: the folder itself or this language's in it; None for a project or nothing."""
    if (path / language / "project.json").is_file():
        return path / language
    if (path / "project.json").is_file() and not (path / "studio.db").exists():
        return path
    return None


def bring(session: Session, project: Project) -> list[Added]:
    from studio import intake

    added = intake.add_all(project)
    for each in added:
        session.say("  " + added_line(session, each))
    return list(added)


def arguments(verb: Verb) -> None:
    v = verb("serve", serve, "start the studio for a browser")
    v.add_argument("--host")
    v.add_argument("--port", type=int)
    v.add_argument("--vote-host", metavar="ADDRESS", help="let invited colleagues vote at this address of the machine")
    v.add_argument("--vote-port", type=int, metavar="PORT")
    v.add_argument("--no-browser", action="store_true")
    v = verb("new", new, "make a project", "name")
    v.add_argument("--template", help="name or folder of a template")
    v = verb("runs", list_runs, "list the runs, or stop one")
    v.add_argument("project", nargs="?")
    v.add_argument("--stop", metavar="RUN", help="pause it: the same command that started it goes on")
    v.add_argument("--finish", metavar="RUN", help="end its learning now and keep what it has learnt")
