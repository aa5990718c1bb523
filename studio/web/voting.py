"""The voting page: one question after the other, answers without names, a few buttons. And the record a vote closes in.

It is plain HTML without Gradio, so that a colleague's phone opens it at once and nothing of the studio is behind it: whoever
holds an invitation reaches this page of one project and no other. The person at the studio votes on the same page.
"""

import logging
import time
from collections.abc import Mapping
from typing import Literal

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool

from studio import comparison
from studio.base.errors import NotFound, StudioError
from studio.base.project import Project
from studio.base.records import LANGUAGES, Invitation, Language, Round
from studio.comparison import acceptance, certificate
from studio.web.frame import STATIC
from studio.web.security import Lobby, preferred_language, signing_key
from studio.web.studio import Studio
from studio.web.views import ballot as views
from studio.web.voice import Voice

log = logging.getLogger(__name__)
FRESH = {"cache-control": "no-store"}
FIELDS = ("question", "choice", "shown")
LONGEST_FORM = 20_000  # bytes


def routes(app: FastAPI, studio: Studio) -> None:
    """What an invitation opens."""
    voices = {language: Voice(language) for language in LANGUAGES}

    @app.get("/vote/{project_id}/{id}/{signed}")
    def page(request: Request, project_id: str, id: str, signed: str, lang: str = "") -> Response:
        voice = _voice(request, voices, lang)
        try:
            project, invitation, round = _admitted(studio, project_id, id, signed)
        except StudioError as error:
            log.info("vote refused: %s", error)
            return HTMLResponse(views.shut(voice), 404, FRESH)
        return HTMLResponse(views.page(project, round, voice, invitation.id, invitation.name), headers=FRESH)

    @app.post("/vote/{project_id}/{id}/{signed}")
    async def vote(request: Request, project_id: str, id: str, signed: str, lang: str = "") -> Response:
        voice, form = _voice(request, voices, lang), await _form(request)
        try:
            project, invitation, round = await run_in_threadpool(_admitted, studio, project_id, id, signed)
            await run_in_threadpool(_cast, project, round, form, invitation.id)
        except StudioError as error:
            log.info("vote refused: %s", error)
            return HTMLResponse(views.shut(voice, voice.fault(error)), 400, FRESH)
        return RedirectResponse(request.url.path + (f"?lang={voice.language}" if lang else ""), 303, FRESH)


def own_routes(app: FastAPI, studio: Studio) -> None:
    """The same page for the person at the studio, whom the door has let in, and the record of a closed vote."""
    voices = {language: Voice(language) for language in LANGUAGES}

    @app.get("/ballot/{project_id}")
    def page(request: Request, project_id: str, lang: str = "") -> Response:
        voice = _voice(request, voices, lang)
        try:
            project, round = _open(studio, project_id)
        except StudioError as error:
            return HTMLResponse(views.shut(voice, voice.fault(error)), 404, FRESH)
        return HTMLResponse(views.page(project, round, voice, back=f"/{voice.language}/improve?project={project.id}"))

    @app.post("/ballot/{project_id}")
    async def vote(request: Request, project_id: str, lang: str = "") -> Response:
        voice, form = _voice(request, voices, lang), await _form(request)
        try:
            project, round = await run_in_threadpool(_open, studio, project_id)
            await run_in_threadpool(_cast, project, round, form, "")
        except StudioError as error:
            return HTMLResponse(views.shut(voice, voice.fault(error)), 400, FRESH)
        return RedirectResponse(request.url.path + (f"?lang={voice.language}" if lang else ""), 303, FRESH)

    @app.get("/record/{project_id}/{round_id}/{language}.{form}")
    def record(project_id: str, round_id: str, language: Language, form: Literal["html", "pdf"]) -> Response:
        """The acceptance record in a language, as a file."""
        voice = voices[language]
        try:
            project = _project(studio, project_id)
            round = project.store.get(Round, round_id)
            if round is None:
                raise NotFound("round_missing", name=round_id)
            facts = acceptance.acceptance(project, round)
        except StudioError as error:
            log.info("record refused: %s", error)
            return HTMLResponse(views.shut(voice, voice.fault(error)), 404, FRESH)
        name = f"{project.folder.name}-{round.id}-{language}.{form}"
        headers = {**FRESH, "content-disposition": f'attachment; filename="{name}"'}
        if form == "html":
            return HTMLResponse(certificate.html(facts, voice.t, language), headers=headers)
        return Response(certificate.pdf(facts, voice.t, language), media_type="application/pdf", headers=headers)


def lobby(studio: Studio) -> Lobby:
    """The voting page alone, for colleagues of the same network."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    routes(app, studio)
    return Lobby(app)


def _admitted(studio: Studio, project_id: str, id: str, signed: str) -> tuple[Project, Invitation, Round]:
    project = _project(studio, project_id)
    return project, *comparison.admitted(project, id, signed, signing_key(studio.settings))


def _open(studio: Studio, project_id: str) -> tuple[Project, Round]:
    project = _project(studio, project_id)
    round = comparison.last(project)
    if round is None:
        raise NotFound("round_missing", name=project.name)
    return project, round


def _project(studio: Studio, project_id: str) -> Project:
    """By its id alone: the name of a folder can be guessed."""
    project = studio.project(project_id)
    if project.id != project_id:
        raise NotFound("project_missing", name=project_id)
    return project


async def _form(request: Request) -> dict[str, str]:
    """The fields of the small form; nothing of a larger one is read."""
    if int(request.headers.get("content-length") or LONGEST_FORM + 1) > LONGEST_FORM:
        return {}
    sent = await request.form(max_files=0, max_fields=8)
    return {name: str(sent.get(name, "")) for name in FIELDS}


def _cast(project: Project, round: Round, form: Mapping[str, str], voter: str) -> None:
    shown = form.get("shown", "")
    seconds = time.time() - int(shown) if shown.isdigit() and len(shown) < 12 else 0.0
    question = next((each.question for each in round.ballots if views.mark(each) == form.get("question")), "")
    comparison.cast(project, round, question, form.get("choice", ""), voter=voter, seconds=seconds)


def _voice(request: Request, voices: Mapping[Language, Voice], lang: str) -> Voice:
    wanted = next((language for language in LANGUAGES if language == lang), preferred_language(request.headers))
    return voices[wanted]
