import json
import os
from pathlib import Path

import numpy as np
import pytest

from studio.base.errors import NotFound, NotPossibleHere, Unreadable
from studio.engines import adapter, gguf_file, starter
from tests.engines import tiny

BASE = {
    "model_type": "llama",
    "num_hidden_layers": tiny.LAYERS,
    "num_attention_heads": tiny.HEADS,
    "num_key_value_heads": tiny.KV_HEADS,
}


def test_an_adapter_becomes_llama_cpps_names_and_row_order(tmp_path: Path) -> None:
    folder = tiny.write_adapter(tmp_path / "a")
    made = gguf_file.read(adapter.convert(folder, BASE))
    tensors = {t.name: t.floats() for t in made.tensors}
    assert made.metadata["adapter.type"] == "lora"
    assert made.metadata["adapter.lora.alpha"] == 8.0
    original = adapter._read(folder / adapter.WEIGHTS)
    name = "base_model.model.model.layers.0.self_attn.{}.lora_B.weight"
    np.testing.assert_array_equal(
        tensors["blk.0.attn_q.weight.lora_b"], starter.permuted(original[name.format("q_proj")], tiny.HEADS)
    )
    np.testing.assert_array_equal(tensors["blk.0.attn_v.weight.lora_b"], original[name.format("v_proj")])
    assert len(tensors) == len(original)


def test_families_without_paired_rows_keep_their_order(tmp_path: Path) -> None:
    folder = tiny.write_adapter(tmp_path / "a")
    made = {t.name: t.floats() for t in gguf_file.read(adapter.convert(folder, BASE | {"model_type": "qwen3"})).tensors}
    original = adapter._read(folder / adapter.WEIGHTS)["base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight"]
    np.testing.assert_array_equal(made["blk.0.attn_q.weight.lora_b"], original)


def test_rank_stabilised_adapters_keep_their_scale(tmp_path: Path) -> None:
    folder = tiny.write_adapter(tmp_path / "a", use_rslora=True)
    assert gguf_file.read(adapter.convert(folder, BASE)).metadata["adapter.lora.alpha"] == pytest.approx(
        16.0
    )  # 8 / sqrt(4) * 4


def test_it_is_made_once_and_again_after_more_training(tmp_path: Path) -> None:
    folder = tiny.write_adapter(tmp_path / "a")
    first = adapter.convert(folder, BASE).stat().st_mtime_ns
    assert adapter.convert(folder, BASE).stat().st_mtime_ns == first
    os.utime(folder / adapter.WEIGHTS, ns=(first + 10**9, first + 10**9))
    assert adapter.convert(folder, BASE).stat().st_mtime_ns != first


@pytest.mark.parametrize(
    ("settings", "base"),
    [
        ({"use_dora": True}, {}),
        ({"modules_to_save": ["lm_head"]}, {}),
        ({"peft_type": "IA3"}, {}),
        ({}, {"model_type": "lfm2"}),
    ],
)
def test_what_llama_cpp_cannot_express_is_said_not_guessed(
    tmp_path: Path, settings: dict[str, object], base: dict[str, object]
) -> None:
    folder = tiny.write_adapter(tmp_path / "a", **settings)
    with pytest.raises(NotPossibleHere) as caught:
        adapter.convert(folder, BASE | base)
    assert caught.value.code == "adapter_not_for_llama"
    assert sorted(p.name for p in folder.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]


def test_a_missing_or_damaged_adapter_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        adapter.convert(tmp_path / "nothing", BASE)
    folder = tiny.write_adapter(tmp_path / "a")
    (folder / adapter.WEIGHTS).write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{broken}")
    with pytest.raises(Unreadable):
        adapter.convert(folder, BASE)
    (folder / adapter.CONFIG).write_text(json.dumps([]))
    with pytest.raises(Unreadable):
        adapter.convert(folder, BASE)
