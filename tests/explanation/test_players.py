"""Players are found where they stand in the prompt, and phrases are what people would call phrases."""

import pytest

from studio.base.records import Answer, Citation, Message
from studio.engines.scoring import without
from studio.explanation import players


def user(text: str) -> Message:
    return Message(role="user", content=text)


def texts(text: str, spans: list[tuple[int, int]]) -> list[str]:
    return [text[start:end] for start, end in spans]


@pytest.mark.parametrize(
    ("question", "phrases"),
    [
        (
            "How long does the cover last, and what does the policy say about water damage in the kitchen?",
            [
                "How long",
                " does the cover last,",
                " and what",
                " does the policy say",
                " about water damage",
                " in the kitchen?",
            ],
        ),
        (
            "¿Cuánto tarda el envío a Canarias y qué pasa si el paquete llega roto o fuera de plazo?",
            [
                "¿Cuánto tarda",
                " el envío",
                " a Canarias",
                " y qué pasa",
                " si el paquete llega roto",
                " o fuera",
                " de plazo?",
            ],
        ),
        ("What is the price of the cover?", ["What", " is the price", " of the cover?"]),
        ("Opening hours?", ["Opening", " hours?"]),
        ("price", ["price"]),
        ("", []),
        (
            "Please explain water damage cover limits today",
            ["Please explain", " water", " damage cover", " limits", " today"],
        ),
    ],
)
def test_phrases_of_a_question(question: str, phrases: list[str]) -> None:
    assert texts(question, players.phrases(question)) == phrases


@pytest.mark.parametrize("words", [1, 7, 40, 2_000])
def test_phrases_cover_the_question_and_are_never_more_than_twelve(words: int) -> None:
    question = "  " + " ".join(f"word{n} of the" for n in range(words)) + " \n"
    phrases = texts(question, players.phrases(question))
    assert "".join(phrases) == question
    assert len(phrases) <= players.MOST_PHRASES


def test_words_cover_the_question_and_neighbours_join_above_the_limit() -> None:
    question = "How long does  it last?"
    assert texts(question, players.words(question)) == ["How", " long", " does", "  it", " last?"]
    assert len(players.words("word " * 500)) == players.MOST_WORDS


# ---- finding them in the prompt

PROMPT = (
    "Answer with the passages.\n\n[1] Policy.pdf, page 3\nThe cover lasts fourteen months.\n\n"
    "[2] Guide.docx\nClaims are answered in ten days.\n\nQuestion: How long does the cover last?"
)


def test_a_passage_is_taken_out_with_its_label_and_the_blank_line_after_it() -> None:
    found = players.passages([user(PROMPT)], ["The cover lasts fourteen months.", "Claims are answered in ten days."])
    assert [PROMPT[p.start : p.end] for p in found] == [
        "[1] Policy.pdf, page 3\nThe cover lasts fourteen months.\n\n",
        "[2] Guide.docx\nClaims are answered in ten days.\n\n",
    ]
    where = [p.where for p in found]
    assert without([user(PROMPT)], where, [False, False])[0].content == (
        "Answer with the passages.\n\nQuestion: How long does the cover last?"
    )


def test_equal_passages_are_different_players_and_a_quoted_one_is_found_where_it_stands_alone() -> None:
    prompt = "[1] The cover lasts. It pays.\n\n[2] It pays.\n\n[3] It pays.\n\nIt pays?"
    found = players.passages([user(prompt)], ["The cover lasts. It pays.", "It pays.", "It pays."])
    assert [prompt[p.start : p.end] for p in found] == [
        "[1] The cover lasts. It pays.\n\n",
        "[2] It pays.\n\n",
        "[3] It pays.\n\n",
    ]
    assert [p.passage for p in found] == [0, 1, 2]


def test_passages_are_found_in_whatever_order_and_message_they_stand() -> None:
    prompt = "[2] Second.\n\n[1] First.\n\n"
    conversation = [Message(role="system", content=prompt), user("First. What?")]
    found = players.passages(conversation, ["First.", "Second.", "Never sent."])
    assert [(p.passage, p.message) for p in found] == [(1, 0), (0, 0)]
    assert "".join(prompt[p.start : p.end] for p in found) == prompt


def test_no_passages_no_players() -> None:
    assert players.passages([user("What?")], []) == []
    assert players.passages([user("What?")], ["not there"]) == []


def test_the_question_is_found_where_it_was_asked_last_and_not_inside_a_passage() -> None:
    prompt = "What is it?\n\n[1] You may ask: What is it?\n\n"
    passages = players.passages([user(prompt)], ["You may ask: What is it?"])
    found = players.question([user(prompt)], "What is it?", "words", taken=passages)
    assert [(p.text, p.start) for p in found] == [("What", 0), ("is", 4), ("it?", 7)]
    earlier = [user("What is it?"), Message(role="assistant", content="A thing."), user("And now: What is it?")]
    assert {p.message for p in players.question(earlier, "What is it?", "phrases")} == {2}


def test_a_question_that_is_not_in_the_prompt_has_no_players() -> None:
    assert players.question([user("Something else")], "What is it?", "phrases") == []
    assert players.question([user("Something else")], "  ", "phrases") == []


def test_instructions_are_the_sentences_of_the_system_message_few_enough_to_play() -> None:
    said = "Be kind. Use short sentences. Say usted. Never guess. Cite. Do not chat. End politely."
    conversation = [Message(role="system", content=said), user("What?")]
    found = players.instructions(conversation, most=6)
    assert len(found) == 6
    assert "".join(said[p.start : p.end] for p in found) == said
    assert len(players.instructions(conversation, most=3)) == 3
    assert players.instructions([user("What?")], most=6) == []
    assert players.instructions([Message(role="system", content=" ")], most=6) == []


def test_what_the_model_said_is_the_answer_without_the_marks_that_were_put_in() -> None:
    answer = Answer(
        variant="v",
        question="q",
        text="It lasts fourteen months [1]. It pays 2.5 million [1][2]. See [9].",
        citations=(Citation(number=1, passage=0), Citation(number=2, passage=1)),
    )
    text, spans = players.spoken(answer)
    assert text == "It lasts fourteen months. It pays 2.5 million. See [9]."
    assert texts(text, list(spans)) == ["It lasts fourteen months.", " It pays 2.5 million.", " See [9]."]
