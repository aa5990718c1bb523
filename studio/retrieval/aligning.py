"""Making the table hold what the documents say: the first step of a build, after which everything is found by its words."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from studio.base.project import Project
from studio.base.records import Chunk, Document
from studio.retrieval import chunking, table, terms
from studio.retrieval.rows import Row
from studio.retrieval.storage import Place

ADD_AT = 5_000  # rows that are put in together
TIDY_ROWS = 100_000  # rows after which the table is tidied


class Waiting(NamedTuple):
    """A passage without its vector."""

    id: str
    hash: str
    length: int


class Aligning:
    """Makes the table hold exactly the passages of the documents it is handed, a few thousand in memory at a time."""

    def __init__(self, place: Place, name: str, dim: int) -> None:
        self.waiting: list[Waiting] = []
        self.languages: Counter[str] = Counter()
        self.documents: set[str] = set()
        self.chunks = 0
        self.changed = False
        self._where = (place, name)
        self._dim = dim
        self._added = 0

    def rows(self, documents: Iterator[Document]) -> Iterator[Row]:
        """Every passage; what is new has been added and what is gone deleted once all are consumed."""
        stored = table.there(*self._where)
        known = {one.hash: id for id, one in stored.items() if one.has_vector}
        gone, fresh = set(stored), list[Row]()
        for document in documents:
            for row in _rows(chunking.chunks(document)):
                self.chunks += 1
                self.languages[row.chunk.language] += 1
                self.documents.add(document.id)
                gone.discard(row.chunk.id)
                if row.chunk.id not in stored:
                    fresh.append(row)
                elif not stored[row.chunk.id].has_vector:
                    self.waiting.append(Waiting(row.chunk.id, row.hash, len(row.folded)))
                yield row
            if len(fresh) >= ADD_AT:
                self._add(fresh, known)
                fresh = []
        self._add(fresh, known)
        table.delete(*self._where, gone)
        self.changed |= bool(gone)

    def _add(self, fresh: Sequence[Row], known: dict[str, str]) -> None:
        vectors = table.vectors_of(*self._where, {known[row.hash] for row in fresh if row.hash in known})
        table.add(*self._where, fresh, vectors, self._dim)
        self.waiting += [Waiting(r.chunk.id, r.hash, len(r.folded)) for r in fresh if r.hash not in vectors]
        self.changed |= bool(fresh)
        self._added += len(fresh)
        if self._added >= TIDY_ROWS:
            table.tidy(*self._where, filled=0, trained=0)
            self._added = 0


def documents(project: Project) -> Iterator[Document]:
    """One after the other, so that they need not be in memory together."""
    for id in sorted(project.store.document_ids()):
        document = project.store.document(id)
        if document is not None:
            yield document


def language(documents: Iterator[Document]) -> str:
    """The language most is written in."""
    amounts: Counter[str] = Counter()
    for document in documents:
        amounts[document.language] += len(document.text)
    return spoken(amounts)


def spoken(languages: Counter[str]) -> str:
    """The stemmer of the words: English where most passages are, else Spanish, which costs English prose
    little.
    """
    return "English" if languages["en"] > languages.total() / 2 else "Spanish"


def _rows(chunks: Sequence[Chunk]) -> list[Row]:
    headed = [chunking.headed(chunk) for chunk in chunks]
    return [
        Row(chunk=chunk, folded=terms.fold(text), hash=hashlib.sha256(text.encode()).hexdigest()[:32])
        for chunk, text in zip(chunks, headed, strict=True)
    ]
