"""What every command gets, and what several do: open a project, start a run and follow it, say, give."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from studio.base import project as projects
from studio.base import words
from studio.base.errors import NotFound, StudioError
from studio.base.project import Project
from studio.base.records import Added, Record, Run, Variant
from studio.base.runs import Runs
from studio.base.settings import Settings


@dataclass
class Session:
    """What every command gets: settings, words, and where its result goes."""

    settings: Settings
    t: words.Translate
    as_json: bool

    def open(self, name: str) -> Project:
        """A project by id, folder name or path."""
        path = Path(name)
        return Project(path) if (path / "project.json").is_file() else projects.open_by_id(self.settings.projects, name)

    def say(self, text: str) -> None:
        """A line of progress; never part of the result."""
        print(text, file=sys.stderr, flush=True)

    def give(self, result: Any, text: str) -> None:
        """The result: as JSON for machines or as text for people."""
        print(json.dumps(_plain(result), ensure_ascii=False, indent=2) if self.as_json else text)


class Verb(Protocol):
    """Declares a command; what it takes beyond `arguments` is added to the parser that comes back."""

    def __call__(
        self, name: str, command: Callable[[Session, argparse.Namespace], None], about: str, *arguments: str
    ) -> argparse.ArgumentParser: ...


def finish(session: Session, order: Callable[[Runs], Run]) -> Run:
    """Start a run and follow it to its end, a line a stage and every tenth. Ctrl-C stops the run and keeps its work."""
    held = Runs(session.settings)
    run = order(held)
    shown = ("", -1)
    with held.supervise():
        try:
            while (run := held.get(run.id)).state in ("queued", "running"):
                shown = _progress(session, held, run, shown)
                time.sleep(0.3)
        except KeyboardInterrupt:
            held.stop(run.id)
            held.wait(lambda: held.get(run.id).state not in ("queued", "running"), 12)
            raise
    if run.state != "done":
        fault = run.fault or StudioError("stopped").fault
        raise StudioError(fault.code, **fault.parameters)
    return run


def assistants(project: Project, approach: str | None = None) -> list[Variant]:
    """Who can answer now, of one approach or of all. Raises NotFound("variant_missing")."""
    from studio import orders

    found = [variant for variant in orders.assistants(project) if approach in (None, variant.approach)]
    if not found:
        raise NotFound("variant_missing", name=approach or "")
    return found


def added_line(session: Session, added: Added) -> str:
    return session.t(
        "cli.added",
        name=added.name,
        documents=added.documents,
        examples=added.examples,
        remarks=len(added.findings),
    )


def _progress(session: Session, held: Runs, run: Run, shown: tuple[str, int]) -> tuple[str, int]:
    said = held.said(run)
    if not said.stage:
        return shown
    tenth = int(said.done / said.of * 10) if said.of else 0
    if (said.stage, tenth) == shown:
        return shown
    left = f", {session.t('cli.left', time=words.duration(said.seconds_left))}" if said.seconds_left is not None else ""
    session.say(
        f"  {session.t(f'stage.{said.stage}')}: {said.done:g}/{said.of:g}{left}"
        if said.of
        else f"  {session.t(f'stage.{said.stage}')} …"
    )
    return said.stage, tenth


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
