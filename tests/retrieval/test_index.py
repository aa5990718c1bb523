import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from studio.base import project as projects
from studio.base.errors import NotEnough, NotFound, NotPossibleHere, Stopped
from studio.base.events import Event, Progress
from studio.base.project import Project
from studio.base.records import Document, Filter
from studio.retrieval import build, calibration, forget, index, search, storage, table
from tests.retrieval.fakes import Named, WordEmbedder, found, go_on, put

TEXTS = {
    "Devoluciones.pdf": "Las devoluciones se admiten durante 30 días naturales. El dinero tarda de 5 a 10 días laborables.",
    "Garantía.pdf": "La garantía cubre averías de fábrica durante 3 años. El Sr. Ortega la atiende, según el art. 5.",
    "O'Neill's shipping.md": "We ship to the UK by O'Neill Couriers for £4.95. Delivery takes 3 working days.",
    "Precios.xlsx": "Producto: Pala y azada; Precio: 12,50 €",
}


def said(events: list[Event]) -> list[tuple[float, float]]:
    return [(event.done, event.of) for event in events if isinstance(event, Progress)]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return stocked(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shop = stocked(tmp_path_factory.mktemp("made"))
    build(shop, WordEmbedder(), lambda event: None, go_on)
    return shop.folder


@pytest.fixture
def built(made: Path, tmp_path: Path) -> Project:
    """The project with its index."""
    return Project(shutil.copytree(made, tmp_path / "built"))


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One document more, in another language and with a day."""
    shop = stocked(tmp_path_factory.mktemp("dated"))
    text = "We deliver on Saturdays."
    news = Document(
        id="News.md", name="News.md", kind="md", text=text, source="s", sha256="n", language="en", date="2026-03-01"
    )
    shop.store.put_source("s", "n", [news], [], [])
    build(shop, WordEmbedder(), lambda event: None, go_on)
    return shop


def stocked(folder: Path) -> Project:
    shop = projects.create(folder, "Tienda", "es")
    for name, text in TEXTS.items():
        put(shop, name, text)
    return shop


@pytest.mark.usefixtures("few_probes")
def test_documents_are_found_by_meaning_and_by_words_without_accents_and_in_the_plural(project: Project) -> None:
    engine = WordEmbedder()
    events: list[Event] = []
    indexed = build(project, engine, events.append, go_on)
    assert (indexed.documents, indexed.chunks, indexed.embedder) == (4, 4, "words-1")
    assert said(events)[-1] == (4, 4)
    assert found(search(project, "¿Cuántos días tengo para una DEVOLUCION?", engine))[0] == "Devoluciones.pdf"
    assert found(search(project, "averia", engine))[0] == "Garantía.pdf"
    assert found(search(project, "o'neill", engine, limit=2))[0] == "O'Neill's shipping.md"
    assert found(search(project, "precio de las azadas", engine, limit=1)) == ["Precios.xlsx"]


def test_a_similarity_is_the_raw_cosine_and_the_rows_come_back_whole(built: Project) -> None:
    engine = WordEmbedder()
    hits = search(built, "garantía de fábrica", engine)
    best = hits.passages[0]
    [expected] = (
        engine.embed(["Garantía. " + TEXTS["Garantía.pdf"]], "passage")
        @ engine.embed(["garantía de fábrica"], "query")[0]
    )
    assert best.similarity == pytest.approx(expected, abs=1e-5)
    assert hits.similarity >= best.similarity
    assert best.chunk == next(c for c in index.chunking.chunks(built.store.documents()[1]))


def test_what_is_not_in_the_documents_is_not_answerable(built: Project) -> None:
    engine = WordEmbedder()
    assert search(built, "¿La garantía cubre averías de fábrica?", engine).answerable
    assert not search(built, "¿Quién ganó la liga de balonmano?", engine).answerable
    assert not search(built, "Which comet passes Saturn?", engine).answerable


def test_odd_questions_find_something_or_nothing_but_never_break(built: Project) -> None:
    engine = WordEmbedder()
    for question in ("¿?", "*", '"unclosed', "a AND (b", "x' OR 1=1 --", "<|im_end|>", "\x00", "🙂"):
        assert len(search(built, question, engine).passages) <= 4, question


@pytest.mark.usefixtures("few_probes")
def test_only_what_changed_is_embedded_again(built: Project) -> None:
    engine = WordEmbedder()
    build(built, engine, lambda event: None, go_on)
    assert engine.seen == []
    put(built, "Garantía.pdf", "La garantía dura ahora 5 años.")
    build(built, engine, lambda event: None, go_on)
    assert engine.seen == ["Garantía. La garantía dura ahora 5 años."]
    assert "5 años" in search(built, "¿Cuánto dura la garantía?", engine).passages[0].chunk.text
    assert len(list(built.index.glob("*.lance"))) == 1


@pytest.mark.usefixtures("few_probes")
def test_new_text_is_found_by_its_words_before_its_vectors_are_there(built: Project) -> None:
    engine = WordEmbedder()
    put(built, "Horario.md", "Abrimos los sábados de nueve a dos.")
    with pytest.raises(Stopped):
        build(built, engine, lambda event: None, lambda: True)
    hits = search(built, "¿Abrimos los sábados?", engine)
    assert (found(hits)[0], hits.passages[0].similarity, hits.answerable) == ("Horario.md", 0.0, True)
    build(built, engine, lambda event: None, go_on)
    assert search(built, "¿Abrimos los sábados?", engine).passages[0].similarity > 0.5


@pytest.mark.usefixtures("few_probes")
def test_what_is_forgotten_lies_in_no_file_of_the_index(built: Project) -> None:
    engine = WordEmbedder()
    gone = built.store.documents()[1]
    built.store.remove_source(gone.source)
    forget(built, {gone.id})
    kept = {path.name for path in built.index.rglob("*") if path.is_file() and b"ortega" in path.read_bytes().lower()}
    assert kept == set()
    assert found(search(built, "devoluciones", engine))[0] == "Devoluciones.pdf"
    assert build(built, engine, lambda event: None, go_on).chunks == 3
    assert engine.seen == []


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (Filter(), {"Devoluciones.pdf", "Garantía.pdf", "O'Neill's shipping.md", "Precios.xlsx", "News.md"}),
        (Filter(documents=("O'Neill's shipping.md",)), {"O'Neill's shipping.md"}),
        (Filter(languages=("en",)), {"News.md"}),
        (Filter(since="2026-01-01"), {"News.md"}),
        (Filter(since="2026-01-01", until="2026-02-01"), set()),
    ],
)
def test_only_what_the_filter_lets_through_is_found(dated: Project, only: Filter, expected: set[str]) -> None:
    hits = found(search(dated, "días de garantía o shipping", WordEmbedder(), limit=20, only=only))
    assert (set(hits), len(hits)) == (expected, len(expected))


@pytest.mark.usefixtures("few_probes")
def test_a_deleted_index_comes_out_the_same(project: Project) -> None:
    engine = WordEmbedder()
    questions = ["plazo de devolución", "averia", "UK couriers", "precio pala"]
    first = build(project, engine, lambda event: None, go_on)
    before = [search(project, question, engine) for question in questions]
    shutil.rmtree(project.index)
    second = build(project, engine, lambda event: None, go_on)
    assert [search(project, question, engine) for question in questions] == before
    assert first.model_copy(update={"created": "", "seconds": 0}) == second.model_copy(
        update={"created": "", "seconds": 0}
    )


@pytest.mark.usefixtures("few_probes")
def test_another_embedder_is_never_mixed_in(built: Project) -> None:
    other = WordEmbedder("words-2", dim=40)
    with pytest.raises(NotPossibleHere) as caught:
        search(built, "averia", other)
    assert caught.value.parameters == {"made_by": "words-1", "now": "words-2"}
    build(built, other, lambda event: None, go_on)
    assert len(other.seen) == 4
    assert found(search(built, "averia", other))[0] == "Garantía.pdf"


@pytest.mark.usefixtures("few_probes")
def test_the_embedder_a_project_has_chosen_makes_its_index_with_its_own_weight(project: Project) -> None:
    class Two(WordEmbedder):
        def embedder(self, name: str = "") -> Named:
            return Named(name=name or "words-1", dim=48, weight=0.4 if name else 0.6)

    project.change(embedder="fast")
    assert build(project, Two(), lambda event: None, go_on).embedder == "fast"
    made = table.manifest(storage.of(project))
    assert made is not None
    assert made.weight == 0.4
    assert found(search(project, "averia", Two()))[0] == "Garantía.pdf"


@pytest.mark.usefixtures("few_probes")
def test_a_stopped_build_goes_on_where_it_was_and_the_old_index_answers_meanwhile(
    built: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = WordEmbedder()
    for number in range(3):
        put(built, f"New {number}.md", f"Novedad {number}: abrimos los sábados.")
    monkeypatch.setattr(index, "BATCH", 1)
    with pytest.raises(Stopped):
        build(built, engine, lambda event: None, lambda: len(engine.seen) == 2)
    assert found(search(built, "averia", engine))[0] == "Garantía.pdf"
    assert build(built, engine, lambda event: None, go_on).chunks == 7
    assert len(engine.seen) == 3


@pytest.mark.usefixtures("few_probes")
def test_without_documents_there_is_nothing_to_search(project: Project) -> None:
    engine = WordEmbedder()
    with pytest.raises(NotFound):
        search(project, "averia", engine)
    build(project, engine, lambda event: None, go_on)
    for source in project.store.sources():
        project.store.remove_source(source)
    with pytest.raises(NotEnough):
        build(project, engine, lambda event: None, go_on)
    with pytest.raises(NotFound):
        search(project, "averia", engine)


def test_a_removed_document_is_not_found_any_more_before_the_next_build(built: Project) -> None:
    engine = WordEmbedder()
    question = "¿La garantía cubre averías de fábrica?"
    assert found(search(built, question, engine))[0] == "Garantía.pdf"
    built.store.remove_source("sources/Garantía.pdf")
    hits = search(built, question, engine)
    assert "Garantía.pdf" not in found(hits)
    assert hits.passages
    assert not hits.answerable
    for source in built.store.sources():
        built.store.remove_source(source)
    hits = search(built, question, engine)
    assert (hits.passages, hits.answerable) == ((), False)


def test_every_language_has_its_probes() -> None:
    assert {language: len(set(asked)) for language, asked in calibration.probes().items()} == {"en": 64, "es": 64}


def test_a_name_with_quotes_is_a_name(built: Project) -> None:
    engine = WordEmbedder()
    for name, expected in (("O'Neill's shipping.md", ["O'Neill's shipping.md"]), ("x' OR 1=1 --", [])):
        assert found(search(built, "shipping", engine, limit=20, only=Filter(documents=(name,)))) == expected


@pytest.mark.parametrize(
    ("rows", "trained", "made", "expected"),
    [
        (9, 0, "", ("", 0)),
        (10, 0, "", ("IvfSq", 10)),
        (19, 10, "IvfSq", ("IvfSq", 10)),
        (20, 10, "IvfSq", ("IvfSq", 20)),
        (30, 20, "IvfSq", ("IvfRq", 30)),
        (31, 30, "IvfRq", ("IvfRq", 30)),
        (3, 30, "IvfRq", ("IvfRq", 30)),
    ],
)
def test_how_vectors_are_indexed_depends_on_how_many_there_are(
    monkeypatch: pytest.MonkeyPatch, rows: int, trained: int, made: str, expected: tuple[str, int]
) -> None:
    class Opened:
        kind = made

        def list_indices(self) -> list[SimpleNamespace]:
            return [SimpleNamespace(name="vector_idx", index_type=self.kind)] if self.kind else []

        def create_index(self, _column: str, *, config: object, replace: bool) -> None:
            self.kind = type(config).__name__

        def optimize(self, *, cleanup_older_than: object) -> None: ...

    opened = Opened()
    monkeypatch.setattr(table, "EXACT_UNTIL", 10)
    monkeypatch.setattr(table, "COMPRESSED_FROM", 30)
    monkeypatch.setattr(table, "connect", lambda place: SimpleNamespace(open_table=lambda name: opened))
    now = table.tidy(storage.Place(Path()), "t", filled=rows, trained=trained)
    assert (opened.kind, now) == expected


@pytest.mark.usefixtures("few_probes")
@pytest.mark.slow
def test_a_search_through_a_vector_index_finds_what_comparing_with_all_finds(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, questions = WordEmbedder(), ["averia", "plazo de devolución", "novedad 300", "sábados a las 7"]
    put(
        project,
        "News.md",
        "\n\n".join(f"Novedad {n}: abrimos los sábados a las {n}. " + "Texto. " * 60 for n in range(300)),
    )
    build(project, engine, lambda event: None, go_on)
    exact = [search(project, question, engine) for question in questions]
    monkeypatch.setattr(table, "EXACT_UNTIL", 200)
    put(project, "More.md", "Nada.")
    build(project, engine, lambda event: None, go_on)
    made = table.manifest(storage.of(project))
    assert made is not None
    assert made.trained >= 300
    assert [found(search(project, question, engine))[:1] for question in questions] == [found(e)[:1] for e in exact]


KILLED = """
import sys, time
from pathlib import Path
from studio.base.project import Project
from studio.retrieval import build, calibration, index
from tests.retrieval.fakes import WordEmbedder, few_probes

class Slow(WordEmbedder):
    def embed(self, texts, kind, embedder=""):
        time.sleep(0.05 if kind == "passage" else 0)
        return super().embed(texts, kind)

calibration.probes, index.BATCH, index.SAVE_EVERY = few_probes, 1, 0.0
build(Project(Path(sys.argv[1])), Slow(), lambda event: print(event.done, flush=True), lambda: False)
print("built", flush=True)
"""


@pytest.mark.usefixtures("few_probes")
@pytest.mark.slow
@pytest.mark.parametrize("after", [2, 6, 11, 13])
def test_a_build_killed_at_any_moment_leaves_an_index_that_answers_and_goes_on(built: Project, after: int) -> None:
    engine = WordEmbedder()
    for number in range(8):
        put(built, f"New {number}.md", f"Novedad {number}: abrimos los sábados a las {number}.")
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(built.folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    assert child.stdout is not None
    for line in child.stdout:
        if line.strip() == "built" or float(line) >= after:
            break
    time.sleep(0.02 * after)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert found(search(built, "averia", engine))[0] == "Garantía.pdf"
    engine.seen.clear()
    assert build(built, engine, lambda event: None, go_on).chunks == 12
    assert len(engine.seen) <= 12 - min(after, 11) + 1
    assert found(search(built, "novedad 7 sábados a las 7", engine))[0] == "New 7.md"
    assert len(list(built.index.glob("*.lance"))) == 1


@pytest.mark.parametrize(
    ("question", "embedded"),
    [("¿CUÁL ES EL PLAZO?", "¿cuál es el plazo?"), ("¿Cuál es el plazo del IVA?", "¿Cuál es el plazo del IVA?")],
)
def test_a_question_all_in_capitals_is_embedded_without_them(
    built: Project, question: str, embedded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = WordEmbedder()
    asked: list[str] = []
    embed = engine.embed
    monkeypatch.setattr(engine, "embed", lambda texts, *rest: (asked.extend(texts), embed(texts, *rest))[1])
    search(built, question, engine)
    assert asked == [embedded]
