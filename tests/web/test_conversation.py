"""How a conversation goes on: which answers belong to it, and what each assistant is told of it. No model is run."""

from pathlib import Path

import pytest

from studio.base.errors import BadInput, NotFound
from studio.base.records import Answer
from studio.web import conversation
from studio.web.asking import Column
from studio.web.views import answers
from studio.web.voice import Voice
from tests.web import stories
from tests.web.conftest import Browser, text

EN = Voice("en")


def test_a_conversation_is_there_again_after_a_reload_and_ends_when_asked(tmp_path: Path) -> None:
    made = stories.project(tmp_path)
    variants = made.variants()
    first, then = stories.asked(made), stories.asked(made, "And for a flat?")
    assert conversation.turns(made, variants) == [then]
    conversation.keep(made, [first, then])
    assert conversation.turns(made, variants) == [first, then]
    conversation.end(made)
    assert conversation.turns(made, variants) == []
    elsewhere = stories.asked(made, "Asked from the command line?")
    assert conversation.turns(made, variants) == [elsewhere]
    made.store.remove(Answer, first[0].id)
    conversation.keep(made, [first, elsewhere])
    assert conversation.turns(made, variants) == [first[1:], elsewhere]


def test_each_assistant_is_told_its_own_answers_without_marks(tmp_path: Path) -> None:
    made = stories.project(tmp_path)
    told = conversation.histories([stories.asked(made)], EN)
    searching = next(variant.id for variant in made.variants() if variant.approach == "documents")
    assert [message.role for message in told[searching]] == ["user", "assistant"]
    assert "[1]" not in told[searching][1].content
    declined = Answer(variant="v", question="?", text="", refused=True)
    assert conversation.histories([[declined]], EN)["v"][1].content == EN.t("answer.not_found")


@pytest.mark.parametrize(("thread", "error"), [("", BadInput), (" ; ", BadInput), ("forged", NotFound)])
def test_a_conversation_that_was_never_shown_is_refused(tmp_path: Path, thread: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        conversation.shown(stories.project(tmp_path), thread)


def test_earlier_questions_stand_above_the_last_with_what_was_searched_for(tmp_path: Path) -> None:
    made = stories.project(tmp_path)
    before = stories.asked(made)
    answer = next(each for each in before if each.citations)
    then = answer.model_copy(update={"id": "n", "question": "And €900?", "understood": "Are repairs of €900 paid?"})
    variant = made.variant(answer.variant)
    html = answers.grid([Column(variant, then.text, then.passages, then)], EN, earlier=[[answer]], project=made.id)
    assert "Searched for: Are repairs of €900 paid?" in text(html)
    assert text(html).index(answer.question) < text(html).index("And €900?")
    assert f'data-thread="{answer.id};n"' in html
    assert html.count('class="src') == 4  # the sources of earlier answers open as well


def test_a_new_conversation_shows_none_of_the_old_one(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Fresh")
    stories.asked(made)
    (html,) = browser.do("compare", "on_fresh", [], made.id)
    assert EN.t("compare.none") in html
    assert EN.t("compare.none") in str(browser.load("compare", made.id))
