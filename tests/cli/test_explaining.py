"""Why an answer, from the command line: what a finished explanation says there. No model is asked."""

from pathlib import Path

import pytest

from studio.cli import explaining
from tests.cli.commands import told
from tests.web import stories


def test_an_explanation_says_what_would_be_lost_whether_it_adds_up_and_what_training_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer, _ = stories.closely_explained(tmp_path)
    monkeypatch.setenv("AMEDIDA_PROJECTS", str(tmp_path))
    monkeypatch.setattr(explaining, "finish", lambda *_: None)  # it was explained before
    said = told(capsys, "explain", "claims-helpdesk", "--answer", answer.id)
    for sentence in (
        "Without it, each word of the answer would be",
        "Checked: the values of the parts add up to the whole",
        "A second method (LIME) agrees.",
        "With its training, each word of this answer is",
    ):
        assert sentence in said
