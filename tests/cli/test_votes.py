"""Blind votes from the command line: begun, voted on, invited to, ended, recorded."""

import io
from pathlib import Path

import pytest

from studio import answering, comparison
from studio.base.project import Project
from studio.base.records import Answer, Graded, Scorecard, VariantScores
from tests.cli.commands import run, told
from tests.web import stories


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose assistants were tested on both of its questions."""
    made = stories.project(tmp_path, "Shop")
    monkeypatch.setenv("AMEDIDA_PROJECTS", str(made.folder.parent))
    tested = [
        VariantScores(
            variant=variant.id,
            scores=(),
            graded=tuple(
                Graded(
                    question_id=q.id, answer=Answer(variant=variant.id, question=q.question, text="Yes."), right=True
                )
                for q in made.store.questions()
            ),
        )
        for variant in answering.variants(made)
    ]
    made.store.put(Scorecard(variants=tuple(tested)))
    return made


def test_a_vote_goes_its_way_from_the_command_line(
    shop: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    two = ("--approach", "instructions", "--approach", "documents")
    assert "Nobody has voted yet" in told(capsys, "votes", shop.id, "--begin", *two, "--planned", "15")
    monkeypatch.setattr("sys.stdin", io.StringIO("b\n=\n"))
    assert told(capsys, "vote", shop.id) == "2 votes kept."
    round = comparison.current(shop)
    assert round is not None
    assert [vote.equal for vote in comparison.votes_of(shop, round)] == [False, True]
    link = told(capsys, "votes", shop.id, "--invite", "Marta")
    assert link.startswith(f"http://127.0.0.1:7860/vote/{shop.id}/")
    found = run(capsys, "votes", shop.id)
    assert (found["evidence"]["code"], found["evidence"]["votes"]) == ("waiting", 2)
    assert not {"leader", "places", "seed"} & (found["evidence"].keys() | found["round"].keys())
    assert "of 1 prefer" in told(capsys, "votes", shop.id, "--end")
    record = tmp_path / "record.html"
    assert str(record) in told(capsys, "votes", shop.id, "--record", str(record))
    assert "Acceptance record" in record.read_text("utf-8")


def test_what_cannot_be_done_is_said(shop: Project, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, sentence in (
        (("vote", shop.id), "There is no blind vote"),
        (("votes", shop.id, "--begin", "--approach", "documents"), "needs two to four"),
        (("votes", shop.id, "--begin", "--approach", "whole"), "not been built"),
    ):
        with pytest.raises(SystemExit):
            told(capsys, *arguments)
        assert sentence in capsys.readouterr().err
