"""The report is made once for each state of the material, whoever asks."""

import threading
from pathlib import Path
from typing import Any

import pytest

from studio import health
from studio.base import project as projects
from studio.base.project import Project
from studio.base.records import Finding, Goal
from studio.health import checking, reporting
from tests.health.makers import document, example


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = projects.create(tmp_path, "Shop")
    made.store.put_source("sources/guide.txt", "0" * 64, [document("We open at nine and close at six.")], [], [])
    return made


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often everything was looked over."""
    counted: list[int] = []

    def check(*given: Any, **more: Any) -> list[Finding]:
        counted.append(1)
        return checking.check(*given, **more)

    monkeypatch.setattr(reporting, "check", check)
    return counted


def test_nothing_is_looked_over_twice(project: Project, looks: list[int]) -> None:
    first = health.report(project)
    assert health.report(project) == first
    assert health.report(Project(project.folder)) == first
    assert len(looks) == 1
    store = project.store
    assert first == health.check(store.documents(), store.examples(), store.questions(), project.card.goal, "en")


def test_new_material_another_goal_and_another_list_are_looked_over_anew(project: Project, looks: list[int]) -> None:
    codes = {finding.code for finding in health.report(project)}
    assert "examples_none" in codes
    project.store.put_examples([example("Open on Sunday?", "No, never.")])
    assert "examples_few" in {finding.code for finding in health.report(project)}
    project.change(goal=Goal(facts_or_style="both"))
    assert "wordings_few" in {finding.code for finding in health.report(project)}
    (project.folder / "groups.json").write_text("nonsense", encoding="utf-8")
    found = {finding.code: finding for finding in health.report(project)}
    assert found["groups_not_understood"] == Finding(
        code="groups_not_understood", level="warn", names=("groups.json",), parameters={"name": "groups.json"}
    )
    assert len(looks) == 4


def test_what_another_version_kept_is_made_anew(project: Project, looks: list[int]) -> None:
    expected = health.report(project)
    for kept in ("", "{", '{"state": 1}', "[]", '{"state": "x", "findings": 3}'):
        project.store.put_fact(reporting.FACT, kept)
        assert health.report(project) == expected
    assert len(looks) == 6


def test_a_rule_that_changes_within_a_version_is_heeded(
    project: Project, looks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    health.report(project)
    monkeypatch.setattr(reporting, "_rules", lambda: "other rules")
    health.report(project)
    assert len(looks) == 2


def test_of_many_who_ask_at_once_one_looks(project: Project, looks: list[int]) -> None:
    told: list[list[Finding]] = []
    start = threading.Barrier(6)

    def ask() -> None:
        start.wait()
        told.append(health.report(project))

    askers = [threading.Thread(target=ask) for _ in range(6)]
    for each in askers:
        each.start()
    for each in askers:
        each.join()
    assert len(looks) == 1
    assert len(told) == 6
    assert all(each == told[0] for each in told)
