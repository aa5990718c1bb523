"""Prepares the starter model from its Python package, without a network.

The package holds a 4-bit GGUF file. From it come, with the same weights, what each engine reads:
1. `model.safetensors` in bfloat16 with config, tokenizer and chat template, for training and scoring;
2. `model.gguf` in float16, for answering with llama.cpp. Eight bits would be a fifth faster, but llama.cpp then rounds
   the activations too, and a model this small already answers differently from the one that is trained and scored.
It refuses to know where models are kept; `shelf` names the folder and puts it in place.
"""

import hashlib
import importlib.util
import json
import math
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.base.errors import NotPossibleHere
from studio.engines import gguf_file

if TYPE_CHECKING:
    import numpy as np

Tick = Callable[[int, int], None]

GGUF_NAME = "model.gguf"
_NORMAL, _CONTROL, _USER_DEFINED = 1, 3, 4
_COPIED = ("general.", "llama.", "tokenizer.")
_NOT_COPIED = ("general.architecture", "general.file_type", "general.quantization_version")


class Written(NamedTuple):
    sha256: str


def package_file(package: str, name: str) -> Path:
    """The one GGUF file of an installed model package. Raises NotPossibleHere("model_not_here", name=)."""
    found = importlib.util.find_spec(package.replace("-", "_"))
    if found is not None and found.submodule_search_locations:
        for place in found.submodule_search_locations:
            for file in sorted(Path(place).glob("*.gguf")):
                return file
    raise NotPossibleHere("model_not_here", name=name)


def prepare(source: Path, folder: Path, tick: Tick) -> Written:
    """Write both forms of the model into `folder`; `tick(done, of)` counts tensors. Returns the sha256 of the weights."""
    contents = gguf_file.read(source)
    for name, value in _texts(contents.metadata).items():
        (folder / name).write_text(value, encoding="utf-8")
    return Written(_write_weights(contents, folder, tick))


def _write_weights(contents: gguf_file.Contents, folder: Path, tick: Tick) -> str:
    """Both weight files in one pass over the tensors; each is rounded to bfloat16 first, so that both hold one model."""
    import gguf

    meta = contents.metadata
    writer = gguf.GGUFWriter(folder / GGUF_NAME, meta["general.architecture"])
    _copy_metadata(writer, meta)
    heads = {"q": int(meta["llama.attention.head_count"]), "k": int(meta["llama.attention.head_count_kv"])}
    digest = hashlib.sha256()
    with (folder / "model.safetensors").open("wb") as file:

        def put(data: bytes) -> None:
            file.write(data)
            digest.update(data)

        put(_safetensors_header(contents.tensors))
        for done, tensor in enumerate(contents.tensors):
            bits, values = _bfloat16(tensor.floats())
            if len(tensor.shape) > 1:
                kind = gguf.GGMLQuantizationType.F16
                writer.add_tensor(tensor.name, gguf.quants.quantize(values, kind), raw_dtype=kind)
            else:
                writer.add_tensor(tensor.name, values)
            for part, count in heads.items():
                if tensor.name.endswith(f"attn_{part}.weight"):
                    bits = unpermuted(bits, count)
            put(bits.tobytes())
            tick(done + 1, len(contents.tensors))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return digest.hexdigest()


def _safetensors_header(tensors: tuple[gguf_file.Tensor, ...]) -> bytes:
    """Length and JSON of a safetensors file whose bfloat16 tensors follow in this order."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for tensor in tensors:
        start, end = end, end + 2 * math.prod(tensor.shape)
        header[_transformers_name(tensor.name)] = {"dtype": "BF16", "shape": tensor.shape, "data_offsets": (start, end)}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def unpermuted(rows: "np.ndarray[Any, Any]", heads: int) -> "np.ndarray[Any, Any]":
    """Rows of a q or k projection from llama.cpp's order (rotary pairs side by side) to that of transformers (halves)."""
    return rows.reshape(heads, rows.shape[0] // heads // 2, 2, -1).swapaxes(1, 2).reshape(rows.shape)


def permuted(rows: "np.ndarray[Any, Any]", heads: int) -> "np.ndarray[Any, Any]":
    """The way back: from transformers' order to llama.cpp's."""
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(rows.shape)


def _bfloat16(values: "np.ndarray[Any, Any]") -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """The values rounded to nearest even: their sixteen bits, and the same values as float32."""
    import numpy as np

    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    high = ((bits + (np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1)))) >> np.uint32(16)).astype(np.uint16)
    return high, (high.astype(np.uint32) << np.uint32(16)).view(np.float32)


def _transformers_name(name: str) -> str:
    if not name.startswith("blk."):
        return {
            "token_embd.weight": "model.embed_tokens.weight",
            "output_norm.weight": "model.norm.weight",
            "output.weight": "lm_head.weight",
        }[name]
    _, layer, part, _ = name.split(".")
    names = {
        "attn_norm": "input_layernorm",
        "ffn_norm": "post_attention_layernorm",
        "attn_q": "self_attn.q_proj",
        "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj",
        "attn_output": "self_attn.o_proj",
        "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj",
    }
    return f"model.layers.{layer}.{names[part]}.weight"


def _copy_metadata(writer: Any, meta: dict[str, Any]) -> None:
    import gguf

    kinds = {
        bool: gguf.GGUFValueType.BOOL,
        int: gguf.GGUFValueType.UINT32,
        float: gguf.GGUFValueType.FLOAT32,
        str: gguf.GGUFValueType.STRING,
    }
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    for key, value in meta.items():
        if not key.startswith(_COPIED) or key in _NOT_COPIED:
            continue
        if key == "tokenizer.ggml.token_type":
            writer.add_token_types(value)  # 32-bit signed, as llama.cpp demands
        elif isinstance(value, list):
            writer.add_array(key, value)
        else:
            writer.add_key_value(key, value, kinds[type(value)])


def _texts(meta: dict[str, Any]) -> dict[str, str]:
    """The small files beside the weights, by name."""
    tokens: list[str] = meta["tokenizer.ggml.tokens"]
    ids = {part: int(meta[f"tokenizer.ggml.{part}_token_id"]) for part in ("bos", "eos", "unknown", "padding")}
    hidden, heads = int(meta["llama.embedding_length"]), int(meta["llama.attention.head_count"])
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": ids["bos"],
        "eos_token_id": ids["eos"],
        "pad_token_id": ids["padding"],
        "dtype": "bfloat16",
        "head_dim": hidden // heads,
        "hidden_act": "silu",
        "hidden_size": hidden,
        "initializer_range": 0.02,
        "intermediate_size": int(meta["llama.feed_forward_length"]),
        "max_position_embeddings": int(meta["llama.context_length"]),
        "mlp_bias": False,
        "num_attention_heads": heads,
        "num_hidden_layers": int(meta["llama.block_count"]),
        "num_key_value_heads": int(meta["llama.attention.head_count_kv"]),
        "rms_norm_eps": round(float(meta["llama.attention.layer_norm_rms_epsilon"]), 8),
        "rope_theta": float(meta["llama.rope.freq_base"]),
        "tie_word_embeddings": True,
        "use_cache": True,
        "vocab_size": len(tokens),
    }
    generation = {"bos_token_id": ids["bos"], "eos_token_id": ids["eos"], "pad_token_id": ids["padding"]}
    settings = {
        "add_prefix_space": False,
        "bos_token": tokens[ids["bos"]],
        "eos_token": tokens[ids["eos"]],
        "pad_token": tokens[ids["padding"]],
        "unk_token": tokens[ids["unknown"]],
        "clean_up_tokenization_spaces": False,
        "model_max_length": int(meta["llama.context_length"]),
        "tokenizer_class": "GPT2Tokenizer",
    }
    return {
        "config.json": json.dumps(config, indent=1),
        "generation_config.json": json.dumps(generation, indent=1),
        "tokenizer.json": json.dumps(_tokenizer(meta), ensure_ascii=False),
        "tokenizer_config.json": json.dumps(settings, indent=1),
        "chat_template.jinja": meta["tokenizer.chat_template"],
    }


def _tokenizer(meta: dict[str, Any]) -> dict[str, Any]:
    """A byte-level BPE as SmolLM has it: digits apart, no byte fallback (with it converters take it for SentencePiece)."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": list(_added(meta["tokenizer.ggml.tokens"], meta["tokenizer.ggml.token_type"])),
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level],
        },
        "post_processor": None,
        "decoder": {**byte_level, "add_prefix_space": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: number for number, token in enumerate(meta["tokenizer.ggml.tokens"])},
            "merges": [merge.split(" ", 1) for merge in meta["tokenizer.ggml.merges"]],
        },
    }


def _added(tokens: list[str], kinds: list[int]) -> Iterator[dict[str, Any]]:
    for number, (token, kind) in enumerate(zip(tokens, kinds, strict=True)):
        if kind in (_CONTROL, _USER_DEFINED):
            yield {
                "id": number,
                "content": token,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": kind == _CONTROL,
            }
