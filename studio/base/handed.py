"""A secret that was typed for one run: kept where only we and the run can read it, read once, never stored with the run."""

import os
from pathlib import Path


def keep(private: Path, run: str, secret: str) -> None:
    folder = private / "secrets"
    folder.mkdir(exist_ok=True, mode=0o700)
    handle = os.open(folder / run, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(secret)


def take(private: Path, run: str) -> str:
    """The secret handed to this run, removed as it is read; empty when there is none (any more)."""
    try:
        secret = (private / "secrets" / run).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    drop(private, run)
    return secret


def drop(private: Path, run: str) -> None:
    (private / "secrets" / run).unlink(missing_ok=True)
