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

    own = ALL_ATTENTION_FUNCTIONS.get_interface(way, sys.modules[type(module).__module__].eager_attention_forward)
    count, longest = packed.rows.shape

    def unpacked(each: "torch.Tensor") -> "torch.Tensor":
        found = each[0].index_select(1, packed.rows.flatten())
        return found.view(each.shape[1], count, longest, -1).transpose(0, 1)

    rows = (unpacked(each) for each in (query, key, value))
    found, _ = own(module, *rows, attention_mask, **more)
    return found.reshape(count * longest, *found.shape[2:]).index_select(0, packed.back)[None], None
