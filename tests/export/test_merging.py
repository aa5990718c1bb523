"""Merging an adapter gives what PEFT gives, without PEFT and one tensor at a time."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.base.errors import NotFound, NotPossibleHere, StudioError
from studio.engines.merging import INDEX, merge
from tests import tiny


def peft_model(base: Path, **config: Any) -> Any:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    targets = ["q_proj", "k_proj", "o_proj", "up_proj", "down_proj"]
    settings = LoraConfig(**({"r": 4, "lora_alpha": 8, "target_modules": targets, "task_type": "CAUSAL_LM"} | config))
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype="auto"), settings)
    torch.manual_seed(3)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(0, 0.1)
    return model


def saved(tmp_path: Path, dtype: torch.dtype = torch.float32) -> Path:
    tiny.model().to(dtype).save_pretrained(tmp_path / "base")
    (tmp_path / "merged").mkdir()
    return tmp_path / "base"


@pytest.mark.parametrize(
    "config",
    [{}, {"use_rslora": True}, {"alpha_pattern": {"q_proj": 32}, "rank_pattern": {"up_proj": 2}}],
    ids=["plain", "rank-stabilised", "patterns"],
)
def test_a_merged_model_is_the_one_that_peft_merges(tmp_path: Path, config: dict[str, Any]) -> None:
    base = saved(tmp_path)
    model = peft_model(base, **config)
    model.save_pretrained(tmp_path / "adapter")
    merge(base, tmp_path / "adapter", tmp_path / "merged")
    expected = model.merge_and_unload().state_dict()
    merged = load_file(tmp_path / "merged/model.safetensors")
    assert set(merged) == set(expected)
    for name, tensor in merged.items():
        torch.testing.assert_close(tensor, expected[name], atol=1e-6, rtol=1e-6)
    before = load_file(base / "model.safetensors")
    changed = {name for name in merged if not torch.equal(merged[name], before[name])}
    assert len(changed) == 2 * 5  # two layers, five kinds of weights


def test_sixteen_bits_are_rounded_once(tmp_path: Path) -> None:
    base = saved(tmp_path, torch.bfloat16)
    model = peft_model(base)
    model.save_pretrained(tmp_path / "adapter")
    merge(base, tmp_path / "adapter", tmp_path / "merged")
    merged, before = load_file(tmp_path / "merged/model.safetensors"), load_file(base / "model.safetensors")
    name = "model.layers.0.self_attn.q_proj"
    layer = model.base_model.model.model.layers[0].self_attn.q_proj
    exact = before[f"{name}.weight"].float() + layer.get_delta_weight("default").float()
    assert merged[f"{name}.weight"].dtype == torch.bfloat16
    torch.testing.assert_close(merged[f"{name}.weight"].float(), exact, rtol=2**-7, atol=1e-4)
    expected = model.merge_and_unload().state_dict()
    for key, tensor in merged.items():
        torch.testing.assert_close(tensor.float(), expected[key].float(), rtol=2**-6, atol=2e-3)


def test_a_model_in_several_files_stays_in_several_files(tmp_path: Path) -> None:
    base = saved(tmp_path)
    peft_model(base).save_pretrained(tmp_path / "adapter")
    whole = load_file(base / "model.safetensors")
    (base / "model.safetensors").unlink()
    names = sorted(whole)
    for number, part in enumerate((names[:9], names[9:]), start=1):
        save_file(
            {name: whole[name] for name in part}, base / f"model-0000{number}-of-00002.safetensors", {"format": "pt"}
        )
    (base / INDEX).write_text('{"weight_map": {}}')
    told: list[tuple[int, int]] = []
    merge(base, tmp_path / "adapter", tmp_path / "merged", lambda done, of: told.append((done, of)))
    parts = sorted((tmp_path / "merged").iterdir())
    assert [path.name for path in parts] == sorted(path.name for path in base.iterdir() if "model" in path.name)
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]


def spoil(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Path], None]:
    def spoiled(adapter: Path) -> None:
        path = adapter / "adapter_config.json"
        path.write_text(json.dumps(change(json.loads(path.read_text()))))

    return spoiled


@pytest.mark.parametrize(
    ("spoiled", "error", "code"),
    [
        (spoil(lambda c: c | {"use_dora": True}), NotPossibleHere, "adapter_not_mergeable"),
        (spoil(lambda c: c | {"modules_to_save": ["lm_head"]}), NotPossibleHere, "adapter_not_mergeable"),
        (spoil(lambda c: c | {"bias": "all"}), NotPossibleHere, "adapter_not_mergeable"),
        (spoil(lambda c: c | {"fan_in_fan_out": True}), NotPossibleHere, "adapter_not_mergeable"),
        (
            lambda adapter: (adapter / "adapter_model.safetensors").write_bytes(b"no safetensors"),
            StudioError,
            "adapter_damaged",
        ),
        (lambda adapter: (adapter / "adapter_model.safetensors").unlink(), NotFound, "adapter_missing"),
    ],
    ids=["dora", "extra modules", "biases", "transposed", "damaged", "missing"],
)
def test_what_is_no_plain_adapter_is_refused_and_leaves_nothing_half_done(
    tmp_path: Path, spoiled: Callable[[Path], None], error: type[StudioError], code: str
) -> None:
    base = saved(tmp_path)
    peft_model(base, target_modules=["up_proj"]).save_pretrained(tmp_path / "adapter")
    spoiled(tmp_path / "adapter")
    with pytest.raises(error) as raised:
        merge(base, tmp_path / "adapter", tmp_path / "merged")
    assert raised.value.code == code
    assert list((tmp_path / "merged").iterdir()) == []


def test_an_adapter_for_another_model_is_refused(tmp_path: Path) -> None:
    base = saved(tmp_path)
    peft_model(base).save_pretrained(tmp_path / "adapter")
    other = {name: torch.zeros(2, 2) for name in ("some.weight", "other.weight")}
    save_file(other, base / "model.safetensors", {"format": "pt"})
    with pytest.raises(NotPossibleHere, match="adapter_not_mergeable"):
        merge(base, tmp_path / "adapter", tmp_path / "merged")
