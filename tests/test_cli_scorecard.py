"""Measures and test questions from the command line. No model is asked: the project was tested before."""

import json
from pathlib import Path

import pytest

from studio import answering, cli
from studio.base import project as projects
from studio.base.project import Project
from tests.evaluation.cases import a_card, cases


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    made = projects.create(tmp_path, "Shop", "en")
    made.change(chosen=("instructions",))
    ids = [variant.id for variant in answering.variants(made)]
    made.store.put(*answering.variants(made), *{case.question.id: case.question for case in cases()}.values())
    card = a_card()
    named = [scores.model_copy(update={"variant": id}) for scores, id in zip(card.variants, ids, strict=True)]
    made.store.put(card.model_copy(update={"variants": tuple(named)}))
    return made


def run(shop: Project, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    cli.main([*arguments, "--projects", str(shop.folder.parent), "--lang", "en"])
    return capsys.readouterr().out.strip()


def test_every_measure_is_printed_with_its_interval_and_what_is_proved(
    shop: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table = tmp_path / "measures.csv"
    said = run(shop, capsys, "evaluate", "shop", "--csv", str(table))
    assert "24 questions" in said
    assert "100%  [86% - 100%]  n=24" in said
    assert "is better than" in said
    assert "Facts stated" in said
    assert table.read_text(encoding="utf-8-sig").startswith("by,segment,metric")
    assert "12 questions" in run(shop, capsys, "evaluate", "shop", "--of", "es")
    told = json.loads(run(shop, capsys, "evaluate", "shop", "--json"))
    assert {row["metric"] for row in told["table"]["rows"]} >= {"right", "facts", "language"}


def test_questions_are_written_listed_and_taken_out(shop: Project, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(
        shop,
        capsys,
        "question",
        "shop",
        "--ask",
        "Do you ship to Cuba?",
        "--answer",
        "For 12 euros.",
        "--must-not",
        "free",
    )
    id, _, asked = said.splitlines()[-1].partition("  ")
    assert asked == "Do you ship to Cuba?"
    assert shop.store.questions()[-1].must_not_contain == ("free",)
    assert "Cuba" not in run(shop, capsys, "question", "shop", "--remove", id)


def test_a_judge_nobody_was_compared_with_is_refused(shop: Project, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"):
        run(shop, capsys, "judge", "shop")
    assert "30 are needed" in capsys.readouterr().err
