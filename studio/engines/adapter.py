"""Turns a LoRA adapter as PEFT saves it into the GGUF file llama.cpp loads beside the base model.

The mathematics is PEFT's: `W + scale * B @ A`; only names, and for some families the order of rows in q and k, differ.
What llama.cpp cannot express (DoRA, extra trained modules, other architectures) is NotPossibleHere; the host then
answers through transformers instead.
"""

import json
import math
import os
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.base import files
from studio.base.errors import NotFound, NotPossibleHere, Unreadable
from studio.engines.starter import permuted

if TYPE_CHECKING:
    import numpy as np

GGUF_NAME = "adapter.gguf"
WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"

_ARCHITECTURES = {
    "llama": "llama",
    "smollm3": "smollm3",
    "granite": "granite",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
    "gemma3_text": "gemma3",
}
_PERMUTED = frozenset({"llama", "smollm3", "granite"})  # families whose q and k rows llama.cpp keeps pair by pair
_NOT_EXPRESSIBLE = (
    "use_dora",
    "modules_to_save",
    "rank_pattern",
    "alpha_pattern",
    "lora_bias",
    "layer_replication",
    "trainable_token_indices",
)
_TYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def convert(adapter: Path, base_config: Mapping[str, Any]) -> Path:
    """`adapter/adapter.gguf`, made once from the PEFT folder `adapter`, and made anew when that was trained again.

    `base_config` is the base model's config.json. Raises NotFound("adapter_missing"), Unreadable("adapter_damaged") and
    NotPossibleHere("adapter_not_for_llama", name=) for what llama.cpp cannot load.
    """
    source, target = adapter / WEIGHTS, adapter / GGUF_NAME
    if not source.is_file():
        raise NotFound("adapter_missing", name=adapter.name)
    if target.is_file() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
        return target
    settings = files.read_json(adapter / CONFIG)
    family = _ARCHITECTURES.get(str(base_config.get("model_type")))
    if not isinstance(settings, dict):
        raise Unreadable("adapter_damaged", name=adapter.name)
    if family is None or settings.get("peft_type") != "LORA" or any(settings.get(name) for name in _NOT_EXPRESSIBLE):
        raise NotPossibleHere("adapter_not_for_llama", name=adapter.name)
    handle, temporary = tempfile.mkstemp(dir=adapter, prefix=".tmp-")
    os.close(handle)
    try:
        _write(Path(temporary), family, settings, _read(source), base_config)
        Path(temporary).replace(target)
    except (KeyError, ValueError, struct.error) as error:
        raise Unreadable("adapter_damaged", name=adapter.name) from error
    finally:
        Path(temporary).unlink(missing_ok=True)
    return target


def _write(
    path: Path,
    family: str,
    settings: Mapping[str, Any],
    tensors: "Mapping[str, np.ndarray[Any, Any]]",
    base: Mapping[str, Any],
) -> None:
    import gguf

    rank, alpha = int(settings["r"]), float(settings["lora_alpha"])
    scale = alpha / math.sqrt(rank) if settings.get("use_rslora") else alpha / rank
    names = gguf.get_tensor_name_map(_gguf_architecture(family), int(base["num_hidden_layers"]))
    heads = int(base["num_attention_heads"])
    heads_of = {"q_proj": heads, "k_proj": int(base.get("num_key_value_heads") or heads)}
    writer = gguf.GGUFWriter(path, family)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", scale * rank)
    for key, values in sorted(tensors.items()):
        module, _, half = key.removeprefix("base_model.model.").partition(".lora_")
        name = names.get_name(module)
        if name is None or half not in ("A.weight", "B.weight"):
            raise NotPossibleHere("adapter_not_for_llama", name=path.parent.name)
        projection = module.rpartition(".")[2]
        if half == "B.weight" and family in _PERMUTED and projection in heads_of:
            values = permuted(values, heads_of[projection])
        writer.add_tensor(f"{name}.weight.lora_{half[0].lower()}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _gguf_architecture(family: str) -> Any:
    import gguf

    return next(number for number, name in gguf.MODEL_ARCH_NAMES.items() if name == family)


def _read(path: Path) -> "dict[str, np.ndarray[Any, Any]]":
    """Every tensor of a safetensors file as float32 (numpy knows no bfloat16, so its bits are widened here)."""
    import numpy as np

    raw = path.read_bytes()
    (length,) = struct.unpack_from("<Q", raw)
    header = json.loads(raw[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        kind = _TYPES[entry["dtype"]]
        flat = np.frombuffer(raw, kind, (end - start) // np.dtype(kind).itemsize, 8 + length + start)
        if entry["dtype"] == "BF16":
            flat = (flat.astype(np.uint32) << np.uint32(16)).view(np.float32)
        tensors[name] = flat.astype(np.float32).reshape(entry["shape"])
    return tensors
