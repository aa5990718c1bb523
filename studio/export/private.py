"""What must not leave the machine in an export, as patterns: looked for in every text we write, before it is handed over."""

import re
from collections.abc import Iterator
from pathlib import Path

from studio.base.errors import Refused

TOKEN = re.compile(r"\b(?:hf_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9_-]{20,}|ghp_[A-Za-z0-9]{30,}|AKIA[A-Z0-9]{16})\b")
EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]*\w")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
PHONE = re.compile(r"(?<![\w.])\+?\d[\d ()-]{7,}\d(?![\w.])")

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
    """Free text without tokens, e-mail addresses, account and telephone numbers."""
    for pattern in (TOKEN, EMAIL, IBAN, PHONE):
        text = pattern.sub("(…)", text)
    return text


def personal(text: str) -> bool:
    """Whether the text holds a way to reach or charge somebody."""
    return any(pattern.search(text) for pattern in (EMAIL, IBAN, PHONE))


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
