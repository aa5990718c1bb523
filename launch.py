"""Start Amedida: `python launch.py`. Nothing but Python needs to be installed.

In the order in which it happens:

1. look first: a Python that fits, a free port, a folder to write to, room on the disk
2. make `.venv` beside this file
3. install into it what `requirements.lock` names for this machine
4. try the parts that break most often
5. hand over to the studio (`python -m studio serve`), or with `test` to pytest

A stamp, written last, says that 2 to 4 are done: the next start goes straight to 5, without a network. Without the stamp
an earlier start was interrupted, and what it left half done is repaired.

Standard library only, and no syntax younger than Python 3.6, so that an old Python gets a sentence, not a SyntaxError.
"""

import argparse
import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator, Mapping, NamedTuple

PYTHONS = ((3, 11), (3, 12), (3, 13))
HOME = Path(__file__).resolve().parent
PORT = 7860
WORKERS = 4  # tests side by side: some hold a model, and memory is bounded where cores are many
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OLDEST_CARD = 7.5  # compute capability; PyTorch for CUDA 13 has no kernels for older ones (before Turing)
TRIED = ("torch", "transformers", "unsloth", "lancedb", "shap", "gradio", "xllamacpp")

WORDS = {
    "en": {
        "help": "Start Amedida in the browser; the first start installs it beside this file.",
        "help.verb": "start the studio (default), or install what the tests need and run them",
        "help.port": "port the studio listens on (default {port})",
        "help.host": "address the studio listens on (default 127.0.0.1: this computer only)",
        "help.projects": "folder that holds the projects",
        "help.lang": "language of the studio and of these lines",
        "help.no_browser": "do not open the browser",
        "help.torch_index": "package index with another build of PyTorch, added to yours (or AMEDIDA_TORCH_INDEX)",
        "help.pytest": "what follows `test` goes to pytest: python launch.py test tests/test_launch.py -k port",
        "venv": "Making a place of its own for Amedida: {folder}",
        "mending": "An earlier start was interrupted; going on from there.",
        "rebuilding": "The folder {folder} is damaged; making it anew.",
        "fetching": "Fetching {count} packages, about {fetch}; installed they take {takes}. This happens once.",
        "cuda": "Your package index has only the PyTorch for NVIDIA cards; fetching the {count} libraries it loads, "
        "{fetch} ({takes} installed). `--torch-index URL` with an index of the CPU build avoids this.",
        "fetched": "  {done} of {count}: {name}",
        "unpacking": "  unpacking",
        "trying": "Trying the parts: {names}",
        "ready": "Amedida is installed: {size}, {seconds} seconds.",
        "browser.install": "Installing Chromium for the browser tests.",
        "browser.none": "!!! No Chromium found: THE BROWSER TESTS ARE SKIPPED. Install Chromium, or name one in "
        "AMEDIDA_CHROMIUM. !!!",
        "stop.python": "Amedida needs Python 3.11, 3.12 or 3.13, and this is Python {found}. "
        "Install one of them and start launch.py with it, for example: python3.12 launch.py",
        "stop.port": "Port {port} is taken, perhaps by a studio that is already running or being installed; "
        "open that one, or start this one with --port {free}.",
        "stop.host": "This computer has no address {host}. Leave out --host, or name one of its own addresses.",
        "stop.folder": "Amedida cannot write to {folder} ({why}). "
        "Move it to a folder of yours, or ask for the right to write there.",
        "stop.disk": "The disk of {folder} has {free} free and Amedida needs {needed}. Make room there and start again.",
        "stop.lock": "The file {file} is missing or damaged. Fetch Amedida anew; your projects stay where they are.",
        "stop.venv": "Python could not make its own folder {folder}: {why}. "
        "On Debian and Ubuntu: sudo apt-get install python3-venv, then start again.",
        "stop.network": "The package index did not answer. Check the network connection (and the proxy), then start again: "
        "what is already here is kept.",
        "stop.package": "The package index has no {name} for this computer ({machine}, Python {python}). "
        "Amedida runs on 64-bit Linux and Windows and on Apple silicon; try another Python of 3.11 to 3.13.",
        "stop.install": "The installation stopped: {why}. The whole story is in {log}. Start again to go on from there.",
        "stop.part": "The part {name} does not load: {why}. Delete the folder {folder} and start again.",
        "stop.interrupted": "Interrupted. Start again to go on from here.",
        "stop.browser": "CI needs a Chromium for the browser tests and there is none. "
        "Install one, or name it in AMEDIDA_CHROMIUM.",
    },
    "es": {
        "help": "Abre Amedida en el navegador; la primera vez la instala junto a este archivo.",
        "help.verb": "abrir el estudio (lo habitual), o instalar lo que piden las pruebas y ejecutarlas",
        "help.port": "puerto en el que escucha el estudio (normalmente {port})",
        "help.host": "dirección en la que escucha el estudio (normalmente 127.0.0.1: solo este equipo)",
        "help.projects": "carpeta que contiene los proyectos",
        "help.lang": "idioma del estudio y de estas líneas",
        "help.no_browser": "no abrir el navegador",
        "help.torch_index": "índice de paquetes con otra versión de PyTorch, además del suyo (o AMEDIDA_TORCH_INDEX)",
        "help.pytest": "lo que sigue a `test` va a pytest: python launch.py test tests/test_launch.py -k port",
        "venv": "Preparando un lugar propio para Amedida: {folder}",
        "mending": "Un inicio anterior se interrumpió; se sigue desde ahí.",
        "rebuilding": "La carpeta {folder} está dañada; se hace de nuevo.",
        "fetching": "Descargando {count} paquetes, unos {fetch}; instalados ocupan {takes}. Solo ocurre una vez.",
        "cuda": "Su índice de paquetes solo tiene el PyTorch para tarjetas NVIDIA; descargando las {count} bibliotecas que "
        "usa, {fetch} ({takes} instaladas). Con `--torch-index URL` y un índice de la versión para CPU se evita.",
        "fetched": "  {done} de {count}: {name}",
        "unpacking": "  desempaquetando",
        "trying": "Probando las piezas: {names}",
        "ready": "Amedida está instalada: {size}, {seconds} segundos.",
        "browser.install": "Instalando Chromium para las pruebas en el navegador.",
        "browser.none": "!!! No hay Chromium: SE OMITEN LAS PRUEBAS EN EL NAVEGADOR. Instale Chromium o indique uno en "
        "AMEDIDA_CHROMIUM. !!!",
        "stop.python": "Amedida necesita Python 3.11, 3.12 o 3.13, y este es Python {found}. "
        "Instale uno de ellos y abra launch.py con él, por ejemplo: python3.12 launch.py",
        "stop.port": "El puerto {port} está ocupado, quizá por un estudio que ya está abierto o instalándose; "
        "use ese, o abra este con --port {free}.",
        "stop.host": "Este equipo no tiene la dirección {host}. Quite --host o indique una dirección suya.",
        "stop.folder": "Amedida no puede escribir en {folder} ({why}). "
        "Muévala a una carpeta suya o pida permiso para escribir ahí.",
        "stop.disk": "El disco de {folder} tiene {free} libres y Amedida necesita {needed}. "
        "Haga sitio y vuelva a empezar.",
        "stop.lock": "El archivo {file} falta o está dañado. "
        "Descargue Amedida de nuevo; sus proyectos se quedan donde están.",
        "stop.venv": "Python no pudo crear su carpeta {folder}: {why}. "
        "En Debian y Ubuntu: sudo apt-get install python3-venv, y vuelva a empezar.",
        "stop.network": "El índice de paquetes no responde. Revise la conexión (y el proxy) y vuelva a empezar: "
        "lo que ya está aquí se conserva.",
        "stop.package": "El índice de paquetes no tiene {name} para este equipo ({machine}, Python {python}). "
        "Amedida funciona en Linux y Windows de 64 bits y en Apple silicon; pruebe otro Python de 3.11 a 3.13.",
        "stop.install": "La instalación se detuvo: {why}. "
        "Todo lo ocurrido está en {log}. Vuelva a empezar para seguir desde ahí.",
        "stop.part": "La pieza {name} no se carga: {why}. Borre la carpeta {folder} y vuelva a empezar.",
        "stop.interrupted": "Interrumpido. Vuelva a empezar para seguir desde aquí.",
        "stop.browser": "CI necesita un Chromium para las pruebas en el navegador y no hay ninguno. "
        "Instale uno o indíquelo en AMEDIDA_CHROMIUM.",
    },
}


class Stop(Exception):
    """Why Amedida cannot start: a code of WORDS and what the sentence names."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


def language(arguments: "list[str]", environment: "Mapping[str, str]") -> str:
    """`es` or `en`: what --lang says, else the first of the usual variables that says anything."""
    given = re.search(r"--lang[ =](\w+)", " ".join(arguments))
    said = [given.group(1)] if given else []
    said += [environment.get(name, "") for name in ("AMEDIDA_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")]
    return "es" if next(filter(None, said), "en").lower().startswith("es") else "en"


def words(code: str, **facts: object) -> str:
    return WORDS[language(sys.argv[1:], os.environ)][code].format(**facts)


def say(code: str, **facts: object) -> None:
    print(words(code, **facts), flush=True)


def check_python(version: "tuple[int, ...]" = sys.version_info[:3]) -> None:
    if tuple(version[:2]) not in PYTHONS:
        raise Stop("stop.python", found=".".join(str(part) for part in version))


if __name__ == "__main__":  # before the annotations below, which an old Python cannot read
    try:
        check_python()
    except Stop as stop:
        sys.exit(words(stop.code, **stop.facts))


# --- the verbs -------------------------------------------------------------------------------------------------------


def main(arguments: list[str]) -> int:
    try:
        check_python()
        options, rest = read(arguments)
        return test(options, rest) if options.verb == "test" else start(options)
    except Stop as stop:
        print(words(stop.code, **stop.facts), file=sys.stderr)
    except KeyboardInterrupt:
        print("\n" + words("stop.interrupted"), file=sys.stderr)
    return 1


def start(options: argparse.Namespace) -> int:
    """Install what is missing, then become the studio. The port is held meanwhile: no second start gets in between."""
    with held_port(options.host, options.port):
        install((*COMMON, *hardware()), options.torch_index)
    command = [str(python()), "-m", "studio", "serve", "--host", options.host, "--port", str(options.port)]
    command += ["--projects", str(options.projects.resolve()), "--lang", language(sys.argv[1:], os.environ)]
    command += ["--no-browser"] if options.no_browser else []
    # On Windows exec returns to the prompt while the studio runs on.
    return subprocess.call(command) if os.name == "nt" else os.execv(command[0], command)


def test(options: argparse.Namespace, rest: list[str]) -> int:
    """Everything CI runs, in one pytest, whose closing line comes last."""
    install((*COMMON, *hardware(), "test"), options.torch_index)
    browser = chromium() or fetch_chromium()
    environment = dict(os.environ)
    # hundreds of processes run the same files: compiled once is enough
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if browser:
        environment["AMEDIDA_CHROMIUM"] = browser
    elif os.environ.get("CI") == "true":
        raise Stop("stop.browser")
    else:
        say("browser.none")
    left_out = [mark for mark, absent in (("gpu", "nvidia" not in hardware()), ("browser", not browser)) if absent]
    marks = " and ".join("not " + mark for mark in left_out)
    beside = side_by_side(rest)
    if beside:  # threads that wait for a core which the other worker has cost more than they bring
        environment.setdefault("OMP_NUM_THREADS", str(max(cores() // WORKERS, 1)))
    return subprocess.call([str(python()), "-m", "pytest", "-m", marks, *beside, *rest], cwd=HOME, env=environment)


def side_by_side(rest: list[str]) -> list[str]:
    """One pytest worker a core for the whole set, each file whole in one of them, in the order of tests/conftest.py; whoever
    names a test, or how to run it, gets one process to look at."""
    named = any(not each.startswith("--") or each in ("--pdb", "--trace") for each in rest)
    side_by_side = ["-n", str(min(cores(), WORKERS)), "--dist", "loadfile", "--no-loadscope-reorder"]
    return [] if named or cores() < 2 else side_by_side


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    said = os.environ
    parser = argparse.ArgumentParser(
        prog="launch.py", description=words("help"), epilog=words("help.pytest"), allow_abbrev=False
    )
    parser.add_argument("verb", nargs="?", choices=("start", "test"), default="start", help=words("help.verb"))
    parser.add_argument("--port", type=int, default=said.get("AMEDIDA_PORT", PORT), help=words("help.port", port=PORT))
    parser.add_argument("--host", default=said.get("AMEDIDA_HOST", "127.0.0.1"), help=words("help.host"))
    parser.add_argument(
        "--projects", type=Path, default=said.get("AMEDIDA_PROJECTS", HOME / "projects"), help=words("help.projects")
    )
    parser.add_argument("--lang", choices=("en", "es"), help=words("help.lang"))
    parser.add_argument("--no-browser", action="store_true", help=words("help.no_browser"))
    parser.add_argument(
        "--torch-index", metavar="URL", default=said.get("AMEDIDA_TORCH_INDEX", ""), help=words("help.torch_index")
    )
    if arguments[:1] == ["test"]:
        return parser.parse_known_args(arguments)
    return parser.parse_args(arguments), []


# --- the lock --------------------------------------------------------------------------------------------------------

COMMON = ("all",)
HEADER = re.compile(r"# \[(\w+)\] fetches (\d+) MB, takes (\d+) MB")
REQUIREMENT = re.compile(r"([\w.-]+==[\w.+!-]+)(?: ; (.+))?")


class PackageSet(NamedTuple):
    """One set of the lock, as far as it concerns this machine: its megabytes and its requirements."""

    fetches: int
    takes: int
    requirements: list[str]

    def digest(self) -> str:
        """Changes with what is installed, the Python it is installed for and the folder it is installed in."""
        said = "\n".join([sys.version, str(HOME), *self.requirements])
        return hashlib.sha256(said.encode()).hexdigest()


def read_lock(text: str, machine: dict[str, str]) -> dict[str, PackageSet]:
    """Every set of the lock, without the lines whose marker says that they are for another machine."""
    sets: dict[str, PackageSet] = {}
    for line in text.splitlines():
        header, requirement = HEADER.fullmatch(line), REQUIREMENT.fullmatch(line)
        if header:
            name, fetches, takes = header.groups()
            current = sets[name] = PackageSet(int(fetches), int(takes), [])
        elif requirement and sets:
            pinned, marker = requirement.groups()
            if not marker or eval(
                marker, {"__builtins__": {}}, machine
            ):  # our own file: markers are Python expressions
                current.requirements.append(pinned)
        elif line and not line.startswith("#"):
            raise Stop("stop.lock", file=f"requirements.lock ({line})")
    if not sets:
        raise Stop("stop.lock", file="requirements.lock")
    return sets


def this_machine() -> dict[str, str]:
    return {
        "sys_platform": sys.platform,
        "platform_machine": platform.machine(),
        "python_version": "{}.{}".format(*sys.version_info),
    }


def hardware() -> tuple[str, ...]:
    """The sets for what this machine computes with. AMEDIDA_HARDWARE=cpu|nvidia overrules the look."""
    said = os.environ.get("AMEDIDA_HARDWARE")
    if not said and shutil.which("nvidia-smi"):
        query = ["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader"]
        told = subprocess.run(query, capture_output=True, text=True, check=False).stdout.split()
        able = [float(card) for card in told if card.replace(".", "", 1).isdigit()]  # none of a driver that is too old
        said = "nvidia" if max(able, default=0) >= OLDEST_CARD else "cpu"
    return ("cuda", "nvidia") if said == "nvidia" else ()


# --- the installation ------------------------------------------------------------------------------------------------


def venv() -> Path:
    return HOME / ".venv"


def python() -> Path:
    return venv() / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def stamp() -> Path:
    return venv() / "amedida.json"


def install(names: tuple[str, ...], torch_index: str = "") -> None:
    """Steps 2 to 4 for the sets called `names`; nothing at all when the stamp says they are done."""
    try:
        sets = read_lock((HOME / "requirements.lock").read_text(encoding="utf-8"), this_machine())
    except OSError as error:
        raise Stop("stop.lock", file="requirements.lock") from error
    done = stamped() if answers(python()) else {}
    if "cuda" in done:  # fetched for a PyTorch that needs it: stays with it
        names = (*names, "cuda")
    wanted = {name: sets[name] for name in sets if name in names}
    missing = {name: each for name, each in wanted.items() if done.get(name) != each.digest()}
    if not missing:
        return
    began = time.monotonic()
    check_room(missing)
    make_venv()
    mend()
    stamp().unlink(missing_ok=True)
    pip_install(missing, torch_index)
    if "cuda" not in wanted and torch_asks_for_cuda():
        missing["cuda"] = sets["cuda"]
        check_room({"cuda": sets["cuda"]})
        pip_install({"cuda": sets["cuda"]}, torch_index, "cuda")
    if "all" in missing:
        make_studio_importable()
        try_parts()
    written = {**done, **{name: each.digest() for name, each in missing.items()}}
    stamp().write_text(json.dumps(written, indent=1), encoding="utf-8")
    say("ready", size=megabytes(size(venv())), seconds=round(time.monotonic() - began))


def stamped() -> dict[str, str]:
    """Which sets are installed, by their digests. Unreadable is the same as not installed."""
    try:
        return dict(json.loads(stamp().read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def check_room(missing: dict[str, PackageSet]) -> None:
    """Refuse before the first byte is fetched. pip unpacks beside what it fetched, so both must fit."""
    try:
        venv().mkdir(exist_ok=True)
        (venv() / ".written").write_text("", encoding="utf-8")
    except OSError as error:
        raise Stop("stop.folder", folder=HOME, why=error.strerror) from error
    needed = sum(each.fetches + each.takes for each in missing.values()) - size(venv())
    free = shutil.disk_usage(venv()).free // 10**6
    if free < needed:
        raise Stop("stop.disk", folder=HOME, free=megabytes(free), needed=megabytes(needed))


def make_venv() -> None:
    if answers(python()):
        if not stamp().exists():
            say("mending")
        return
    if (venv() / "pyvenv.cfg").exists():
        say("rebuilding", folder=venv())
    else:
        say("venv", folder=venv())
    try:
        shutil.rmtree(venv())
    except OSError as error:
        raise Stop("stop.folder", folder=venv(), why=error.strerror) from error
    made = run([sys.executable, "-m", "venv", str(venv())])
    if made.returncode or not answers(python()):
        raise Stop("stop.venv", folder=venv(), why=last_line(made.stdout))


def answers(interpreter: Path) -> bool:
    """Whether the Python of .venv is the one that made it and still has its pip."""
    code = "import pip, sys; print(sys.version)"
    try:
        said = run([str(interpreter), "-c", code])
    except OSError:
        return False
    return said.returncode == 0 and said.stdout.strip() == sys.version.strip()


def mend() -> None:
    """Forget every package that an interrupted pip left half unpacked, so that pip unpacks it again."""
    run([str(python()), "-c", MEND])


MEND = """
import importlib.metadata, pathlib, shutil
for each in list(importlib.metadata.distributions()):
    info = pathlib.Path(each._path)
    files = each.files if (info / "RECORD").exists() else None
    whole = files and all(f.locate().exists() for f in files if f.parts[0] != "studio" and f.suffix != ".pyc")
    if not whole:
        shutil.rmtree(info, ignore_errors=True)
"""


def pip_install(sets: dict[str, PackageSet], torch_index: str, said: str = "fetching") -> None:
    """One pip for all sets, told as a counting line; its own words go to a log that outlives a failure."""
    requirements = [line for each in sets.values() for line in each.requirements]
    fetch, takes = sum(each.fetches for each in sets.values()), sum(each.takes for each in sets.values())
    say(said, count=len(requirements), fetch=megabytes(fetch), takes=megabytes(takes))
    listed, log, temporary = venv() / "wanted.txt", venv() / "install.log", venv() / "tmp"
    listed.write_text("\n".join(requirements), encoding="utf-8")
    temporary.mkdir(exist_ok=True)
    command = [str(python()), "-m", "pip", "install", "--no-deps", "--only-binary", ":all:", "-r", str(listed)]
    command += ["--no-input", "--progress-bar", "off", "--retries", "2"]
    command += ["--extra-index-url", torch_index] if torch_index else []
    here = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))  # /tmp is often too small for PyTorch
    story = follow(command, {**os.environ, **here}, len(requirements))
    with log.open("a", encoding="utf-8") as file:
        file.write("\n".join(story) + "\n")
    shutil.rmtree(temporary, ignore_errors=True)
    if story[-1] != "0":
        raise why_pip_stopped("\n".join(story[:-1]), log, fetch + takes)


def follow(command: list[str], environment: dict[str, str], count: int) -> list[str]:
    """Run pip, count its packages on one line, and return every line it wrote; the exit status comes last."""
    story, done = [], 0
    live = sys.stdout.isatty()
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as pip:
        for line in pip.stdout or ():
            story.append(line.rstrip())
            if line.startswith(("Collecting ", "Requirement already satisfied: ")):
                done += 1
                name = re.split(r"[ =]", line.split(": ")[-1].replace("Collecting ", ""))[0]
                told = words("fetched", done=done, count=count, name=name)
                if live:
                    print(f"\r{told:<60}", end="", flush=True)
                elif done % 25 == 0:
                    print(told, flush=True)
            elif line.startswith("Installing collected packages"):
                print(("\r" if live else "") + f"{words('unpacking'):<60}", flush=True)
    return [*story, str(pip.returncode)]


def why_pip_stopped(story: str, log: Path, needed: int = 0) -> Stop:
    """One sentence for what pip needs thirty lines for."""
    nothing = re.search(r"No matching distribution found for ([\w.-]+)", story)
    if re.search(r"No space left on device|Disk quota exceeded|Errno 28", story):
        free = shutil.disk_usage(HOME).free // 10**6
        return Stop("stop.disk", folder=HOME, free=megabytes(free), needed=megabytes(needed))
    if re.search(
        r"(Connection|Timeout|Proxy|SSL|Protocol|Resolution)Error|Max retries|timed out|name resolution", story
    ):
        return Stop("stop.network")
    if nothing:
        machine = platform.platform(terse=True)
        return Stop("stop.package", name=nothing.group(1), machine=machine, python=platform.python_version())
    if re.search(r"Permission denied|Read-only file system", story):
        return Stop("stop.folder", folder=venv(), why=last_line(story))
    return Stop("stop.install", why=last_line(story), log=log)


def torch_asks_for_cuda() -> bool:
    """Whether the PyTorch that the index had is the one that loads NVIDIA's libraries, card or no card."""
    code = "import importlib.metadata as m; print('nvidia' in ' '.join(m.requires('torch') or []))"
    return sys.platform == "linux" and run([str(python()), "-c", code]).stdout.strip() == "True"


def make_studio_importable() -> None:
    """Put this folder's `studio` on the path of .venv, and the `amedida` command beside its Python.

    Unsloth's wheel brings a web application as a package of the same name (119 MB), which Unsloth itself never imports;
    it goes, or `python -m studio` outside this folder would start that one.
    """
    site = run([str(python()), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).stdout.strip()
    shutil.rmtree(Path(site) / "studio", ignore_errors=True)
    if not (HOME / "pyproject.toml").exists():
        return
    command = [
        str(python()),
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-e",
        str(HOME),
    ]
    made = run(command)
    if made.returncode:
        raise why_pip_stopped(made.stdout, venv() / "install.log")


def try_parts() -> None:
    say("trying", names=", ".join(TRIED))
    silent = {"UNSLOTH_AUTO_INSTALL": "0", "UNSLOTH_DISABLE_STATISTICS": "1", "HF_HUB_OFFLINE": "1"}
    for name in TRIED:
        tried = run([str(python()), "-c", f"import {name}"], **silent)
        if tried.returncode:
            raise Stop("stop.part", name=name, why=last_line(tried.stdout), folder=venv())


# --- the browser of the tests ----------------------------------------------------------------------------------------


def chromium() -> str:
    """A Chromium that is here: the one named by AMEDIDA_CHROMIUM, the system's, or Playwright's own; else ''."""
    named = os.environ.get("AMEDIDA_CHROMIUM", "")
    if named and Path(named).exists():
        return named
    return next(filter(None, map(shutil.which, BROWSERS)), "") or playwright_chromium()


def playwright_chromium() -> str:
    code = "from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.chromium.executable_path)"
    path = last_line(run([str(python()), "-c", code]).stdout)
    return path if Path(path).is_file() else ""


def fetch_chromium() -> str:
    """Debian's where we may install packages, else Playwright's; '' when neither can be had."""
    say("browser.install")
    if shutil.which("apt-get") and os.geteuid() == 0:
        for step in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
            run(["apt-get", *step], DEBIAN_FRONTEND="noninteractive")
        if chromium():
            return chromium()
    run([str(python()), "-m", "playwright", "install", "chromium"])
    return chromium()


# --- small things ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def held_port(host: str, port: int) -> Iterator[None]:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as held:
        if os.name != "nt":  # as the server will: a port just left is free
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind((host, port))
            held.listen()
        except OSError as error:
            free = next((each for each in range(port + 1, port + 100) if port_is_free(host, each)), 0)
            raise (Stop("stop.port", port=port, free=free) if free else Stop("stop.host", host=host)) from error
        yield


def port_is_free(host: str, port: int) -> bool:
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return True
    except (OSError, OverflowError):
        return False


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run to the end and keep what it said, both streams in one."""
    return subprocess.run(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def size(folder: Path) -> int:
    """Megabytes below a folder."""
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file() and not each.is_symlink()) // 10**6


def megabytes(count: int) -> str:
    return f"{count / 1000:.1f} GB" if count >= 1000 else f"{count} MB"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
