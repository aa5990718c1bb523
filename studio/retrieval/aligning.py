"""Making the table hold what the documents say: the first step of a build, after which everything is found by its words."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from studio.base import files
from studio.base.project import Project
from studio.base.records import Document
from studio.retrieval import chunking, table, terms
from studio.retrieval.rows import Row
from studio.retrieval.storage import Place
from studio.retrieval.table import Stored

ADD_AT = 5_000  # rows that are put in together
TIDY_ROWS = 100_000  # rows after which the table is tidied
KNOWN = ".documents"


class Waiting(NamedTuple):
    """A passage without its vector."""

    id: str
    hash: str
    length: int


class Aligning:
    """Makes the table hold exactly the passages of the documents it is handed, a few thousand in memory at a time; and,
    on object storage, those of documents that only other machines have.
    """

    def __init__(self, place: Place, name: str, dim: int) -> None:
        self.waiting: list[Waiting] = []
        self.languages: Counter[str] = Counter()
        self.documents: set[str] = set()  # of all machines
        self.own: set[str] = set()
        self.chunks = 0
        self.changed = False
        self._where = (place, name)
        self._dim = dim
        self._added = 0

    def words(self, documents: Iterator[Document]) -> Iterator[str]:
        """Those of every passage; what is new has been added and what is gone deleted once all are consumed."""
        stored = table.there(*self._where)
        vectors = {one.hash: id for id, one in stored.items() if one.has_vector}
        gone, fresh = set(stored), list[Row]()
        for document in documents:
            for row in rows_of(document):
                self.chunks += 1
                self.languages[row.chunk.language] += 1
                self.own.add(document.id)
                gone.discard(row.chunk.id)
                if row.chunk.id not in stored:
                    fresh.append(row)
                elif not stored[row.chunk.id].has_vector:
                    self.waiting.append(Waiting(row.chunk.id, row.hash, len(row.folded)))
                yield row.folded
            if len(fresh) >= ADD_AT:
                self._add(fresh, vectors)
                fresh = []
        self._add(fresh, vectors)
        self.documents |= self.own
        if self._where[0].is_remote:
            yield from self._of_others(gone, stored)
        table.delete(*self._where, gone)
        self.changed |= bool(gone)

    def _of_others(self, gone: set[str], stored: Mapping[str, Stored]) -> Iterator[str]:
        """The words of what other machines put in; it is gone from here without ever having been here."""
        mine = self.own | known(self._where[0])
        for some in table.each(sorted(gone), ADD_AT):
            for row in table.stored(*self._where, some, ["id", "document_id", "folded", "lang", "hash"]).to_pylist():
                if row["document_id"] in mine:
                    continue
                gone.discard(row["id"])
                self.chunks += 1
                self.languages[row["lang"]] += 1
                self.documents.add(row["document_id"])
                if not stored[row["id"]].has_vector:
                    self.waiting.append(Waiting(row["id"], row["hash"], len(row["folded"])))
                yield row["folded"]

    def _add(self, fresh: Sequence[Row], made: Mapping[str, str]) -> None:
        vectors = table.vectors_of(*self._where, {made[row.hash] for row in fresh if row.hash in made})
        table.add(*self._where, fresh, vectors, self._dim)
        self.waiting += [Waiting(r.chunk.id, r.hash, len(r.folded)) for r in fresh if r.hash not in vectors]
        self.changed |= bool(fresh)
        self._added += len(fresh)
        if self._added >= TIDY_ROWS:
            table.tidy(*self._where, filled=0, trained=0)
            self._added = 0


def known(place: Place) -> frozenset[str]:
    """The documents that this machine has put into an index on object storage; what else is in there, others put in."""
    try:
        return frozenset(json.loads((place.folder / KNOWN).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return frozenset()


def remember(place: Place, documents: Collection[str]) -> None:
    """Write down, where the index is shared, that these are the ones `known`."""
    if place.is_remote:
        files.write_atomically(place.folder / KNOWN, json.dumps(sorted(documents)))


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


def rows_of(document: Document) -> list[Row]:
    """A document's passages as the table has them, without their vectors."""
    chunks = chunking.chunks(document)
    headed = [chunking.headed(chunk) for chunk in chunks]
    return [
        Row(chunk=chunk, folded=terms.fold(text), hash=hashlib.sha256(text.encode()).hexdigest()[:32])
        for chunk, text in zip(chunks, headed, strict=True)
    ]
