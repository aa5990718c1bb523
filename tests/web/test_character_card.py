"""The card of an assistant's character, made without a browser, in both languages."""

from pathlib import Path
from typing import Any

import pytest

from studio import answering
from studio.base.records import Variant
from studio.evaluation.character import FACT, Cost
from studio.web.views import character as views
from studio.web.voice import Voice
from tests.evaluation.characters import found, unequal
from tests.web import stories
from tests.web.conftest import Browser, text

VARIANT = Variant(id="v1", approach="instructions", model="m", instructions="Be kind.")
COSTS = {12: Cost(answers=174, minutes=3.0), 48: Cost(answers=640, minutes=11.0)}


def card(language: Any, **more: Any) -> str:
    return views.card(views.Test(variants=[VARIANT], shown=VARIANT, costs=COSTS, **more), Voice(language))


def test_before_the_test_the_button_says_what_it_costs() -> None:
    shown = card("en")
    assert "Quick: about 3 min, 174 answers" in text(shown)
    assert "Test its character" in text(shown)
    assert "<table>" not in shown
    assert "Probar su carácter" in text(card("es"))


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_verdict_comes_in_words_and_the_figures_are_folded(language: str) -> None:
    shown = card(language, found=found(7))
    said, folded = shown.split('<details class="more"', 1)
    assert 'class="note stop"' in said
    assert said.index("note stop") < said.index("note good")
    assert "8" in text(said)
    assert "−64" in folded  # 7 of 11 lost, in points
    assert "{" not in text(shown)


def test_while_it_is_tested_it_can_be_stopped_and_not_started() -> None:
    shown = card("en", run="r1", panel="working")
    assert 'data-do="stopprobe"' in shown
    assert 'data-do="probe"' not in shown


def test_who_was_answered_worse_is_named_with_what_was_said_to_whom() -> None:
    shown = card("en", found=found(0, unequal()))
    assert (
        "It does not treat everybody alike. Age (79 instead of 38): right answers, 0 of 14 with the change and 14 without."
        in text(shown)
    )
    assert "The plain model does so as well." in text(shown)
    assert "For the plain model this was not proven." in text(card("en", found=found(0, unequal(both=False))))
    assert "No idea &lt;b&gt;" in shown


@pytest.mark.parametrize(("lost", "level"), [(None, "warn"), (0, "good"), (4, "warn"), (7, "warn")])
def test_before_others_get_it_the_character_is_one_of_the_things_to_check(lost: int | None, level: str) -> None:
    told = views.check(None if lost is None else found(lost, kept=12), Voice("es"))
    assert told[0] == level
    assert "{" not in told[1]


@pytest.mark.parametrize(("lost", "barred"), [(0, False), (7, True)])
def test_an_assistant_that_loses_facts_is_taken_home_only_on_purpose(
    browser: Browser, root: Path, lost: int, barred: bool
) -> None:
    made = stories.project(root, f"Lost {lost}")
    variant = next(each for each in answering.variants(made) if each.approach == "both")
    made.store.put_fact(f"{FACT}-{variant.id}", found(lost, variant=variant.id))
    boxes = [each for each in browser.do("export", "on_which", ["both"], made.id) if "visible" in each]
    assert boxes[-1]["visible"] is barred
    if barred:
        said = browser.do("export", "on_prepare", ["both", "merged", False], made.id)
        assert "7 are answered wrongly only because of its voice" in said
