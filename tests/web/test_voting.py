"""The voting page and its links, the blind cards on the Compare page, and the panel on the Improve page."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient

from studio import answering, comparison
from studio.base.errors import BadInput
from studio.base.project import Project
from studio.base.records import Answer, Filter, Round, Vote
from studio.base.settings import Settings
from studio.engines import Text, Usage
from studio.web import conversation, links, voting
from studio.web.parts import blindly
from studio.web.studio import Studio
from studio.web.views import ballot
from studio.web.voice import Voice
from tests.web import stories
from tests.web.conftest import HOME, Browser, text

EN, ES = Voice("en"), Voice("es")
NAMES = [EN.approach(approach) for approach in ("plain", "instructions", "documents", "both")]


class Engine:
    def speaks(self, *_: Any) -> bool:
        return True


ENGINE: Any = Engine()


def vote(root: Path, name: str, questions: int = 3, sides: int = 2) -> tuple[Project, Round]:
    """A project with a blind vote on questions of its own."""
    made = stories.project(root, name)
    variants = answering.variants(made)[-sides:]
    round = comparison.begin(made, variants, ENGINE, planned=15, own=True, seed=5)
    for n in range(questions):
        given = [Answer(variant=v.id, question=f"Is case {n} covered?", text=f"Reply {v.id} [1].") for v in variants]
        round = comparison.add(made, round, given[0].question, given, ENGINE)
        conversation.keep(made, [given])
    return made, round


def link(app: Any, made: Project, round: Round, name: str = "Marta") -> str:
    return links.link(app.state.studio.settings, made, comparison.invite(made, round, name))


def fields(html: str) -> dict[str, str]:
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', html))


def test_a_link_lets_a_colleague_vote_to_the_end_without_learning_a_name(app: Any, root: Path, stranger: Any) -> None:
    made, round = vote(root, "Invited")
    address = link(app, made, round)
    assert address.startswith(f"{HOME}/vote/{made.id}/")
    for at in range(3):
        seen = stranger.get(address)
        assert (seen.status_code, seen.headers["cache-control"]) == (200, "no-store")
        assert f"Question {at + 1} of 3" in text(seen.text)
        assert not [name for name in NAMES if name in seen.text]
        assert "[1]" not in seen.text
        sent = stranger.post(address, data={**fields(seen.text), "choice": "AB"[at % 2]})
        assert (sent.status_code, sent.headers["location"]) == (303, address.removeprefix(HOME))
    assert "Thank you" in stranger.get(address).text
    invitation = comparison.invited(made, round)[0]
    assert [each.voter for each in comparison.votes_of(made, round)] == [invitation.id] * 3
    comparison.close(made, round)
    assert "has ended" in stranger.get(address).text
    assert "ha terminado" in stranger.get(f"{address}?lang=es").text


def test_a_link_opens_nothing_else_and_a_changed_one_opens_nothing(app: Any, root: Path, stranger: Any) -> None:
    (made, round), (other, _) = vote(root, "Narrow"), vote(root, "Narrow too")
    address = link(app, made, round)
    assert stranger.get(address).status_code == 200
    for path in ("/en/", f"/ballot/{made.id}", f"/record/{made.id}/{round.id}/en.pdf", f"/vote/{made.id}"):
        assert stranger.get(path).status_code == 401
    for wrong in (
        address[:-1] + ("0" if address[-1] != "0" else "1"),
        address.replace(made.id, other.id),
        address.replace(f"/vote/{made.id}", f"/vote/{'0' * 12}"),
    ):
        refused = stranger.get(wrong)
        assert refused.status_code == 404
        assert "Ask whoever sent it" in refused.text
    assert stranger.post(address, data={"choice": "A", "question": "x" * 30_000}).status_code == 400
    assert stranger.post(address, data={"choice": "A"}, headers={"origin": "http://evil.example"}).status_code == 403
    assert made.store.all(Vote) == []
    comparison.revoke(made, comparison.invited(made, round)[0].id)
    assert stranger.get(address).status_code == 404


def test_colleagues_of_the_network_reach_the_voting_page_and_nothing_else(root: Path) -> None:
    made, round = vote(root, "Network")
    studio = Studio(Settings(projects=root, vote_host="192.168.1.20"))
    lobby = TestClient(voting.lobby(studio), base_url="http://192.168.1.20:7861", follow_redirects=False)
    address = links.link(studio.settings, made, comparison.invite(made, round, "Ana"))
    assert address.startswith("http://192.168.1.20:7861/vote/")
    page = lobby.get(address)
    assert page.status_code == 200
    assert "script-src-attr 'none'" in page.headers["content-security-policy"]
    assert lobby.get("/static/studio.css").status_code == 200
    for path in (
        "/",
        "/en/",
        f"/ballot/{made.id}",
        f"/record/{made.id}/{round.id}/en.html",
        "/vote/x/y/z",
        "/download/a/b",
    ):
        assert lobby.get(path).status_code == 404
    assert lobby.get(address, headers={"host": "evil.example"}).status_code == 403
    assert lobby.post(address, data={"choice": "A"}, headers={"origin": "http://evil.example"}).status_code == 403


def test_the_person_at_the_studio_votes_on_the_same_page(browser: Browser, root: Path) -> None:
    made, round = vote(root, "Own page")
    seen = browser.get(f"/ballot/{made.id}")
    browser.client.post(f"/ballot/{made.id}", data={**fields(seen.text), "choice": "equal"})
    (kept,) = comparison.votes_of(made, round)
    assert (kept.voter, kept.equal, kept.winner) == ("", True, None)
    assert browser.client.post(f"/ballot/{made.id}", data={"choice": "C"}).status_code == 400
    assert browser.get(f"/ballot/{made.folder.name}").status_code == 404


def test_four_sides_have_a_key_each_and_two_have_arrows_too() -> None:
    assert [(value, key) for value, _, key, _ in ballot.choices(2, EN)] == [
        ("A", "1 ←"), ("B", "2 →"), ("equal", "3 ↑"), ("neither", "4 ↓"),
    ]  # fmt: skip
    assert [value for value, _, _, _ in ballot.choices(4, ES)] == ["A", "B", "C", "D", "equal", "neither"]


def test_a_blind_question_on_the_compare_page_shows_no_name_until_the_end(browser: Browser, root: Path) -> None:
    made, round = vote(root, "Blind compare", questions=1)
    (shown,) = [each for each in browser.load("compare", made.id) if "data-blind" in str(each)]
    assert not [name for name in NAMES if name in shown]
    assert not [id for id in round.variants if f'"{id}"' in shown]
    mark = re.search(r'data-blind="(\w+)"', shown)
    assert mark
    event = {"choice": "B", "question": mark.group(1)}
    (voted,) = browser.do("compare", "on_vote", [], made.id, event=event)
    assert 'data-vote="B" data-keys="2 ArrowRight" aria-pressed="true"' in voted
    (ended,) = browser.do("compare", "on_reveal", [], made.id)
    assert [name for name in NAMES if name in ended]
    (kept,) = comparison.votes_of(made, round)
    assert kept.winner == kept.shown[1]
    assert "has ended" in browser.do("compare", "on_vote", [], made.id, event=event)


def test_what_was_answered_with_names_before_the_vote_is_shown_without_them_while_it_lasts(
    browser: Browser, root: Path
) -> None:
    made = stories.project(root, "Known answers")
    named = stories.asked(made)  # the test gave the same answers, and they are what is voted on
    asked_on = stories.asked(made, "And the carpets?")
    conversation.keep(made, [named, asked_on])
    variants = answering.variants(made)
    again = [answer.model_copy(update={"id": f"again-{at}"}) for at, answer in enumerate(named)]
    round = comparison.begin(made, variants, ENGINE, planned=15, own=True)
    round = comparison.add(made, round, f" {stories.QUESTION.lower()}", again, ENGINE)
    (shown,) = [each for each in browser.load("compare", made.id) if "data-blind" in str(each)]
    assert not [name for name in NAMES if name in shown]
    comparison.close(made, round)
    assert not [each for each in browser.load("compare", made.id) if "data-blind" in str(each)]


def test_wrong_answers_to_a_question_of_an_open_vote_are_not_listed_by_name(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Sealed list")
    stories.tested(made)
    names = answering.variants(made)
    answers = [Answer(variant=v.id, question=stories.QUESTION, text="No.") for v in names]
    (before,) = browser.do("compare", "on_segment", [], made.id, event={"segment": ":"})
    assert "Yes, always." in before
    round = comparison.begin(made, names, ENGINE, planned=15, own=True)
    comparison.add(made, round, stories.QUESTION, answers, ENGINE)
    (during,) = browser.do("compare", "on_segment", [], made.id, event={"segment": ":"})
    assert "Yes, always." not in during
    assert EN.t("scorecard.sealed") in text(during)


def test_a_vote_is_begun_invited_to_and_ended_on_the_improve_page(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Panel")
    ids = [variant.id for variant in answering.variants(made)]
    few = {"side": ids[:1], "planned": "15"}
    assert "two to four" in browser.do("improve", "on_begin", [], made.id, event=few)
    (begun,) = browser.do("improve", "on_begin", [], made.id, event={"side": ids[:2], "planned": "15"})
    assert EN.t("vote.own") in begun  # they were not tested together: own questions
    (invited,) = browser.do("improve", "on_invite", [], made.id, event={"name": "<i>Marta"})
    assert "&lt;i&gt;Marta" in invited
    assert "works on this computer only" in invited
    round = comparison.current(made)
    assert round is not None
    id = comparison.invited(made, round)[0].id
    (revoked,) = browser.do("improve", "on_revoke", [], made.id, event={"id": id})
    assert EN.t("vote.revoked") in revoked
    (ended,) = browser.do("improve", "on_end", [], made.id)
    assert EN.t("vote.begin.again") in ended
    assert "has ended" in browser.do("improve", "on_end", [], made.id)


def test_the_panel_hides_the_leader_while_people_vote_and_names_it_afterwards(browser: Browser, root: Path) -> None:
    made, round = vote(root, "Meter", questions=15)
    best = round.variants[0]
    for each in round.ballots:
        shown = [answer.variant for answer in comparison.sides(made, round, each)]
        comparison.cast(made, round, each.question, "AB"[shown.index(best)])
    (panel,) = [
        each for each in browser.load("improve", made.id) if "improve.votes" in str(each) or "gauge" in str(each)
    ]
    assert "15 of 15 prefer one of them: enough evidence." in text(panel)
    (ended,) = browser.do("improve", "on_end", [], made.id)
    name = EN.approach(made.variant(best).approach)
    assert f"15 of 15 prefer {name}: enough evidence." in text(ended)
    page = browser.get(f"/record/{made.id}/{round.id}/es.html")
    assert (page.status_code, "Acta de aceptación" in page.text) == (200, True)
    assert "attachment" in page.headers["content-disposition"]
    assert browser.get(f"/record/{made.id}/forged/es.html").status_code == 404
    assert browser.get(f"/record/{made.folder.name}/{round.id}/en.html").status_code == 404


@pytest.mark.parametrize(("host", "seen"), [("", "http://127.0.0.1:7860"), ("10.0.0.5", "http://10.0.0.5:7861")])
def test_a_link_leads_where_colleagues_can_reach_it(tmp_path: Path, host: str, seen: str) -> None:
    assert links.address(Settings(projects=tmp_path, vote_host=host)) == seen


def test_a_question_asked_blind_shows_nothing_before_everybody_has_answered(root: Path) -> None:
    made = stories.project(root, "Curtain")
    engine = Speaking()
    shell: Any = SimpleNamespace(voice=EN, studio=SimpleNamespace(engine=engine))

    async def asked() -> list[str]:
        variants = blindly.standing(made, ["plain", "instructions"])
        return [each async for each in blindly.asked(shell, made, variants, "How long?", Filter())]

    (curtain,) = asyncio.run(asked())
    assert "Within seven days" not in curtain
    round = comparison.current(made)
    assert round is not None
    assert (len(round.variants), [each.question for each in round.ballots]) == (2, ["How long?"])
    (turn,) = conversation.turns(made, answering.variants(made))
    hidden = blindly.hidden(made, [turn])
    assert hidden is not None
    assert "Within seven days" in ballot.blind(made, *hidden, EN)
    engine.right = False  # its files were changed meanwhile
    with pytest.raises(BadInput, match="wrong_side"):
        asyncio.run(asked())
    assert [each.question for each in (comparison.current(made) or round).ballots] == ["How long?"]


class Speaking:
    """Says one thing, as files that may or may not be the right ones."""

    right = True

    def chat(self, *_: Any, **__: Any) -> Iterator[Text | Usage]:
        yield Text(text="Within seven days.", spoken_by="gguf:abc")
        yield Usage(prompt_tokens=9, tokens=4, seconds=0.1, first_token_seconds=0.05)

    def speaks(self, *_: Any) -> bool:
        return self.right
