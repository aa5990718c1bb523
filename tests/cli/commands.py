"""Commands as they are typed: what they print, as JSON or in words."""

import json
from typing import Any

import pytest

from studio import cli


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """What a command prints as JSON, and its status when that is not 0."""
    capsys.readouterr()
    try:
        cli.main([*arguments, "--json"])
    except SystemExit as ended:
        return json.loads(capsys.readouterr().out), ended.code
    return json.loads(capsys.readouterr().out)


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What it tells a person."""
    capsys.readouterr()
    cli.main(list(arguments))
    return capsys.readouterr().out.strip()
