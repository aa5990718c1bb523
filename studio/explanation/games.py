"""The game: what the answer's likelihood is for every set of players asked about, and what each player is worth.

shap's own explainers choose the sets and weigh them; `Values` is the model they ask and `PlayerMasker` hands it the sets
themselves, so that many prompts are scored together. Up to five players exactly; up to eight exactly when there is time;
otherwise permutations forwards and backwards, pair after pair while there is time, with the standard error.
Method: Shapley values (Lundberg & Lee, NeurIPS 2017), antithetic permutations (Mitchell et al., JMLR 2022).
"""

import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from studio.base.records import Game, Unit
from studio.engines.speech import Scores
from studio.explanation.players import Player, Span

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import shap

    Array = npt.NDArray[np.float64]

Kind = Literal["question", "passages", "instructions", "sentences"]
Mask = tuple[bool, ...]  # True: the player is in the prompt
Evaluate = Callable[[Sequence[Mask]], Scores]
Round = tuple[Kind, list[Player], Evaluate]
Report = Callable[[int, int, float], None]  # evaluations done, planned, and seconds left

SURELY_EXACT = 5  # 32 evaluations are no dearer than three pairs of permutations
PERHAPS_EXACT = 8
MOST_PAIRS = 8
BATCH_SECONDS = 2.5  # how long one question to the engine may take: the stop button waits for it
FIRST_BATCH = 4
LARGEST_BATCH = 64


def play(
    kind: Kind,
    players: Sequence[Player],
    evaluate: Evaluate,
    sentences: Sequence[Span],
    seconds: float,
    report: Report = lambda done, of, left: None,
) -> Game:
    """What each player is worth, for the whole answer and for each of its sentences.

    `evaluate` gives the answer's log-probabilities for sets of players; `sentences` are spans that cover the answer's
    text; `seconds` is how long to refine beyond what is needed at least.
    """
    started = time.monotonic()
    values = Values(evaluate, sentences, report)
    worth = _worth(values, [player.text for player in players], seconds)
    nobody, everybody = values.of([(False,) * len(players), (True,) * len(players)])
    units = tuple(
        Unit(
            text=player.text,
            value=float(value[0]),
            by_sentence=tuple(map(float, value[1:])),
            error=float(error[0]),
            error_by_sentence=tuple(map(float, error[1:])),
            passage=player.passage,
        )
        for player, value, error in zip(players, worth.values, worth.errors, strict=True)
    )
    exact: Literal["exact", "kv_exact"] = "kv_exact" if kind in ("passages", "sentences") else "exact"
    return Game(
        kind=kind,
        units=units,
        base=float(nobody[0]),
        full=float(everybody[0]),
        method=exact if worth.exact else "permutation",
        evaluations=values.evaluations,
        tokens=values.tokens,
        seconds=round(time.monotonic() - started, 3),
        answer_tokens=values.answer_tokens,
        base_by_sentence=tuple(map(float, nobody[1:])),
        full_by_sentence=tuple(map(float, everybody[1:])),
    )


def shap_explanation(game: Game, sentence: int | None = None) -> "shap.Explanation":
    """The game as shap's own record, for `shap.plots`: of the whole answer, or of one of its sentences."""
    import numpy as np

    shap = _shap()
    names = [unit.text for unit in game.units]
    if sentence is None:
        values, base = [unit.value for unit in game.units], game.base
    else:
        values, base = [unit.by_sentence[sentence] for unit in game.units], game.base_by_sentence[sentence]
    return shap.Explanation(np.array(values), base, data=np.array(names, dtype=object), feature_names=names)


class Values:
    """The model that shap asks: rows of 0 and 1 -> [rows, 1 + sentences], sums of log-probabilities in nats.

    Every set is scored once. Sets are sorted, so that those that begin alike, and thus share tokens, are asked together.
    """

    def __init__(
        self, evaluate: Evaluate, sentences: Sequence[Span], report: Report = lambda done, of, left: None
    ) -> None:
        self._evaluate = evaluate
        self._sentences = sentences
        self._report = report
        self._known: dict[Mask, list[float]] = {}
        self._spent = 0.0
        self._batch = FIRST_BATCH
        self.tokens = 0
        self.answer_tokens = 0

    def __call__(self, rows: "npt.NDArray[Any]") -> "Array":
        return self.of([tuple(map(bool, row)) for row in rows])

    @property
    def evaluations(self) -> int:
        return len(self._known)

    @property
    def seconds_each(self) -> float:
        return self._spent / max(self.evaluations, 1)

    def of(self, masks: Sequence[Mask]) -> "Array":
        import numpy as np

        new = sorted({mask for mask in masks if mask not in self._known}, reverse=True)
        planned = self.evaluations + len(new)
        while new:
            batch, new = new[: self._batch], new[self._batch :]
            started = time.monotonic()
            scores = self._evaluate(batch)
            self._spent += time.monotonic() - started
            for mask, logprobs in zip(batch, scores.logprobs, strict=True):
                self._known[mask] = self._columns(scores.tokens, logprobs)
            self.tokens += scores.forwarded
            self.answer_tokens = len(scores.tokens)
            self._batch = max(min(int(BATCH_SECONDS / max(self.seconds_each, 1e-6)), LARGEST_BATCH), 1)
            self._report(self.evaluations, planned, len(new) * self.seconds_each)
        return np.array([self._known[mask] for mask in masks])

    def _columns(self, tokens: Sequence[str], logprobs: Sequence[float]) -> list[float]:
        """The whole answer, then each sentence. A token belongs where its last character stands."""
        sums = [0.0] * len(self._sentences)
        end = 0
        for token, logprob in zip(tokens, logprobs, strict=True):
            end += len(token)
            sums[sum(end > stop for _, stop in self._sentences[:-1])] += logprob
        return [sum(logprobs), *sums]


class PlayerMasker:
    """shap's masker for players: what is "masked" is the set itself; `Values` turns it into prompts."""

    immutable_outputs = True
    fixed_background = True
    default_batch_size = 2**PERHAPS_EXACT  # all sets of an explainer's round at once

    def __init__(self, players: int) -> None:
        self.shape = (1, players)

    def __call__(self, mask: "npt.NDArray[Any]", _row: Any) -> "tuple[npt.NDArray[Any]]":
        return (mask.astype(bool).reshape(1, -1),)

    def mask_shapes(self, _row: Any) -> list[tuple[int]]:
        return [(self.shape[1],)]


class _Worth(NamedTuple):
    values: "Array"  # [players, 1 + sentences]
    errors: "Array"
    exact: bool


def _worth(values: Values, names: Sequence[str], seconds: float) -> _Worth:
    if len(names) <= SURELY_EXACT:
        return _exactly(values, names)
    started = time.monotonic()
    pairs = [_pair(values, names, seed=0)]
    left = seconds - (time.monotonic() - started)
    if len(names) <= PERHAPS_EXACT and (2 ** len(names) - values.evaluations) * values.seconds_each <= left:
        return _exactly(values, names)
    while len(pairs) < MOST_PAIRS:
        took = (time.monotonic() - started) / len(pairs)
        if time.monotonic() - started + took > seconds:
            break
        pairs.append(_pair(values, names, seed=len(pairs)))
    return _averaged(pairs)


def _exactly(values: Values, names: Sequence[str]) -> _Worth:
    import numpy as np

    explainer = _shap().explainers.ExactExplainer(values, PlayerMasker(len(names)))
    worth = explainer(_row(names), max_evals=2 ** len(names) + 1, silent=True).values[0]
    return _Worth(worth, np.zeros_like(worth), exact=True)


def _pair(values: Values, names: Sequence[str], seed: int) -> "tuple[Array, Array]":
    """One random order, forwards and backwards: the mean of both, and half their difference."""
    explainer = _shap().explainers.PermutationExplainer(values, PlayerMasker(len(names)), seed=seed)
    made = explainer(_row(names), max_evals=2 * len(names) + 1, error_bounds=True, silent=True)
    return made.values[0], made.error_std[0]


def _averaged(pairs: "Sequence[tuple[Array, Array]]") -> _Worth:
    """The mean of the pairs with its standard error. A single pair is judged by its two halves, which errs on the safe
    side, as they pull in opposite directions."""
    import numpy as np

    means = np.stack([mean for mean, _ in pairs])
    errors = means.std(axis=0, ddof=1) / len(pairs) ** 0.5 if len(pairs) > 1 else pairs[0][1]
    return _Worth(means.mean(axis=0), errors, exact=False)


def _row(names: Sequence[str]) -> "npt.NDArray[Any]":
    import numpy as np

    return np.array([names], dtype=object)


def _shap() -> Any:
    # Compiling shap's loops takes nine seconds in every process, and our few hundred sets take milliseconds uncompiled.
    os.environ.setdefault("NUMBA_DISABLE_JIT", "1")
    import shap

    return shap
