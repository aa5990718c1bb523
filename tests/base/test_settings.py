import json
import subprocess
import sys
from pathlib import Path

import pytest

from studio.base import machine, settings


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".studio").mkdir()
    (tmp_path / ".studio" / "settings.json").write_text(json.dumps({"port": 1111, "threads": 2, "language": "es"}))
    monkeypatch.setenv("AMEDIDA_PROJECTS", str(tmp_path))
    monkeypatch.setenv("AMEDIDA_PORT", "2222")
    found = settings.load(threads=3, host=None)
    assert (found.port, found.threads, found.language, found.host) == (2222, 3, "es", "127.0.0.1")


def test_the_private_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    private = settings.Settings(projects=tmp_path / "projects").private
    assert private.stat().st_mode & 0o777 == 0o700


def test_every_library_is_silenced_before_it_is_imported() -> None:
    script = (
        "from studio.base.settings import silence_libraries as s; s()\n"
        "import os; print(os.environ['GRADIO_ANALYTICS_ENABLED'])"
    )
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
    )


def test_the_machine_tells_what_it_has(tmp_path: Path) -> None:
    here = machine.look(tmp_path)
    assert here.cores >= 1
    assert 0 < here.free_memory_gb <= here.memory_gb
    assert here.free_disk_gb > 0
