"""Log-probabilities of one answer's tokens behind many prompts of tokens, for the fewest tokens run through the model.

The prompts form a tree: what all share is read once and kept, its branches are packed into one call in which attention goes
branch by branch, and the vocabulary is only looked up where an answer token is predicted. The numbers are those of one
plain forward pass per prompt, and a model that cannot do this is read plainly instead.
Knows tokens; knows nothing of text, conversations, players or adapters. Not for two threads at once.
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.engines.prompts import beginning

if TYPE_CHECKING:
    import torch
    from transformers import DynamicCache

Row = tuple[int, ...]  # the tokens of one prompt
Pair = tuple[Row, Row]  # a prompt and an answer

ATTENTION = "amedida_branches"  # its name among transformers' ways of attention
PACK_TOKENS_CPU = 1024
PACK_TOKENS_GPU = 2048
MIN_SHARED = 96  # a longer beginning gets a call of its own: in the first pack all branches would be padded to it
AGREE_FP32 = 1e-3
AGREE_HALF = 0.5  # half precision moves a token by a few tenths with the order of sums; an unread mask by several

log = logging.getLogger(__name__)


class Branch(NamedTuple):
    """A stretch of new tokens in a pack, and what its last token sees: places in the cache and, behind it, in the pack."""

    seen: list[int]
    own: int  # how many of the last ones are its own


class Layout(NamedTuple):
    """Where the branches of a pack are: the places of what each sees (branches, longest), of its own tokens in the pack
    (branches, most), both filled up with 0, and for each token of the pack where it is among these (tokens)."""

    seen: "torch.Tensor"
    own: "torch.Tensor"
    back: "torch.Tensor"


class TokenTree:
    """Reads prompts with one model in its present state; the beginning they share stays in the cache for the next ones."""

    def __init__(self, model: Any, pack_tokens: int | None = None) -> None:
        self._model = model.eval()
        self._pack_tokens = pack_tokens or (PACK_TOKENS_CPU if model.device.type == "cpu" else PACK_TOKENS_GPU)
        self._packs: bool | None = None  # whether the fast way gives the plain numbers; found out at first use
        self.forwarded = 0  # tokens, so far
        self.forget()

    def forget(self) -> None:
        self._root: Row = ()
        self._cache: DynamicCache | None = None

    @property
    def limit(self) -> int | None:
        """How many tokens the model can read."""
        limit: int | None = getattr(self._config, "max_position_embeddings", None)
        return limit

    def each(self, pairs: Sequence[Pair]) -> list[list[float]]:
        """For distinct prompts and answers, sorted: as many side by side as fit into a call."""
        longest = max((answer for _, answer in pairs), key=len)
        return self._packed(pairs) if self.packs([row for row, _ in pairs], longest) else self._plain(pairs)

    def masked(
        self, prompt: Row, owners: Sequence[int], masks: Sequence[Sequence[bool]], answer: Row
    ) -> list[list[float]]:
        """One row of log-probabilities per mask. The prompt is read once; what follows the last owned token is read again
        for each mask without looking at what it takes out. `owners` says for each prompt token whose it is, -1 nobody's.
        Method: attention knock-out on the key-value cache, as in AttriBoT (Liu et al., ICLR 2025)."""
        import torch

        last = max((n for n, owner in enumerate(owners) if owner >= 0), default=-1) + 1
        tail = prompt[last:] + answer[:-1]
        kept = [[at for at in range(last) if owners[at] < 0 or mask[owners[at]]] for mask in masks]
        found: list[list[float]] = []
        with torch.inference_mode():
            known = beginning([self._root, prompt[:last]])
            self._back_to(known)
            if last > known:
                self._read(prompt[known:last])
            self._root = prompt[:last]
            step = max(self._pack_tokens // len(tail), 1)
            for start in range(0, len(masks), step):
                pack, branches, positions = kept[start : start + step], list[Branch](), list[int]()
                for number, seen in enumerate(pack):
                    own = range(last + number * len(tail), last + (number + 1) * len(tail))
                    branches.append(Branch([*seen, *own], len(tail)))
                    # What is gone from the end leaves no gap: the tail moves up, as it would in the shorter text.
                    end = seen[-1] + 1 if seen else 0
                    positions += range(end, end + len(tail))
                found += self._forward([*tail] * len(pack), positions, branches, [answer] * len(pack), last)
                self._back_to(last)
        return found

    def packs(self, rows: Sequence[Row], answer: Row) -> bool:
        """Whether the fast way may be used: tried once on two short prompts, and never beyond a sliding window."""
        window = getattr(self._config, "sliding_window", None)
        if window and max(map(len, rows)) + len(answer) > window:
            return False
        if self._packs is None:
            self._packs = self._agrees(rows[0], answer)
        return self._packs

    @property
    def _config(self) -> Any:
        return self._model.config.get_text_config()

    # ---- the plain way

    def _plain(self, pairs: Sequence[Pair]) -> list[list[float]]:
        """One full forward pass per prompt: the reference, and the way for models that cannot do better."""
        import torch

        found = []
        with torch.inference_mode():
            for row, answer in pairs:
                ids = torch.tensor([row + answer], device=self._model.device)
                logits = self._model(input_ids=ids, use_cache=False).logits[0, len(row) - 1 : -1]
                found.append(_of_answer(logits, answer))
                self.forwarded += len(row) + len(answer)
        return found

    def _agrees(self, row: Row, answer: Row) -> bool:
        """Compare packed and plain numbers on two prompts cut from this one, which share a beginning and differ after it:
        both in one pack, then one again behind what the cache has kept."""
        import torch

        start, end = row[:24], row[-8:]
        trial = sorted({(start + end, answer[:6]), (start[:20] + end, answer[:6])})
        plain = self._plain(trial)
        try:
            packed = [*self._packed(trial), *self._packed(trial[-1:])]
        except (
            RuntimeError,
            ValueError,
            TypeError,
            AttributeError,
            IndexError,
            KeyError,
            NotImplementedError,
        ) as error:
            log.warning("packed scoring is not possible with %s: %s", type(self._model).__name__, error)
            self.forget()
            return False
        allowed = AGREE_FP32 if self._model.dtype == torch.float32 else AGREE_HALF
        pairs = zip([*plain, plain[-1]], packed, strict=True)
        worst = max(abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True))
        if worst > allowed:
            log.warning("packed scoring of %s is off by %.3g: reading plainly", type(self._model).__name__, worst)
            self.forget()
        return worst <= allowed

    # ---- the fast way: a tree of tokens over one cache

    def _packed(self, pairs: Sequence[Pair]) -> list[list[float]]:
        """For sorted, distinct pairs. The common beginning of the prompts stays in the cache for the next call."""
        import torch

        found, pack, size = list[list[float]](), list[Pair](), 0
        first, last = pairs[0][0], pairs[-1][0]
        shared = min(
            beginning([first, last]), min(len(row) for row, _ in pairs) - 1
        )  # each keeps a token to start from
        with torch.inference_mode():
            depth = beginning([self._root, first[:shared]])
            self._back_to(depth)
            if shared - depth >= MIN_SHARED:
                self._read(first[depth:shared])
                depth = shared
            for row, answer in pairs:
                more = len(row) + len(answer) - 1 - max(depth, beginning([pack[-1][0], row]) if pack else 0)
                if pack and size + more > self._pack_tokens:
                    found += self._leaves(pack, depth, shared)
                    pack, size, depth = [], 0, shared
                    more = len(row) + len(answer) - 1 - depth
                pack.append((row, answer))
                size += more
            return found + self._leaves(pack, depth, shared)

    def _leaves(self, pairs: Sequence[Pair], depth: int, keep: int) -> list[list[float]]:
        """One call for several prompts, the first `depth` tokens of which are in the cache, with its answer behind each; of
        what it reads the cache keeps the first `keep` tokens, which all have.
        Method: tree attention, as in SpecInfer (Miao et al., ASPLOS 2024)."""
        tokens, positions, branches = list[int](), list[int](), list[Branch]()
        trail, before = list(range(depth)), Row()
        for row, answer in pairs:
            trail = trail[: max(beginning([before, row]), depth)]
            said = (*row[len(trail) :], *answer[:-1])
            positions += range(len(trail), len(trail) + len(said))
            trail += range(depth + len(tokens), depth + len(tokens) + len(said))
            branches.append(Branch(trail[:], len(said)))
            tokens += said
            before = row
        found = self._forward(tokens, positions, branches, [answer for _, answer in pairs], depth)
        self._back_to(keep)
        self._root = pairs[0][0][:keep]
        return found

    def _forward(
        self, tokens: Sequence[int], positions: Sequence[int], branches: Sequence[Branch], answers: Sequence[Row],
        depth: int,
    ) -> list[list[float]]:  # fmt: skip
        """Log-probabilities of the answer at the end of each branch; the cache has these tokens afterwards."""
        import torch
        from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

        device, dtype, config = self._model.device, self._model.dtype, self._config
        layout, visible = _laid_out(branches, len(tokens), depth)
        mask = torch.zeros(visible.shape, dtype=dtype).masked_fill(~visible, torch.finfo(dtype).min)[:, None]
        lengths = [len(answer) for answer in answers]
        wanted = [at - depth for branch, n in zip(branches, lengths, strict=True) for at in branch.seen[-n:]]
        ALL_ATTENTION_FUNCTIONS.register(ATTENTION, attend)
        usual, config._attn_implementation = config._attn_implementation, ATTENTION  # no public way for a single call
        try:
            logits = self._run(
                input_ids=torch.tensor([tokens], device=device),
                position_ids=torch.tensor([positions], device=device),
                attention_mask=mask.to(device),
                logits_to_keep=torch.tensor(wanted, device=device),
                branches=Layout(*(each.to(device) for each in layout)),
            )
        finally:
            config._attn_implementation = usual
        return [_of_answer(part, answer) for part, answer in zip(logits[0].split(lengths), answers, strict=True)]

    def _read(self, tokens: Row) -> None:
        """Read these tokens into the cache, after what it holds."""
        import torch

        device, start = self._model.device, self._kept().get_seq_length()
        self._run(
            input_ids=torch.tensor([tokens], device=device),
            position_ids=torch.arange(start, start + len(tokens), device=device)[None],
            logits_to_keep=1,
        )

    def _run(self, input_ids: "torch.Tensor", **inputs: Any) -> "torch.Tensor":
        try:
            out = self._model(input_ids=input_ids, past_key_values=self._kept(), use_cache=True, **inputs)
        except BaseException:
            self.forget()  # the cache's layers may have got unequally far
            raise
        self.forwarded += input_ids.shape[1]
        logits: torch.Tensor = out.logits
        return logits

    def _kept(self) -> "DynamicCache":
        from transformers import DynamicCache

        if self._cache is None:
            self._cache = DynamicCache()
        return self._cache

    def _back_to(self, length: int) -> None:
        """Drop the cache's end. `crop` takes how many tokens to drop, negative; a length is deprecated since transformers 5
        and 0 drops nothing."""
        surplus = self._kept().get_seq_length() - length
        if surplus > 0:
            self._kept().crop(-surplus)
        self._root = self._root[:length]


def attend(
    module: Any, query: "torch.Tensor", key: "torch.Tensor", value: "torch.Tensor", attention_mask: "torch.Tensor",
    branches: Layout, scaling: float | None = None, **_: Any,
) -> "tuple[torch.Tensor, None]":  # fmt: skip
    """The attention of a pack, branch by branch; transformers calls it. Heads that share keys are one longer head: short
    stretches are what this costs most for. Takes (1, heads, tokens, width) each, gives (1, tokens, heads, width).
    """
    import torch

    count, most = branches.own.shape
    shared, width = query.shape[1] // key.shape[1], query.shape[3]

    def unpacked(each: "torch.Tensor", places: "torch.Tensor") -> "torch.Tensor":
        """(1, heads, tokens, width) -> (branches, heads, places, width)"""
        return each[0].index_select(1, places.flatten()).unflatten(1, places.shape).transpose(0, 1)

    asked = unpacked(query, branches.own).unflatten(1, (-1, shared)).flatten(2, 3)
    mask = attention_mask[:, :, None].expand(-1, -1, shared, -1, -1).flatten(2, 3)
    seen = (unpacked(each, branches.seen) for each in (key, value))
    found = torch.nn.functional.scaled_dot_product_attention(asked, *seen, attn_mask=mask, scale=scaling)
    heads = found.view(count, -1, most, width).transpose(1, 2).flatten(0, 1)
    return heads.index_select(0, branches.back)[None], None


def _laid_out(branches: Sequence[Branch], tokens: int, depth: int) -> "tuple[Layout, torch.Tensor]":
    """The layout, and which of the places that a branch sees each of its own tokens does (branches, most, longest)."""
    import torch

    longest, most = max(len(branch.seen) for branch in branches), max(branch.own for branch in branches)
    seen = torch.tensor([branch.seen + [0] * (longest - len(branch.seen)) for branch in branches])
    owns = [[at - depth for at in branch.seen[len(branch.seen) - branch.own :]] for branch in branches]
    own = torch.tensor([each + [0] * (most - len(each)) for each in owns])
    back = [0] * tokens
    for number, each in enumerate(owns):
        for nth, at in enumerate(each):
            back[at] = number * most + nth
    before = torch.tensor([len(branch.seen) - branch.own for branch in branches])
    visible = torch.arange(longest) <= before[:, None, None] + torch.arange(most)[:, None]
    return Layout(seen, own, torch.tensor(back)), visible


def _of_answer(logits: "torch.Tensor", answer: Row) -> list[float]:
    """Log-probability of an answer's tokens from logits [answer token, vocabulary]. One answer at a time: all of a pack in
    single precision would be hundreds of megabytes."""
    import torch

    wanted = torch.tensor(answer, device=logits.device)
    lost: list[float] = torch.nn.functional.cross_entropy(logits.float(), wanted, reduction="none").tolist()
    return [-each for each in lost]
