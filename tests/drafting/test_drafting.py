"""Drafts: what is proposed, what it rests on, and that nothing of it is used before a person says so."""

from pathlib import Path

import pytest

from studio import drafting, intake
from studio.base import project as projects
from studio.base.errors import BadInput, NotEnough, NotFound, Stopped
from studio.base.project import Project
from studio.base.recipes import DraftRequest
from studio.base.records import Message, Proposal, Question
from studio.drafting import asking
from tests.answering.fakes import Parrot

pytestmark = pytest.mark.usefixtures("read_here")

ENGLISH = """# Shipping

Parcels to the islands arrive within nine working days after the order. This also holds at Christmas.

# Returns

The return of a garment is free of charge during the first thirty days.
"""
SPANISH = """# Envíos

Los paquetes a las islas llegan en nueve días laborables desde el pedido.

# Devoluciones

La devolución de una prenda es gratuita durante los primeros treinta días.
"""
STARTER = "smollm2-135m-instruct"


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return projects.create(tmp_path / "projects", "Shop")


def test_a_draft_names_the_passage_it_rests_on_and_adds_no_example(shop: Project, tmp_path: Path) -> None:
    add(shop, tmp_path, "guide.md", SPANISH)
    first, second = sorted(draft(shop), key=lambda proposal: proposal.start)
    document = shop.store.documents()[0]
    assert first == Proposal(
        id=first.id,
        question=first.question,
        answer="Los paquetes a las islas llegan en nueve días laborables desde el pedido.",
        document_id=document.id,
        document="guide.md",
        source="sources/guide.md",
        start=first.start,
        end=first.end,
        passage=document.text[first.start : first.end],
        heading="Envíos",
        model=STARTER,
        checks=("pattern_question",),
        created=first.created,
    )
    assert "paquetes a las islas" in first.question
    assert second.heading == "Devoluciones"
    assert shop.store.examples() == []


def test_a_question_in_the_models_words_is_preferred_to_a_pattern(shop: Project, tmp_path: Path) -> None:
    add(shop, tmp_path, "guide.md", "The return of a garment is free of charge during the first thirty days.\n")
    said = ("Is the return of a garment free?", "What is the capital of France?", "Thank you")
    (proposal,) = draft(shop, *said)
    assert (proposal.question, proposal.checks) == ("Is the return of a garment free?", ())


def test_a_sentence_that_leans_on_the_one_before_is_not_asked_about(shop: Project, tmp_path: Path) -> None:
    add(shop, tmp_path, "guide.md", ENGLISH)
    assert not any("Christmas" in proposal.answer for proposal in draft(shop, *["Thank you"] * 6))


def test_what_was_asked_before_is_not_asked_again(shop: Project, tmp_path: Path) -> None:
    add(shop, tmp_path, "guide.md", SPANISH)
    shop.store.put(*draft(shop))
    with pytest.raises(NotEnough, match="nothing_to_draft"):
        draft(shop)


def test_a_test_question_is_never_drafted(shop: Project, tmp_path: Path) -> None:
    add(shop, tmp_path, "guide.md", "The return of a garment is free of charge during the first thirty days.\n")
    shop.store.replace_questions([Question(question="Is the return of a garment free?")])
    assert all(
        each.question != "Is the return of a garment free?"
        for each in draft(shop, *["Is the return of a garment free?"] * 3)
    )


def test_an_approved_draft_becomes_an_example_that_knows_its_source(shop: Project, tmp_path: Path) -> None:
    add(shop, tmp_path, "guide.md", SPANISH)
    proposal = draft(shop)[0]
    shop.store.put(proposal)
    said = drafting.review(shop, proposal.id, approve=True, question="¿Cuándo llegan?", answer="En nueve días.")
    (example,) = shop.store.examples()
    assert said == proposal.model_copy(
        update={"state": "approved", "question": "¿Cuándo llegan?", "answer": "En nueve días."}
    )
    assert example.messages == (
        Message(role="user", content="¿Cuándo llegan?"),
        Message(role="assistant", content="En nueve días."),
    )
    assert (example.source, example.topic) == ("drafts:sources/guide.md", proposal.heading)


def test_a_rejected_draft_is_no_example_even_if_it_was_one(shop: Project, tmp_path: Path) -> None:
    add(shop, tmp_path, "guide.md", SPANISH)
    proposal = draft(shop)[0]
    shop.store.put(proposal)
    drafting.review(shop, proposal.id, approve=True)
    drafting.review(shop, proposal.id, approve=False)
    assert shop.store.examples() == []
    assert [each.state for each in shop.store.all(Proposal)] == ["rejected"]


def test_an_empty_answer_cannot_be_approved(shop: Project, tmp_path: Path) -> None:
    add(shop, tmp_path, "guide.md", SPANISH)
    proposal = draft(shop)[0]
    shop.store.put(proposal)
    with pytest.raises(BadInput, match="proposal_empty"):
        drafting.review(shop, proposal.id, approve=True, answer="…")
    with pytest.raises(NotFound, match="proposal_missing"):
        drafting.review(shop, "none", approve=True)


def test_what_rests_on_a_document_that_is_gone_goes_with_it(shop: Project, tmp_path: Path) -> None:
    add(shop, tmp_path, "guide.md", SPANISH)
    proposals = draft(shop)
    shop.store.put(*proposals)
    drafting.review(shop, proposals[0].id, approve=True)
    drafting.forget(shop, {proposals[0].document_id})
    assert (shop.store.all(Proposal), shop.store.examples()) == ([], [])


def test_drafting_stops_when_it_is_asked_to(shop: Project, tmp_path: Path) -> None:
    add(shop, tmp_path, "guide.md", SPANISH)
    with pytest.raises(Stopped):
        drafting.draft(shop, DraftRequest(model=STARTER), Parrot(), lambda event: None, lambda: True)


@pytest.mark.parametrize(
    ("sentence", "heading", "expected"),
    [
        ("Solar panels count as part of the building.", "", "solar panels"),
        ("The belongings of a student living away are covered.", "", "the belongings of a student living away"),
        ("Las placas solares forman parte del continente.", "", "las placas solares"),
        (
            "Within 30 days, and only then, all of it happens at once again and again.",
            "5.1 Second visit",
            "second visit",
        ),
        ("Flexi Plus is our best plan.", "", "Flexi Plus"),
    ],
)
def test_the_topic_is_what_stands_before_the_verb_or_the_heading(sentence: str, heading: str, expected: str) -> None:
    assert asking.topic(sentence, heading) == expected


def add(project: Project, folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    intake.add(project, folder / name)


def draft(project: Project, *said: str) -> list[Proposal]:
    return drafting.draft(project, DraftRequest(model=STARTER), Parrot(*said), lambda event: None, lambda: False)
