"""Reads a GGUF file: its metadata as plain Python values and its tensors as views of the mapped file.

The reader of the `gguf` package builds one array per vocabulary entry, which takes seconds for a file this reads in a
tenth of one; quantised blocks are still decoded and encoded by `gguf.quants`. Nothing here knows what a tensor means.
"""

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.base.errors import Unreadable

if TYPE_CHECKING:
    import numpy as np

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9


class Tensor(NamedTuple):
    """`shape` is row-major (rows first, as torch has it); `data` are the file's bytes as rows of quantised blocks."""

    name: str
    shape: tuple[int, ...]
    kind: int
    data: "np.ndarray[Any, Any]"

    def floats(self) -> "np.ndarray[Any, Any]":
        """The values as float32, in `shape`."""
        import gguf

        values: np.ndarray[Any, Any] = gguf.quants.dequantize(self.data, gguf.GGMLQuantizationType(self.kind))
        return values.reshape(self.shape)


class Contents(NamedTuple):
    metadata: dict[str, Any]
    tensors: tuple[Tensor, ...]


def read(path: Path) -> Contents:
    """Metadata and tensors of a GGUF file of version 2 or 3.

    Raises Unreadable("gguf_damaged", name=) when it is not one or is cut short.
    """
    try:
        with path.open("rb") as file:
            buffer = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return _Parser(buffer).contents()
    except (struct.error, ValueError, KeyError, IndexError, UnicodeDecodeError) as error:
        raise Unreadable("gguf_damaged", name=path.name) from error


class _Parser:
    def __init__(self, buffer: mmap.mmap) -> None:
        self.buffer = buffer
        self.at = 0

    def contents(self) -> Contents:
        if self.buffer[:4] != b"GGUF":
            raise ValueError("no GGUF file")
        self.at = 4
        if self.number("<I") not in (2, 3):
            raise ValueError("unknown GGUF version")
        tensors, keys = self.number("<Q"), self.number("<Q")
        metadata = {self.text(): self.value(self.number("<I")) for _ in range(keys)}
        headers = [self.header() for _ in range(tensors)]
        alignment = int(metadata.get("general.alignment", 32))
        start = -(-self.at // alignment) * alignment
        return Contents(metadata, tuple(self.tensors(headers, start)))

    def number(self, form: str) -> Any:
        (value,) = struct.unpack_from(form, self.buffer, self.at)
        self.at += struct.calcsize(form)
        return value

    def text(self) -> str:
        length = self.number("<Q")
        self.at += length
        return self.buffer[self.at - length : self.at].decode("utf-8")

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            of, count = self.number("<I"), self.number("<Q")
            return [self.value(of) for _ in range(count)]
        return self.number(_SCALARS[kind])

    def header(self) -> tuple[str, tuple[int, ...], int, int]:
        name, dimensions = self.text(), self.number("<I")
        shape = tuple(self.number("<Q") for _ in range(dimensions))[::-1]
        return name, shape, self.number("<I"), self.number("<Q")

    def tensors(self, headers: list[tuple[str, tuple[int, ...], int, int]], start: int) -> Iterator[Tensor]:
        import gguf
        import numpy as np

        for name, shape, kind, offset in headers:
            block, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType(kind)]
            row = shape[-1] // block * size
            count = int(np.prod(shape[:-1], dtype=np.int64)) * row
            data = np.frombuffer(self.buffer, np.uint8, count, start + offset).reshape(*shape[:-1], row)
            if kind == gguf.GGMLQuantizationType.F32:
                data = data.view(np.float32)
            elif kind == gguf.GGMLQuantizationType.F16:
                data = data.view(np.float16)
            yield Tensor(name, shape, kind, data)
