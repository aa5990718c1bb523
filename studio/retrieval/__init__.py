"""Documents become searchable: cut into passages, embedded, found again, and known not to know.

`chunks` cuts, `build` makes the index of a project (LanceDB, in its `index/`), `search` finds the passages
for a question and says whether they answer it, `passage_in_context` shows where a passage stands. `tuning` weighs meaning
and words for a project, `domain` teaches the embedder its words, both on proof alone. Words nothing and answers nothing.
"""

from studio.base.records import Chunk, Document
from studio.retrieval import domain, tuning
from studio.retrieval.chunking import chunks
from studio.retrieval.index import Hits, Judged, build, clear, forget, judge, search, warm

CONTEXT = 400  # characters shown on either side of a passage

__all__ = [
    "Hits",
    "Judged",
    "build",
    "chunks",
    "clear",
    "domain",
    "forget",
    "judge",
    "passage_in_context",
    "search",
    "tuning",
    "warm",
]


def passage_in_context(document: Document, chunk: Chunk) -> tuple[str, str, str]:
    """The passage as it stands in its document: what is before it on the same page or sheet, itself, what
    follows.

    A document that has changed since then shows the passage alone.
    """
    text = document.text[chunk.start : chunk.end]
    if not text or not chunk.text.endswith(text):
        return "", chunk.text, ""
    same = [part for part in document.sections if (part.page, part.sheet) == (chunk.page, chunk.sheet)]
    first = min((part.start for part in same), default=0)
    last = max((part.end for part in same), default=len(document.text))
    before = document.text[max(first, chunk.start - CONTEXT) : chunk.start]
    after = document.text[chunk.end : max(min(last, chunk.end + CONTEXT), chunk.end)]
    if chunk.start - CONTEXT > first:
        before = "…" + before.partition(" ")[2]
    if chunk.end + CONTEXT < last:
        after = after.rpartition(" ")[0] + "…"
    return before, text, after
