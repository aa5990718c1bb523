"""Measures and test questions from the command line. No model is asked: the project was tested before."""

from pathlib import Path

import pytest

from studio import answering
from studio.base import project as projects
from studio.base.project import Project
from tests.cli.commands import run, told
from tests.evaluation.cases import a_card, cases


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("AMEDIDA_PROJECTS", str(tmp_path))
    made = projects.create(tmp_path, "Shop", "en")
    made.change(chosen=("instructions",))
    ids = [variant.id for variant in answering.variants(made)]
    made.store.put(*answering.variants(made), *{case.question.id: case.question for case in cases()}.values())
    card = a_card()
    named = [scores.model_copy(update={"variant": id}) for scores, id in zip(card.variants, ids, strict=True)]
    made.store.put(card.model_copy(update={"variants": tuple(named)}))
    return made


def test_every_measure_is_printed_with_its_interval_and_what_is_proved(
    shop: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table = tmp_path / "measures.csv"
    said = told(capsys, "evaluate", "shop", "--csv", str(table))
    assert "24 questions" in said
    assert "24 of 48 answers read well and are wrong" in said
    assert "100%  [86% - 100%]  n=24" in said
    assert "is better than" in said
    assert "p < 0.001" in said  # once "p 0.000"
    assert "Facts stated" in said
    assert table.read_text(encoding="utf-8-sig").startswith("by,segment,metric")
    assert "12 questions" in told(capsys, "evaluate", "shop", "--of", "es")
    measured = run(capsys, "evaluate", "shop")["table"]["rows"]
    assert {row["metric"] for row in measured} >= {"right", "facts", "language"}


def test_questions_are_written_listed_and_taken_out(shop: Project, capsys: pytest.CaptureFixture[str]) -> None:
    new = ("--ask", "Do you ship to Cuba?", "--answer", "For 12 euros.", "--must-not", "free")
    said = told(capsys, "question", "shop", *new)
    id, _, asked = said.splitlines()[-1].partition("  ")
    assert asked == "Do you ship to Cuba?"
    assert shop.store.questions()[-1].must_not_contain == ("free",)
    assert "Cuba" not in told(capsys, "question", "shop", "--remove", id)


def test_a_judge_nobody_was_compared_with_is_refused(shop: Project, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"):
        told(capsys, "judge", "shop")
    assert "30 are needed" in capsys.readouterr().err
