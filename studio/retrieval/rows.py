"""What a row of the table is: a passage, the words it is searched by, and its vector once there is one."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from studio.base.records import Chunk, Record

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

FIELDS = tuple("lang" if name == "language" else name for name in Chunk.model_fields)  # LANGUAGE is a word of SQL


class Row(Record):
    """A chunk with what it is searched by: `folded` words and the `hash` of the text its vector was made from."""

    chunk: Chunk
    folded: str
    hash: str


def schema(dim: int) -> "pa.Schema":
    import pyarrow as pa

    texts = ("id", "document_id", "document", "text", "heading", "sheet", "lang", "date", "folded", "hash")
    columns = [(name, pa.string()) for name in texts]
    columns += [(name, pa.int32()) for name in ("start", "end", "page", "row")]
    return pa.schema([*(pa.field(*column) for column in columns), pa.field("vector", pa.list_(pa.float32(), dim))])


def arrow(rows: Sequence[Row], vectors: Mapping[str, "np.ndarray"], dim: int) -> "pa.Table":
    """Rows as the table takes them, with the vectors that are known (by hash)."""
    import pyarrow as pa

    plain = [_plain(row) for row in rows]
    fields = schema(dim)
    columns: dict[str, Any] = {f.name: [row[f.name] for row in plain] for f in fields if f.name != "vector"}
    return pa.table({**columns, "vector": _vectors([row.hash for row in rows], vectors, dim)}, schema=fields)


def filled(stored: "pa.Table", vectors: Mapping[str, "np.ndarray"], dim: int) -> "pa.Table":
    """Stored rows with the vectors that are now known."""
    made = _vectors(stored["hash"].to_pylist(), vectors, dim)
    return stored.set_column(stored.schema.get_field_index("vector"), stored.schema.field("vector"), made)


def chunk(row: Mapping[str, Any]) -> Chunk:
    """The passage of a row as it came out of the table."""
    fields = {name: row[name] for name in Chunk.model_fields if name != "language"}
    return Chunk(**fields, language=row["lang"])


def quoted(text: str) -> str:
    """A text as a literal of the table's filter language."""
    return "'" + text.replace("'", "''") + "'"


def _vectors(hashes: Sequence[str], vectors: Mapping[str, "np.ndarray"], dim: int) -> "pa.FixedSizeListArray":
    import numpy as np
    import pyarrow as pa

    nothing = np.zeros(dim, np.float32)
    values = np.concatenate([vectors.get(hash, nothing) for hash in hashes]).astype(np.float32)
    missing = pa.array([hash not in vectors for hash in hashes])
    return pa.FixedSizeListArray.from_arrays(pa.array(values), dim, mask=missing)


def _plain(row: Row) -> dict[str, Any]:
    values = row.chunk.model_dump()
    values["lang"] = values.pop("language")
    return values | {"folded": row.folded, "hash": row.hash}
