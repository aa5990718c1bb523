"""The game: what the answer's likelihood is for every set of players asked about, and what each player is worth.

`estimating` chooses the sets and weighs them; `Values` is the model it asks, as shap's explainers would. Every step is
shown, and a later one takes the place of an earlier one.
"""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from studio.base.records import Game, Unit
from studio.engines.speech import Scores
from studio.explanation import estimating, second
from studio.explanation.estimating import Array, Mask, Worth
from studio.explanation.players import Player, Span

if TYPE_CHECKING:
    import numpy.typing as npt
    import shap

Kind = Literal["question", "passages", "instructions", "sentences"]
Evaluate = Callable[[Sequence[Mask]], Scores]
Round = tuple[Kind, list[Player], Evaluate]
Report = Callable[[int, int, float], None]  # evaluations done, planned, and seconds left
Show = Callable[[Game], None]
Method = Literal["exact", "permutation", "kv_exact", "kv_permutation", "alone"]

BY_MASKING = ("passages", "sentences")
BATCH_SECONDS = 2.5  # how long one question to the engine may take: the stop button waits for it
FIRST_BATCH = 16  # before it is known how long one takes: the first look at most questions in one call
LARGEST_BATCH = 64


def play(
    kind: Kind,
    players: Sequence[Player],
    evaluate: Evaluate,
    sentences: Sequence[Span],
    seconds: float,
    report: Report = lambda done, of, left: None,
    show: Show = lambda game: None,
    detail: Literal["phrases", "words"] = "phrases",
    inside: int | None = None,
    alone: bool = False,
) -> Game:
    """What each player is worth, for the whole answer and for each of its sentences.

    `evaluate` gives the answer's log-probabilities for sets of players; `sentences` are spans that cover the answer's
    text; `seconds` is how long to refine beyond what is needed at least. `show` gets the first look and then each
    refinement; the last one is returned. `alone`: the first look tries each player alone, instead of leaving it out.
    """
    started = time.monotonic()
    values = Values(evaluate, sentences, report)
    masked = kind in BY_MASKING

    def told(worth: Worth) -> Game:
        method = "alone" if worth.first else _METHODS[masked, worth.exact]
        took = round(time.monotonic() - started, 3)
        more = {"kind": kind, "method": method, "seconds": took, "detail": detail, "inside": inside}
        made = made_of(players, worth, values).model_copy(update=more)
        show(made)
        return made

    return [told(worth) for worth in estimating.refined(values, len(players), seconds, alone)][-1]


def made_of(players: Sequence[Player], worth: Worth, values: "Values") -> Game:
    """The record of what was found out so far."""
    nobody, everybody = values.of([(False,) * len(players), (True,) * len(players)])
    known = {mask: columns[0] for mask, columns in values.known.items()}
    without, lime = second.without(known, len(players)), second.lime(known, len(players))
    units = tuple(
        Unit(
            text=part.text,
            value=float(value[0]),
            by_sentence=tuple(map(float, value[1:])),
            error=float(error[0]),
            error_by_sentence=tuple(map(float, error[1:])),
            passage=part.passage,
            without=lost,
            lime=None if lost is None else weight,  # near the whole prompt nothing was seen of it
        )
        for part, value, error, lost, weight in zip(players, worth.values, worth.errors, without, lime, strict=True)
    )
    return Game(
        kind="question",
        units=units,
        base=float(nobody[0]),
        full=float(everybody[0]),
        method="alone",
        evaluations=values.evaluations,
        tokens=values.tokens,
        answer_tokens=values.answer_tokens,
        base_by_sentence=tuple(map(float, nobody[1:])),
        full_by_sentence=tuple(map(float, everybody[1:])),
    )


_METHODS: dict[tuple[bool, bool], Method] = {
    (False, False): "permutation",
    (False, True): "exact",
    (True, False): "kv_permutation",
    (True, True): "kv_exact",
}


def shap_explanation(game: Game, sentence: int | None = None) -> "shap.Explanation":
    """The game as shap's own record, for `shap.plots`: of the whole answer, or of one of its sentences."""
    import numpy as np

    shap = estimating.library()
    names = [unit.text for unit in game.units]
    if sentence is None:
        values, base = [unit.value for unit in game.units], game.base
    else:
        values, base = [unit.by_sentence[sentence] for unit in game.units], game.base_by_sentence[sentence]
    return shap.Explanation(np.array(values), base, data=np.array(names, dtype=object), feature_names=names)


class Values:
    """The model that is asked, as by shap: rows of 0 and 1 -> [rows, 1 + sentences], sums of log-probabilities in nats.

    Every set is scored once. Sets are sorted, so that those that begin alike, and thus share tokens, are asked together.
    """

    def __init__(
        self, evaluate: Evaluate, sentences: Sequence[Span], report: Report = lambda done, of, left: None
    ) -> None:
        self._evaluate = evaluate
        self._sentences = sentences
        self._report = report
        self.known: dict[Mask, list[float]] = {}
        self._spent = 0.0
        self._batch = FIRST_BATCH
        self.tokens = 0
        self.answer_tokens = 0

    def __call__(self, rows: "npt.NDArray[Any]") -> Array:
        return self.of([tuple(map(bool, row)) for row in rows])

    @property
    def evaluations(self) -> int:
        return len(self.known)

    @property
    def seconds_each(self) -> float:
        return self._spent / max(self.evaluations, 1)

    def of(self, masks: Sequence[Mask]) -> Array:
        import numpy as np

        new = sorted({mask for mask in masks if mask not in self.known}, reverse=True)
        planned = self.evaluations + len(new)
        while new:
            batch, new = new[: self._batch], new[self._batch :]
            started = time.monotonic()
            scores = self._evaluate(batch)
            self._spent += time.monotonic() - started
            for mask, logprobs in zip(batch, scores.logprobs, strict=True):
                self.known[mask] = columns(scores.tokens, logprobs, self._sentences)
            self.tokens += scores.forwarded
            self.answer_tokens = len(scores.tokens)
            self._batch = max(min(int(BATCH_SECONDS / max(self.seconds_each, 1e-6)), LARGEST_BATCH), 1)
            self._report(self.evaluations, planned, len(new) * self.seconds_each)
        return np.array([self.known[mask] for mask in masks])


def columns(tokens: Sequence[str], logprobs: Sequence[float], sentences: Sequence[Span]) -> list[float]:
    """Sums of log-probabilities: the whole answer, then each sentence. A token belongs where its last character stands."""
    sums = [0.0] * len(sentences)
    end = 0
    for token, logprob in zip(tokens, logprobs, strict=True):
        end += len(token)
        sums[sum(end > stop for _, stop in sentences[:-1])] += logprob
    return [sum(logprobs), *sums]
