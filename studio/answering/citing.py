"""Which passage carries which sentence of an answer. Small models cannot be trusted to say so themselves.

A sentence is credited to a passage when every number in it stands there and most of its content words do; a
`[2]` the model wrote itself is only kept when that holds. A sentence nothing carries gets no citation.
Nothing is rewritten. `places` says where exactly the carrying part stands, `highlight` where that is on its page.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from studio.base.errors import Unreadable
from studio.base.project import Project
from studio.base.records import Answer, Chunk, Citation, Cited, Passage
from studio.intake.pages import highlights
from studio.retrieval import chunking, sentences, terms

ENOUGH = 0.5  # of a sentence's content words
ENOUGH_IF_CLAIMED = 0.34  # when the model itself named the passage
_MARKER = re.compile(r"[ \t]*\[\s*(\d{1,2})\s*\]")
_TAIL = re.compile(r"[.!?…:]*[\"»”’')\]]*\s*$")


TOGETHER = 3  # neighbouring sentences of a passage that may carry one sentence of an answer


class Marked(NamedTuple):
    """The answer with its markers, and what they point to."""

    text: str
    citations: tuple[Citation, ...]


def cite(text: str, passages: Sequence[Passage]) -> Marked:
    """Put `[n]` before the full stop of every sentence that passage n (its position, from 1) carries."""
    kept = [_Source.of(passage) for passage in passages]
    made, at = [], 0
    used: list[int] = []
    for start, end in sentences.spans(text):
        sentence = text[start:end]
        found = _carrier(without_markers(sentence), _claims(sentence), kept)
        made.append(text[at:start])
        made.append(_marked(without_markers(sentence), found))
        at = end
        if found is not None and found not in used:
            used.append(found)
    return Marked("".join([*made, text[at:]]).strip(), tuple(Citation(number=n + 1, passage=n) for n in sorted(used)))


def places(answer: Answer) -> tuple[Cited, ...]:
    """For each sentence of the answer that cites a passage, the part of that passage that carries it, as it stands there."""
    found = []
    for start, end in sentences.spans(answer.text):
        sentence = answer.text[start:end]
        for number in dict.fromkeys(_claims(sentence)):
            citation = next((each for each in answer.citations if each.number == number), None)
            if citation is not None and citation.passage < len(answer.passages):
                chunk = answer.passages[citation.passage].chunk
                part = _part(without_markers(sentence), chunk.text)
                found.append(_cited(start, end, citation, chunk, part))
    return tuple(found)


def highlight(project: Project, cited: Cited, password: str = "") -> highlights.Highlight | None:
    """The rectangles of the cited part on its page; None where the document has no pages to show, or is gone.

    `highlights.picture` of the same file and page is what they lie on.
    """
    document = project.store.document(cited.document_id)
    if document is None or cited.page is None or not document.source.lower().endswith(".pdf"):
        return None
    try:
        return highlights.find(project.path(document.source), cited.page, cited.text, password)
    except (Unreadable, OSError):
        return None


def without_markers(text: str) -> str:
    """The answer as the model would have written it: without `[n]`."""
    return _MARKER.sub("", text)


class _Source(NamedTuple):
    words: frozenset[str]
    numbers: frozenset[str]

    @classmethod
    def of(cls, passage: Passage) -> "_Source":
        text = chunking.headed(passage.chunk)
        return cls(frozenset(terms.content(text)), terms.numbers(text))


def _part(sentence: str, text: str) -> tuple[int, int]:
    """The stretch of a passage that carries a sentence: where it stands word for word, else the fewest neighbouring
    sentences with all of its numbers and most of its words.
    """
    if exact := _exactly(sentence, text):
        return exact
    words, numbers = set(terms.content(sentence)), terms.numbers(sentence)
    spans = sentences.spans(text) or [(0, len(text))]
    best: tuple[tuple[float, ...], tuple[int, int]] | None = None
    for first in range(len(spans)):
        for last in range(first, min(first + TOGETHER, len(spans))):
            start, end = spans[first][0], spans[last][1]
            part = text[start:end]
            shared = len(words & set(terms.content(part)))
            told = len(numbers & terms.numbers(part))
            rank = (float(told), shared - 0.5 * (last - first), -float(end - start))
            if best is None or rank > best[0]:
                best = (rank, (start, end))
    assert best is not None
    return best[1]


def _exactly(sentence: str, text: str) -> tuple[int, int] | None:
    """Where the sentence stands as it is, whatever the white space, the case and the accents' way of being written."""
    wanted = [re.escape(unicodedata.normalize("NFC", word)) for word in sentence.strip().rstrip(".").split()]
    composed, owners = _composed(text)
    found = re.search(r"\s+".join(wanted), composed, re.I) if wanted else None
    if not found:
        return None
    start, end = owners[found.start()], owners[found.end() - 1] + 1
    while end < len(text) and (unicodedata.combining(text[end]) or text[end] in ".!?…"):
        end += 1
    return start, end


def _composed(text: str) -> tuple[str, list[int]]:
    """The text with composed accents, and from which character of the text each of its characters comes."""
    if unicodedata.is_normalized("NFC", text):
        return text, list(range(len(text)))
    parts, owners = [], []
    at = 0
    while at < len(text):
        end = at + 1
        while end < len(text) and unicodedata.combining(text[end]):
            end += 1
        part = unicodedata.normalize("NFC", text[at:end])
        parts.append(part)
        owners += [at] * len(part)
        at = end
    return "".join(parts), owners


def _cited(start: int, end: int, citation: Citation, chunk: Chunk, part: tuple[int, int]) -> Cited:
    """A passage's text ends with its stretch of the document; what stands before that is a header repeated for it."""
    header = max(len(chunk.text) - (chunk.end - chunk.start), 0)
    known = part[0] >= header
    return Cited(
        start=start,
        end=end,
        number=citation.number,
        passage=citation.passage,
        text=chunk.text[slice(*part)],
        chunk_start=part[0],
        chunk_end=part[1],
        document_id=chunk.document_id,
        document=chunk.document,
        page=chunk.page,
        document_start=chunk.start + part[0] - header if known else None,
        document_end=chunk.start + part[1] - header if known else None,
    )


def _carrier(sentence: str, claims: Sequence[int], passages: Sequence[_Source]) -> int | None:
    """The position of the passage that carries the sentence best; of equal ones the first, or the one
    claimed.
    """
    words = set(terms.content(sentence))
    numbers = terms.numbers(sentence)
    if not words or sentence.rstrip().endswith("?"):
        return None  # nothing is claimed
    best: tuple[float, int, int] | None = None
    for position, passage in enumerate(passages):
        share = len(words & passage.words) / len(words)
        claimed = position + 1 in claims
        if numbers <= passage.numbers and share >= (ENOUGH_IF_CLAIMED if claimed else ENOUGH):
            candidate = (share + 0.1 * claimed, -position, position)
            best = max(best, candidate) if best else candidate
    return best[2] if best else None


def _claims(sentence: str) -> list[int]:
    return [int(number) for number in _MARKER.findall(sentence)]


def _marked(sentence: str, position: int | None) -> str:
    if position is None:
        return sentence
    tail = _TAIL.search(sentence)
    cut = tail.start() if tail else len(sentence)
    return f"{sentence[:cut]} [{position + 1}]{sentence[cut:]}"
