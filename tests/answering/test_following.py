"""Questions that lean on the one before them: which do, what they are read as, and that the rest is left alone."""

from collections.abc import Sequence

import pytest

from studio.answering import following
from studio.base.records import Message
from tests.answering.fakes import Parrot


def said(*questions: str) -> list[Message]:
    return [
        message
        for question in questions
        for message in (Message(role="user", content=question), Message(role="assistant", content="€150."))
    ]


@pytest.mark.parametrize(
    "question",
    [
        "And for bikes?",
        "What about cash?",
        "for the islands?",
        "And on Sundays?",
        "How long does it take?",
        "Who pays?",
        "Can I send them back?",
        "¿Y si es de noche?",
        "¿Y las joyas?",
        "¿Y cuánto cuesta?",
        "¿Puedo devolverlo sin la caja?",
        "¿Desde cuándo?",
        "¿Y en Baleares?",
        "¿Y eso lo cubren?",
        "¿Y de qué plazo dispongo?",  # once taken to stand alone, and answered by the first row that says "plazo"
        "¿Y de cuánto tiempo disponemos?",
        "¿Y durante cuánto tiempo?",
        "And how much time do I have left?",
    ],
)
def test_a_question_that_says_too_little_of_its_own_leans_on_the_one_before(question: str) -> None:
    assert following.leans(question)


@pytest.mark.parametrize(
    "question",
    [
        "What is the excess?",
        "And how long does delivery take?",
        "How long does it take to repair a window?",
        "Is it possible to pay by bank transfer?",
        "If my phone falls into the water, is the damage covered?",
        "During which hours is customer service open?",
        "Is my bicycle covered?",
        "excess water damage",
        "¿Cuál es el teléfono de siniestros?",
        "¿Y cuándo abre la oficina?",
        "¿Cubre los cristales?",
        "And above what temperature do you hold plants back?",
        "¿Y por encima de qué temperatura retienen las plantas?",
        "¿Cuántas fotos del daño puedo subir este año?",
        "¿Qué hay que presentar en un robo?",
        "¿Y de qué plazo dispongo para denunciar un robo?",
        "How long do I have to report a theft to the police?",
    ],
)
def test_a_question_that_stands_alone_is_never_touched(question: str) -> None:
    assert not following.leans(question)
    assert following.understood(question, said("How much is the excess?")) == question
    assert following.searched(question, question) == question


@pytest.mark.parametrize(
    ("before", "question", "read"),
    [
        (("How much is the excess for laptops?",), "And for bikes?", "How much is the excess for bikes?"),
        (("¿Puedo pagar con cheque?",), "¿Y con tarjeta?", "¿Puedo pagar con tarjeta?"),
        (
            ("What is the limit for cash?",),
            "What about jewellery?",
            "What is the limit for cash? What about jewellery?",
        ),
        (
            ("¿Cuánto cuesta el envío?", "¿Y el urgente?"),
            "¿Y a Baleares?",
            "¿Cuánto cuesta el envío? ¿Y el urgente? ¿Y a Baleares?",
        ),
        (
            ("What is the price?", "How much is the excess for laptops?"),
            "For bikes?",
            "How much is the excess for bikes?",
        ),
        (
            ("¿Puedo anular una póliza nueva?",),
            "¿Y de qué plazo dispongo?",
            "¿Puedo anular una póliza nueva? ¿Y de qué plazo dispongo?",
        ),
        ((), "And for bikes?", "And for bikes?"),
    ],
)
def test_it_is_read_with_the_last_question_that_stands_alone(before: Sequence[str], question: str, read: str) -> None:
    assert following.understood(question, said(*before)) == read


def test_the_new_words_weigh_most_in_what_is_searched_for() -> None:
    read = following.understood("What about jewellery?", said("What is the limit for cash?"))
    assert following.searched("What about jewellery?", read) == f"jewellery? {read} jewellery?"


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("How much is the excess for bikes?", True),
        ('"How much is the excess for bikes?"\nI hope this helps.', True),
        ("¿Cuánto es la franquicia de las bicicletas?", False),  # another language
        ("How much is the excess of 300 for bikes?", False),  # a number nobody said
        ("The weather is fine today.", False),  # another subject
        ("", False),
    ],
)
def test_a_larger_model_writes_it_out_unless_it_writes_something_else(written: str, taken: bool) -> None:
    engine = Parrot(written)
    history = said("How much is the excess for laptops?")
    read = following.understood("And bikes?", history, engine, "qwen3-1.7b")  # type: ignore[arg-type]
    by_rule = "How much is the excess for laptops? And bikes?"
    assert read == ("How much is the excess for bikes?" if taken else by_rule)
    assert "And bikes?" in engine.asked[0][-1].content


def test_a_small_model_is_not_asked() -> None:
    engine = Parrot()
    following.understood("And bikes?", said("How much is the excess?"), engine, "smollm2-135m-instruct")  # type: ignore[arg-type]
    assert engine.asked == []
