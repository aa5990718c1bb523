"""Why an assistant gave this answer: how much each phrase of the question, each passage and each instruction made it likely.

The answer stays fixed; parts of its prompt are taken out and the answer is scored again. Shapley values share out, among
the parts, what all of them together did (`games`), and `reading` says what the numbers amount to. Shows what the model
used, never whether it is true. Knows no page and words nothing.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from studio.base.errors import NotEnough, Stopped
from studio.base.events import Emit, Explained, Planned, Progress, ShouldStop, Stage
from studio.base.records import Answer, Explanation, Game, Variant
from studio.engines import Engine, Scores
from studio.engines.scoring import without
from studio.explanation import games, players, quotes
from studio.explanation.games import Mask, shap_explanation
from studio.explanation.players import Player
from studio.explanation.reading import Gain, explained, shares, strength

__all__ = ["Gain", "explain", "explained", "shap_explanation", "shares", "strength"]

SECONDS = 5.0  # how long one game may be made more precise; the least it needs is always done


def explain(
    answer: Answer,
    variant: Variant,
    adapter: Path | None,
    engine: Engine,
    emit: Emit,
    should_stop: ShouldStop,
    detail: Literal["phrases", "words"] = "phrases",
    seconds: float = SECONDS,
) -> Explanation:
    """Explain one stored answer, in three games that each keep the rest of the prompt:

    1. passages: which of those that were found it rests on (by blocking the model's view of them);
    2. question: which phrases (or words) of it;
    3. instructions: which sentences of them.

    Each is emitted as soon as it is ready; those without players are left out. A value is in nats: by how much a part
    raises the logarithm of the answer's probability; citation marks are not part of the answer.
    Raises NotEnough("nothing_to_explain") for a refused or empty answer, Stopped when asked to.
    """
    text, spans = players.spoken(answer)
    conversation = answer.messages
    if answer.refused or not text or not conversation:
        raise NotEnough("nothing_to_explain")

    rounds = (
        quotes.rounds(answer, text, spans, detail, engine)
        if answer.quoted
        else _rounds(answer, text, variant, adapter, detail, engine)
    )
    if not rounds:
        raise NotEnough("nothing_to_explain")

    def progress(done: int, of: int, left: float) -> None:
        emit(Progress(done=done, of=of, seconds_left=left))
        if should_stop():
            raise Stopped

    emit(Planned(stages=tuple(f"explain_{kind}" for kind, _, _ in rounds)))
    played: list[Game] = []
    for kind, units, evaluate in rounds:
        if should_stop():
            raise Stopped
        emit(Stage(name=f"explain_{kind}"))
        game = games.play(kind, units, evaluate, spans, seconds, progress)
        emit(Explained(game=game))
        played.append(game)
    return Explanation(
        answer_id=answer.id,
        variant=variant.id,
        question=answer.question,
        answer=answer.text,
        sentences=tuple(text[start:end].strip() for start, end in spans),
        games=tuple(played),
    )


def _rounds(
    answer: Answer,
    text: str,
    variant: Variant,
    adapter: Path | None,
    detail: Literal["phrases", "words"],
    engine: Engine,
) -> list[games.Round]:
    """The games of an answer that a language model said. Passages come before the question: reading them for the first
    game is most of what the second needs.
    """
    conversation = answer.messages
    passages = players.passages(conversation, [passage.chunk.text for passage in answer.passages])
    question = players.question(conversation, answer.question, detail, taken=passages)
    limit = players.FEW_INSTRUCTIONS if passages else players.MOST_INSTRUCTIONS
    instructions = players.instructions(conversation, limit, taken=passages)

    def by_masking(units: Sequence[Player], masks: Sequence[Mask]) -> Scores:
        where = [player.where for player in units]
        return engine.score_masked(conversation, where, masks, text, model=variant.model, adapter=adapter)

    def by_removal(units: Sequence[Player], masks: Sequence[Mask]) -> Scores:
        shorter = [without(conversation, [player.where for player in units], mask) for mask in masks]
        return engine.score(shorter, text, model=variant.model, adapter=adapter)

    every: list[games.Round] = [
        ("passages", passages, partial(by_masking, passages)),
        ("question", question, partial(by_removal, question)),
        ("instructions", instructions, partial(by_removal, instructions)),
    ]
    return [each for each in every if each[1]]
