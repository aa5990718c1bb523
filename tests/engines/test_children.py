import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

import studio
from studio.base import files
from studio.base.settings import Settings
from studio.engines.children import Child


def test_a_child_that_is_just_ending_is_waited_for_before_another_is_asked(tmp_path: Path) -> None:
    settings = Settings(projects=tmp_path)
    ending = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.5)"])
    threading.Thread(target=ending.wait, daemon=True).start()
    said = {"pid": ending.pid, "pid_start": psutil.Process(ending.pid).create_time(), "version": studio.__version__}
    files.write_json(settings.private / "host.json", {**said, "port": 9, "token": "t"})
    child = Child("host", settings)
    assert child.address().pid == ending.pid
    child.hung_up()
    assert not psutil.pid_exists(ending.pid)


def test_a_child_that_ends_while_it_is_looked_at_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = Child("host", Settings(projects=tmp_path))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    monkeypatch.setattr(gone, "poll", lambda: None)  # a moment ago it was there
    monkeypatch.setattr(child, "_started", gone)
    child.stop()
