"""Why an answer: what the panel says, sentence by sentence and side by side, and what can be taken along. No browser."""

import csv
import io
import json
import re
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from studio.base.records import Answer, Explanation, Game, Unit
from studio.base.settings import Settings
from studio.explanation import pictures
from studio.web import explaining
from studio.web.parts import why
from studio.web.studio import Studio
from studio.web.views import explanation as views
from studio.web.voice import Voice
from tests.web import stories
from tests.web.conftest import text

EN, ES = Voice("en"), Voice("es")


def test_an_explanation_says_its_main_passage_its_share_and_how_far_to_trust_it(tmp_path: Path) -> None:
    made = stories.project(tmp_path)
    answer = next(a for a in stories.asked(made) if a.passages)
    html = views.why(views.Why(stories.explained(made, answer).games), answer, "C", "Search", EN)
    shown = text(html)
    for said in (
        "rests most on Home policy.pdf, p. 4, Water (74% of what counted)",
        "made each word of the answer 3.9 times as likely on average",
        "(all combinations tried, with a shortcut; 8 trials, 4.2 s)",
        "not whether it is true",
        "(counted a lot)",
    ):
        assert said in shown
    assert {'<mark class="strong">', '<mark class="against">'} <= set(re.findall(r'<mark class="\w+">', html))


def test_words_whose_weight_is_within_the_noise_are_not_marked(tmp_path: Path) -> None:
    units = (Unit(text="sure", value=5.0, error=0.1), Unit(text="noise", value=2.0, error=1.5))
    game = Game(kind="question", units=units, base=0, full=7, method="permutation", evaluations=4)
    html = views.why(views.Why((game,)), Answer(variant="v", question="?", text="x"), "A", "x", EN)
    assert html.count("<mark class=") == 1 + 4  # and the four of the legend
    assert ">noise</mark>" not in html


def test_an_explanation_of_next_to_nothing_says_so() -> None:
    game = Game(
        kind="passages",
        units=(Unit(text="x", value=0.2, passage=0),),
        base=-3,
        full=-2.8,
        method="exact",
        evaluations=2,
    )
    shown = text(views.why(views.Why((game,)), Answer(variant="v", question="?", text="x"), "A", "x", EN))
    assert "made little difference" in shown


@pytest.mark.parametrize(
    ("full", "said"), [(-47.7, "1.1 times"), (-60.0, "0.61 times"), (100.0, "over 1,000 times")], ids=str
)
def test_the_small_print_tells_what_the_parts_did(full: float, said: str) -> None:
    game = Game(
        kind="question", units=(Unit(text="x", value=full + 50),), base=-50.0, full=full, method="exact",
        evaluations=2, answer_tokens=20,
    )  # fmt: skip
    answer = Answer(variant="v", question="?", text="x")
    assert said in text(views.why(views.Why((game,)), answer, "A", "x", EN))


@pytest.mark.parametrize("voice", [EN, ES], ids=["en", "es"])
def test_every_sentence_of_the_answer_has_a_view_of_its_own(voice: Voice, tmp_path: Path) -> None:
    answer, found = stories.closely_explained(tmp_path)
    html = views.why(views.Why.of(found, "p"), answer, "C", "Search", voice)
    assert [f'data-part-of="{key}"' in html for key in ("", "0", "1", "2")] == [True, True, True, False]
    assert [f'data-shown="{key}"' in html for key in ("", "0", "1")] == [True] * 3
    second = text(html[html.index('data-shown="1"') : html.index("why-rows")])
    assert stories.SENTENCES[1] in second
    assert voice.t("why.passages.little") in second  # nothing moved the second sentence
    assert voice.t("why.first_look") not in text(html)


def test_the_panel_says_what_is_lost_that_it_adds_up_and_that_a_second_method_agrees(tmp_path: Path) -> None:
    answer, found = stories.closely_explained(tmp_path)
    html = views.why(views.Why.of(found, "p"), answer, "C", "Search", EN)
    shown = text(html)
    for said in (
        "Without it, each word of the answer would be 3 times less likely.",
        "add up to the whole (27.3), which is 55%",
        "A second method (LIME) agrees.",
        "against (4%)",
        "With its training, each word of this answer is 4.5 times as likely as before it.",
        "Burst pipe? · 83% alike",
        "does not prove",
    ):
        assert said in shown
    assert 'data-inside="1"' in html  # the second passage can be opened,
    assert 'data-inside="0"' not in html  # the first one is
    assert 'data-detail="words"' in html
    assert html.count("<caption>") == 3
    assert 'scope="row"' in html


def test_a_first_look_is_called_one_and_offers_nothing_more_yet(tmp_path: Path) -> None:
    answer, found = stories.closely_explained(tmp_path)
    early = tuple(game.model_copy(update={"method": "alone"}) for game in found.games[:1])
    shown = views.why(views.Why(early), answer, "C", "Search", EN)
    assert EN.t("why.first_look") in text(shown)
    assert "waterfall" not in shown
    assert "add up" not in text(shown)


def test_assistants_stand_side_by_side_on_one_scale_when_they_were_asked_the_same(tmp_path: Path) -> None:
    _, found = stories.closely_explained(tmp_path)
    why = views.Why.of(found, "p")
    html = views.beside([("A", "Search", why), ("B", "Trained", why)], EN)
    assert html.count('class="bar-track"') == 8
    assert html.count("width:100%") == 2
    assert "against (11%)" in text(html)
    assert views.beside([("A", "Search", why)], EN) == ""
    game = found.games[1]
    other = why.closer([game.model_copy(update={"units": game.units[:2]})], None, 0.0)  # type: ignore[arg-type]
    assert views.beside([("A", "Search", why), ("B", "Trained", other)], EN) == ""


def test_an_explanation_is_taken_along_as_page_table_data_and_chart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, found = stories.closely_explained(tmp_path)
    app, studio = FastAPI(), Studio(Settings(projects=tmp_path))
    explaining.routes(app, studio)
    client, project = TestClient(app), studio.projects()[0].id
    monkeypatch.setattr(pictures, "draw", lambda game, plot, form, part: f"{game.kind} {plot} {form} {part}".encode())
    at = f"/why/{project}/{answer.id}"
    page = client.get(f"{at}/explanation.html?lang=es")
    assert page.status_code == 200
    assert page.text.index('<section lang="es">') < page.text.index('<section lang="en">')
    assert "<script" not in page.text
    assert "src=" not in page.text
    assert "http" not in page.text
    rows = list(csv.reader(io.StringIO(client.get(f"{at}/explanation.csv").text.removeprefix("\ufeff"))))
    assert len(rows) == 1 + sum(len(game.units) for game in found.games)
    assert Explanation(**json.loads(client.get(f"{at}/explanation.json").text)) == found
    assert client.get(f"{at}/waterfall.svg?kind=sentences&inside=0&sentence=1").text == "sentences waterfall svg 1"
    for missing in (
        f"{at}/bar.png?kind=instructions",
        f"/why/{project}/x/bar.png",
        f"/why/x/{answer.id}/explanation.csv",
    ):
        assert client.get(missing).status_code == 404


def test_what_explains_is_loaded_in_advance_only_for_who_asked_why_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, loaded = stories.project(tmp_path), list[Any]()
    said = next(answer for answer in stories.asked(made) if answer.passages)
    quoted = said.model_copy(update={"quoted": True})
    shell: Any = SimpleNamespace(studio=SimpleNamespace(engine="the engine"))
    monkeypatch.setattr(
        "studio.explanation.warm", lambda variant, _adapter, engine: loaded.append((variant.id, engine))
    )

    def expect(*shown: Answer) -> list[Any]:
        why.expect(shell, made, shown)
        for thread in threading.enumerate():
            if thread.name == "warm":
                thread.join()
        return loaded

    assert expect(said) == []
    made.store.put(stories.explained(made, said))
    assert expect(quoted) == []
    assert expect(quoted, said) == [(said.variant, "the engine")]
