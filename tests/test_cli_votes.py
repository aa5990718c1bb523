"""Blind votes from the command line: begun, voted on, invited to, ended, recorded."""

import io
import json
from pathlib import Path

import pytest

from studio import answering, cli, comparison
from studio.base.project import Project
from studio.base.records import Answer, Graded, Scorecard, VariantScores
from tests.web import stories


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """A project whose assistants were tested on both of its questions."""
    made = stories.project(tmp_path, "Shop")
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


def run(shop: Project, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    cli.main([*arguments, "--projects", str(shop.folder.parent), "--lang", "en"])
    return capsys.readouterr().out.strip()


def test_a_vote_goes_its_way_from_the_command_line(
    shop: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    two = ("--approach", "instructions", "--approach", "documents")
    assert "Nobody has voted yet" in run(shop, capsys, "votes", shop.id, "--begin", *two, "--planned", "15")
    monkeypatch.setattr("sys.stdin", io.StringIO("b\n=\n"))
    assert run(shop, capsys, "vote", shop.id) == "2 votes kept."
    round = comparison.current(shop)
    assert round is not None
    assert [vote.equal for vote in comparison.votes_of(shop, round)] == [False, True]
    link = run(shop, capsys, "votes", shop.id, "--invite", "Marta")
    assert link.startswith(f"http://127.0.0.1:7860/vote/{shop.id}/")
    told = json.loads(run(shop, capsys, "votes", shop.id, "--json"))
    assert (told["evidence"]["code"], told["evidence"]["votes"]) == ("waiting", 2)
    assert not {"leader", "places", "seed"} & (told["evidence"].keys() | told["round"].keys())
    assert "of 1 prefer" in run(shop, capsys, "votes", shop.id, "--end")
    record = tmp_path / "record.html"
    assert str(record) in run(shop, capsys, "votes", shop.id, "--record", str(record))
    assert "Acceptance record" in record.read_text("utf-8")


def test_what_cannot_be_done_is_said(shop: Project, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, sentence in (
        (("vote", shop.id), "There is no blind vote"),
        (("votes", shop.id, "--begin", "--approach", "documents"), "needs two to four"),
        (("votes", shop.id, "--begin", "--approach", "whole"), "not been built"),
    ):
        with pytest.raises(SystemExit):
            run(shop, capsys, *arguments)
        assert sentence in capsys.readouterr().err
