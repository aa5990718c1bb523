"""Why an assistant gave this answer: how much each phrase of the question, each passage and each instruction made it likely.

The answer stays fixed; parts of its prompt are taken out and the answer is scored again. Shapley values share out, among
the parts, what all of them together did (`games`), and `reading` says what the numbers amount to. Shows what the model
used, never whether it is true. Knows no page and words nothing.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Literal

from studio.base.errors import NotEnough, Stopped, StudioError
from studio.base.events import Emit, Explained, Planned, Progress, ShouldStop, Stage
from studio.base.records import Answer, Explanation, Game, Lesson, Message, Shift, Variant
from studio.engines import Engine, Scores
from studio.engines.scoring import without
from studio.explanation import games, players
from studio.explanation.estimating import Mask
from studio.explanation.games import shap_explanation
from studio.explanation.learnt import lessons
from studio.explanation.players import Player, Span
from studio.explanation.reading import Agreement, Gain, agreement, explained, merged, shares, strength, times

__all__ = [
    "Agreement",
    "Gain",
    "agreement",
    "explain",
    "explained",
    "lessons",
    "merged",
    "shap_explanation",
    "shares",
    "strength",
    "times",
    "warm",
]

Detail = Literal["phrases", "words"]
SECONDS = 5.0  # how long one game may be made more precise; the least it needs is always done


def explain(
    answer: Answer,
    variant: Variant,
    adapter: Path | None,
    engine: Engine,
    emit: Emit,
    should_stop: ShouldStop,
    detail: Detail = "phrases",
    seconds: float = SECONDS,
    inside: int | None = None,
    before: Explanation | None = None,
    alike: Sequence[Lesson] = (),
) -> Explanation:
    """Explain one stored answer, in three games that each keep the rest of the prompt:

    1. passages: which of those that were found it rests on (by blocking the model's view of them);
    2. question: which phrases (or words) of it;
    3. instructions: which sentences of them.

    Each is emitted when there is a first look and whenever it is more precise; those without players are left out. A
    value is in nats: by how much a part raises the logarithm of the answer's probability; citation marks are not part of
    the answer. With an adapter, the same words are scored without it too. `inside` asks for the sentences of that passage
    alone; with `before`, what was found out earlier, only what is new is played and added. `alike` are its `lessons`.
    Raises NotEnough("nothing_to_explain") for a refused or empty answer, Stopped when asked to.
    """
    text, spans = players.spoken(answer)
    if answer.refused or not text or not answer.messages:
        raise NotEnough("nothing_to_explain")
    if answer.quoted:
        # They need the room of answers, which takes as long to load as all the rest.
        from studio.explanation import quotes

        rounds = [] if inside is not None else quotes.rounds(answer, text, spans, detail, engine)
    else:
        rounds = _rounds(answer, text, variant, adapter, detail, engine, inside)
    if before is not None and inside is None:
        rounds = [each for each in rounds if each[0] == "question"]
    if not rounds:
        raise NotEnough("nothing_to_explain")

    def progress(done: int, of: int, left: float) -> None:
        emit(Progress(done=done, of=of, seconds_left=left))
        if should_stop():
            raise Stopped

    trained = adapter is not None and before is None and not answer.quoted
    emit(Planned(stages=(*(f"explain_{kind}" for kind, _, _ in rounds), *["explain_training"] * trained)))
    played: list[Game] = []
    for kind, units, evaluate in rounds:
        if should_stop():
            raise Stopped
        emit(Stage(name=f"explain_{kind}"))
        cut = detail if kind == "question" else "phrases"
        # A phrase says most of what it can alone, for the fewest tokens; a word does not, nor a phrase behind passages.
        alone = kind == "question" and detail == "phrases" and not answer.passages
        show = lambda game: emit(Explained(game=game))  # noqa: E731
        played.append(games.play(kind, units, evaluate, spans, seconds, progress, show, cut, inside, alone))
    shift = before.shift if before else None
    if trained and adapter is not None:
        emit(Stage(name="explain_training"))
        shift = _shift(answer, text, spans, variant, adapter, engine)
    return Explanation(
        answer_id=answer.id,
        variant=variant.id,
        question=answer.question,
        answer=answer.text,
        sentences=tuple(text[start:end].strip() for start, end in spans),
        games=merged(before.games if before else (), played),
        shift=shift,
        lessons=before.lessons if before else tuple(alike),
    )


def warm(variant: Variant, adapter: Path | None, engine: Engine) -> None:
    """Have what scores loaded before it is needed, which takes longer than an explanation. What is wrong with it is left
    for the explanation to say."""
    with suppress(StudioError):
        engine.score([(Message(role="user", content="Why? " * 10),)], "So.", model=variant.model, adapter=adapter)


def _shift(answer: Answer, text: str, spans: Sequence[Span], variant: Variant, adapter: Path, engine: Engine) -> Shift:
    """The same words after the same prompt, by the trained model and by the one it was made from."""
    after, before = (engine.score([answer.messages], text, model=variant.model, adapter=on) for on in (adapter, None))
    now, then = (games.columns(each.tokens, each.logprobs[0], spans) for each in (after, before))
    return Shift(
        before=then[0],
        after=now[0],
        before_by_sentence=tuple(then[1:]),
        after_by_sentence=tuple(now[1:]),
        answer_tokens=len(after.tokens),
    )


def _rounds(
    answer: Answer,
    text: str,
    variant: Variant,
    adapter: Path | None,
    detail: Detail,
    engine: Engine,
    inside: int | None,
) -> list[games.Round]:
    """The games of an answer that a language model said. Passages come before the question: reading them for the first
    game is most of what the second needs.
    """
    conversation = answer.messages
    texts = [passage.chunk.text for passage in answer.passages]
    passages = players.passages(conversation, texts)
    question = players.question(conversation, answer.question, detail, taken=passages)
    limit = players.FEW_INSTRUCTIONS if passages else players.MOST_INSTRUCTIONS
    instructions = players.instructions(conversation, limit, taken=passages)

    def by_masking(units: Sequence[Player], masks: Sequence[Mask]) -> Scores:
        where = [player.where for player in units]
        return engine.score_masked(conversation, where, masks, text, model=variant.model, adapter=adapter)

    def by_removal(units: Sequence[Player], masks: Sequence[Mask]) -> Scores:
        shorter = [without(conversation, [player.where for player in units], mask) for mask in masks]
        return engine.score(shorter, text, model=variant.model, adapter=adapter)

    if inside is not None:
        parts = players.inside(conversation, texts, inside)
        return [("sentences", parts, partial(by_masking, parts))] if len(parts) > 1 else []
    every: list[games.Round] = [
        ("passages", passages, partial(by_masking, passages)),
        ("question", question, partial(by_removal, question)),
        ("instructions", instructions, partial(by_removal, instructions)),
    ]
    return [each for each in every if each[1]]
