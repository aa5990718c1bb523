"""Building and asking the index. It can be deleted at any time and comes out the same when it is built
again.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from studio import engines
from studio.base import records
from studio.base.errors import NotEnough, NotFound, NotPossibleHere, Stopped
from studio.base.events import Emit, Progress, ShouldStop
from studio.base.project import Project
from studio.base.records import Filter, Indexed, Language, Passage, Record
from studio.retrieval import aligning, calibration, chunking, finding, lease, rows, storage, table, terms
from studio.retrieval.aligning import Aligning, Waiting
from studio.retrieval.calibration import Frequencies, Ground
from studio.retrieval.storage import Place
from studio.retrieval.table import Manifest

if TYPE_CHECKING:
    import numpy as np

BATCH = 64
READ_AHEAD = 512  # texts waiting for their vectors that are in memory at once
SAVE_EVERY = 15.0  # seconds of embedding that a kill may cost
SAVE_AT = 5_000  # vectors in memory that are not saved yet, however fast they come
TIDY_EVERY = 20  # saves after which the table is tidied, or searching it would become slow
WORDS_ALONE = 0.6  # cover from which passages found by their words alone are taken for an answer
READ_AGAIN = 20  # of the best passages, where a reranker is chosen
TRIES = 6  # of a search whose table is tidied or taken away under it
PURGE = ".purge"  # lies beside the index while something deleted may still be in its files


class Embedder(Protocol):
    """Which embedder makes the vectors, how long they are, and what they count in the mix with the words."""

    @property
    def name(self) -> str: ...
    @property
    def dim(self) -> int: ...
    @property
    def weight(self) -> float: ...


class Embedding(Protocol):
    """What makes vectors: float32 [texts, dim] of length 1, by the embedder of that name (empty: the studio's own).
    `engines.Engine` does.
    """

    def embed(self, texts: Sequence[str], kind: Literal["query", "passage"], embedder: str = "") -> "np.ndarray": ...
    def embedder(self, name: str = "") -> Embedder: ...
    def rerank(self, question: str, texts: Sequence[str], reranker: str) -> Sequence[float]: ...


class Hits(Record):
    """What was found for a question. `similarity` is the best raw cosine, `cover` the share of the question's words (by
    weight) that the best of the passages contains. For an `answerable` question the `score`, which weighs these and more
    (`calibration`), must reach the `threshold`: the index's own, as the project's dial has it.
    """

    passages: tuple[Passage, ...]
    similarity: float
    cover: float
    score: float
    threshold: float
    answerable: bool


class Judged(NamedTuple):
    """How well passages answer a question, and what an index asks of them with its dial in the middle."""

    score: float
    threshold: float


def build(project: Project, engine: Embedding, emit: Emit, should_stop: ShouldStop) -> Indexed:
    """Bring the index into line with the project's documents, in place.

    1. Cut the documents into passages. 2. Add those that are new, with the vectors of texts the table knows already, and
    delete those that are no more: from here on everything is found by its words. 3. Embed what has no vector yet (said as
    Progress: passages done, of all). 4. Tidy the table, ask the probes for the threshold. Whoever searches meanwhile gets
    answers; stopped or killed, it goes on where it was. Raises NotEnough without documents, NotPossibleHere when the disk
    is full or the object storage unsafe to write to, Unavailable when that does not answer or another machine took over,
    Stopped.
    """
    began, engine = time.monotonic(), _Chosen(engine, engines.embedder_of(project))
    place = storage.of(project)
    storage.check(place)
    try:
        with lease.alone(place, should_stop):
            return _build(project, place, began, engine, emit, should_stop)
    finally:
        _purge(place)


def search(
    project: Project, question: str, engine: Embedding, limit: int = 4, only: Filter = finding.EVERYTHING
) -> Hits:
    """The passages that fit a question best among those that `only` lets through, and whether they answer it at all.

    What was removed from the project is not found any more, before the index is built again as after. Raises
    NotFound when nothing was made searchable yet, NotPossibleHere when another embedder made the index or the reranker that
    the project has chosen is not here, Unavailable when the object storage it lies on does not answer.
    """
    engine = _Chosen(engine, engines.embedder_of(project))
    place, vector = storage.of(project), _once(lambda: engine.embed([_quietly(question)], "query")[0])
    measured = project.calibration()
    there = _there(project, place)
    dial = (project.card.caution, measured.offset if measured else 0.0)
    reranker = project.card.reranker
    for attempt in range(TRIES):
        with suppress(OSError, RuntimeError, ValueError):  # the table was tidied or taken away between two steps
            return _search(place, question, engine, vector, limit, there, only, dial, reranker)
        finding.forget_opened()
        storage.doubt()
        time.sleep(0.05 * attempt)
    return _search(place, question, engine, vector, limit, there, only, dial, reranker)


def judge(project: Project, question: str, passages: Sequence[Passage]) -> Judged:
    """What these passages, best first, would be worth as those found for the question. Raises NotFound without an index."""
    place = storage.of(project)
    made = table.manifest(place)
    if made is None:
        raise NotFound("index_missing")
    return _judged(made, question, calibration.evidence(question, passages, _frequencies(place, made.frequencies)))


def reweigh(project: Project, engine: Embedding, should_stop: ShouldStop) -> None:
    """Let what was measured about this project's mix count (`Project.tuned`), and set its threshold anew. Does nothing
    where it counts already, or without a finished index. Raises Stopped.
    """
    place = storage.of(project)
    engine = _Chosen(engine, engines.embedder_of(project))
    if table.manifest(place) is None:
        return
    with lease.alone(place, should_stop):
        made = table.manifest(place)
        weight = weight_of(project, engine.embedder())
        if made is None or made.embedder != engine.embedder().name or made.weight == weight or not made.complete:
            return  # a build that goes on weighs by itself
        made = made.model_copy(update={"weight": weight})
        grounds, thresholds = _probed(place, made, engine, _frequencies(place, made.frequencies))
        table.publish(place, made.model_copy(update={"grounds": grounds, "thresholds": thresholds}))


def words(question: str) -> str:
    """A question's words as the table is asked for them."""
    return " ".join("".join(c if c.isalnum() else " " for c in terms.fold(question)).split())


def forget(project: Project, documents: Collection[str]) -> None:
    """Take the passages and vectors of these documents out of the index, for good: no old version of the table keeps them.

    They are not found any more at once, and leave the files as soon as nobody builds. The others are found as before.
    """
    place = storage.of(project)
    if documents and table.manifest(place) is not None:
        table.forget(place, documents)
        storage.write(place, PURGE, records.new_id())
        _purge(place)


def warm(project: Project) -> None:
    """Read the index into memory before the first question comes. Does nothing without one."""
    place = storage.of(project)
    made = table.manifest(place)
    if made is not None:
        finding.warm(place, made)


def clear(project: Project) -> None:
    """Delete the index, wherever it lies: the project is about to be deleted, or starts from nothing."""
    place = storage.of(project)
    if place.is_remote or project.index.is_dir():
        table.clear(place)


class _Chosen:
    """The engine, asked for the embedder that a project has chosen, whatever else it could be asked for."""

    def __init__(self, engine: Embedding, chosen: str) -> None:
        self._engine, self._chosen = engine, chosen

    def embed(self, texts: Sequence[str], kind: Literal["query", "passage"], embedder: str = "") -> "np.ndarray":
        return self._engine.embed(texts, kind, embedder or self._chosen)

    def embedder(self, name: str = "") -> Embedder:
        return self._engine.embedder(name or self._chosen)

    def rerank(self, question: str, texts: Sequence[str], reranker: str) -> Sequence[float]:
        return self._engine.rerank(question, texts, reranker)


def weight_of(project: Project, embedder: Embedder) -> float:
    """What meaning counts beside words: as measured for this project with this embedder, else the embedder's own."""
    tuned = project.tuned()
    return tuned.weight if tuned is not None and tuned.embedder == embedder.name else embedder.weight


def _build(
    project: Project, place: Place, began: float, engine: Embedding, emit: Emit, should_stop: ShouldStop
) -> Indexed:
    embedder, before = engine.embedder(), table.manifest(place)
    name = table.name_of(embedder.name, embedder.dim)
    same = before is not None and before.table == name
    spoken = before.language if before is not None and same else aligning.language(aligning.documents(project))
    table.create(place, name, embedder.dim, spoken)
    aligning.remember(
        place, aligning.known(place) | project.store.document_ids()
    )  # before the first of them is in there
    aligned = Aligning(place, name, embedder.dim)
    frequencies = Frequencies.count(aligned.words(aligning.documents(project)))
    aligning.remember(place, aligned.own)
    if not aligned.chunks:
        table.clear(place)
        raise NotEnough("nothing_to_search")
    weight, tuned = weight_of(project, embedder), project.tuned()
    if tuned is not None and tuned.embedder != embedder.name:
        project.store.remove_fact("tuned")
    unchanged = not (aligned.changed or aligned.waiting or (before is not None and before.weight != weight))
    if before is not None and same and unchanged and (before.complete, before.chunks) == (True, aligned.chunks):
        emit(Progress(done=before.chunks, of=before.chunks, seconds_left=0.0))
        return _indexed(before)
    made = Manifest(
        table=name,
        embedder=embedder.name,
        dim=embedder.dim,
        weight=weight,
        language=spoken,
        documents=len(aligned.documents),
        chunks=aligned.chunks,
        thresholds=before.thresholds if before is not None and same else {},  # until the probes have been asked
        grounds=before.grounds if before is not None and same else {},
        frequencies=_counted(place, frequencies),
        created=records.now(),
        waiting=len(aligned.waiting),
        trained=before.trained if before is not None and same else 0,
    )
    table.publish(place, made)  # the new rows count from now on
    made = _embed(place, made, aligned.waiting, engine, emit, should_stop)
    if (language := aligning.spoken(aligned.languages)) != spoken:
        table.respeak(place, name, language)
    made = made.model_copy(update={"language": language, "waiting": 0})
    made = made.model_copy(update={"trained": table.tidy(place, name, filled=made.chunks, trained=made.trained)})
    if gone := aligned.own - set(project.store.document_ids()):  # removed while we were at it
        table.forget(place, gone)
        storage.write(place, PURGE, records.new_id())
    grounds, thresholds = _probed(place, made, engine, frequencies)
    seconds = round(time.monotonic() - began, 1)
    made = made.model_copy(update={"grounds": grounds, "thresholds": thresholds, "complete": not gone})
    made = made.model_copy(update={"seconds": seconds})
    table.publish(place, made)
    return _indexed(made)


def _embed(
    place: Place, made: Manifest, waiting: Sequence[Waiting], engine: Embedding, emit: Emit, should_stop: ShouldStop
) -> Manifest:
    """Give every waiting row its vector. Texts of like length go together: half the padding, and a fair estimate."""
    by_hash: dict[str, list[Waiting]] = {}
    for each in waiting:
        by_hash.setdefault(each.hash, []).append(each)
    missing = sorted(by_hash, key=lambda key: (-by_hash[key][0].length, key))
    left = of = sum(by_hash[key][0].length for key in missing)
    began = saved = time.monotonic()
    done, saves, trained = made.chunks - len(waiting), 0, made.trained
    unsaved: dict[str, np.ndarray] = {}

    def save() -> None:
        if unsaved:
            table.fill(place, made.table, [row.id for key in unsaved for row in by_hash[key]], unsaved, made.dim)
            unsaved.clear()

    emit(Progress(done=done, of=made.chunks))
    for some in table.each(missing, READ_AHEAD):
        texts = _texts(place, made, [by_hash[key][0].id for key in some])
        for batch in table.each([key for key in some if key in texts], BATCH):
            if should_stop():
                save()
                raise Stopped
            unsaved.update(zip(batch, engine.embed([texts[key] for key in batch], "passage"), strict=True))
            left -= sum(by_hash[key][0].length for key in batch)
            done += sum(len(by_hash[key]) for key in batch)
            if time.monotonic() - saved > SAVE_EVERY or len(unsaved) >= SAVE_AT:
                save()
                saves += 1
                if saves % TIDY_EVERY == 0:
                    trained = table.tidy(place, made.table, filled=done, trained=trained)
                saved = time.monotonic()
            seconds_left = (time.monotonic() - began) * left / max(of - left, 1)
            emit(Progress(done=done, of=made.chunks, seconds_left=seconds_left))
    save()
    return made.model_copy(update={"trained": trained})


def _texts(place: Place, made: Manifest, ids: Sequence[str]) -> dict[str, str]:
    """Hash -> text of these passages; none for those that were deleted meanwhile."""
    found = table.stored(place, made.table, ids, [*rows.FIELDS, "hash"]).to_pylist()
    return {row["hash"]: chunking.headed(rows.chunk(row)) for row in found}


def _search(
    place: Place,
    question: str,
    engine: Embedding,
    vector: "Callable[[], np.ndarray]",
    limit: int,
    there: finding.There,
    only: Filter,
    dial: tuple[float, float],
    reranker: str,
) -> Hits:
    made = table.manifest(place)
    if made is None:
        raise NotFound("index_missing")
    embedder = engine.embedder()
    if (embedder.name, embedder.dim) != (made.embedder, made.dim):
        raise NotPossibleHere("index_other_embedder", made_by=made.embedder, now=embedder.name)
    wider = max(limit, calibration.LOOKED_AT, READ_AGAIN if reranker else 0)
    found = finding.search(place, made, words(question), vector(), wider, there, only)
    if reranker:
        found = found.model_copy(update={"passages": _read_again(question, found.passages, engine, reranker)})
    seen = calibration.evidence(question, found.passages, _frequencies(place, made.frequencies))
    judged = _judged(made, question, seen)
    threshold = calibration.dialled(judged.threshold, *dial)
    answerable = judged.score >= threshold or bool(made.waiting and seen.cover >= WORDS_ALONE)
    return Hits(
        passages=found.passages[:limit],
        similarity=found.similarity,
        cover=seen.cover,
        score=judged.score,
        threshold=threshold,
        answerable=bool(found.passages) and answerable,
    )


def _judged(made: Manifest, question: str, seen: calibration.Evidence) -> Judged:
    language = terms.language(question, _code(made.language))
    ground = made.grounds.get(language)
    if ground is None:  # the probes have not been asked yet
        return Judged(0.0, math.inf)
    return Judged(calibration.score(seen, ground), made.thresholds[language])


def _read_again(question: str, passages: Sequence[Passage], engine: Embedding, reranker: str) -> tuple[Passage, ...]:
    """The best of them in the order of who reads question and passage together; the others behind, as they were."""
    read, rest = passages[:READ_AGAIN], passages[READ_AGAIN:]
    if not read:
        return ()
    scores = engine.rerank(question, [chunking.headed(each.chunk) for each in read], reranker)
    best = sorted(range(len(read)), key=lambda at: (-scores[at], at))
    return (*(read[at] for at in best), *rest)


def _counted(place: Place, frequencies: Frequencies) -> str:
    """Write down in how many passages each word occurs, under a name that says what is in it."""
    counts = json.dumps({"passages": frequencies.passages, "counts": frequencies.counts})
    name = f"{table.FREQUENCIES}{hashlib.sha256(counts.encode()).hexdigest()[:12]}.json"
    storage.write(place, name, counts)
    return name


def _there(project: Project, place: Place) -> finding.There:
    """Which documents may be shown: those the project has and, where machines share an index, those it never had."""
    if not place.is_remote:
        return project.store.document_ids

    def asked(documents: Collection[str]) -> Collection[str]:
        return project.store.document_ids(documents) | (set(documents) - aligning.known(place))

    return asked


def _purge(place: Place) -> None:
    """Take what was deleted out of the files; while somebody builds that is theirs to do when they are done."""
    while (asked := storage.read_now(place, PURGE)) is not None:
        with lease.at_once(place) as free:
            if not free:
                return
            table.purge(place)
            if storage.read_now(place, PURGE) == asked:  # nothing more was deleted meanwhile
                storage.remove(place, PURGE)


def _probed(
    place: Place, made: Manifest, engine: Embedding, frequencies: Frequencies
) -> tuple[dict[str, Ground], dict[str, float]]:
    """Where the probes of each language lie in the index, and the threshold they stay below."""
    grounds: dict[str, Ground] = {}
    thresholds: dict[str, float] = {}
    for language, probes in calibration.probes().items():
        asked = [question for _, question in probes]
        near = [
            finding.search(place, made, words(question), vector, calibration.LOOKED_AT).passages
            for question, vector in zip(asked, engine.embed(asked, "query"), strict=True)
        ]
        found = [
            calibration.Probe(kind, calibration.evidence(question, passages, frequencies))
            for (kind, question), passages in zip(probes, near, strict=True)
        ]
        grounds[language] = calibration.ground(found)
        thresholds[language] = calibration.threshold(found, grounds[language])
    return grounds, thresholds


@lru_cache(maxsize=8)
def _frequencies(place: Place, name: str) -> Frequencies:
    kept = storage.read(place, name)
    if kept is None:
        raise FileNotFoundError(name)  # a newer manifest names other ones: the search starts again
    written = json.loads(kept.text)
    return Frequencies(written["passages"], written["counts"])


def _quietly(question: str) -> str:
    """Without the capitals of who types everything in them: embedders read such a question worse."""
    return question.lower() if question.isupper() else question


def _once(make: "Callable[[], np.ndarray]") -> "Callable[[], np.ndarray]":
    """Made when it is first wanted, and not again."""
    return lru_cache(maxsize=1)(make)


def _indexed(made: Manifest) -> Indexed:
    return Indexed(
        documents=made.documents,
        chunks=made.chunks,
        embedder=made.embedder,
        threshold=made.thresholds.get(_code(made.language), 0.0),
        seconds=made.seconds,
        created=made.created,
    )


def _code(language: str) -> Language:
    return "en" if language == "English" else "es"
