"""How likely a fixed answer is under many variations of one prompt, for the fewest tokens run through the model.

The variations form a tree of tokens: what all share is read once and kept, the branches are packed into one call in which a
token sees only what leads to it, and the vocabulary is only looked up where an answer token is predicted. The numbers are
those of one plain forward pass per prompt, and a model that cannot do this is read plainly instead.
Knows conversations and tokens; knows nothing of players, values or adapters. Not for two threads at once.
"""

import hashlib
import logging
from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

from studio.base.errors import BadInput
from studio.base.records import Message
from studio.engines.speech import Scores

if TYPE_CHECKING:
    import torch
    from transformers import DynamicCache

Unit = tuple[int, int, int]  # which message, and from which to which character of its content
Row = tuple[int, ...]  # the tokens of one prompt

# A call costs 0.1 s for reading the weights, as much as 75 tokens; very long ones make attention dearer. 28 prompts of one
# question: 4.0 CPU s with a call for each shared stretch and packs of 256, 2.7 to 3.2 as trees of 512 (bfloat16, 2026-11).
PACK_TOKENS_CPU = 512
PACK_TOKENS_GPU = 2048
MIN_SHARED = 96  # a stretch that several calls share earns one of its own when that saves this many tokens
REMEMBERED = 20_000  # rows of log-probabilities
AGREE_FP32 = 1e-3
AGREE_HALF = (
    0.5  # half precision moves a token by a few tenths with the order of summation alone; an unread mask by several
)

log = logging.getLogger(__name__)


class Scorer:
    """Scores answers with one model in its present state. What it remembers holds only while the weights stay as they are:
    one Scorer per adapter, or `forget()` after switching.

    `model` is a transformers causal language model, `tokenizer` its fast tokenizer. `render` writes a conversation out as
    the prompt that asks for the next answer: `Prompts.render`, so that what is scored is what was answered to; without it
    the tokenizer's own template is taken.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        render: Callable[[Sequence[Message]], str] | None = None,
        pack_tokens: int | None = None,
    ) -> None:
        self._model = model.eval()
        self._tokenizer = tokenizer
        self._write = render or self._by_own_template
        self._pack_tokens = pack_tokens or (PACK_TOKENS_CPU if model.device.type == "cpu" else PACK_TOKENS_GPU)
        self._packs: bool | None = None  # whether the fast way gives the plain numbers; found out at first use
        self.forget()

    def forget(self) -> None:
        """Drop everything that was remembered about prompts seen before."""
        self._memo: dict[bytes, list[float]] = {}
        self._root: Row = ()
        self._cache: DynamicCache | None = None
        self._forwarded = 0

    def score(self, conversations: Sequence[Sequence[Message]], answer: str) -> Scores:
        """Natural log-probability of each answer token after each conversation (teacher forcing; the end token is not
        counted).

        Raises BadInput("conversation_too_long") when a prompt and the answer do not fit the model.
        """
        answer_ids, pieces = self._answer(answer)
        if not answer_ids:
            return Scores(tokens=(), logprobs=tuple(() for _ in conversations), forwarded=0)
        prompts = self._ids([self._render(conversation) for conversation in conversations])
        self._check_length(max(map(len, prompts), default=0) + len(answer_ids))
        keys = [_key(prompt, answer_ids) for prompt in prompts]
        missing = {prompt: key for prompt, key in zip(prompts, keys, strict=True) if key not in self._memo}
        before = self._forwarded
        if missing:
            rows = sorted(missing)
            found = (
                self._packed(rows, answer_ids) if self._can_pack(rows, answer_ids) else self._plain(rows, answer_ids)
            )
            self._remember({missing[row]: values for row, values in found.items()}, keep=keys)
        logprobs = tuple(tuple(self._memo[key]) for key in keys)
        return Scores(tokens=pieces, logprobs=logprobs, forwarded=self._forwarded - before)

    def score_masked(
        self, conversation: Sequence[Message], units: Sequence[Unit], masks: Sequence[Sequence[bool]], answer: str
    ) -> Scores:
        """Like `score` for the conversation with some units taken out, but the prompt is read only once: what follows the
        last unit is read again for each mask (True keeps a unit) without looking at what was taken out.

        Kept text between units has already read what is taken out later, so this is an approximation of removal: good for
        passages and sentences (r >= 0.995 with true removal), poor for single words. It is exact when what is taken out
        is the end of the stretch of units, in particular for all and for none of several adjoining units.
        Method: attention knock-out on the key-value cache, as in AttriBoT (Liu et al., ICLR 2025).
        Raises BadInput("conversation_too_long").
        """
        answer_ids, pieces = self._answer(answer)
        if not answer_ids:
            return Scores(tokens=(), logprobs=tuple(() for _ in masks), forwarded=0)
        text = self._render(conversation)
        prompt = self._ids([text])[0]
        self._check_length(len(prompt) + len(answer_ids))
        owners = self._owners(conversation, units, text, prompt)
        if owners is None or not self._can_pack([prompt], answer_ids):
            return self.score([without(conversation, units, mask) for mask in masks], answer)
        before = self._forwarded
        rows = self._masked(prompt, owners, masks, answer_ids)
        return Scores(tokens=pieces, logprobs=tuple(map(tuple, rows)), forwarded=self._forwarded - before)

    # ---- text to tokens

    @cached_property
    def _specials(self) -> tuple[str, ...]:
        return special_tokens(self._tokenizer)

    def _render(self, conversation: Sequence[Message]) -> str:
        """The conversation as the model's own template writes it, ending where the answer begins."""
        return self._write([m.model_copy(update={"content": neutral(m.content, self._specials)}) for m in conversation])

    def _by_own_template(self, conversation: Sequence[Message]) -> str:
        messages = [{"role": m.role, "content": m.content} for m in conversation]
        return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    def _ids(self, texts: list[str]) -> list[Row]:
        return [tuple(ids) for ids in self._tokenizer(texts, add_special_tokens=False)["input_ids"]] if texts else []

    def _answer(self, answer: str) -> tuple[Row, tuple[str, ...]]:
        """The answer's tokens, and the stretch of text that each stands for: together they spell the answer."""
        text = neutral(answer, self._specials)
        encoded = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        ids, ends = tuple(encoded["input_ids"]), [end for _, end in encoded["offset_mapping"]]
        if not ids:
            return (), ()
        ends[-1] = len(answer)
        return ids, tuple(answer[start:end] for start, end in pairwise([0, *ends]))

    def _check_length(self, tokens: int) -> None:
        config = self._model.config.get_text_config()
        limit = getattr(config, "max_position_embeddings", None)
        if limit and tokens > limit:
            raise BadInput("conversation_too_long", tokens=tokens, limit=limit)

    def _owners(
        self, conversation: Sequence[Message], units: Sequence[Unit], text: str, prompt: Row
    ) -> list[int] | None:
        """For each prompt token the unit it belongs to, or -1. None when the template changed the contents too much."""
        starts = self._content_starts(conversation, text)
        if starts is None:
            return None
        owner = [-1] * len(text)
        for number, (message, start, end) in enumerate(units):
            first = starts[message] + start
            owner[first : first + end - start] = [number] * (end - start)
        offsets = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        owners = [_most(owner[start:end]) for start, end in offsets]
        return owners if owners[-1] < 0 and len(owners) == len(prompt) else None

    def _content_starts(self, conversation: Sequence[Message], text: str) -> list[int] | None:
        """Where each message's content begins in the rendered text; a template that trims its ends may do so."""
        marks = [f"\u241e{n}\u241e" for n in range(len(conversation))]
        frame = self._render(
            [m.model_copy(update={"content": mark}) for m, mark in zip(conversation, marks, strict=True)]
        )
        starts, at, rest = [], 0, frame
        for message, mark in zip(conversation, marks, strict=True):
            literal, found, rest = rest.partition(mark)
            if not found or not text.startswith(literal, at):
                return None
            at += len(literal)
            content = neutral(message.content, self._specials)
            stripped = content.strip()
            whole = text.startswith(content, at)
            if not whole and not text.startswith(stripped, at):
                return None
            starts.append(at if whole else at - content.find(stripped))
            at += len(content) if whole else len(stripped)
        return starts if text[at:] == rest else None

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
                self._forwarded += len(row) + len(answer)
        return found

    def _can_pack(self, rows: Sequence[Row], answer: Row) -> bool:
        """Whether the fast way may be used: tried once on two short prompts, and never beyond a sliding window."""
        config = self._model.config.get_text_config()
        window = getattr(config, "sliding_window", None)
        if window and max(map(len, rows)) + len(answer) > window:
            return False
        if self._packs is None:
            self._packs = self._agrees(rows[0], answer)
        return self._packs

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
            self._leaves(rows, depth, answer, found)
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
                    self._leaves(pack, depth, answer, found)
                    pack = []
                pack.append(row)
        if pack:
            self._leaves(pack, depth, answer, found)
        self._back_to(start)

    def _leaves(self, rows: Sequence[Row], depth: int, answer: Row, found: dict[Row, list[float]]) -> None:
        """One call for several prompts with the answer behind each: a tree, in which a token sees only what leads to it.
        Method: tree attention, as in SpecInfer (Miao et al., ASPLOS 2024)."""
        import torch

        tokens: list[int] = []
        trails: list[list[int]] = []  # for each token those that lead to it, itself included
        wanted: list[int] = []
        path: list[int] = []
        before: Row = ()
        for row in rows:
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
        logits = self._forward(tokens, positions, seen, wanted, depth)
        found.update(zip(rows, _of_answer(logits.view(len(rows), len(answer), -1), answer), strict=True))

    def _masked(
        self, prompt: Row, owners: Sequence[int], masks: Sequence[Sequence[bool]], answer: Row
    ) -> list[list[float]]:
        """One row of log-probabilities per mask; see `score_masked`."""
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
        self._forwarded += input_ids.shape[1]
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

    def _remember(self, found: dict[bytes, list[float]], keep: Sequence[bytes]) -> None:
        """Add to the memo; when it overflows the oldest go, but none that the present question needs."""
        self._memo.update(found)
        surplus = len(self._memo) - REMEMBERED
        needed = set(keep)
        for key in list(islice((key for key in self._memo if key not in needed), max(surplus, 0))):
            del self._memo[key]


def neutral(text: str, specials: Sequence[str]) -> str:
    """The text with the model's control tokens made harmless: the first character of each becomes its full-width twin, so
    that whoever writes "<|im_end|>" into a question ends no message. Length and offsets stay the same."""
    for special in specials:
        if special in text:
            text = text.replace(special, _wide(special[0]) + special[1:])
    return text


def special_tokens(tokenizer: Any) -> tuple[str, ...]:
    """Every control token of a tokenizer that could be written out in a text, longest first."""
    added = (token.content for token in tokenizer.added_tokens_decoder.values() if token.special)
    return tuple(sorted({t for t in (*added, *tokenizer.all_special_tokens) if t.strip()}, key=lambda t: (-len(t), t)))


def without(conversation: Sequence[Message], units: Sequence[Unit], mask: Sequence[bool]) -> tuple[Message, ...]:
    """The conversation with the text of the units whose mask is False taken out. With everything kept it is the same.

    A unit owns the space before it; where the first words of a line go, the space that then opens the line goes too.
    """
    gone: dict[int, list[tuple[int, int]]] = {}
    for (message, start, end), kept in zip(units, mask, strict=True):
        if not kept:
            gone.setdefault(message, []).append((start, end))
    return tuple(
        m.model_copy(update={"content": _cut(m.content, sorted(gone[n]))}) if n in gone else m
        for n, m in enumerate(conversation)
    )


def _cut(text: str, spans: Sequence[tuple[int, int]]) -> str:
    made, at = "", 0
    for start, end in spans:
        made += text[at:start] if at == start or at == 0 else _joined(made, text[at:start])
        at = end
    return made + _joined(made, text[at:])


def _joined(left: str, right: str) -> str:
    """`right` without the spaces that would stand at the beginning of a line after `left`."""
    return right.lstrip(" \t") if not left or left[-1].isspace() else right


def _wide(character: str) -> str:
    return chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else "\u2060"


def _key(prompt: Row, answer: Row) -> bytes:
    return hashlib.blake2b(array("q", (*prompt, -1, *answer)).tobytes(), digest_size=16).digest()


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


def _most(owners: Sequence[int]) -> int:
    """The unit that most characters of a token belong to, or -1."""
    return max(sorted(set(owners), reverse=True), key=owners.count, default=-1)


def _of_answer(logits: "torch.Tensor", answer: Row) -> list[list[float]]:
    """Log-probability of the answer's tokens from logits [row, answer token, vocabulary], a row at a time: all of them in
    single precision would be hundreds of megabytes."""
    import torch

    wanted = torch.tensor(answer, device=logits.device)[:, None]
    single = (row.float() for row in logits)
    return [(row.gather(-1, wanted)[:, 0] - row.logsumexp(-1)).tolist() for row in single]
