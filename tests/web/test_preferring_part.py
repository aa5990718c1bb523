"""Learning from judgements on the improve page: begun, paused, and gone on with."""

from pathlib import Path

from studio.base.project import Project
from studio.base.records import Feedback
from studio.base.settings import Settings
from studio.training import NEEDED
from studio.web.parts import preferring
from studio.web.shell import Shell
from studio.web.studio import Studio
from studio.web.voice import Voice
from tests.web import stories

EN = Voice("en")


def judged(root: Path, name: str, count: int = NEEDED) -> Project:
    made = stories.project(root, name)
    made.change(model="smollm2-135m-instruct")
    made.store.put(*[Feedback(question=f"Question {n}?", answer="Wrong.", correction="Right.") for n in range(count)])
    return made


def shown(shell: Shell, made: Project) -> tuple[list[bool], str]:
    """Whether method, start and pause are there, and whether it looks again; what the start is called."""
    _, method, learn, stop, timer = preferring.look(shell, made)
    return [method.visible, learn.visible, stop.visible, timer.active], learn.value


def test_it_is_begun_in_one_of_two_ways_paused_and_gone_on_with(tmp_path: Path) -> None:
    shell = Shell(EN, Studio(Settings(projects=tmp_path)))
    few, made = judged(tmp_path, "Few", NEEDED - 1), judged(tmp_path, "Enough")
    assert shown(shell, few) == ([False, False, False, False], EN.t("prefer.learn"))
    assert shown(shell, made) == ([True, True, False, False], EN.t("prefer.learn"))
    run = preferring.orders.prefer(made, shell.studio.runs, "orpo")
    assert shown(shell, made)[0] == [False, False, True, True]
    shell.studio.runs.stop(run.id)
    assert shown(shell, made) == ([True, True, False, False], EN.t("build.resume"))
