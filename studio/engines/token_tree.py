"""Log-probabilities of one answer's tokens behind many prompts of tokens, for the fewest tokens run through the model.

The prompts form a tree: what all share is read once and kept, the branches are packed into one call in which a token sees
only what leads to it, and the vocabulary is only looked up where an answer token is predicted. The numbers are those of one
plain forward pass per prompt, and a model that cannot do this is read plainly instead.
Knows tokens; knows nothing of text, conversations, players or adapters. Not for two threads at once.
"""

import logging
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import DynamicCache

Row = tuple[int, ...]  # the tokens of one prompt
Pair = tuple[Row, Row]  # a prompt and an answer to it

# A call costs 0.1 s for reading the weights, as much as 75 tokens; very long ones make attention dearer. 28 prompts of one
# question: 4.0 CPU s with a call for each shared stretch and packs of 256, 2.7 to 3.2 as trees of 512 (bfloat16, 2026-11).
PACK_TOKENS_CPU = 512
PACK_TOKENS_GPU = 2048
MIN_SHARED = 96  # a stretch that several calls share earns one of its own when that saves this many tokens
AGREE_FP32 = 1e-3
AGREE_HALF = (
    0.5  # half precision moves a token by a few tenths with the order of summation alone; an unread mask by several
)

log = logging.getLogger(__name__)


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

    def score(self, rows: Iterable[Row], answer: Row) -> dict[Row, list[float]]:
        """For distinct prompts."""
        ordered = sorted(rows)
        return self._packed(ordered, answer) if self.packs(ordered, answer) else self._plain(ordered, answer)

    def each(self, pairs: Sequence[Pair]) -> list[list[float]]:
        """For distinct prompts and answers, sorted: as many side by side as fit into a call."""
        rows, longest = [row for row, _ in pairs], max((answer for _, answer in pairs), key=len)
        if not self.packs(rows, longest):
            return [self._plain([row], answer)[row] for row, answer in pairs]
        shared = min(_shared(rows[0], rows[-1]), min(map(len, rows)) - 1)
        self._back_to(_shared(self._root, rows[0][:shared]))
        if shared - len(self._root) >= MIN_SHARED:
            self._read(rows[0][len(self._root) : shared])
            self._root = rows[0][:shared]
        found, pack, size, before = list[list[float]](), list[Pair](), 0, Row()
        for row, answer in pairs:
            more = len(row) + len(answer) - 1 - max(_shared(before, row), len(self._root))
            if pack and size + more > self._pack_tokens:
                found += self._leaves(pack, len(self._root))
                pack, size, more = [], 0, len(row) + len(answer) - 1 - len(self._root)
            pack, size, before = [*pack, (row, answer)], size + more, row
        return [*found, *self._leaves(pack, len(self._root))]

    @property
    def limit(self) -> int | None:
        """How many tokens the model can read."""
        limit: int | None = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        return limit

    def masked(
        self, prompt: Row, owners: Sequence[int], masks: Sequence[Sequence[bool]], answer: Row
    ) -> list[list[float]]:
        """One row of log-probabilities per mask. The prompt is read once; what follows the last owned token is read again
        for each mask without looking at what it takes out. `owners` says for each prompt token whose it is, -1 nobody's.
        Method: attention knock-out on the key-value cache, as in AttriBoT (Liu et al., ICLR 2025)."""
        import torch

        last = max((n for n, owner in enumerate(owners) if owner >= 0), default=-1) + 1
        tail = prompt[last:] + answer[:-1]
        whose = torch.tensor(owners[:last], dtype=torch.long)
        kept = [torch.tensor([*mask, True])[whose] for mask in masks]  # owner -1 reads the last entry: always kept
        found: list[list[float]] = []
        with torch.inference_mode():
            known = _shared(self._root, prompt[:last])
            self._back_to(known)
            if last > known:
                self._read(prompt[known:last])
            self._root = prompt[:last]
            step = max(self._pack_tokens // len(tail), 1)
            for start in range(0, len(masks), step):
                pack = kept[start : start + step]
                # What is gone from the end leaves no gap: the tail moves up, as it would in the shorter text.
                ends = [int(keep.nonzero().max()) + 1 if bool(keep.any()) else 0 for keep in pack]
                positions = torch.cat([torch.arange(end, end + len(tail)) for end in ends])
                own = torch.block_diag(*[torch.ones(len(tail), len(tail)).tril()] * len(pack)).bool()
                before = torch.cat([keep.expand(len(tail), last) for keep in pack])
                stops = range(len(tail), len(tail) * len(pack) + 1, len(tail))
                wanted = [at for stop in stops for at in range(stop - len(answer), stop)]
                logits = self._forward([*tail] * len(pack), positions, torch.cat([before, own], dim=1), wanted, last)
                found += _of_answer(logits.view(len(pack), len(answer), -1), answer)
        return found

    def packs(self, rows: Sequence[Row], answer: Row) -> bool:
        """Whether the fast way may be used: tried once on two short prompts, and never beyond a sliding window."""
        config = self._model.config.get_text_config()
        window = getattr(config, "sliding_window", None)
        if window and max(map(len, rows)) + len(answer) > window:
            return False
        if self._packs is None:
            self._packs = self._agrees(rows[0], answer)
        return self._packs

    # ---- the plain way

    def _plain(self, rows: Sequence[Row], answer: Row) -> dict[Row, list[float]]:
        """One full forward pass per prompt: the reference, and the way for models that cannot do better."""
        import torch

        found = {}
        with torch.inference_mode():
            for row in rows:
                ids = torch.tensor([row + answer], device=self._model.device)
                logits = self._model(input_ids=ids, use_cache=False).logits[:, len(row) - 1 : -1]
                found[row] = _of_answer(logits, answer)[0]
                self.forwarded += len(row) + len(answer)
        return found

    def _agrees(self, row: Row, answer: Row) -> bool:
        """Compare packed and plain numbers on two prompts cut from this one, which share a beginning and differ after it."""
        import torch

        start, end = row[:24], row[-8:]
        trial = sorted({start + end, start + end[1:] + end[:1] + end, start[:20] + end})
        answer = answer[:6]
        plain = self._plain(trial, answer)
        try:
            packed = self._packed(trial, answer, pack_tokens=40, min_shared=4)
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
        worst = max(abs(a - b) for r in trial for a, b in zip(plain[r], packed[r], strict=True))
        if worst > allowed:
            log.warning("packed scoring of %s is off by %.3g: reading plainly", type(self._model).__name__, worst)
            self.forget()
        return worst <= allowed

    # ---- the fast way: a tree of tokens over one cache

    def _packed(
        self, rows: Sequence[Row], answer: Row, pack_tokens: int = 0, min_shared: int = MIN_SHARED
    ) -> dict[Row, list[float]]:
        """Log-probabilities for sorted, distinct prompts. Their common beginning stays in the cache for the next call."""
        import torch

        found: dict[Row, list[float]] = {}
        with torch.inference_mode():
            shared = min(_shared(rows[0], rows[-1]), min(map(len, rows)) - 1)
            known = _shared(self._root, rows[0][:shared])
            self._back_to(known)
            if len(rows) > 1 and shared > known:
                self._read(rows[0][known:shared])
                known = shared
            self._root = rows[0][:known]
            self._walk(rows, known, answer, found, pack_tokens or self._pack_tokens, min_shared)
        return found

    def _walk(
        self, rows: Sequence[Row], depth: int, answer: Row, found: dict[Row, list[float]], most: int, min_shared: int
    ) -> None:
        """Score sorted rows that agree on their first `depth` tokens, which are in the cache; leaves the cache as it was.
        What does not fit into a call of `most` tokens is divided, along its branches where those are large themselves."""
        size = _tree(rows, depth, answer)
        if len(rows) == 1 or size <= most:
            found.update(zip(rows, self._leaves([(row, answer) for row in rows], depth), strict=True))
            return
        start = depth
        fork = min(
            _shared(rows[0], rows[-1]), min(map(len, rows)) - 1
        )  # each row keeps a token of its own to start from
        if (fork - depth) * (size // most) >= min_shared:
            self._read(rows[0][depth:fork])
            depth = fork
        pack: list[Row] = []
        for branch in _branches(rows, fork):
            calls = _tree(branch, depth, answer) // most
            own = min(_shared(branch[0], branch[-1]), min(map(len, branch)) - 1) - depth
            if 1 < len(branch) < len(rows) and own * calls >= min_shared:
                self._walk(branch, depth, answer, found, most, min_shared)
                continue
            for row in branch:
                if pack and _tree([*pack, row], depth, answer) > most:
                    found.update(zip(pack, self._leaves([(each, answer) for each in pack], depth), strict=True))
                    pack = []
                pack.append(row)
        if pack:
            found.update(zip(pack, self._leaves([(each, answer) for each in pack], depth), strict=True))
        self._back_to(start)

    def _leaves(self, pairs: Sequence[Pair], depth: int) -> list[list[float]]:
        """One call for several prompts with its answer behind each: a tree, in which a token sees only what leads to it.
        Method: tree attention, as in SpecInfer (Miao et al., ASPLOS 2024)."""
        import torch

        tokens: list[int] = []
        trails: list[list[int]] = []  # for each token those that lead to it, itself included
        wanted: list[int] = []
        path: list[int] = []
        before: Row = ()
        for row, answer in pairs:
            path = path[: max(_shared(before, row) - depth, 0)]
            for token in row[depth + len(path) :]:
                path.append(len(tokens))
                tokens.append(token)
                trails.append(path[:])
            trail = path[:]
            wanted.append(trail[-1])
            for token in answer[:-1]:
                trail.append(len(tokens))
                wanted.append(len(tokens))
                tokens.append(token)
                trails.append(trail[:])
            before = row
        own = torch.zeros(len(tokens), len(tokens), dtype=torch.bool)
        for at, trail in enumerate(trails):
            own[at, trail] = True
        seen = torch.cat([torch.ones(len(tokens), depth, dtype=torch.bool), own], dim=1)
        positions = torch.tensor([depth + len(trail) - 1 for trail in trails])
        parts = self._forward(tokens, positions, seen, wanted, depth).split([len(answer) for _, answer in pairs])
        return [_of_answer(part[None], answer)[0] for part, (_, answer) in zip(parts, pairs, strict=True)]

    def _forward(
        self, tokens: list[int], positions: "torch.Tensor", seen: "torch.Tensor", wanted: list[int], depth: int
    ) -> "torch.Tensor":
        """Logits [wanted, vocabulary] behind some of these tokens, each of which sees what `seen` [token, depth + token]
        says of the cache and of the others. The cache is left as it was."""
        import torch

        device, dtype = self._model.device, self._model.dtype
        mask = torch.zeros(seen.shape, dtype=dtype).masked_fill(~seen, torch.finfo(dtype).min)[None, None]
        logits = self._run(
            input_ids=torch.tensor([tokens], device=device),
            position_ids=positions[None].to(device),
            attention_mask=mask.to(device),
            logits_to_keep=torch.tensor(wanted, device=device),
        )
        self._back_to(depth)
        return logits[0]

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
            self._root, self._cache = (), None  # its layers may have got unequally far
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


def _shared(a: Row, b: Row) -> int:
    """Length of the common beginning."""
    return bisect_left(range(1, min(len(a), len(b)) + 1), True, key=lambda n: a[:n] != b[:n])


def _tree(rows: Sequence[Row], depth: int, answer: Row) -> int:
    """How many tokens sorted rows are with the answer behind each, what neighbours share beyond `depth` counted once."""
    shared = sum(max(_shared(a, b) - depth, 0) for a, b in pairwise(rows))
    return sum(len(row) - depth + len(answer) - 1 for row in rows) - shared


def _branches(rows: Sequence[Row], fork: int) -> list[Sequence[Row]]:
    """Sorted rows in runs that have the same token at `fork`."""
    cuts = [0, *(n for n in range(1, len(rows)) if rows[n][fork] != rows[n - 1][fork]), len(rows)]
    return [rows[start:end] for start, end in pairwise(cuts)]


def _of_answer(logits: "torch.Tensor", answer: Row) -> list[list[float]]:
    """Log-probability of the answer's tokens from logits [row, answer token, vocabulary], a row at a time: all of them in
    single precision would be hundreds of megabytes."""
    import torch

    wanted = torch.tensor(answer, device=logits.device)[:, None]
    single = (row.float() for row in logits)
    return [(row.gather(-1, wanted)[:, 0] - row.logsumexp(-1)).tolist() for row in single]
