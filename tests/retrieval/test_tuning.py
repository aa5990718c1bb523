"""How much meaning weighs beside words: moved only on proof."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from studio.base import project as projects
from studio.base.errors import NotFound, Stopped
from studio.base.events import Event, Progress
from studio.base.project import Project
from studio.base.records import Proof, Question, Tuned
from studio.retrieval import build, proving, search, storage, table, tuning
from studio.retrieval.pairs import Pair
from tests.retrieval.fakes import WordEmbedder, found, go_on, put

pytestmark = pytest.mark.usefixtures("few_probes")


class Guessing(WordEmbedder):
    """Its vectors say nothing of a text: only words find anything."""

    def _vector(self, text: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
        return np.random.default_rng(seed).standard_normal(self.named.dim)

    def rerank(self, question: str, texts: Sequence[str], reranker: str) -> list[float]:
        return [float("Pala" in text) for text in texts]


def silent(event: Event) -> None: ...


def pair(at: int) -> Pair:
    return Pair(f"question {at}", frozenset({f"passage {at}"}), "", True)


def tuned(weight: float = 0.6) -> Tuned:
    return Tuned(weight=weight, default=0.6, embedder="e", reason="unfinished", questions=40)


@pytest.mark.parametrize(
    ("places", "reason", "weight"),
    [
        ({0.2: 1, 0.3: 1, 0.4: 1, 0.6: 2}, "kept", 0.3),
        ({0.2: 3, 0.5: 2, 0.6: 1, 0.7: 2}, "same", 0.6),
        ({0.2: 1, 0.6: 1, 0.7: 1}, "same", 0.6),
    ],
)
def test_a_weight_is_kept_where_held_out_questions_prove_it(
    places: dict[float, int], reason: str, weight: float
) -> None:
    made = tuning.judged(tuned(), [pair(at) for at in range(40)], [places] * 40, 4)
    assert (made.reason, made.weight) == (reason, weight)


def test_a_lucky_weight_is_not_kept() -> None:
    lucky = [{0.4: 1, 0.5: 1, 0.6: 2 if at < 3 else 1} for at in range(40)]
    made = tuning.judged(tuned(), [pair(at) for at in range(40)], lucky, 4)
    assert (made.reason, made.weight) == ("not_proven", 0.6)
    assert made.proof is not None
    assert made.proof.p_value > 0.05


def test_the_proof_counts_who_came_first_and_lets_nobody_fall_out_of_what_is_given() -> None:
    assert proving.prove([2] * 6, [1] * 6, 4) == Proof(
        n=6,
        limit=4,
        first_before=0,
        first_after=1,
        given_before=1,
        given_after=1,
        wins=6,
        losses=0,
        p_value=0.0156,
        kept=True,
    )
    assert not proving.prove([2] * 9, [1] * 8 + [7], 4).kept
    assert not proving.prove([], [], 4).kept


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Forty part numbers, each in a document of its own, and a question for each."""
    project = projects.create(tmp_path_factory.mktemp("p"), "Almacén", "es")
    for at in range(40):
        put(project, f"d{at}.md", f"La pieza R{at}77 se guarda en el estante {at + 3} del almacén viejo.")
    project.store.replace_questions(
        [Question(question=f"¿Dónde está la R{at}77?", expected_source=f"d{at}.md") for at in range(40)]
    )
    build(project, Guessing(), silent, go_on)
    return project


@pytest.mark.slow
def test_words_take_over_where_meaning_guesses_and_the_weight_outlives_a_build(made: Project) -> None:
    engine, events = Guessing(), list[Event]()
    with pytest.raises(Stopped):
        tuning.tune(made, engine, silent, lambda: True)
    assert made.tuned() is None
    before = table.manifest(storage.of(made))
    kept = tuning.tune(made, engine, events.append, go_on)
    assert (kept.reason, kept.questions, kept.weight < 0.6) == ("kept", 40, True)
    assert kept.proof is not None
    assert kept.proof.first_before < kept.proof.first_after
    last = events[-1]
    assert isinstance(last, Progress)
    assert (last.done, last.of) == (40, 40)
    after = table.manifest(storage.of(made))
    assert before is not None
    assert after is not None
    assert (after.weight, after.table, before.weight) == (kept.weight, before.table, 0.6)
    assert found(search(made, "R1777", engine))[0] == "d17.md"
    assert tuning.tune(made, engine, silent, go_on) == kept

    put(made, "more.md", "Otro documento más, que nada tiene que ver.")
    build(made, engine, silent, go_on)
    rebuilt = table.manifest(storage.of(made))
    assert rebuilt is not None
    assert (rebuilt.weight, rebuilt.chunks) == (kept.weight, 41)

    build(made, WordEmbedder("words-2"), silent, go_on)
    other = table.manifest(storage.of(made))
    assert other is not None
    assert (other.weight, made.tuned()) == (0.6, None)


def test_few_questions_leave_the_weight_as_it_was_delivered(tmp_path: Path) -> None:
    project = projects.create(tmp_path, "Tienda", "es")
    with pytest.raises(NotFound):
        tuning.tune(project, Guessing(), silent, go_on)
    put(project, "a.md", "Abrimos los sábados.")
    project.store.replace_questions([Question(question="¿Cuándo?", expected_source="a.md")])
    build(project, Guessing(), silent, go_on)
    told = tuning.tune(project, Guessing(), silent, go_on)
    assert (told.reason, told.weight, told.questions, told.proof) == ("too_few", 0.6, 1, None)


@pytest.mark.slow
def test_who_reads_again_decides_the_order_and_only_where_it_was_chosen(tmp_path: Path) -> None:
    project = projects.create(tmp_path, "Tienda", "es")
    for name, text in (("a.md", "Azada azada azada."), ("b.md", "Pala."), ("c.md", "Rastrillo con azada.")):
        put(project, name, text)
    engine = Guessing()
    build(project, engine, silent, go_on)
    plain = found(search(project, "azada", engine))
    assert plain[0] != "b.md"
    project.change(reranker="mmarco-minilm")
    assert found(search(project, "azada", engine, limit=2)) == ["b.md", *(name for name in plain if name != "b.md")][:2]
