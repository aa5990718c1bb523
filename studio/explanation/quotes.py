"""Why this sentence and no other: the games of an answer that was quoted from the passages.

Nothing was generated, so no language model is asked: the value of a set of players is the log-probability, in nats, that
the quoted sentences are chosen when only these passages, or only these words of the question, are there.
"""

from collections.abc import Sequence
from typing import Literal

from studio.answering import quoting
from studio.base.records import Answer
from studio.engines import Engine, Scores
from studio.explanation import players
from studio.explanation.estimating import Mask
from studio.explanation.games import Round
from studio.explanation.players import Player, Span


def rounds(
    answer: Answer, text: str, spans: Sequence[Span], detail: Literal["phrases", "words"], engine: Engine
) -> list[Round]:
    """Passages, where there is more than one to choose from, then the question."""
    offered = quoting.candidates(answer.passages)
    said = [text[start:end] for start, end in spans]
    chosen = quoting.chosen(text, said, offered)
    question = players.question(answer.messages, answer.question, detail)
    texts = [passage.chunk.text.strip() for passage in answer.passages]
    passages = [Player(each, 0, 0, 0, n) for n, each in enumerate(texts)] if len(texts) > 1 else []
    known = quoting.vectors(offered, engine)
    (fits,) = quoting.fit([answer.question], offered, known, engine)

    def by_passages(masks: Sequence[Mask]) -> Scores:
        return _scores(said, [quoting.chances(fits, offered, chosen, mask) for mask in masks])

    def by_question(masks: Sequence[Mask]) -> Scores:
        asked = [" ".join(player.text for player, kept in zip(question, mask, strict=True) if kept) for mask in masks]
        everything = [True] * len(texts)
        fitted = quoting.fit(asked, offered, known, engine)
        return _scores(said, [quoting.chances(each, offered, chosen, everything) for each in fitted])

    every: list[Round] = [("passages", passages, by_passages), ("question", question, by_question)]
    return [each for each in every if each[1]]


def _scores(said: Sequence[str], chances: Sequence[Sequence[float]]) -> Scores:
    return Scores(tokens=tuple(said), logprobs=tuple(tuple(each) for each in chances), forwarded=0)
