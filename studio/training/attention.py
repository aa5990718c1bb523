"""How packed rows are told to a model, and its attention to them: every row sees itself and what all of them begin with."""

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch

ATTENTION = "amedida_rows"  # its name among transformers' ways of attention


class Packed(NamedTuple):
    """Where in its row every token of the sequence stands (1, tokens); for each row its tokens' places in the sequence,
    filled up with the first (rows, longest); and where in these rows each token of the sequence is (tokens).
    """

    positions: "torch.Tensor"
    rows: "torch.Tensor"
    back: "torch.Tensor"


class Fed(NamedTuple):
    """What the model is given. `where` are the flat positions behind which a learnt token comes, row after row; `wanted`
    are these tokens, `of` the numbers of their rows. `mask` is 1 where a token stands (rows, tokens); packed, it is added
    to the attention of every row (1, 1, longest, longest). `below` is what the layers that do not move make of the
    sequence (1, tokens, width), where that is known.
    """

    ids: "torch.Tensor"
    mask: "torch.Tensor"
    where: "torch.Tensor"
    packed: Packed | None
    wanted: "torch.Tensor"
    of: "torch.Tensor"
    below: "torch.Tensor | None" = None


def attend(
    module: Any, query: "torch.Tensor", key: "torch.Tensor", value: "torch.Tensor", attention_mask: "torch.Tensor",
    packed: Packed, way: str, **more: Any,
) -> "tuple[torch.Tensor, None]":  # fmt: skip
    """The attention of a packed sequence, row by row in the model's own `way`; transformers calls it (see `Learner`).

    Takes (1, heads, tokens, width) each, gives (1, tokens, heads, width).
    """
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    eager = sys.modules[type(module).__module__].eager_attention_forward
    if way == "eager" and _usual(eager) and not more.get("dropout"):
        return _grouped(query, key, value, attention_mask, packed, more["scaling"]), None
    own = ALL_ATTENTION_FUNCTIONS.get_interface(way, eager)
    rows = (_rows(each, packed).transpose(0, 1) for each in (query, key, value))
    found, _ = own(module, *rows, attention_mask, **more)
    return found.reshape(-1, *found.shape[2:]).index_select(0, packed.back)[None], None


def _rows(each: "torch.Tensor", packed: Packed) -> "torch.Tensor":
    """(1, heads, tokens, width) as (heads, rows, longest, width)."""
    count, longest = packed.rows.shape
    return each[0].index_select(1, packed.rows.flatten()).view(each.shape[1], count, longest, -1)


def _usual(eager: Any) -> bool:
    """Whether a model's attention is the one most have, word for word; others bend or add to it."""
    from transformers.models.llama.modeling_llama import eager_attention_forward as usual

    return all(getattr(eager.__code__, part) == getattr(usual.__code__, part) for part in ("co_code", "co_names"))


def _grouped(
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    mask: "torch.Tensor",
    packed: Packed,
    scale: float,
) -> "torch.Tensor":
    """That attention with the heads that share a key as one matrix, where the model's own repeats every key for each: a step
    takes 0.89 of the time (135M starter, three heads a key, 16 pairs of steps; else as in `vocabulary`)."""
    count, longest = packed.rows.shape
    keys, heads, width = key.shape[1], query.shape[1], query.shape[-1]
    group = heads // keys
    asked = _rows(query, packed).view(keys, group, count, longest, width).permute(2, 0, 1, 3, 4)
    asked = asked.reshape(count * keys, group * longest, width)
    known, said = (_rows(each, packed).transpose(0, 1).reshape(count * keys, longest, -1) for each in (key, value))
    scores = (asked @ known.transpose(1, 2)).view(count * keys, group, longest, longest).float() * scale + mask[0]
    likely = scores.softmax(-1).to(value.dtype).view(count * keys, group * longest, longest)
    found = (likely @ said).view(count, heads, longest, -1).transpose(1, 2).reshape(count * longest, heads, -1)
    return found.index_select(0, packed.back)[None]
