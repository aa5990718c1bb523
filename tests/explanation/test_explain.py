"""One stored answer explained from end to end, with a real (tiny) model scoring."""

import csv
import io
import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from studio import explanation
from studio.base import events
from studio.base import project as projects
from studio.base.errors import NotEnough, Stopped
from studio.base.records import Answer, Chunk, Citation, Example, Lesson, Message, Passage, Variant
from studio.base.settings import Settings
from studio.engines import Engine
from studio.engines.scoring import Scorer
from studio.engines.speech import Embedder, Scores
from studio.explanation import written
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
        "planned", *(each for kind in ("passages", "question", "instructions")
                     for each in (f"explain_{kind}", "explained", "explained"))
    ]  # fmt: skip
    folded = events.fold(said)
    assert folded.games == made.games  # the first look at each was replaced
    assert folded.stages == ("explain_passages", "explain_question", "explain_instructions")


def test_a_bare_question_is_explained_by_words_when_asked(engine: Any) -> None:
    asked = answered(Message(role="user", content=QUESTION), passages=())
    made = explanation.explain(asked, VARIANT, None, engine, lambda _: None, lambda: False, detail="words", seconds=0)
    assert [game.kind for game in made.games] == ["question"]
    assert [unit.text for unit in made.games[0].units] == QUESTION.split()


@pytest.mark.parametrize(
    ("detail", "passages", "alone"), [("phrases", (), True), ("words", (), False), ("phrases", TEXTS, False)]
)
def test_only_phrases_without_passages_are_first_tried_alone(
    engine: Any, detail: Any, passages: Sequence[str], alone: bool
) -> None:
    asked = answered(*(prompt() if passages else (Message(role="user", content=QUESTION),)), passages=passages)
    said: list[Any] = []
    explanation.explain(asked, VARIANT, None, engine, said.append, lambda: False, detail=detail, seconds=0)
    first = next(e.game for e in said if isinstance(e, events.Explained) and e.game.kind == "question")
    assert [unit.without is None for unit in first.units] == [alone] * len(first.units)


def test_a_passage_is_opened_into_its_sentences_and_the_words_are_added(engine: Any) -> None:
    text = "The cover lasts fourteen months. It begins on the day of payment. A claim ends it."
    listed = f"[1] {text}\n\nQuestion: {QUESTION}"
    asked = answered(Message(role="user", content=listed), passages=(text,))
    ask = partial(explanation.explain, asked, VARIANT, None, engine, lambda _: None, lambda: False, seconds=0)
    first = ask()
    opened = ask(inside=0, before=first)
    assert [game.asks for game in opened.games] == [*(game.asks for game in first.games), ("sentences", "phrases", 0)]
    assert opened.games[:-1] == first.games
    assert [unit.text for unit in opened.games[-1].units] == [
        "The cover lasts fourteen months.", "It begins on the day of payment.", "A claim ends it."
    ]  # fmt: skip
    assert opened.games[-1].full == pytest.approx(first.games[0].full, abs=1e-3)
    words = ask(detail="words", before=opened)
    assert [(game.kind, game.detail) for game in words.games][-1] == ("question", "words")
    assert len(words.games) == len(opened.games) + 1
    with pytest.raises(NotEnough):
        ask(inside=3, before=first)


def test_what_training_changed_is_the_same_words_scored_with_and_without_it() -> None:
    class Taught(TinyEngine):
        """The adapter makes every token e times as likely."""

        def score(self, conversations: Any, answer: str, *, model: str, adapter: Path | None = None) -> Scores:
            plain = self.scorer.score(conversations, answer)
            lifted = tuple(tuple(value + (adapter is not None) for value in row) for row in plain.logprobs)
            return plain.model_copy(update={"logprobs": lifted})

    variant = VARIANT.model_copy(update={"adapter": "models/t1"})
    asked = answered(Message(role="user", content=QUESTION), passages=())
    lesson = Lesson(example="e", question="q", answer="a", similarity=0.9)
    made = explanation.explain(
        asked,
        variant,
        Path("t1"),
        Taught(),
        lambda _: None,
        lambda: False,
        seconds=0,
        alike=(lesson,),  # type: ignore[arg-type]
    )
    assert made.lessons == (lesson,)
    assert made.shift is not None
    tokens = made.shift.answer_tokens
    assert made.shift.after - made.shift.before == pytest.approx(tokens)
    assert explanation.times(made.shift.after - made.shift.before, tokens) == pytest.approx(math.e)
    assert sum(made.shift.after_by_sentence) == pytest.approx(made.shift.after)


def test_the_examples_most_like_question_and_answer_are_named_and_test_ones_never(tmp_path: Path) -> None:
    class Letters:
        """An embedder that counts letters."""

        def embedder(self, name: str = "") -> Embedder:
            return Embedder(name="letters", dim=26)

        def embed(self, texts: Sequence[str], kind: str, embedder: str = "") -> Any:
            import numpy as np

            counts = np.array(
                [[text.lower().count(chr(97 + n)) for n in range(26)] for text in texts], dtype=np.float32
            )
            return counts / np.linalg.norm(counts, axis=1, keepdims=True)

    made = projects.create(tmp_path, "Claims", "en")
    said = (
        ("How long is the cover?", "Fourteen months.", "train"),
        ("How long is the cover ?", "14 months.", "test"),
        ("Do you sell pizza?", "No, never.", "train"),
        ("How long does it last?", "Fourteen months in all.", "train"),
    )
    examples = [
        Example(
            id=str(n), messages=(Message(role="user", content=q), Message(role="assistant", content=a)), split=split
        )  # type: ignore[arg-type]
        for n, (q, a, split) in enumerate(said)
    ]
    made.store.put_source("sources/x", "0" * 64, [], examples, [])
    asked = Answer(variant="v", question="How long does the cover last?", text="Fourteen months.")
    found = explanation.lessons(made, asked, Letters())  # type: ignore[arg-type]
    assert {each.example for each in found[:2]} == {"0", "3"}
    assert [each.similarity for each in found] == sorted((each.similarity for each in found), reverse=True)
    assert explanation.lessons(projects.create(tmp_path, "Empty", "en"), asked, Letters()) == ()  # type: ignore[arg-type]


def test_a_table_of_an_explanation_opens_in_a_spreadsheet_and_runs_nothing(engine: Any) -> None:
    made = explanation.explain(answered(*prompt()), VARIANT, None, engine, lambda _: None, lambda: False, seconds=0)
    evil = made.games[1].units[0].model_copy(update={"text": "=HYPERLINK(1)"})
    games_ = (made.games[0], made.games[1].model_copy(update={"units": (evil, *made.games[1].units[1:])}))
    table = written.table(made.model_copy(update={"games": games_}))
    rows = list(csv.reader(io.StringIO(table.removeprefix("\ufeff"))))
    assert rows[0] == [*written.HEAD, "sentence_1", "sentence_2"]
    assert len(rows) == 1 + sum(len(game.units) for game in games_)
    assert rows[4][3] == "'=HYPERLINK(1)"
    assert float(rows[1][4]) == pytest.approx(made.games[0].units[0].value, rel=1e-4)


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
def test_the_starter_model_explains_through_its_host(tmp_path: Path, starter: Callable[[Path], Settings]) -> None:
    engine = Engine(starter(tmp_path))
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


def test_what_scores_is_loaded_ahead_and_what_is_wrong_with_it_is_left_for_the_explanation(engine: Any) -> None:
    explanation.warm(VARIANT, None, engine)
    assert engine.scorer._tree._packs

    class Without:
        def score(self, *_: object, **__: object) -> Scores:
            raise NotEnough("nothing_to_explain")

    explanation.warm(VARIANT, None, Without())  # type: ignore[arg-type]


def test_a_run_that_explains_loads_nothing_heavy_before_it_asks() -> None:
    code = (
        "import sys, studio.work.kinds, studio.work.explaining, studio.engines, studio.explanation;"
        "print({'pandas', 'torch', 'shap', 'sklearn', 'studio.answering'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
