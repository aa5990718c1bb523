"""Merges a LoRA adapter into the weights of its base model: `W + scale * B @ A`, tensor by tensor.

The merged files have the layout of the base model's, shard for shard and byte for byte, but for the tensors that were
adapted; so memory holds one tensor at a time, however large the model is. The sum is made in 32 bits and rounded once to
the type of W. What is no plain LoRA on linear layers (DoRA, extra trained modules, biases) is NotPossibleHere.
"""

import json
import math
import mmap
import re
import shutil
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.base import files
from studio.base.errors import NotFound, NotPossibleHere, Unreadable

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

INDEX = "model.safetensors.index.json"
_WEIGHTS, _CONFIG = "adapter_model.safetensors", "adapter_config.json"
_TYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_NOT_MERGEABLE = (
    *("use_dora", "modules_to_save", "lora_bias", "layer_replication"),
    *("trainable_token_indices", "target_parameters", "use_qalora"),
)
_BLOCK = 8 << 20


class _Tensor(NamedTuple):
    """One tensor of a safetensors file: its type, its shape and where its bytes lie in the file."""

    kind: str
    shape: tuple[int, ...]
    start: int
    end: int


class _Delta(NamedTuple):
    """What is added to one weight: `scale * up @ down` ([out, rank] and [rank, in]), transposed where W is [in, out]."""

    down: "Array"
    up: "Array"
    scale: float
    transposed: bool


def merge(weights: Path, adapter: Path, target: Path, tick: Callable[[int, int], None] = lambda done, of: None) -> None:
    """Write the safetensors files of the model in `weights`, with the PEFT folder `adapter` merged in, into `target`.

    `target` must exist; it gets the weight files (and their index) and nothing else. `tick(done, of)` counts bytes.
    Low-rank adaptation: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models"; rank-stabilised scale:
    Kalajdzievski 2023. Raises NotFound("weights_missing", "adapter_missing"), Unreadable("adapter_damaged",
    "weights_damaged") and NotPossibleHere("adapter_not_mergeable", name=).
    """
    shards = sorted(weights.glob("*.safetensors"))
    if not shards:
        raise NotFound("weights_missing", name=weights.name)
    deltas = _deltas(adapter)
    total = sum(shard.stat().st_size for shard in shards)
    merged: set[str] = set()
    done = 0
    for shard in shards:

        def along(written: int, before: int = done) -> None:
            tick(before + written, total)

        merged |= _write(shard, target / shard.name, deltas, along)
        done += shard.stat().st_size
    if missing := set(deltas) - merged:
        raise NotPossibleHere("adapter_not_mergeable", name=min(missing))
    if (weights / INDEX).is_file():
        shutil.copyfile(weights / INDEX, target / INDEX)


def _deltas(adapter: Path) -> dict[str, _Delta]:
    """What the adapter adds, by the name of the weight it adds to."""
    settings = files.read_json(adapter / _CONFIG)
    if not isinstance(settings, dict) or not (adapter / _WEIGHTS).is_file():
        raise NotFound("adapter_missing", name=adapter.name)
    if settings.get("peft_type", "LORA") != "LORA" or any(settings.get(name) for name in _NOT_MERGEABLE):
        raise NotPossibleHere("adapter_not_mergeable", name=adapter.name)
    if settings.get("bias", "none") != "none":
        raise NotPossibleHere("adapter_not_mergeable", name=adapter.name)
    halves: dict[str, dict[str, Array]] = {}
    try:
        with _mapped(adapter / _WEIGHTS) as (data, tensors):
            for key, tensor in tensors.items():
                module, found, half = key.removeprefix("base_model.model.").partition(".lora_")
                if not found or half not in ("A.weight", "B.weight") or len(tensor.shape) != 2:
                    raise NotPossibleHere("adapter_not_mergeable", name=key)
                halves.setdefault(module, {})[half[0]] = _floats(data, tensor)
        deltas = {}
        for module, pair in halves.items():
            scale = _scale(module, pair["A"].shape[0], settings)
            deltas[f"{module}.weight"] = _Delta(pair["A"], pair["B"], scale, bool(settings.get("fan_in_fan_out")))
    except (KeyError, ValueError, struct.error) as error:
        raise Unreadable("adapter_damaged", name=adapter.name) from error
    return deltas


def _scale(module: str, rank: int, settings: Mapping[str, Any]) -> float:
    """alpha / r, or alpha / sqrt(r) where the adapter was trained rank-stabilised; alpha may differ by module."""
    alpha = float(settings["lora_alpha"])
    for pattern, value in (settings.get("alpha_pattern") or {}).items():
        if re.fullmatch(rf"(.*\.)?({pattern})", module):  # as PEFT reads it
            alpha = float(value)
    return alpha / (math.sqrt(rank) if settings.get("use_rslora") else rank)


def _write(source: Path, target: Path, deltas: Mapping[str, _Delta], tick: Callable[[int], None]) -> set[str]:
    """Copy one shard with what is added to its weights; returns the names of the weights that were added to."""
    merged: set[str] = set()
    part = target.with_name(f"{target.name}.part")
    try:
        with _mapped(source) as (data, tensors), part.open("wb") as file:
            position = 0
            for name, tensor in sorted(tensors.items(), key=lambda item: item[1].start):
                _copy(data, position, tensor.start, file)
                if name in deltas:
                    file.write(_added(data, tensor, deltas[name], name))
                    merged.add(name)
                else:
                    _copy(data, tensor.start, tensor.end, file)
                position = tensor.end
                tick(position)
            _copy(data, position, len(data), file)
        part.replace(target)
    except (KeyError, struct.error) as error:
        raise Unreadable("weights_damaged", name=source.name) from error
    finally:
        part.unlink(missing_ok=True)
    return merged


def _added(data: mmap.mmap, tensor: _Tensor, delta: _Delta, name: str) -> bytes:
    import numpy as np

    change = delta.up @ delta.down
    if delta.transposed:
        change = change.T
    if change.shape != tensor.shape or tensor.kind not in _TYPES:
        raise NotPossibleHere("adapter_not_mergeable", name=name)
    summed = _floats(data, tensor)
    summed += np.float32(delta.scale) * change
    return _bytes(summed, tensor.kind)


def _floats(data: mmap.mmap, tensor: _Tensor) -> "Array":
    """The tensor as float32, a copy of its own (numpy knows no bfloat16, so its sixteen bits are widened here)."""
    import numpy as np

    kind = np.dtype(_TYPES[tensor.kind])
    flat = np.frombuffer(data[tensor.start : tensor.end], kind)
    if tensor.kind == "BF16":
        flat = (flat.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return flat.astype(np.float32).reshape(tensor.shape)


def _bytes(values: "Array", kind: str) -> bytes:
    """The values in the type of a file; to bfloat16 by rounding to nearest even."""
    import numpy as np

    if kind != "BF16":
        return values.astype(_TYPES[kind]).tobytes()
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = (bits + (np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1)))) >> np.uint32(16)
    return rounded.astype("<u2").tobytes()


def _copy(data: mmap.mmap, start: int, end: int, file: Any) -> None:
    for begin in range(start, end, _BLOCK):
        file.write(data[begin : min(begin + _BLOCK, end)])


@contextmanager
def _mapped(path: Path) -> Iterator[tuple[mmap.mmap, dict[str, _Tensor]]]:
    """A safetensors file, in memory only as far as it is read: its bytes, and where its tensors lie."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data, dict(_tensors(data))


def _tensors(data: mmap.mmap) -> Iterator[tuple[str, _Tensor]]:
    (length,) = struct.unpack_from("<Q", data)
    first = 8 + length
    for name, entry in json.loads(data[8:first]).items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            yield name, _Tensor(entry["dtype"], tuple(entry["shape"]), first + start, first + end)
