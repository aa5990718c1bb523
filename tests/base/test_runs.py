"""Runs survive whatever happens to the processes around them. Real processes are started and killed here."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from studio.base import files, handed, processes, runs
from studio.base.project import Project, create
from studio.base.recipes import EvaluateRequest
from studio.base.records import Fault, Run
from studio.base.runs import Runs
from studio.base.settings import Settings

pytestmark = pytest.mark.slow  # processes, sockets or many real tables

COMMAND = (sys.executable, str(Path(__file__).parent / "steps_work.py"))
SUPERVISOR = """
import sys
from pathlib import Path
from studio.base.runs import Runs
from studio.base.settings import Settings
import threading
with Runs(Settings(projects=Path(sys.argv[1])), (sys.executable, sys.argv[2])).supervise():
    print("supervising", flush=True)
    threading.Event().wait(60)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(projects=tmp_path / "projects")


@pytest.fixture
def project(settings: Settings) -> Project:
    return create(settings.projects, "Claims")


def start(queue: Runs, project: Project, **how: object) -> Run:
    return queue.start(project, "evaluate", EvaluateRequest(variants=(), material=json.dumps(how)))


def finish(queue: Runs, run: Run, seconds: float = 30) -> Run:
    assert queue.wait(lambda: queue.get(run.id).state not in ("queued", "running"), seconds), queue.get(run.id)
    return queue.get(run.id)


def result(project: Project) -> str:
    return (project.folder / "models" / "made" / "result.txt").read_text()


def until_step(queue: Runs, run: Run, step: int) -> None:
    assert queue.wait(lambda: queue.said(queue.get(run.id)).done >= step, 20)


def pid_of(queue: Runs, run: Run) -> int:
    return int(queue._rows("id = ?", [run.id])[0]["pid"])


def test_a_run_works_in_its_own_process_and_hands_its_result_to_the_project(
    settings: Settings, project: Project
) -> None:
    queue = Runs(settings, COMMAND)
    run = finish(queue, start(queue, project))
    assert (run.state, run.attempt, run.fault) == ("done", 1, None)
    assert result(project) == "from 0, attempt 1, after None"
    assert queue.said(run).fraction == 1.0


def test_the_same_start_pressed_twice_starts_once(settings: Settings, project: Project) -> None:
    queue = Runs(settings, COMMAND)
    first, second = start(queue, project), start(Runs(settings, COMMAND), project)
    assert first.id == second.id
    assert len(queue.of(project)) == 1
    assert start(queue, project, steps=6).id != first.id


def test_a_killed_run_goes_on_from_its_checkpoint(settings: Settings, project: Project) -> None:
    queue = Runs(settings, COMMAND)
    run = finish(queue, start(queue, project, kill_at=3))
    assert (run.state, run.attempt) == ("done", 2)
    assert result(project) == "from 3, attempt 2, after killed"


def test_a_run_that_always_dies_is_given_up_after_three_attempts(settings: Settings, project: Project) -> None:
    queue = Runs(settings, COMMAND)
    run = finish(queue, start(queue, project, kill_at=1, kill_times=9))
    assert (run.state, run.attempt, run.fault) == (
        "failed",
        3,
        Fault(code="run_lost", parameters={"times": 3}),
    )


def test_an_error_of_the_work_itself_is_told_and_not_tried_again(settings: Settings, project: Project) -> None:
    queue = Runs(settings, COMMAND)
    run = finish(queue, start(queue, project, fail_at=1, fault="examples_none"))
    assert (run.state, run.attempt, run.fault) == ("failed", 1, Fault(code="examples_none"))


def test_when_memory_ran_out_there_is_one_more_try_that_knows_it(
    settings: Settings, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = iter([0, *range(1, 100)])
    monkeypatch.setattr(processes, "oom_kills", lambda: next(kills))
    queue = Runs(settings, COMMAND)
    assert finish(queue, start(queue, project, kill_at=2)).state == "done"
    assert result(project) == "from 2, attempt 2, after memory"
    run = finish(queue, start(queue, project, kill_at=2, kill_times=9))
    assert (run.state, run.attempt, run.fault) == ("failed", 2, Fault(code="out_of_memory"))


def test_memory_errors_that_the_work_reports_are_tried_once_more_too(settings: Settings, project: Project) -> None:
    queue = Runs(settings, COMMAND)
    run = finish(queue, start(queue, project, fail_at=0, fault="training_out_of_memory"))
    assert (run.state, run.attempt, run.fault) == ("failed", 2, Fault(code="training_out_of_memory"))


def test_without_a_word_from_the_kernel_exit_minus_nine_counts_as_memory(
    settings: Settings, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "oom_kills", lambda: -1)
    queue = Runs(settings, COMMAND)
    assert finish(queue, start(queue, project, kill_at=2)).state == "done"
    assert result(project) == "from 2, attempt 2, after memory"


def test_stopping_keeps_what_is_done_and_starting_again_goes_on_there(settings: Settings, project: Project) -> None:
    queue = Runs(settings, COMMAND)
    run = start(queue, project, steps=60, sleep=0.05)
    until_step(queue, run, 3)
    queue.stop(run.id)
    assert finish(queue, run, 10).state == "stopped"
    reached = int((Path(run.folder) / "checkpoint").read_text())
    request = EvaluateRequest(variants=(), material=json.dumps({"steps": 60, "sleep": 0.05}))
    again = queue.start(project, "evaluate", request, again=True)
    assert (again.id, again.state) == (run.id, "queued")
    until_step(queue, run, reached + 1)
    queue.stop(run.id)
    finish(queue, run)


def test_a_run_that_does_not_listen_is_gone_within_ten_seconds(settings: Settings, project: Project) -> None:
    queue = Runs(settings, COMMAND)
    run = start(queue, project, steps=2000, deaf=True)
    until_step(queue, run, 1)
    pid, began = pid_of(queue, run), time.monotonic()
    queue.stop(run.id)
    assert finish(queue, run, 12).state == "stopped"
    assert time.monotonic() - began < 10
    assert not psutil.pid_exists(pid)


def test_a_waiting_run_is_stopped_at_once_and_never_starts(settings: Settings, project: Project) -> None:
    queue = Runs(settings, COMMAND)
    run = start(queue, project)
    assert queue.stop(run.id).state == "stopped"
    queue.tick()
    assert not (Path(run.folder) / "output.log").exists()


def test_heavy_runs_wait_for_each_other_and_say_how_many_come_first(settings: Settings, project: Project) -> None:
    queue = Runs(settings, COMMAND)
    first, second, third = (start(queue, project, steps=n, sleep=0.1) for n in (3, 4, 5))
    queue.tick()
    assert [queue.get(run.id).state for run in (first, second, third)] == ["running", "queued", "queued"]
    assert [queue.waiting_before(queue.get(run.id)) for run in (first, second, third)] == [0, 1, 2]
    assert [finish(queue, run).state for run in (first, second, third)] == ["done"] * 3


def test_a_run_outlives_the_studio_that_started_it_and_is_adopted_by_the_next(
    settings: Settings, project: Project
) -> None:
    queue = Runs(settings, COMMAND)
    run = start(queue, project, steps=20, sleep=0.1)
    studio = _supervisor(settings)
    assert _poll(lambda: queue.said(queue.get(run.id)).done >= 2)
    os.kill(studio.pid, signal.SIGKILL)
    studio.wait()
    assert finish(queue, run).state == "done"
    assert result(project) == "from 0, attempt 1, after None"


def test_when_studio_and_run_are_both_killed_the_next_studio_resumes_it(settings: Settings, project: Project) -> None:
    queue = Runs(settings, COMMAND)
    run = start(queue, project, steps=20, sleep=0.1)
    studio = _supervisor(settings)
    assert _poll(lambda: queue.said(queue.get(run.id)).done >= 2)
    pid = pid_of(queue, run)
    os.kill(studio.pid, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    studio.wait()
    run = finish(queue, run)
    assert (run.state, run.attempt) == ("done", 2)
    assert not result(project).startswith("from 0,")


def test_after_a_restart_of_the_computer_a_run_is_resumed(
    settings: Settings, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Runs(settings, COMMAND)
    run = start(queue, project, steps=40)
    until_step(queue, run, 2)
    pid = pid_of(queue, run)
    monkeypatch.setattr(processes, "boot_id", lambda: "another boot")
    fresh = Runs(settings, COMMAND)
    os.killpg(pid, signal.SIGKILL)
    queue._children.popitem()[1].wait()
    assert finish(fresh, run).state == "done"
    assert result(project).endswith("after restarted")


def test_a_recycled_process_number_is_not_taken_for_the_run(settings: Settings, project: Project) -> None:
    queue = Runs(settings, COMMAND)
    run = start(queue, project)
    with queue._db.conn:
        queue._db.execute(
            "update runs set state='running', attempt=1, pid=?, pid_start=1.0, boot=?, oom_kills=0 where id=?",
            [os.getpid(), processes.boot_id(), run.id],
        )
    assert finish(Runs(settings, COMMAND), run).attempt == 2


def test_results_are_taken_again_when_the_studio_died_in_between(settings: Settings, project: Project) -> None:
    queue = Runs(settings, COMMAND)
    run = finish(queue, start(queue, project))
    with queue._db.conn:
        queue._db.execute("update runs set state='running', pid=null, boot='' where id=?", [run.id])
    assert finish(queue, run).state == "done"
    assert result(project).startswith("from 0")


def test_only_one_process_supervises(settings: Settings, project: Project) -> None:
    studio = _supervisor(settings)
    queue = Runs(settings, COMMAND)
    run = start(queue, project, steps=3)
    assert finish(queue, run).state == "done"
    assert queue._children == {}
    studio.kill()
    studio.wait()


def test_eight_processes_may_ask_at_once(settings: Settings, project: Project) -> None:
    script = (
        "import sys; from pathlib import Path; from studio.base.runs import Runs\n"
        "from studio.base.settings import Settings\n"
        "from studio.base.project import find; from studio.base.recipes import EvaluateRequest\n"
        "s = Settings(projects=Path(sys.argv[1])); q = Runs(s); p = find(s.projects)[0]\n"
        "[q.start(p, 'evaluate', EvaluateRequest(variants=(), questions=n)) for n in range(20)]\n"
    )
    asking = [
        subprocess.Popen([sys.executable, "-c", script, str(settings.projects)], env=_environment()) for _ in range(4)
    ]
    assert [process.wait() for process in asking] == [0] * 4
    assert len(Runs(settings).of(project)) == 20


def test_a_secret_reaches_its_run_once_and_is_not_kept_with_it(settings: Settings, project: Project) -> None:
    queue = Runs(settings, COMMAND)
    run = queue.start(project, "evaluate", EvaluateRequest(variants=()), secret="hf_canary")
    file = settings.private / "secrets" / run.id
    assert file.stat().st_mode & 0o777 == 0o600
    assert handed.take(settings.private, run.id) == "hf_canary"
    assert handed.take(settings.private, run.id) == ""
    kept = b"".join(path.read_bytes() for path in settings.private.rglob("*") if path.is_file())
    assert b"hf_canary" not in kept + (Path(run.folder) / "run.json").read_bytes()


def test_a_finished_run_can_be_asked_for_again_from_nothing(settings: Settings, project: Project) -> None:
    queue = Runs(settings, COMMAND)
    request = EvaluateRequest(variants=(), material=json.dumps({"steps": 2}))
    run = finish(queue, queue.start(project, "evaluate", request))
    assert queue.start(project, "evaluate", request).state == "done"
    again = queue.start(project, "evaluate", request, again=True)
    assert (again.id, again.state) == (run.id, "queued")
    assert not (Path(run.folder) / "checkpoint").exists()
    assert finish(queue, again).state == "done"


def test_forgetting_a_project_stops_its_work_first(settings: Settings, project: Project) -> None:
    queue = Runs(settings, COMMAND)
    run = start(queue, project, steps=500)
    until_step(queue, run, 1)
    queue.forget(project)
    assert queue.of(project) == []
    assert files.read_json(Path(run.folder) / "exit.json") == {
        "ok": False,
        "fault": {"code": "stopped", "parameters": {}},
    }


def _supervisor(settings: Settings) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(settings.projects), COMMAND[1]],
        stdout=subprocess.PIPE,
        text=True,
        env=_environment(),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "supervising\n"
    process.stdout.close()
    return process


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(Path(runs.__file__).parent.parent.parent)}


def _poll(condition: "object", seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False


def test_code_that_lies_in_a_project_is_never_run(settings: Settings, project: Project) -> None:
    queue = Runs(settings)
    run = queue.start(project, "evaluate", EvaluateRequest(variants=()))
    (Path(run.folder) / "filelock.py").write_text("open('canary', 'w').close()")
    assert finish(queue, run).state == "failed"
    assert not (Path(run.folder) / "canary").exists()
    assert queue.get(run.id).fault == Fault(code="questions_none")


def test_one_damaged_run_does_not_hold_up_the_others(settings: Settings, project: Project) -> None:
    queue = Runs(settings, COMMAND)
    damaged, good = start(queue, project, steps=2), start(queue, project, steps=3)
    until_step(queue, damaged, 1)
    queue._children[damaged.id].wait()
    files.write_json(Path(damaged.folder) / "exit.json", {"ok": False})
    assert finish(queue, good).state == "done"
    assert queue.get(damaged.id).state == "failed"


def test_a_secret_does_not_outlive_a_run_that_was_stopped_before_it_began(settings: Settings, project: Project) -> None:
    queue = Runs(settings, COMMAND)
    run = queue.start(project, "evaluate", EvaluateRequest(variants=()), secret="hf_canary")
    queue.stop(run.id)
    assert not (settings.private / "secrets" / run.id).exists()
