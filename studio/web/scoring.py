"""A scorecard to take along: as a table for spreadsheets, or whole, as data. Looked up by ids; no part is ever a path."""

import json
import logging
from typing import Literal

from fastapi import FastAPI
from fastapi.responses import Response

from studio import evaluation
from studio.base.errors import NotFound, StudioError
from studio.base.records import LANGUAGES, Language, Scorecard
from studio.evaluation import cards
from studio.web.studio import Studio
from studio.web.voice import Voice

log = logging.getLogger(__name__)
FRESH = {"cache-control": "no-store"}


def routes(app: FastAPI, studio: Studio) -> None:
    voices = {language: Voice(language) for language in LANGUAGES}

    @app.get("/scorecard/{project_id}/{card_id}.{form}")
    def scorecard(project_id: str, card_id: str, form: Literal["csv", "json"], lang: Language = "en") -> Response:
        voice = voices[lang]
        try:
            project = studio.project(project_id)
            card = project.store.get(Scorecard, card_id)
            if project.id != project_id or card is None:
                raise NotFound("export_missing", name=card_id)
        except StudioError as error:
            log.info("scorecard refused: %s", error)
            return Response(voice.fault(error), 404, FRESH, media_type="text/plain")
        card = evaluation.filled(project, card)
        headers = {**FRESH, "content-disposition": f'attachment; filename="scorecard-{card.id}.{form}"'}
        if form == "csv":
            names = {variant.id: voice.approach(variant.approach) for variant in project.variants()}
            return Response(cards.as_csv(card, names), headers=headers, media_type="text/csv; charset=utf-8")
        tables = [cards.table(card, segment).model_dump() for segment in cards.segments(card)]
        whole = {"scorecard": card.model_dump(), "tables": tables}
        return Response(json.dumps(whole, ensure_ascii=False, indent=1), headers=headers, media_type="application/json")
