"""Cross-encoders that read a question and a passage together: which there are, and a tiny one of random weights."""

import shutil
from pathlib import Path

import pytest

from studio.base import files, machine
from studio.base.errors import NotFound, NotPossibleHere, Refused, Unavailable
from studio.base.settings import Settings
from studio.engines.client import Engine
from studio.engines.rerankers import IDENTITY, Rerankers, folder_of, reranker, reranker_is_here, rerankers

NAME = "mmarco-minilm"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cross-encoder of one layer, as the Hub has them."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny") / "cross"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyzáéíóúñ¿?:. "]
    made = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=512,
        initializer_range=0.5,
        num_labels=1,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=512, **special).save_pretrained(folder)
    return folder


def settled(tiny: Path, projects: Path) -> Settings:
    """A studio in which the tiny model stands where the one of that name would."""
    settings = Settings(projects=projects, threads=1)
    shutil.copytree(tiny, folder_of(NAME, settings))
    files.write_json(folder_of(NAME, settings) / IDENTITY, {"revision": "r"})
    return settings


def test_the_catalogue_names_rerankers_that_a_company_may_use() -> None:
    assert rerankers()[0].name == NAME
    assert len({card.name for card in rerankers()}) == len(rerankers())
    assert all(card.licence in ("MIT", "Apache-2.0") and card.licence_link for card in rerankers())
    assert all(card.size_gb > 0 and card.memory_gb >= card.size_gb for card in rerankers())
    assert not [card for card in rerankers() if "jina" in card.hub_id.lower()]
    assert set(rerankers()[0].languages) == {"en", "es"}
    with pytest.raises(NotFound):
        reranker("jina-reranker-v2-base-multilingual")


def test_one_that_is_not_here_is_refused_by_its_name(tmp_path: Path) -> None:
    settings = Settings(projects=tmp_path)
    assert not reranker_is_here(NAME, settings)
    with pytest.raises(NotPossibleHere) as refused:
        Rerankers(settings, 1).scores(NAME, "q", ["t"])
    assert (refused.value.code, refused.value.parameters) == ("reranker_not_here", {"name": reranker(NAME).title})


@pytest.mark.slow
def test_one_that_memory_has_no_room_for_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(projects=tmp_path)
    folder = folder_of(NAME, settings)
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"")
    files.write_json(folder / IDENTITY, {"revision": "r"})
    small = machine.look(tmp_path).model_copy(update={"free_memory_gb": 0.2, "gpu": None})
    monkeypatch.setattr(machine, "look", lambda folder: small)
    with pytest.raises(NotPossibleHere) as refused:
        Rerankers(settings, 1).scores(NAME, "q", ["t"])
    assert refused.value.code == "reranker_memory"


@pytest.mark.slow
def test_a_cross_encoder_scores_each_text_with_the_question_alone(tiny: Path, tmp_path: Path) -> None:
    asked = Rerankers(settled(tiny, tmp_path), 1)
    texts = ["la pala", "un texto algo más largo sobre azadas", "otra cosa " * 200]
    together = asked.scores(NAME, "¿una pala?", texts)
    alone = [asked.scores(NAME, "¿una pala?", [text])[0] for text in texts]
    assert together == pytest.approx(alone, abs=0.05)
    assert len(set(together)) == 3
    assert asked.scores(NAME, "q", []) == []


@pytest.mark.slow
def test_the_host_ranks_and_says_what_is_missing(tiny: Path, tmp_path: Path) -> None:
    engine = Engine(settled(tiny, tmp_path))
    try:
        asked = "¿una pala?", ["la pala", "azada"]
        here = Rerankers(Settings(projects=tmp_path), 1).scores(NAME, *asked)
        assert engine.rerank(*asked, NAME) == pytest.approx(here, abs=0.05)
        with pytest.raises(NotPossibleHere) as refused:
            engine.rerank("q", ["t"], "bge-reranker-v2-m3")
        assert refused.value.code == "reranker_not_here"
    finally:
        engine.stop()


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["code", "pickle", "broken"])
def test_one_that_would_run_code_or_is_broken_is_refused(tiny: Path, tmp_path: Path, fault: str) -> None:
    settings = settled(tiny, tmp_path)
    folder = folder_of(NAME, settings)
    match fault:
        case "code":
            told = files.read_json(folder / "config.json") or {}
            files.write_json(folder / "config.json", told | {"auto_map": {"AutoModel": "evil.Model"}})
        case "pickle":
            (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
        case "broken":
            (folder / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(Unavailable if fault == "broken" else Refused):
        Rerankers(settings, 1).scores(NAME, "q", ["t"])
