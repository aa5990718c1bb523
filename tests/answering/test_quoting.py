"""Quoted answers: which sentence is chosen, how surely, and what its choice rests on."""

import math
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest

from studio import answering, explanation
from studio.answering import quoting
from studio.answering.quoting import IMPOSSIBLE, Candidate
from studio.base.events import Event
from studio.base.records import Answer, Chunk, Citation, Message, Passage, Profile, Variant
from studio.engines import Engine
from studio.retrieval import terms

VARIANT = Variant(id="v", approach="documents", model="smollm2-135m-instruct", quotes=True)


class Words:
    """An embedder of bags of words: enough to tell sentences apart, and exact."""

    def embed(self, texts: Sequence[str], _kind: str) -> "np.ndarray[Any, Any]":
        vectors = np.zeros((len(texts), 512), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in terms.content(text):
                vectors[row, sum(map(ord, word)) % 512] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


ENGINE = cast(Engine, Words())


def a_passage(text: str, document: str = "guide.pdf") -> Passage:
    chunk = Chunk(id=text[:8], document_id=document, document=document, text=text, start=0, end=len(text), page=3)
    return Passage(chunk=chunk, score=1.0, similarity=0.9)


PASSAGES = (
    a_passage("• Report a theft within 48 hours.\n• Tell us within 7 days of discovering the damage."),
    a_passage("The excess is 150 euros. Repairs are guaranteed for 2 years."),
)


def test_every_sentence_is_a_candidate_once_and_without_its_list_mark() -> None:
    assert quoting.candidates((*PASSAGES, PASSAGES[1])) == [
        Candidate("Report a theft within 48 hours.", 0, 1.0),
        Candidate("Tell us within 7 days of discovering the damage.", 0, 1.0),
        Candidate("The excess is 150 euros.", 1, 1.0),
        Candidate("Repairs are guaranteed for 2 years.", 1, 1.0),
    ]


def test_a_sentence_counts_for_more_the_better_its_passage_was_found() -> None:
    worse, better = (
        a_passage(f"The excess of {name} is {amount} euros.").model_copy(update={"score": score})
        for name, amount, score in (("homes", 150, 0.6), ("boats", 300, 1.0))
    )
    offered = quoting.candidates((worse, better))
    (fits,) = quoting.fit(["How high is the excess?"], offered, quoting.vectors(offered, ENGINE), ENGINE)
    assert fits[1] - fits[0] == pytest.approx(quoting.FOUND * 0.4)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("I discovered damage. How many days do I have?", "Tell us within 7 days of discovering the damage."),
        ("How high is the excess?", "The excess is 150 euros."),
        ("For how many years are repairs guaranteed?", "Repairs are guaranteed for 2 years."),
    ],
)
def test_the_sentence_that_fits_the_question_is_quoted(question: str, answer: str) -> None:
    assert [candidate.text for candidate in quoting.quote(VARIANT, question, PASSAGES, ENGINE)] == [answer]


def test_a_longer_answer_quotes_more_sentences_in_the_order_in_which_they_stand() -> None:
    longer = VARIANT.model_copy(update={"profile": Profile(length="medium")})
    quoted = quoting.quote(longer, "excess, and report of a theft?", PASSAGES, ENGINE)
    assert [candidate.text for candidate in quoted] == ["Report a theft within 48 hours.", "The excess is 150 euros."]


def test_the_chances_of_all_sentences_add_up_to_one_and_absent_passages_are_impossible() -> None:
    offered = quoting.candidates(PASSAGES)
    (fits,) = quoting.fit(["excess"], offered, quoting.vectors(offered, ENGINE), ENGINE)
    assert sum(
        map(math.exp, quoting.chances([0.1, 0.12, 0.11, 0.1], offered, range(4), [True, True]))
    ) == pytest.approx(1)
    assert quoting.chances(fits, offered, [2, 0], [True, False])[0] == IMPOSSIBLE
    assert quoting.chances(fits, offered, [0], [False, False]) == [IMPOSSIBLE]


def test_a_question_without_words_fits_no_sentence_better_than_another() -> None:
    offered = quoting.candidates(PASSAGES)
    assert quoting.fit([" "], offered, quoting.vectors(offered, ENGINE), ENGINE) == [[0.0] * 4]


def test_why_a_sentence_was_quoted_adds_up_and_names_the_passage_it_stands_in() -> None:
    question = "How high is the excess?"
    answer = Answer(
        id="a",
        variant="v",
        question=question,
        text="The excess is 150 euros [2].",
        messages=(Message(role="user", content=question),),
        passages=PASSAGES,
        citations=(Citation(number=2, passage=1),),
        quoted=True,
    )
    said: list[Event] = []
    made = explanation.explain(answer, VARIANT, None, ENGINE, said.append, lambda: False)
    assert [game.kind for game in made.games] == ["passages", "question"]
    for game in made.games:
        assert game.gap == pytest.approx(0, abs=1e-9)
    passages, asked = made.games
    assert passages.units[1].value > 0 > passages.units[0].value
    assert max(asked.units, key=lambda unit: unit.value).text.startswith(("the excess", "excess", "is the excess"))


def test_small_models_quote_documents_and_large_ones_do_not(tmp_path: Any) -> None:
    from studio.base import project as projects
    from studio.base.records import Indexed

    project = projects.create(tmp_path, "Shop")
    indexed = Indexed(documents=1, chunks=1, embedder="e", threshold=0.8)
    for model, quotes in (("smollm2-135m-instruct", True), ("qwen3-1.7b", False)):
        project.change(model=model, chosen=("documents",))
        made = answering.variants(project, indexed)
        assert [(v.approach, v.quotes) for v in made] == [("plain", False), ("documents", quotes)]


def test_nothing_is_quoted_of_titles() -> None:
    assert quoting.quote(VARIANT, "Who handles complaints?", [a_passage("Complaints and privacy")], ENGINE) == []


def test_a_statement_of_two_sentences_is_known_again_by_each_of_them() -> None:
    offered = quoting.candidates([a_passage("Your account is My Shed. There you find labels. We are open.")])
    said = f"{offered[1].text} We are open."
    parts = ["Your account is My Shed. ", "There you find labels. ", "We are open."]
    assert quoting.chosen(said, parts, offered) == [1, 1, 2]
