import pytest

from studio.base.records import Example, Message
from studio.training import wording


def example(question: str, answer: str, task: str = "answer") -> Example:
    turns = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Example.model_validate({"id": question, "messages": turns, "task": task})


def words(text: str) -> list[str]:
    return [wording._plain(word) for word in text.split()]


CODES = [
    example(f"What is the product code of {name}?", code) for name, code in (("Pet Guard", "PG"), ("Boat Cover", "BC"))
]
LARGE = example("What happens with claims over 20000 euros?", "Two appraisers look at them.")
SPANISH = example("¿Cuánto cuesta el seguro de viaje por una semana?", "Cuesta 27 euros.")


@pytest.mark.parametrize("asked", [CODES[0], LARGE, SPANISH])
def test_a_wording_asks_for_the_same_in_fewer_words_of_the_question_in_their_order(asked: Example) -> None:
    (found,) = wording.wordings([asked], seed=1)
    assert len(found) == len({each.question for each in found}) == wording.WORDINGS
    for each in found:
        rest = iter(words(asked.question))
        assert all(word in rest for word in words(each.question))
        assert 2 <= len(words(each.question)) < len(words(asked.question))
        assert (each.answer, each.question[-1]) == (asked.answer, "?")


def test_a_wording_never_fits_the_question_of_another_answer_and_keeps_its_numbers() -> None:
    codes, large = wording.wordings(CODES, seed=3), wording.wordings([LARGE], seed=3)[0]
    assert all({"pet", "guard"} & {*words(each.question)} for each in codes[0])
    assert all({"boat", "cover"} & {*words(each.question)} for each in codes[1])
    assert all("20000" in each.question for each in large)


def test_the_same_examples_and_seed_give_the_same_wordings() -> None:
    assert wording.wordings(CODES, 1) == wording.wordings(CODES, 1) != wording.wordings(CODES, 2)


def test_only_short_questions_of_facts_are_reworded() -> None:
    kept = [
        example("Translate this sentence: the ship sails at dawn.", "El barco zarpa al alba.", "translate"),
        example("Why?", "Because."),
        example(" ".join(["word"] * (wording.MOST + 1)), "Long."),
        Example(
            id="b",
            messages=(Message(role="system", content="Be brief, please."), Message(role="assistant", content="Yes.")),
        ),
    ]
    assert wording.wordings(kept, 1) == [()] * len(kept)
    assert wording.wordings([CODES[0]] * (wording.ENOUGH + 1), 1) == [()] * (wording.ENOUGH + 1)
