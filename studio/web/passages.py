"""Where a cited passage stands: in the text around it, and on the page of its original.

The page is fetched by what stands on the person's screen (project, answer, number of the citation), never by a path; only
an answer the project keeps, and only a document it still has, lead to a file.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response

from studio import retrieval
from studio.answering import citing
from studio.base.errors import NotFound, StudioError
from studio.base.project import Project
from studio.base.records import Answer, Chunk, Document
from studio.intake.pages import highlights
from studio.web.studio import Studio
from studio.web.views.sources import Part, Source

log = logging.getLogger(__name__)
WIDTH = 1_200  # pixels of a page's picture: sharp on a screen with two of them a point
KEPT = 24  # pictures in memory, about 200 KB each
READERS = threading.Semaphore(2)  # pages opened at the same time; each is a process of its own


def sources(project: Project, answer: Answer) -> tuple[Source, ...]:
    """What the answer cites, in the order of its numbers."""
    carrying = citing.places(answer)
    found = []
    for citation in sorted(answer.citations, key=lambda each: each.number):
        if citation.passage >= len(answer.passages):
            continue
        chunk = answer.passages[citation.passage].chunk
        document = project.store.document(chunk.document_id)
        before, text, after = retrieval.passage_in_context(document, chunk) if document else ("", chunk.text, "")
        carried = [each.text for each in carrying if each.passage == citation.passage]
        pictured = document is not None and _original(project, document, chunk) is not None
        found.append(Source(citation.number, chunk, before, _parts(text, carried), after, pictured))
    return tuple(found)


def routes(app: FastAPI, studio: Studio) -> None:
    @app.get("/passage/{project_id}/{answer_id}/{number}")
    def place(project_id: str, answer_id: str, number: int) -> Response:
        """Where the passage of a citation stands on its page: the page's size and the rectangles, in points."""
        try:
            found, file, texts = _cited(studio, project_id, answer_id, number)
            with READERS:
                marked = _marked(file, found.sha256, found.page, texts)
        except StudioError as error:
            log.info("passage refused: %s", error)
            return JSONResponse({}, 404, {"cache-control": "no-store"})
        return JSONResponse(marked.model_dump(mode="json"), headers={"cache-control": "no-store"})

    @app.get("/passage/{project_id}/{answer_id}/{number}/page")
    def page(project_id: str, answer_id: str, number: int) -> Response:
        """The page itself, as a picture."""
        try:
            found, file, _ = _cited(studio, project_id, answer_id, number)
            with READERS:
                drawn = _drawn(file, found.sha256, found.page)
        except StudioError as error:
            log.info("page refused: %s", error)
            return Response("not found", 404, {"cache-control": "no-store"}, media_type="text/plain")
        return Response(drawn, media_type="image/png", headers={"cache-control": "no-store"})


@dataclass(frozen=True)
class _Page:
    sha256: str
    page: int


def _cited(studio: Studio, project_id: str, answer_id: str, number: int) -> tuple[_Page, Path, tuple[str, ...]]:
    """The page a citation leads to, its file, and the texts to mark on it. Raises NotFound."""
    project = studio.project(project_id)
    answer = project.store.get(Answer, answer_id) if project.id == project_id else None
    passage = next((c.passage for c in answer.citations if c.number == number), None) if answer else None
    if answer is None or passage is None or passage >= len(answer.passages):
        raise NotFound("answer_missing", name=answer_id)
    chunk = answer.passages[passage].chunk
    document = project.store.document(chunk.document_id)
    file = _original(project, document, chunk) if document else None
    if document is None or file is None or chunk.page is None:
        raise NotFound("file_missing", name=chunk.document)
    carried = tuple(dict.fromkeys(each.text for each in citing.places(answer) if each.passage == passage))
    return _Page(document.sha256, chunk.page), file, carried or (document.text[chunk.start : chunk.end] or chunk.text,)


def _original(project: Project, document: Document, chunk: Chunk) -> Path | None:
    """The PDF a passage was read from, where it was read from one."""
    if chunk.page is None or not document.source.lower().endswith(".pdf"):
        return None
    file = project.path(document.source)
    return file if file.is_relative_to(project.sources) and file.is_file() else None


@lru_cache(maxsize=256)
def _marked(file: Path, _sha256: str, page: int, texts: tuple[str, ...]) -> highlights.Highlight:
    found = [highlights.find(file, page, text) for text in texts]
    rectangles = tuple(dict.fromkeys(box for each in found for box in each.rectangles))
    return found[0].model_copy(update={"rectangles": rectangles})


@lru_cache(maxsize=KEPT)
def _drawn(file: Path, _sha256: str, page: int) -> bytes:
    return highlights.picture(file, page, WIDTH)


def _parts(text: str, carried: Sequence[str]) -> tuple[Part, ...]:
    """The passage cut where the texts that carry something begin and end; as one piece where none stands in it."""
    marked = sorted((at, at + len(each)) for each in carried if each and (at := text.find(each)) >= 0)
    made: list[Part] = []
    at = 0
    for start, end in marked:
        if end <= at:
            continue
        start = max(start, at)
        made += [(text[at:start], False)] * (start > at) + [(text[start:end], True)]
        at = end
    return (*made, (text[at:], False)) if at < len(text) else tuple(made)
