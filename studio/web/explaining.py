"""Explanations to take along: as a page, a table, data, or a chart drawn by shap.

Everything is looked up by ids that stand on the person's screen; no part of an address is ever a path.
"""

import logging
import threading
from functools import lru_cache
from typing import Literal

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, Response

from studio.base.errors import NotFound, StudioError
from studio.base.project import Project
from studio.base.records import LANGUAGES, Answer, Explanation, Game, Language
from studio.explanation import pictures, written
from studio.web.studio import Studio
from studio.web.views import explained_file
from studio.web.voice import Voice

log = logging.getLogger(__name__)
FRESH = {"cache-control": "no-store"}
TYPES = {"svg": "image/svg+xml", "png": "image/png"}
DRAWING = threading.Semaphore(1)  # each drawing is a process that loads shap
KEPT = 48  # charts in memory, 10 to 40 KB each


def routes(app: FastAPI, studio: Studio) -> None:
    voices = {language: Voice(language) for language in LANGUAGES}

    @app.get("/why/{project_id}/{answer_id}/explanation.{form}")
    def file(project_id: str, answer_id: str, form: Literal["html", "csv", "json"], lang: Language = "en") -> Response:
        """The whole explanation as a file."""
        try:
            project, answer, found = _found(studio, project_id, answer_id)
            variant = project.variant(answer.variant)
        except StudioError as error:
            log.info("explanation refused: %s", error)
            return Response(voices[lang].fault(error), 404, FRESH, media_type="text/plain")
        headers = {**FRESH, "content-disposition": f'attachment; filename="{project.folder.name}-{found.id}.{form}"'}
        if form == "html":
            ordered = sorted(voices.values(), key=lambda voice: voice.language != lang)
            return HTMLResponse(explained_file.page(found, answer, variant, ordered), headers=headers)
        if form == "csv":
            return Response(written.table(found), headers=headers, media_type="text/csv; charset=utf-8")
        return Response(found.model_dump_json(indent=2), headers=headers, media_type="application/json")

    @app.get("/why/{project_id}/{answer_id}/{plot}.{form}")
    def picture(
        project_id: str,
        answer_id: str,
        plot: pictures.Plot,
        form: pictures.Form,
        kind: str = "question",
        detail: str = "phrases",
        inside: int | None = None,
        sentence: int | None = None,
        keep: bool = False,
    ) -> Response:
        """A game drawn by shap, of the whole answer or of a sentence; as a file to keep when asked so."""
        try:
            project, _, found = _found(studio, project_id, answer_id)
            game = next((each for each in found.games if each.asks == (kind, detail, inside)), None)
            if game is None:
                raise NotFound("explanation_missing")
            drawn = _drawn(game, plot, form, sentence)
        except StudioError as error:
            log.info("chart refused: %s", error)
            return Response(error.code, 404, FRESH, media_type="text/plain")
        name = f"{project.folder.name}-{found.id}-{game.kind}-{plot}.{form}"
        headers = FRESH | ({"content-disposition": f'attachment; filename="{name}"'} if keep else {})
        return Response(drawn, headers=headers, media_type=TYPES[form])


def _found(studio: Studio, project_id: str, answer_id: str) -> tuple[Project, Answer, Explanation]:
    """By ids alone: the name of a folder can be guessed. Raises NotFound."""
    project = studio.project(project_id)
    answer = project.store.get(Answer, answer_id) if project.id == project_id else None
    if answer is None:
        raise NotFound("answer_missing", name=answer_id)
    explanation = project.explanation(answer_id)
    if explanation is None:
        raise NotFound("explanation_missing")
    return project, answer, explanation


@lru_cache(maxsize=KEPT)
def _drawn(game: Game, plot: pictures.Plot, form: pictures.Form, sentence: int | None) -> bytes:
    with DRAWING:
        return pictures.draw(game, plot, form, sentence)
