"""What the whole way is walked with: a template by its path or its name, or a project."""

from pathlib import Path

import pytest

from studio.base.errors import Stopped
from studio.base.project import Project
from studio.cli import projects
from studio.cli.session import Session
from tests.cli.commands import run


def test_a_template_may_be_meant_by_its_name_and_a_project_called_so_goes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AMEDIDA_PROJECTS", str(tmp_path))
    walked: list[Project] = []

    def bring(session: Session, project: Project) -> None:
        walked.append(project)
        raise Stopped

    monkeypatch.setattr(projects, "bring", bring)
    run(capsys, "run", "templates/insurance-claims")
    run(capsys, "run", "insurance-claims", "--name", "insurance-claims")
    run(capsys, "run", "insurance-claims")
    assert [project.card.template for project in walked] == ["insurance-claims"] * 3
    assert walked[0].id != walked[1].id == walked[2].id
    assert run(capsys, "run", "nothing")[0]["error"] == "project_missing"
