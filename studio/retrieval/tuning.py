"""How much meaning weighs beside words, measured on a project's own questions: the one setting of the mix.

The shipped weight is best for most material; part numbers and codes want words, talk wants meaning. Here it is moved only
where enough questions show that it must be: chosen on some of them, judged on others (`proving`), or left alone.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from studio import engines
from studio.base.errors import NotFound
from studio.base.events import Emit, Progress, ShouldStop, telling
from studio.base.project import Project
from studio.base.records import Tuned
from studio.retrieval import finding, index, pairs, proving, storage, table
from studio.retrieval.pairs import Pair
from studio.retrieval.storage import Place
from studio.retrieval.table import Manifest

if TYPE_CHECKING:
    import numpy as np

ENOUGH = 30  # questions, below which nothing is tried
MOST = 400  # questions asked
FOLDS = 5  # the weight that judges a question was chosen without it and its fifth
WEIGHTS = tuple(at / 10 for at in range(11))
GIVEN = 4  # passages an answer is made of where the project does not say
LOOKED_AT = 10  # places that count when a weight is chosen


Places = Mapping[float, int]  # weight -> the right passage's place with it, from 1; 0 where it was not found


def tune(project: Project, engine: index.Embedding, emit: Emit, should_stop: ShouldStop) -> Tuned:
    """Find the project's weight, keep what comes out and let it count (said as Progress: questions asked, of all).

    1. Gather the questions whose place is known. 2. Ask each by meaning and by words, once, and mix both by every weight.
    3. In five folds, choose the weight on four and judge it on the fifth. 4. Where the held-out questions prove it better
    (`proving.prove`), the weight chosen on all of them counts from the next question on; else the embedder's own does. What
    is known for the same index and questions is returned as it is. Raises NotFound("index_missing"), Stopped, and what
    `retrieval.search` does.
    """
    place, chosen = storage.of(project), engines.embedder_of(project)
    made = table.manifest(place)
    if made is None:
        raise NotFound("index_missing")
    embedder = engine.embedder(chosen)
    asked = pairs.known(project)[:MOST]
    limit = project.card.passages or GIVEN
    key = _key(made, asked, limit)
    tuned = project.tuned()
    if tuned is None or (tuned.made_for, tuned.embedder) != (key, embedder.name):
        default = Tuned(
            weight=embedder.weight,
            default=embedder.weight,
            embedder=embedder.name,
            reason="too_few" if len(asked) < ENOUGH else "unfinished",
            questions=len(asked),
            made_for=key,
        )
        ready = made.complete and made.embedder == embedder.name
        if len(asked) >= ENOUGH and ready:
            vectors = engine.embed([pair.question for pair in asked], "query", chosen)
            found, told = [], telling(emit, should_stop)
            for number, (pair, vector) in enumerate(zip(asked, vectors, strict=True)):
                told(number, len(asked))
                found.append(_places(project, place, made, embedder.weight, pair, vector))
            emit(Progress(done=len(asked), of=len(asked), seconds_left=0.0))
            tuned = judged(default, asked, found, limit)
        else:
            tuned = default
        project.store.put_fact("tuned", tuned)
    index.reweigh(project, engine, should_stop)
    return tuned


def judged(default: Tuned, asked: Sequence[Pair], found: Sequence[Places], limit: int) -> Tuned:
    """What comes of the questions, given the right passage's place with every weight."""
    fold = _folds(asked)
    folds = sorted(set(fold))
    chosen = {
        each: _best([places for places, own in zip(found, fold, strict=True) if own != each], default.default)
        for each in folds
    }
    before = [places[default.default] for places in found]
    after = [places[chosen[own]] for places, own in zip(found, fold, strict=True)]
    proof = proving.prove(before, after, limit)
    weight = _best(found, default.default)
    if weight == default.default and set(chosen.values()) == {weight}:
        return default.model_copy(update={"reason": "same", "proof": proof})
    if not proof.kept or weight == default.default:
        return default.model_copy(update={"reason": "not_proven", "proof": proof})
    return default.model_copy(update={"reason": "kept", "weight": weight, "proof": proof})


def place_of(pair: Pair, found: Sequence[str]) -> int:
    """Where the first passage that answers stands among these hashes, from 1; 0 where none does."""
    return next((at for at, hash in enumerate(found, start=1) if hash in pair.answers), 0)


def _places(
    project: Project, place: Place, made: Manifest, own: float, pair: Pair, vector: "np.ndarray"
) -> dict[float, int]:
    sides, hashes = finding.pool(place, made, index.words(pair.question), vector, project.store.document_ids)
    return {weight: place_of(pair, finding.order(sides, hashes, weight)) for weight in {*WEIGHTS, own}}


def _best(found: Sequence[Places], default: float) -> float:
    """The weight with the highest mean reciprocal place; its neighbours count half as much, so that one lucky tenth does not
    win. Of equals, the one next to the default.
    """
    mean = {w: sum(_worth(places[w]) for places in found) / max(len(found), 1) for w in found[0]}
    order = sorted(mean)

    def smooth(at: int) -> float:
        near = [mean[order[n]] for n in (at - 1, at + 1) if 0 <= n < len(order)]
        return (mean[order[at]] + sum(near) / 2) / (1 + len(near) / 2)

    best = max(range(len(order)), key=lambda at: (round(smooth(at), 9), -abs(order[at] - default)))
    return order[best]


def _worth(place: int) -> float:
    return 1 / place if 0 < place <= LOOKED_AT else 0.0


def _folds(asked: Sequence[Pair]) -> list[int]:
    """Always the same ones; questions with the same answer stay together."""
    order = {key: at for at, key in enumerate(sorted({_passage(pair) for pair in asked}))}
    return [order[_passage(pair)] % FOLDS for pair in asked]


def _passage(pair: Pair) -> str:
    return hashlib.sha256(min(pair.answers).encode()).hexdigest()


def _key(made: Manifest, asked: Sequence[Pair], limit: int) -> str:
    told = [made.created, str(made.chunks), str(made.complete), str(limit)]
    told += [f"{pair.question}\x1f{sorted(pair.answers)}" for pair in asked]
    return hashlib.sha256("\x1e".join(told).encode("utf-8", "surrogatepass")).hexdigest()[:16]
