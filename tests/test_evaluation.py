from fractions import Fraction

import pytest

from studio import evaluation
from studio.base.records import Answer, Difference, Example, Graded, Message, Question, VariantScores
from studio.evaluation import grading, lookup


def an_answer(text: str, refused: bool = False, variant: str = "v") -> Answer:
    return Answer(id="a", variant=variant, question="q", text=text, refused=refused, created="")


@pytest.mark.parametrize(
    ("text", "fact", "stated"),
    [
        ("You have 14 days.", "14", True),
        ("You have fourteen days.", "14|fourteen", True),
        ("Since 2014.", "14", False),
        ("It costs €1,500.", "1500", True),
        ("Cuesta 1.500,00 €.", "1500", True),
        ("Cuesta 4,95 €", "4.95", True),
        ("Cuesta 14,95 €", "4,95", False),
        ("La PÓLIZA Hogar", "poliza", True),
        ("We know it now", "no", False),
        ("No, it is not.", "no", True),
        ("Call 900 123 456.", "900 123 456", True),
        ("within 48 hours.", "48 hours", True),
        ("a 15 % discount", "15%", True),
        ("", "14", False),
        ("anything", "|", False),
    ],
)
def test_a_fact_is_found_however_it_is_written(text: str, fact: str, stated: bool) -> None:
    assert lookup.states(text, fact) is stated


@pytest.mark.parametrize(
    "text",
    [
        "I could not find this in your documents.",
        "I don't know.",
        "Sorry, I cannot answer that.",
        "That is not mentioned in the documents.",
        "No encuentro esto en sus documentos.",
        "Lo siento, no lo sé.",
        "No dispongo de esa información.",
    ],
)
def test_declining_is_recognised_in_both_languages(text: str) -> None:
    assert grading.declines(text)


@pytest.mark.parametrize(
    "text",
    [
        "Siento oír que se inundó su cocina. Sí, está cubierto.",
        "I am sorry to hear that. You have 14 days.",
        "No se admiten devoluciones después de 30 días.",
        "No, wear and tear is not covered.",
        "No se cobra nada.",
        "You do not need to call first.",
        "No hace falta cita previa.",
        "Si su nombre no aparece en la póliza, llámenos.",
        "If your plan is not mentioned on the invoice, call us.",
    ],
)
def test_sympathy_and_a_plain_no_are_not_declining(text: str) -> None:
    assert not grading.declines(text)


def test_right_means_every_fact_is_stated_and_declining_a_known_question_is_wrong() -> None:
    question = Question(id="1", question="q", must_contain=("30 days", "500|five hundred"))
    complete, half = an_answer("30 days, up to 500."), an_answer("Within 30 days.")
    assert grading.grade(question, complete) == Graded(
        question_id="1", answer=complete, right=True, found=question.must_contain
    )
    assert grading.grade(question, half) == Graded(
        question_id="1", answer=half, right=False, found=("30 days",), missing=("500|five hundred",)
    )
    assert not grading.grade(question, an_answer("30 days, 500", refused=True)).right


def test_a_question_without_an_answer_in_the_material_must_be_declined() -> None:
    question = Question(id="1", question="q", answerable=False)
    assert grading.grade(question, an_answer("", refused=True)).right
    assert grading.grade(question, an_answer("I do not know.")).right
    assert not grading.grade(question, an_answer("Yes, of course.")).right


def test_facts_nobody_marked_up_are_taken_from_the_reference() -> None:
    assert grading.facts_of("Within 48 hours, with the police report.") == ("48",)
    assert grading.facts_of("Please write to Marta Soler.") == ("Marta", "Soler")
    assert grading.facts_of("yes of course, everything is covered") == ("everything", "covered", "course")


def graded(id: str, right: bool) -> Graded:
    return Graded(question_id=id, answer=an_answer(""), right=right)


def scores(variant: str, rights: str) -> VariantScores:
    return VariantScores(
        variant=variant, scores=(), graded=tuple(graded(str(n), c == "1") for n, c in enumerate(rights))
    )


def test_two_variants_are_compared_question_by_question() -> None:
    found = evaluation.better_than(scores("a", "0000000011"), scores("b", "1111111111"))
    assert found.p_value == pytest.approx(float(Fraction(2, 2**8)))
    assert found == Difference(better="b", worse="a", wins=8, losses=0, p_value=found.p_value, verdict="better")
    assert evaluation.better_than(scores("a", "1100"), scores("b", "0000")).verdict == "too_few"
    assert evaluation.better_than(scores("a", "11110000"), scores("b", "00001110")).verdict == "none_found"
    assert evaluation.better_than(scores("a", "11"), scores("b", "11")).p_value == 1.0


def test_shares_are_told_apart_by_what_the_material_can_answer() -> None:
    questions = {"1": Question(id="1", question="q"), "2": Question(id="2", question="q", answerable=False)}
    found = evaluation.score(questions, [graded("1", True), graded("2", False)])
    assert [(s.metric, s.value, s.n) for s in found] == [
        ("right", 0.5, 2),
        ("right_known", 1.0, 1),
        ("right_declined", 0.0, 1),
        ("seconds", 0.0, 2),
    ]


def test_a_question_that_became_an_example_is_not_measured_with() -> None:
    asked = Question(id="1", question="When do you open?")
    learnt = Question(id="2", question="Where are you?")
    example = Example(
        id="e", messages=(Message(role="user", content="where are YOU"), Message(role="assistant", content="Here."))
    )
    assert evaluation.fair([asked, learnt], [example]) == [asked]


def test_examples_become_test_questions_without_losing_a_fact() -> None:
    def worded(answer: int, wording: int) -> Example:
        said = (
            Message(role="user", content=f"question {wording} about {answer}"),
            Message(role="assistant", content=f"Fact {answer}."),
        )
        return Example(id=f"{answer:02}-{wording}", messages=said)

    examples = [worded(answer, wording) for answer in range(12) for wording in range(3 if answer else 2)]
    held = evaluation.hold_out(examples)
    assert [example.id for example in held] == [f"{answer:02}-0" for answer in range(1, 12)]
    assert evaluation.hold_out(examples[:20]) == []
