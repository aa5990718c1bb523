"""What was learnt as a folder that any PEFT library opens: weights, configuration, tokenizer, chat template.

Layers that learnt themselves become an adapter too, an exact one: their difference D to the model's own weights is
written as D times the identity, so that every engine that puts adapters on, and every export, serves them unchanged. It
costs its reader a product as wide as the layer, which is why an adapter remains the usual way. Safetensors only, and no
path of this machine inside.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.base import files
from studio.training import checkpoints
from studio.training.loading import TARGETS, layer

if TYPE_CHECKING:
    import torch

    from studio.training.loading import Learner

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
_PEFT = "base_model.model."
TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)


def configure(learner: "Learner", best: Path) -> None:
    """Put the adapter's configuration beside the best weights; nothing to say where layers learn themselves."""
    if learner.adapter is not None:
        best.mkdir(parents=True, exist_ok=True)
        learner.adapter.save_pretrained(str(best))


def package(best: Path, weights: Path, base: str, target: Path) -> None:
    """Put what lies in `best` and the tokenizer beside the model's `weights` together as `target`, which appears whole.

    `base` is what the adapter says it belongs to: the model's name on the Hub, so that others can load it.
    """
    from safetensors.torch import load_file

    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    learnt = dict(load_file(best / checkpoints.WEIGHTS))
    config = files.read_json(best / CONFIG)
    if config is None:
        learnt, config = _difference(learnt, weights)
    checkpoints.save({name.replace(".default.", "."): tensor for name, tensor in learnt.items()}, part / WEIGHTS)
    files.write_json(part / CONFIG, {**config, "base_model_name_or_path": base})
    for name in TOKENIZER:
        if (weights / name).is_file():
            shutil.copyfile(weights / name, part / name)
    if target.exists():
        shutil.rmtree(target)
    part.replace(target)


def _difference(
    learnt: "Mapping[str, torch.Tensor]", weights: Path
) -> "tuple[dict[str, torch.Tensor], dict[str, Any]]":
    """The adapter `B @ A` that makes the model's own weights the learnt ones, and its configuration.

    B is the difference and A the identity where a layer is as wide as the model on its way in, the other way round where
    it is on its way out: so the rank is the model's width everywhere.
    """
    import torch

    width = int((files.read_json(weights / "config.json") or {})["hidden_size"])
    found: dict[str, torch.Tensor] = {}
    for name, before in _own(weights, learnt):
        change, module = learnt[name].float() - before.float(), f"{_PEFT}{name.removesuffix('.weight')}"
        one = torch.eye(width)
        down, up = (one, change) if change.shape[1] == width else (change, one)
        down, up = down.to(before.dtype), up.to(before.dtype)
        found[f"{module}.lora_A.weight"], found[f"{module}.lora_B.weight"] = down, up
    layers = sorted({layer(name) for name in learnt})
    targets = sorted({target for target in TARGETS if any(f".{target}.weight" in name for name in learnt)})
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": width,
        "lora_alpha": width,
        "lora_dropout": 0.0,
        "bias": "none",
        "inference_mode": True,
        "layers_to_transform": layers,
        "target_modules": targets,
    }
    return found, config


def _own(weights: Path, names: "Mapping[str, torch.Tensor]") -> "Iterator[tuple[str, torch.Tensor]]":
    """These weights as the model came with them."""
    from safetensors import safe_open

    for shard in sorted(weights.glob("*.safetensors")):
        with safe_open(shard, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - no mapping
                if name in names:
                    yield name, file.get_tensor(name)
