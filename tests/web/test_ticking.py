"""A page looks at its runs each second and stops when none is under way: whatever it then shows, it shows for good."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio import engines, training
from studio.base.machine import look
from studio.base.project import Project
from studio.base.recipes import ExplainRequest, ExportRequest, IntakeRequest, JudgeRequest, RehearseRequest
from studio.base.records import Exported, Record, Run, RunKind
from studio.base.runs import Runs
from studio.base.settings import Settings
from studio.evaluation import judging
from studio.training import pacing
from studio.web.pages import compare, export
from studio.web.parts import material
from studio.web.parts import training as learning
from studio.web.shell import Shell
from studio.web.studio import Studio
from studio.web.voice import Voice
from tests.web import stories

Begun = Callable[[Project], tuple[Record, Callable[[], object]]]
Look = Callable[[Shell, Project], list[Any]]


def explaining(made: Project) -> tuple[ExplainRequest, Callable[[], object]]:
    answer = stories.asked(made)[-1]
    return ExplainRequest(answer=answer.id), lambda: stories.explained(made, answer)


def judged(made: Project) -> tuple[JudgeRequest, Callable[[], object]]:
    stories.tested(made)
    one, other = (variant.id for variant in judging.pairs(made)[0])
    agreed = judging.Agreement(model=made.card.model, n=30, alike=0.5, low=0.3, high=0.7, chance=0.5)
    done = judging.Judged(agreement=agreed, variants=(one, other))
    request = JudgeRequest(model=made.card.model, first=one, second=other)
    return request, lambda: made.store.put_fact(judging.FACT, done)


def exporting(made: Project) -> tuple[ExportRequest, Callable[[], object]]:
    variant = made.variants()[0].id
    done = Exported(id="e1", variant=variant, path="exports/e1", form="merged")
    return ExportRequest(variant=variant), lambda: made.store.put(done)


def reading(made: Project) -> tuple[IntakeRequest, Callable[[], object]]:
    learnt = stories.example(9, "sources/new.csv")
    return IntakeRequest(batch="0123456789ab"), lambda: made.store.put_source(
        "sources/new.csv", "0" * 64, [], [learnt], []
    )


def rehearsing(made: Project) -> tuple[RehearseRequest, Callable[[], object]]:
    learnt = [stories.example(n, "sources/past.csv") for n in range(20)]
    made.store.put_source("sources/past.csv", "0" * 64, [], learnt, [])
    paces = Settings(projects=made.folder.parent).private / training.PACES
    recipe = training.offer(
        learnt, engines.model(made.card.model), look(made.folder), "balanced", {}, paces
    ).plan.recipe
    pace = pacing.Pace(tokens_per_second=7.0)
    return RehearseRequest(recipe=recipe, model=made.card.model), lambda: pacing.keep(
        paces, made.card.model, recipe, look(made.folder), pace
    )


PAGES: list[tuple[RunKind, Begun, Look]] = [
    ("explain", explaining, compare.look),
    ("judge", judged, compare.look),
    ("export", exporting, export.look),
    ("intake", reading, material.look),
    ("rehearse", rehearsing, learning.look),
]


@pytest.mark.parametrize(("kind", "begun", "look"), PAGES, ids=[page[0] for page in PAGES])
def test_what_ends_while_a_page_is_drawn_is_seen_by_one_more_look(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: RunKind,
    begun: Begun,
    look: Look,
) -> None:
    """Cause: whether to look again was decided last, when the run shown above as under way had just ended."""
    shell = Shell(Voice("en"), Studio(Settings(projects=tmp_path)))
    for moment in range(20):
        ended = ends_at(moment, stories.project(tmp_path, f"Ends at {moment}"), shell, begun, kind, look, monkeypatch)
        if not ended:
            break
    assert moment > 1


def ends_at(
    moment: int, made: Project, shell: Shell, begun: Begun, kind: RunKind, look: Look, patch: pytest.MonkeyPatch
) -> bool:
    """Whether the page looked at its runs more than `moment` times, the run having ended before the next."""
    runs, whole, ended = shell.studio.runs, Runs._rows, False
    request, ends = begun(made)
    run, left = runs.start(made, kind, request), moment
    to(runs, run, "running")

    def rows(self: Runs, *asked: Any) -> Any:
        nonlocal left, ended
        if left == 0:
            ended = True
            to(runs, run, "done")
            ends()
        left -= 1
        return whole(self, *asked)

    with patch.context() as patched:
        patched.setattr(Runs, "_rows", rows)
        ticking, shown = told(look(shell, made))
    assert ticking or shown == told(look(shell, made))[1]
    return ended


def to(runs: Runs, run: Run, state: str) -> None:
    with runs._db.conn:
        runs._db.execute("update runs set state=? where id=?", [state, run.id])


def told(parts: list[Any]) -> tuple[bool, list[str]]:
    """Whether a page goes on looking, and what it shows."""
    timers = [part for part in parts if isinstance(part, gr.Timer)]
    return any(timer.active for timer in timers), [part for part in parts if isinstance(part, str)]
