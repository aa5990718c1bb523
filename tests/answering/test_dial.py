import shutil
from pathlib import Path

import pytest

from studio.answering import Declined, Done, ask, calibrate, dial
from studio.answering.dial import Case, holds, measure
from studio.base import project as projects
from studio.base.errors import NotEnough, Stopped
from studio.base.events import Event, Progress
from studio.base.project import Project
from studio.base.records import Calibration, Document, Proposal, Question, Variant
from studio.retrieval import build, calibration, search
from tests.answering.fakes import Parrot

FACTS = {
    "excess": "The standard excess is €150 a claim.",
    "photos": "The Porch app takes up to 12 photos of the damage.",
    "garden": "The garden shed is insured for 2,000 euros.",
    "theft": "Theft must be told to the police within 48 hours.",
    "bicycle": "A bicycle is covered up to 600 euros outdoors.",
    "glass": "Broken windows are replaced within 3 days.",
    "travel": "Luggage is insured on journeys of 90 days at most.",
    "phone": "A lost telephone is paid at 70 percent of its price.",
    "laundry": "The washing machine is covered for 5 years.",
    "payment": "The premium is debited on the first day of March.",
}
QUESTIONS = {
    "excess": ("How high is the standard excess of a claim?", "€150"),
    "photos": ("How many photos of the damage does the Porch app take?", "12"),
    "garden": ("For how much is the garden shed insured?", "2000 euros"),
    "theft": ("When must the police be told of a theft?", "48 hours|two days"),
    "bicycle": ("Up to how much is a bicycle covered outdoors?", "€600"),
    "glass": ("When are broken windows replaced?", "three days"),
    "travel": ("How long may journeys with insured luggage be?", "90 days"),
    "phone": ("What percent of the price is paid for a lost telephone?", "70 %"),
    "laundry": ("For how many years is the washing machine covered?", "five years"),
    "payment": ("When is the premium debited?", "1 March|first day of March"),
}


def silent(event: Event) -> None: ...


def go_on() -> bool:
    return False


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Indexed once; each test has a copy."""
    made = projects.create(tmp_path_factory.mktemp("projects"), "Harbour", "en")
    made.change(model="smollm2-135m-instruct", chosen=("documents",))
    for name, text in FACTS.items():
        document = Document(
            id=name, name=f"{name}.md", kind="md", text=text, source=f"sources/{name}.md", sha256=name, language="en"
        )
        made.store.put_source(document.source, name, [document], [], [])
    made.store.put_fact("indexed", build(made, Parrot(), silent, go_on))
    return made.store.copy(made.folder / "copy.db").parent


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Project:
    folder = tmp_path / "harbour"
    shutil.copytree(built, folder, ignore=shutil.ignore_patterns("studio.db*"))
    (folder / "copy.db").rename(folder / "studio.db")
    return Project(folder)


def with_questions(project: Project) -> Project:
    project.store.replace_questions(
        Question(id=name, question=text, must_contain=(fact,)) for name, (text, fact) in QUESTIONS.items()
    )
    return project


def test_the_dial_says_of_each_setting_what_is_wrong_and_what_goes_to_a_person(project: Project) -> None:
    said: list[Event] = []
    made = calibrate(with_questions(project), Parrot(), said.append, go_on)
    assert [position.caution for position in made.positions] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert (made.answerable, made.own) == (10, 10)
    assert made.unanswerable >= 10
    for one, other in zip(made.positions, made.positions[1:], strict=False):
        assert one.person <= other.person
    for position in made.positions:
        assert 0 <= position.wrong_low <= position.wrong <= position.wrong_high <= 1
        assert 0 <= position.person_low <= position.person <= position.person_high <= 1
    assert isinstance(said[-1], Progress)
    assert said[-1].done == said[-1].of == 10


def test_what_was_measured_is_kept_and_not_measured_again_for_the_same_index_and_questions(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = calibrate(with_questions(project), Parrot(), silent, go_on)
    assert project.calibration() == made
    monkeypatch.setattr(dial, "_cases", lambda *_: pytest.fail("asked again"))
    assert calibrate(project, Parrot(), silent, go_on) == made


def test_drafts_stand_in_where_the_person_has_no_questions(project: Project) -> None:
    drafts = [
        Proposal(
            question=text,
            answer=FACTS[name],
            document_id=name,
            document=f"{name}.md",
            source=f"sources/{name}.md",
            start=0,
            end=len(FACTS[name]),
            passage=FACTS[name],
        )
        for name, (text, _) in QUESTIONS.items()
    ]
    with pytest.raises(NotEnough, match="calibration_too_few"):
        calibrate(project, Parrot(), silent, go_on)
    made = calibrate(project, Parrot(), silent, go_on, drafts)
    assert (made.answerable, made.own, made.left_open) == (10, 0, dial.LEFT_OPEN)


def test_it_stops_when_it_is_told_to(project: Project) -> None:
    with pytest.raises(Stopped):
        calibrate(with_questions(project), Parrot(), silent, lambda: True)
    assert project.calibration() is None


def test_search_honours_the_dial_and_what_was_measured(project: Project) -> None:
    question = "Which comet passes near Saturn tonight?"
    thresholds = []
    for caution in (0.0, 0.5, 1.0):
        project.change(caution=caution)
        thresholds.append(search(project, question, Parrot()).threshold)
    project.change(caution=0.5)
    moved = Calibration(positions=(), answerable=9, unanswerable=9, own=0, left_open=0.2, offset=0.4)
    project.store.put_fact("calibration", moved)
    thresholds.append(search(project, question, Parrot()).threshold)
    middle, half = thresholds[1], calibration.TURN / 2
    assert thresholds == pytest.approx([middle - half, middle, middle + half, middle + 0.4])


def test_an_answer_against_its_source_is_marked_and_at_cautious_settings_declined(project: Project) -> None:
    variant = Variant(id="d", approach="documents", model="smollm2-135m-instruct")
    question, wrong = "How high is the standard excess of a claim?", "The standard excess is €250 a claim."
    project.change(caution=0.0)
    *_, told = ask(project, variant, question, Parrot(wrong))
    assert isinstance(told, Done)
    assert [(mark.state, mark.missing) for mark in told.answer.support] == [("contradicting", ("€250",))]
    project.change(caution=0.75)
    *_, declined = ask(project, variant, question, Parrot(wrong))
    assert isinstance(declined, Declined)
    assert (declined.answer.text, declined.answer.refused, declined.answer.citations) == ("", True, ())


def test_a_quoted_answer_is_supported(project: Project) -> None:
    variant = Variant(id="d", approach="documents", model="smollm2-135m-instruct", quotes=True)
    *_, told = ask(project, variant, "How high is the standard excess of a claim?", Parrot())
    assert isinstance(told, Done)
    assert [mark.state for mark in told.answer.support] == ["supported"]


def test_shares_are_weighed_as_if_a_fifth_of_all_questions_were_open() -> None:
    cases = [Case(1.0, True, True, own=False)] * 10 + [Case(1.0, False, False, own=False)] * 5
    cases += [Case(-3.0, False, False, own=False)] * 5
    middle = measure(cases, move=False).positions[2]
    assert (middle.wrong, middle.person) == (pytest.approx(0.1 / 0.9, abs=1e-4), 0.1)


def test_the_persons_own_questions_say_how_many_are_left_open() -> None:
    cases = [Case(1.0, True, True, own=True)] * 60 + [Case(-1.0, False, False, own=True)] * 20
    assert measure(cases).left_open == 0.25


def test_the_dial_moves_to_where_the_projects_questions_are_told_apart_but_little_for_few() -> None:
    def offset(times: int) -> float:
        cases = [Case(1.0, True, True, own=True)] * times + [Case(0.5, False, False, own=True)] * times
        return measure(cases).offset

    assert 0 < offset(10) < offset(200) <= 1.0


def test_too_few_questions_say_nothing() -> None:
    with pytest.raises(NotEnough, match="calibration_too_few"):
        measure([Case(1.0, True, True, own=True)] * 30)


@pytest.mark.parametrize(
    ("text", "facts", "there"),
    [
        ("Es sind 30 days.", ("thirty days",), True),
        ("It takes 2 weeks.", ("14 days|two weeks",), True),
        ("It takes 3 weeks.", ("14 days|two weeks",), False),
        ("Pida la etiqueta en Mi Cobertizo.", ("Mi Cobertizo",), True),
        ("Pida la etiqueta.", ("Mi Cobertizo",), False),
        ("Anything", (), False),
    ],
)
def test_a_text_holds_facts_however_they_are_written(text: str, facts: tuple[str, ...], there: bool) -> None:
    assert holds(text, facts) is there
