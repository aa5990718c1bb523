import pytest

from studio.answering.declining import declines


@pytest.mark.parametrize(
    "text",
    [
        "I do not know.",
        "I don’t know if that is covered.",
        "If the text does not say it, answer: I do not know.",
        "The texts do not mention a price.",
        "It could not be found in the documents.",
        "No lo sé.",
        "No sé si está incluido.",
        "Si, no lo se",
        "Lo siento, el texto no lo dice.",
        "Eso no aparece en nuestros documentos.",
    ],
)
def test_a_model_may_say_that_it_does_not_know(text: str) -> None:
    assert declines(text)


@pytest.mark.parametrize(
    "text",
    [
        "Si su nombre no aparece en la póliza, llámenos.",
        "If your plan is not mentioned on the invoice, call us.",
        "Call us if we cannot find your parcel.",
        "Damage by frost is not included in the plan Cove.",
        "We could not be reached on Sundays.",
        "If you do not know your policy number, look at the invoice.",
        "El seguro no se extiende a los garajes. El IVA no figura en el recibo.",
        "No se admiten devoluciones. Si no encuentra su pedido, escríbanos.",
    ],
)
def test_an_answer_about_what_is_missing_somewhere_is_an_answer(text: str) -> None:
    assert not declines(text)
