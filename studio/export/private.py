"""What must not leave the machine in an export, as patterns: looked for in every text we write, before it is handed over."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from studio.base.errors import Refused
from studio.health import personal as health
from studio.health.passwords import SECRET

TOKEN = SECRET
LONG_NUMBER = re.compile(r"(?<![\w.])\+?\d[\d ()-]{7,}\d(?![\w.])")
REACHES: frozenset[health.Kind] = frozenset(health.KINDS) - {"name"}  # what a company is called may be a name

SUFFIXES = frozenset({".json", ".md", ".txt", ".jinja", ".sha256"})
FORBIDDEN = frozenset(
    {
        *(".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".npy", ".py", ".pyc"),  # code, or may hold code
        *(".log", ".db", ".sqlite", ".jsonl", ".csv", ".env"),  # data
    }
)
FORBIDDEN_NAMES = frozenset({"trainer_state.json", ".env"})
_OF_THE_MODEL = frozenset({"tokenizer.json", "vocab.json", "added_tokens.json", "special_tokens_map.json"})


def redact(text: str) -> str:
    """Free text without secrets, addresses and numbers of people. What is published loses any long number: one too many
    is better than one too few.
    """
    found = [each for each in health.find(text) if each.kind in REACHES]
    kept = [text[a:b] for a, b in pairwise([0, *(at for each in found for at in (each.start, each.end)), len(text)])]
    return LONG_NUMBER.sub("(…)", "(…)".join(kept[::2]))


def personal(text: str) -> bool:
    """Whether the text holds a way to reach or charge somebody."""
    return any(each.kind in REACHES for each in health.find(text))


def check(folder: Path) -> None:
    """The last look before an export is handed over. Raises Refused("export_not_clean", file=, kind=).

    Documents are left alone: they are in there because the person asked for them.
    """
    for path in files_of(folder):
        relative = path.relative_to(folder)
        if relative.parts[0] == "documents":
            continue
        if path.suffix.lower() in FORBIDDEN or path.name in FORBIDDEN_NAMES:
            raise Refused("export_not_clean", file=str(relative), kind=path.suffix or path.name)
        if path.suffix in SUFFIXES and path.name not in _OF_THE_MODEL:
            text = path.read_text(encoding="utf-8")
            if TOKEN.search(text):
                raise Refused("export_holds_token", file=str(relative))
            if any(place in text for place in _places()):
                raise Refused("export_not_clean", file=str(relative), kind="path")


def files_of(folder: Path) -> Iterator[Path]:
    """Every file in the folder, in the order of their names. Links are not followed and not listed."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _places() -> tuple[str, ...]:
    """Absolute paths of this machine that have no business in an export."""
    home = str(Path.home())
    return tuple(place for place in (home, str(Path.cwd())) if len(place) > 4)
