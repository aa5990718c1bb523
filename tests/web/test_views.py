"""What is shown, as pure functions: no server, no browser."""

from pathlib import Path

import pytest

from studio.base import events, records
from studio.base.events import Loss, Said
from studio.base.project import Card
from studio.base.records import Answer, Fault, Feedback, Finding, Run, Variant
from studio.web import charts
from studio.web.asking import Column
from studio.web.views import advice, answers, explanation, export, improve, projects, run
from studio.web.voice import Voice
from tests.web import stories
from tests.web.conftest import text

EVIL = '<img src=x onerror=alert(1)><script>alert(1)</script>" onmouseover="x'
EN, ES = Voice("en"), Voice("es")


def a_run(state: str = "running", **more: object) -> Run:
    return Run(id="r", kind="build", project="p", folder="/nowhere", state=state, **more)  # type: ignore[arg-type]


def tame(html: str) -> bool:
    return "<script" not in html and "<img" not in html and 'onmouseover="' not in html


@pytest.mark.parametrize("voice", [EN, ES], ids=["en", "es"])
def test_nothing_a_person_or_a_model_writes_becomes_markup(voice: Voice, tmp_path: Path) -> None:
    variant = Variant(id="v", approach="documents", model="m")
    passage = stories.passages()[0]
    nasty = passage.model_copy(
        update={"chunk": passage.chunk.model_copy(update={"document": EVIL, "text": EVIL, "heading": EVIL})}
    )
    citation = records.Citation(number=1, passage=0)
    answer = Answer(variant="v", question=EVIL, text=f"{EVIL} [1]", passages=(nasty,), citations=(citation,))
    game = records.Game(
        kind="question", units=(records.Unit(text=EVIL, value=5.0),), base=0.0, full=5.0, method="exact", evaluations=2
    )
    feedback = Feedback(question=EVIL, correction=EVIL)
    shown = [
        projects.cards([projects.Entry(Card(name=EVIL))], voice),
        answers.grid([Column(variant, EVIL)], voice),
        answers.grid([Column(variant, EVIL, (nasty,), answer)], voice, whys={answer.id: explanation.Why((game,))}),
        improve.corrections([feedback], voice),
        run.panel(a_run("failed", fault=Fault(code="unexpected", parameters={"reason": EVIL})), Said(), 0, voice),
        export.prepared(
            "p",
            [export.Prepared(records.Exported(variant="v", path="x", form="merged", url=f"https://x/{EVIL}"), None)],
            voice,
        ),
    ]
    assert all(tame(html) for html in shown)
    assert all("&lt;" in html for html in (shown[0], shown[1], shown[3], shown[4]))


def test_a_citation_opens_the_passage_with_its_document_page_and_words(tmp_path: Path) -> None:
    made = stories.project(tmp_path)
    answer = next(a for a in stories.asked(made) if a.passages)
    variant = made.variant(answer.variant)
    html = answers.grid([Column(variant, answer.text, answer.passages, answer)], EN)
    assert html.count('class="cite"') == 2
    assert "1 · Home policy.pdf, p. 4, Water" in text(html)
    assert stories.PASSAGES[0] in html
    assert "[1]" not in text(html)


def test_a_number_in_brackets_that_cites_nothing_stays_as_it_was_written() -> None:
    answer = Answer(variant="v", question="?", text="See [7] and [12].")
    html = answers.grid([Column(Variant(id="v", approach="plain", model="m"), answer=answer)], EN)
    assert "See [7] and [12]." in text(html)


def test_a_declined_answer_is_worded_in_the_readers_language() -> None:
    answer = Answer(variant="v", question="?", text="", refused=True)
    column = Column(Variant(id="v", approach="documents", model="m"), answer=answer)
    assert EN.t("answer.not_found") in text(answers.grid([column], EN))
    assert ES.t("answer.not_found") in text(answers.grid([column], ES))
    assert "data-why" not in answers.grid([column], EN)


def test_an_answer_being_written_cannot_be_chosen_yet(tmp_path: Path) -> None:
    made = stories.project(tmp_path)
    done = stories.asked(made)[0]
    columns = [Column(made.variant(done.variant), done.text, (), done), Column(made.variants()[1], "Half a sen")]
    html = answers.grid(columns, EN)
    assert "disabled" in html
    assert 'aria-busy="true"' in html
    assert "none-best" not in html


def test_the_newest_answers_to_the_last_question_are_shown(tmp_path: Path) -> None:
    made = stories.project(tmp_path)
    first, again = stories.asked(made), stories.asked(made)
    other = stories.asked(made, "Another one?")[:2]
    kept = [*first, *again]
    assert answers.latest_together(kept, made.variants()) == again
    assert answers.latest_together([*kept, *other], made.variants()) == other
    assert answers.latest_together([], made.variants()) == []


def test_the_results_say_how_many_how_sure_and_no_more_than_was_shown(tmp_path: Path) -> None:
    made = stories.project(tmp_path)
    shown = text(answers.results(stories.tested(made), made.variants(), EN))
    assert "21 of 28" in shown
    assert "very likely 58% to 87%" in shown
    assert "may still be luck" in shown
    assert text(answers.results(None, made.variants(), EN)).endswith(EN.t("results.none"))


def test_a_draw_on_the_test_questions_is_called_a_draw(tmp_path: Path) -> None:
    made = stories.project(tmp_path)
    card = stories.tested(made)
    draw = card.differences[0].model_copy(update={"wins": 2, "losses": 2})
    shown = text(answers.results(card.model_copy(update={"differences": (draw,)}), made.variants(), EN))
    assert "equally many" in shown


def test_a_quoted_answer_says_so_and_is_explained_as_a_choice(tmp_path: Path) -> None:
    made = stories.project(tmp_path)
    answer = next(a for a in stories.asked(made) if a.passages).model_copy(update={"quoted": True})
    games = tuple(game.model_copy(update={"answer_tokens": 3}) for game in stories.explained(made, answer).games)
    column = Column(made.variant(answer.variant), answer.text, answer.passages, answer)
    for voice, chip, choice in (
        (EN, "Quoted word for word", "made the choice of these words over 1,000 times as likely"),
        (ES, "Citado palabra por palabra", "hicieron la elección de estas palabras más de 1000 veces"),
    ):
        shown = text(answers.grid([column], voice, whys={answer.id: explanation.Why(games)}))
        assert chip in shown
        assert choice in shown
    plain = Column(column.variant, answer.text, answer.passages, answer.model_copy(update={"quoted": False}))
    assert "Quoted" not in text(answers.grid([plain], EN))


def test_what_speaks_against_an_answer_is_not_called_its_ground() -> None:
    units = tuple(records.Unit(text=t, value=v, passage=n) for n, (t, v) in enumerate((("x", -4.0), ("y", -1.0))))
    game = records.Game(
        kind="passages", units=units, base=-10, full=-15, method="exact", evaluations=4, answer_tokens=9
    )
    shown = text(explanation.why(explanation.Why((game,)), Answer(variant="v", question="?", text="x"), "A", "x", EN))
    assert "rests most" not in shown
    assert EN.t("why.passages.against") in shown


def test_a_model_too_large_for_this_computer_is_marked() -> None:
    from studio import engines
    from studio.base.machine import Machine

    small = Machine(system="x", processor="x", cores=2, memory_gb=5.0, free_memory_gb=4, free_disk_gb=99)
    labels = {name: label for label, name in advice.models(engines.catalogue(), small, EN)}
    assert "too large for this computer" in labels["qwen3-4b-instruct"]
    assert "cannot be trained here" in labels["qwen3-1.7b"]
    assert "here" not in labels["qwen3-0.6b"].replace("there", "")
    assert "Spanish" in labels["qwen3-0.6b"]
    assert labels["smollm2-135m-instruct"] == "SmolLM2 135M (starter) · English · 0.8 GB of memory · Apache License 2.0"


@pytest.mark.parametrize("state", ["queued", "running", "done", "failed", "stopped"])
@pytest.mark.parametrize("of", ["build", "test", "exporting", "pushing"])
@pytest.mark.parametrize("voice", [EN, ES], ids=["en", "es"])
def test_every_state_of_every_run_has_its_words(voice: Voice, of: str, state: str) -> None:
    fault = Fault(code="disk_full") if state == "failed" else None
    shown = text(run.panel(a_run(state, fault=fault), Said(), 2, voice, of=of))
    assert shown
    assert (state != "failed") or voice.t("error.disk_full") in shown
    assert run.is_active(a_run(state)) == (state in ("queued", "running"))


def test_progress_is_told_in_stages_and_seconds() -> None:
    said = events.fold(
        [
            events.Planned(stages=("index", "check")),
            events.Stage(name="check"),
            events.Progress(done=5, of=10, seconds_left=75),
        ]
    )
    html = run.panel(a_run(), said, 0, EN)
    assert 'aria-valuenow="75"' in html
    assert "1:15" in text(html)
    assert "5 / 10" in text(html)


def test_a_waiting_run_says_what_comes_first() -> None:
    assert "Other work comes first: 2." in text(run.panel(a_run("queued"), Said(), 2, EN))


def test_the_curve_has_words_for_those_who_do_not_see_it() -> None:
    losses = [Loss(step=n, of=40, train=2.0 - n / 40, validation=1.5 if n % 10 == 0 else None) for n in range(1, 31)]
    html = charts.learning_curve(losses, EN)
    assert "the error fell from 1.98 to" in html
    assert charts.learning_curve([], EN) == ""
    assert charts.learning_curve([Loss(step=1, of=1, validation=0.0)], EN)


def test_an_approach_that_is_not_possible_cannot_be_picked() -> None:
    advised = records.Advice(
        options=(
            records.Option(approach="documents", fit=0.8, recommended=True, minutes=0.4),
            records.Option(
                approach="trained",
                fit=0,
                possible=False,
                reasons=(records.Reason(code="documents_none", speaks="against"),),
            ),
        )
    )
    assert [approach for _, approach in advice.choices(advised, EN)] == ["documents"]
    shown = text(advice.options(advised, EN))
    assert "Recommended" in shown
    assert "under 1 min" in shown
    assert "Not possible yet" in shown


def test_wrong_answers_are_shown_with_what_was_missing(tmp_path: Path) -> None:
    from studio import improvement

    made = stories.project(tmp_path)
    card = stories.tested(made)
    wrong = improvement.weak(card, card.variants[0].variant)
    shown = text(improve.weak(wrong, {q.id: q for q in made.store.questions()}, True, EN))
    assert "Missing: 30" in shown
    assert EN.t("improve.should_decline") in shown


def test_the_check_before_sharing_rests_on_facts(tmp_path: Path) -> None:
    from studio import engines

    made = stories.project(tmp_path)
    card, model = stories.tested(made), engines.catalogue()[0]
    best = made.variant(card.variants[-1].variant)
    people = [Finding(code="personal_email", level="warn", count=3)]
    shown = text(export.checklist(model, card, best, people, EN))
    assert "Apache License 2.0" in shown
    assert "75% right on 28 test questions" in shown
    assert "3 places" in shown
    assert EN.t("export.check.untested") in text(export.checklist(model, None, best, [], EN))


@pytest.mark.parametrize(
    ("voice", "shown"),
    [
        (EN, ("60%", "1.4 s", "1,284", "2.6 GB", "6 min", "1.7 h")),
        (ES, ("60 %", "1,4 s", "1284", "2,6 GB", "6 min", "1,7 h")),
    ],
    ids=["en", "es"],
)
def test_numbers_are_written_as_people_write_them(voice: Voice, shown: tuple[str, ...]) -> None:
    made = (
        voice.percent(0.6),
        voice.seconds(1.4),
        voice.number(1284),
        voice.size(2.6e9),
        voice.minutes(6),
        voice.minutes(100),
    )
    assert made == shown


def test_an_index_in_the_making_says_that_it_can_be_searched_already() -> None:
    said = Said(stages=("index",), stage="index", done=3, of=9)
    assert EN.t("run.words_first") in text(run.panel(a_run("running"), said, 0, EN))
    assert EN.t("run.words_first") not in text(run.panel(a_run("running"), said.model_copy(update={"of": 0}), 0, EN))
