"""The training as it is planned on the command line, its recipe in and out, and what a build run hands to it."""

from pathlib import Path

import pytest

from studio import cli
from studio.answering import untrained
from studio.base import events, settings, words
from studio.base import project as projects
from studio.base.project import Project
from studio.base.recipes import TrainingRecipe
from studio.base.records import Example, Message, Sought, Trial
from studio.cli import learning as cli_learning
from studio.cli.session import Session
from studio.work import Work, learning
from tests.answering.fakes import Parrot
from tests.cli.commands import run


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("AMEDIDA_PROJECTS", str(tmp_path / "projects"))
    project = projects.create(tmp_path / "projects", "Shop")
    project.change(model="smollm2-135m-instruct")
    project.store.put_examples([example(f"How long is case {n}?", f"It takes {n % 9} days.") for n in range(45)])
    return project


def example(question: str, answer: str) -> Example:
    return Example(
        id=question, messages=(Message(role="user", content=question), Message(role="assistant", content=answer))
    )


def test_a_recipe_goes_out_as_a_file_and_comes_in_again(
    made: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "recipe.json"
    said = run(capsys, "plan", "shop", "--epochs", "3", "--no-pilot", "--save", str(file))
    assert (said["plan"]["recipe"]["epochs"], said["plan"]["recipe"]["pilot"]) == (3, False)
    assert TrainingRecipe.model_validate_json(file.read_text()).model_dump() == said["plan"]["recipe"]
    again = run(capsys, "plan", "shop", "--chosen", "--recipe", str(file), "--batch", "4")
    assert again["plan"]["recipe"] == said["plan"]["recipe"] | {"batch": 4}
    assert run(capsys, "plan", "shop", "--chosen")["plan"]["recipe"]["epochs"] > 3


def test_a_plan_tells_its_cost_and_its_reasons_in_words(made: Project, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["plan", "shop", "--price", "2", "--lang", "es"])
    said = capsys.readouterr().out
    for part in ("Tasa de aprendizaje", "kWh", "estimados", "regla aproximada", "precio que ha indicado"):
        assert part in said


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--learning-rate", "nan"), "dial_wrong"),
        (("--epochs", "0"), "dial_wrong"),
        (("--price", "-1"), "dial_wrong"),
        (("--recipe", "nowhere.json"), "recipe_unreadable"),
    ],
)
def test_what_cannot_stand_there_is_said_in_one_sentence(
    arguments: tuple[str, ...], code: str, made: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    said, status = run(capsys, "plan", "shop", *arguments)
    assert (said["error"], status) == (code, 1)
    assert made.card.dials == {}


def test_a_file_that_is_no_recipe_is_refused(made: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.json").write_text("[1]")
    assert run(capsys, "plan", "shop", "--recipe", str(tmp_path / "r.json"))[0]["error"] == "recipe_unreadable"
    (tmp_path / "r.json").write_text('{"speed": 9}')
    assert run(capsys, "plan", "shop", "--recipe", str(tmp_path / "r.json"))[0]["error"] == "dial_unknown"


def test_after_memory_ran_out_less_goes_through_at_once_and_the_recipe_stays(made: Project, tmp_path: Path) -> None:
    """Cause: a smaller batch is another recipe, and a training of another recipe begins from nothing."""
    heard: list[events.Event] = []
    given = settings.Settings(projects=tmp_path / "projects")
    first, again = (
        learning.given(Work(made, tmp_path, given, heard.append, lambda: False, after), Parrot())  # type: ignore[arg-type]
        for after in (None, "memory")
    )
    assert (first.smaller, again.smaller) == (1, learning.SMALLER)
    assert [event.code for event in heard if isinstance(event, events.Note)] == ["smaller_portions"]
    assert not again.enough()
    (tmp_path / "enough").touch()
    assert again.enough()


def test_untrained_approaches_are_asked_for_the_same_answers_and_never_shown_them(made: Project) -> None:
    made.change(chosen=("examples", "trained"))
    kept = made.store.examples()[:3]
    asked = untrained.asked(made, kept, Parrot(), 3)  # type: ignore[arg-type]
    assert len(asked) == 2  # instructions, and examples; there are no documents
    for rows in asked:
        assert [row.answer for row in rows] == [example.answer for example in kept]
        for row, example in zip(rows, kept, strict=True):
            told = " ".join(message.content for message in row.messages[:-1])
            assert told.count(example.question) == 1
    assert len(asked[1][0].messages) > len(asked[0][0].messages)


def test_a_search_for_settings_is_refused_before_it_begins_and_told_after(
    made: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    said, status = run(capsys, "seek", "shop", "--minutes", "0.01")
    assert (said["error"], status) == ("seek_too_short", 1)
    assert "{" not in said["message"]
    trials = (
        Trial(number=0, learning_rate=0.002, epochs=6, loss=1.25, seconds=8),
        Trial(number=1, learning_rate=0.016, epochs=4, state="diverged"),
    )
    told = [
        "\n".join(cli_learning._sought(Session(settings.Settings(), words.translator(language), False), found))
        for language in ("en", "es")
        for found in [Sought(id="s", reason="as_good", trials=trials)]
    ]
    assert ["went astray" in told[0], "se desvió" in told[1], "0,002" in told[1]] == [True, True, True]
