"""The commands for documents that answer: what they print, what they change, and how they refuse."""

import io
import shutil
from pathlib import Path
from typing import Any

import pytest

from studio import engines, intake, retrieval, watching
from studio.base import project as projects
from studio.base.project import Project
from studio.base.records import Answer, Calibration, Position, Support
from tests.answering.fakes import Parrot
from tests.cli.commands import run, told

pytestmark = pytest.mark.slow  # processes, sockets or many real tables

RETURNS = "Everything can be returned within thirty days of delivery, in its own box."
SHIPPING = "Parcels leave our warehouse in Lugo every weekday at five in the afternoon."


def engine() -> Parrot:
    return Parrot("Within thirty days.", "In Lugo.")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two documents, searchable."""
    folder = tmp_path_factory.mktemp("built")
    made = projects.create(folder, "Shop")
    made.change(chosen=("instructions", "documents"), model="smollm2-135m-instruct")
    for name, text in (("returns.md", RETURNS), ("shipping.md", SHIPPING)):
        (folder / name).write_text(text, encoding="utf-8")
        intake.add(made, folder / name)
    made.store.put_fact("indexed", retrieval.build(made, engine(), lambda event: None, lambda: False))
    return made.folder


@pytest.fixture
def shop(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The same, a copy for every test; whoever speaks says the same sentence."""
    monkeypatch.setenv("AMEDIDA_PROJECTS", str(tmp_path / "projects"))
    speaking = engine()
    monkeypatch.setattr(engines, "Engine", lambda settings: speaking)
    return Project(shutil.copytree(built, tmp_path / "projects" / "shop"))


def test_a_search_shows_passages_with_their_place_and_keeps_to_the_documents_named(
    shop: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("search", "shop", "parcels returned warehouse")
    found = run(capsys, *asked)
    assert {each["chunk"]["document"] for each in found["passages"]} == {"returns.md", "shipping.md"}
    found = run(capsys, *asked, "--document", "returns.md")
    assert {each["chunk"]["document"] for each in found["passages"]} == {"returns.md"}
    assert "1. returns.md" in told(capsys, *asked, "--document", "returns.md")


@pytest.mark.parametrize(
    ("more", "code"), [(("--document", "nowhere.pdf"), "file_missing"), (("--since", "tomorrow"), "day_wrong")]
)
def test_a_filter_that_cannot_be_kept_is_refused(
    shop: Project, capsys: pytest.CaptureFixture[str], more: tuple[str, str], code: str
) -> None:
    said, status = run(capsys, "search", "shop", "parcels", *more)
    assert (said["error"], status) == (code, 1)


def test_a_conversation_goes_on_until_an_empty_line(
    shop: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("How long do I have?\nAnd from where?\n\nnot asked\n"))
    said = run(capsys, "chat", "shop", "--approach", "instructions")
    assert [each["text"] for each in said["answers"]] == ["Within thirty days.", "In Lugo."]
    assert [message["role"] for message in said["answers"][1]["messages"]][-3:] == ["user", "assistant", "user"]
    assert [answer.text for answer in shop.store.all(Answer)] == ["Within thirty days.", "In Lugo."]


def test_the_dial_is_shown_in_words_and_moved(shop: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Not measured" in told(capsys, "caution", "shop")
    position = Position(
        caution=0.75, wrong=0.03, wrong_low=0.01, wrong_high=0.08, person=0.12, person_low=0.07, person_high=0.2
    )
    shop.store.put_fact(
        "calibration", Calibration(positions=(position,), answerable=9, unanswerable=9, own=0, left_open=0.2)
    )
    said = told(capsys, "caution", "shop", "--set", "0.75")
    assert "* 0.75 At this setting 3 of 100 answers are wrong. 12 of 100 questions go to a person." in said
    assert Project(shop.folder).card.caution == 0.75
    refused, status = run(capsys, "caution", "shop", "--set", "7")
    assert (refused["error"], status) == ("caution_wrong", 1)


def test_an_embedder_is_chosen_from_the_list_or_the_hub(shop: Project, capsys: pytest.CaptureFixture[str]) -> None:
    first = engines.embedders()[0].name
    assert run(capsys, "embedder", "shop")["embedder"] == first
    assert run(capsys, "embedder", "shop", "owner/model")["embedder"] == "owner/model"
    assert Project(shop.folder).card.embedder == "owner/model"
    refused, status = run(capsys, "embedder", "shop", "no such thing")
    assert (refused["error"], status) == ("embedder_unknown", 1)


def test_a_folder_is_watched_until_it_is_not(shop: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "inbox").mkdir()
    assert run(capsys, "watch", "shop", str(tmp_path / "inbox"))["folder"] == str((tmp_path / "inbox").resolve())
    assert watching.state(Project(shop.folder)).folder
    assert run(capsys, "watch", "shop", "--stop")["folder"] == ""


def test_an_answer_is_printed_with_what_stands_behind_each_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    from studio.base import words
    from studio.base.settings import Settings
    from studio.cli.asking import answer_lines
    from studio.cli.session import Session

    marks: list[dict[str, Any]] = [
        {"start": 0, "end": 4, "state": "supported"},
        {"start": 5, "end": 9, "state": "contradicting", "missing": ("€9",)},
    ]
    answer = Answer(
        variant="v",
        question="?",
        text="One. Two.",
        understood="What?",
        support=[Support.model_validate(m) for m in marks],
    )
    assert answer_lines(Session(Settings(), words.translator("en"), as_json=False), answer).split("\n") == [
        "Searched for: What?",
        "One. Two.",
        "  + One. (backed by a source)",
        "  ! Two. (differs from its source: €9)",
    ]


@pytest.mark.parametrize(("language", "reason"), [("en", "not close enough"), ("es", "no se acerca")])
def test_why_nothing_is_answered_is_printed(language: Any, reason: str) -> None:
    from studio.base import words
    from studio.base.settings import Settings
    from studio.cli.asking import answer_lines
    from studio.cli.session import Session

    session = Session(Settings(), words.translator(language), as_json=False)
    lines = answer_lines(session, Answer(variant="v", question="?", text="", refused=True, declined="unsure")).split(
        "\n"
    )
    assert len(lines) == 2
    assert reason in lines[1]
