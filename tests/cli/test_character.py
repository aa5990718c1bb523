"""The command that tests a character: what it prints of what was found."""

from pathlib import Path

import pytest

from studio import orders
from studio.base import project as projects
from studio.base.project import Project
from studio.evaluation import character
from tests.cli.commands import run, told
from tests.evaluation import characters


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("AMEDIDA_PROJECTS", str(tmp_path / "projects"))
    made = projects.create(tmp_path / "projects", "Shop")
    made.change(chosen=("instructions",), model="smollm2-135m-instruct", instructions="Be kind.")
    return made


def test_what_was_last_found_is_said_in_words_and_as_json(shop: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "character", "shop", "--last") == {"character": None}
    variant = next(each for each in orders.assistants(shop) if each.approach == "instructions")
    found = characters.found(7, characters.unequal(), variant=variant.id)
    shop.store.put_fact(f"{character.FACT}-{variant.id}", found)
    assert run(capsys, "character", "shop", "--last") == found.model_dump(mode="json")
    said = told(capsys, "character", "shop", "--last").splitlines()
    assert [line[0] for line in said] == ["!", "+", " ", "-", "-"]
    assert "Says a kind word: 8 of 8 with its tailoring, 0 without." in said[1]


def test_a_project_without_a_character_says_so(shop: Project, capsys: pytest.CaptureFixture[str]) -> None:
    shop.change(chosen=())
    said, status = run(capsys, "character", "shop")
    assert (said["error"], status) == ("character_none", 1)
