"""One stored answer explained from end to end, with a real (tiny) model scoring."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from studio import explanation
from studio.base import events
from studio.base.errors import NotEnough, Stopped
from studio.base.records import Answer, Chunk, Citation, Message, Passage, Variant
from studio.base.settings import Settings
from studio.engines import Engine, weights
from studio.engines.scoring import Scorer
from studio.engines.speech import Scores
from tests import tiny

QUESTION = "How long does the cover last, and what does the policy say about water damage in the kitchen of the house?"
TEXTS = (
    "The cover lasts fourteen months.",
    "It pays for water damage up to 2,000 euros.",
    "Claims are answered in ten days.",
)
VARIANT = Variant(id="v1", approach="documents", model="tiny")


class TinyEngine:
    """The engine's scoring half, in this process."""

    def __init__(self) -> None:
        self.scorer = Scorer(tiny.model(), tiny.tokenizer())

    def score(
        self, conversations: Sequence[Sequence[Message]], answer: str, *, model: str, adapter: Path | None = None
    ) -> Scores:
        assert model == "tiny"
        assert adapter is None
        return self.scorer.score(conversations, answer)

    def score_masked(
        self,
        conversation: Sequence[Message],
        units: Any,
        masks: Any,
        answer: str,
        *,
        model: str,
        adapter: Path | None = None,
    ) -> Scores:
        return self.scorer.score_masked(conversation, units, masks, answer)


@pytest.fixture(scope="module")
def engine() -> Any:
    return TinyEngine()


def answered(*messages: Message, passages: Sequence[str] = TEXTS, **more: Any) -> Answer:
    found = tuple(
        Passage(
            chunk=Chunk(id=str(n), document_id="d", document="Policy", text=t, start=0, end=len(t)),
            score=1,
            similarity=1,
        )
        for n, t in enumerate(passages)
    )
    said = {
        "text": "The cover lasts fourteen months [1]. It pays up to 2,000 euros.",
        "citations": (Citation(number=1, passage=0),),
    }
    return Answer(variant="v1", question=QUESTION, messages=messages, passages=found, **(said | more))


def prompt() -> tuple[Message, ...]:
    listed = "".join(f"[{n}] {text}\n\n" for n, text in enumerate(TEXTS, 1))
    return (
        Message(role="system", content="Answer briefly. Say usted."),
        Message(role="user", content=f"Passages:\n\n{listed}Question: {QUESTION}"),
    )


def test_passages_question_and_instructions_are_explained_each_adding_up(engine: Any) -> None:
    said: list[Any] = []
    made = explanation.explain(answered(*prompt()), VARIANT, None, engine, said.append, lambda: False, seconds=0)
    assert [game.kind for game in made.games] == ["passages", "question", "instructions"]
    assert [game.method for game in made.games] == ["kv_exact", "permutation", "exact"]
    assert made.sentences == ("The cover lasts fourteen months.", "It pays up to 2,000 euros.")
    for game in made.games:
        assert abs(game.gap) <= 1e-4 * abs(game.full - game.base)
        assert game.full == pytest.approx(sum(game.full_by_sentence), abs=1e-9)
        assert game.answer_tokens > 10
        assert game.evaluations > 1
        assert game.tokens > 0
        for n in range(2):
            total = sum(unit.by_sentence[n] for unit in game.units)
            assert total == pytest.approx(game.full_by_sentence[n] - game.base_by_sentence[n], rel=1e-4, abs=1e-9)
    fulls = [game.full for game in made.games]
    assert fulls == pytest.approx(
        [fulls[0]] * 3, abs=1e-3
    )  # all games keep everything in the end: one prompt, one number
    assert [unit.passage for unit in made.games[0].units] == [0, 1, 2]


def test_the_full_value_is_the_log_probability_of_the_answer_without_its_marks(engine: Any) -> None:
    made = explanation.explain(answered(*prompt()), VARIANT, None, engine, lambda _: None, lambda: False, seconds=0)
    plain = engine.scorer.score([prompt()], "The cover lasts fourteen months. It pays up to 2,000 euros.")
    assert made.games[1].full == pytest.approx(sum(plain.logprobs[0]), abs=1e-4)


def test_each_game_is_told_as_soon_as_it_is_ready(engine: Any) -> None:
    said: list[Any] = []
    made = explanation.explain(answered(*prompt()), VARIANT, None, engine, said.append, lambda: False, seconds=0)
    marks = [e.name if isinstance(e, events.Stage) else e.event for e in said if not isinstance(e, events.Progress)]
    assert marks == [
        "planned", "explain_passages", "explained", "explain_question", "explained", "explain_instructions", "explained"
    ]  # fmt: skip
    folded = events.fold(said)
    assert folded.games == made.games
    assert folded.stages == ("explain_passages", "explain_question", "explain_instructions")


def test_a_bare_question_is_explained_by_words_when_asked(engine: Any) -> None:
    asked = answered(Message(role="user", content=QUESTION), passages=())
    made = explanation.explain(asked, VARIANT, None, engine, lambda _: None, lambda: False, detail="words", seconds=0)
    assert [game.kind for game in made.games] == ["question"]
    assert [unit.text for unit in made.games[0].units] == QUESTION.split()


def test_stop_is_heard_between_two_questions_to_the_engine(engine: Any) -> None:
    said: list[Any] = []
    stop = lambda: any(isinstance(e, events.Progress) for e in said)  # noqa: E731
    with pytest.raises(Stopped):
        explanation.explain(answered(*prompt()), VARIANT, None, engine, said.append, stop)
    assert sum(isinstance(e, events.Progress) for e in said) == 1


@pytest.mark.parametrize(
    "nothing",
    [
        {"refused": True},
        {"text": "  "},
        {"text": "[1]"},
        {"messages": ()},
        {"messages": (Message(role="user", content="Not the question."),), "passages": ()},
    ],
)
def test_a_refused_or_empty_answer_leaves_nothing_to_explain(engine: Any, nothing: dict[str, Any]) -> None:
    answer = answered(*prompt()).model_copy(update=nothing)
    with pytest.raises(NotEnough) as caught:
        explanation.explain(answer, VARIANT, None, engine, lambda _: None, lambda: False)
    assert caught.value.code == "nothing_to_explain"


@pytest.mark.slow
def test_the_starter_model_explains_through_its_host(tmp_path: Path) -> None:
    settings = Settings(projects=tmp_path)
    weights("smollm2-135m-instruct", settings)
    engine = Engine(settings)
    variant = VARIANT.model_copy(update={"model": "smollm2-135m-instruct"})
    try:
        made = explanation.explain(answered(*prompt()), variant, None, engine, lambda _: None, lambda: False, seconds=0)
    finally:
        engine.stop()
    assert [game.kind for game in made.games] == ["passages", "question", "instructions"]
    passages = made.games[0]
    months, euros, days = passages.units
    assert months.by_sentence[0] > max(euros.by_sentence[0], days.by_sentence[0])  # each sentence rests on its passage
    assert euros.by_sentence[1] > max(months.by_sentence[1], days.by_sentence[1])
    assert [explanation.strength(unit, passages) for unit in passages.units] == ["strong", "strong", "none"]
    assert 0 < explanation.explained(passages).share < 1
    assert all(abs(game.gap) <= 1e-4 * abs(game.full - game.base) for game in made.games)
