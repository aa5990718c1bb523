"""The studio as a web application: two languages of the same pages, mounted side by side behind one door."""

import logging
import os
import re
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import quote

import gradio as gr
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from studio import export, watching
from studio.base import files
from studio.base.errors import NotFound, StudioError
from studio.base.project import STEPS
from studio.base.records import LANGUAGES, Exported, Language
from studio.base.settings import Settings
from studio.web import explaining, passages, scoring, thrift, uploads, voting
from studio.web.frame import STATIC, EarlyFrame
from studio.web.pages import PAGES
from studio.web.security import Guard, Session, check_bind, preferred_language
from studio.web.shell import Shell
from studio.web.studio import Studio
from studio.web.theme import StudioTheme
from studio.web.voice import Voice

log = logging.getLogger(__name__)
NAME = "Amedida"
AT_REST = 0.02  # seconds between two looks into Gradio's queue; with its own 0.001 an idle studio takes 9 % of a core


def create_app(settings: Settings, token: str | None = None) -> FastAPI:
    """The application. `app.state.token` opens it: `http://<host>:<port>/?token=<token>`.

    Raises Refused("public_bind") when it is to listen on more than this machine.
    """
    check_bind(settings)
    uploads = settings.private / "uploads"
    uploads.mkdir(exist_ok=True, mode=0o700)
    os.environ["GRADIO_TEMP_DIR"] = str(uploads)
    studio, session = Studio(settings), Session(settings, token)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan(studio))
    app.state.token, app.state.session, app.state.studio = session.token, session, studio
    _routes(app, studio)
    shells = {language: Shell(Voice(language), studio) for language in LANGUAGES}
    app.state.pages = {language: build_pages(shell) for language, shell in shells.items()}
    for language in LANGUAGES:
        app = _mounted(app, app.state.pages[language], language, settings)
    app.add_middleware(EarlyFrame, shells=shells)
    app.add_middleware(Guard, settings=settings, session=session)
    return app


def _mounted(app: FastAPI, pages: gr.Blocks, language: Language, settings: Settings) -> FastAPI:
    with warnings.catch_warnings():
        # Gradio 6.31 warns that it leaves server-side rendering off for several pages, also when nobody asked for it
        warnings.filterwarnings("ignore", message="SSR mode is not supported")
        return gr.mount_gradio_app(
            app,
            pages,
            f"/{language}",
            theme=StudioTheme(),
            footer_links=[],
            run_history=False,
            ssr_mode=False,
            allowed_paths=[],
            max_file_size=f"{settings.max_upload_mb}mb",
            show_error=False,
            app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
        )


def build_pages(shell: Shell) -> gr.Blocks:
    """All pages of one language, each at an address of its own; the list of projects at the root."""
    with thrift.half_made():
        with gr.Blocks(title=NAME, analytics_enabled=False, fill_width=True, delete_cache=(3600, 86400)) as demo:
            shell = Shell(shell.voice, shell.studio, demo)
            PAGES["projects"].build(shell)
        for step in STEPS:
            with demo.route(shell.t(f"step.{step}"), f"/{step}", show_in_navbar=False):
                PAGES[step].build(shell)
    demo.queue(default_concurrency_limit=8)
    demo._queue.sleep_when_free, demo._queue.progress_update_sleep_when_free = AT_REST, 5 * AT_REST
    return demo


def _routes(app: FastAPI, studio: Studio) -> None:
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    uploads.routes(app, studio)
    passages.routes(app, studio)
    explaining.routes(app, studio)
    scoring.routes(app, studio)
    voting.routes(app, studio)
    voting.own_routes(app, studio)

    @app.get("/")
    def home(request: Request) -> Response:
        return RedirectResponse(f"/{preferred_language(request.headers)}/", 303)

    @app.get("/favicon.ico")
    def favicon() -> Response:
        return FileResponse(STATIC / "favicon.svg", media_type="image/svg+xml")

    @app.get("/manifest.json")
    def manifest() -> Response:
        return JSONResponse({"name": NAME, "display": "standalone", "start_url": "/", "icons": []})

    @app.get("/download/{project_id}/{export_id}")
    def download(project_id: str, export_id: str) -> Response:
        """A finished export as one file. Both parts are ids that are looked up; neither is ever a path."""
        try:
            project = studio.project(project_id)
            exported = project.store.get(Exported, export_id)
            if project.id != project_id or exported is None:
                raise NotFound("export_missing", name=export_id)
            archive = export.archive(project, exported)
            files.inside(project.exports, str(archive.relative_to(project.exports)))
        except (StudioError, ValueError) as error:
            log.info("download refused: %s", error)
            return Response("not found", 404, media_type="text/plain")
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{project.folder.name}-{exported.form}{archive.suffix}")
        headers = {
            "content-disposition": f'attachment; filename="{quote(name)}"',
            "cache-control": "no-store",
        }
        return FileResponse(archive, media_type="application/octet-stream", headers=headers)


def _lifespan(studio: Studio) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with studio.runs.supervise(), watching.keep(studio.runs):
            yield  # what still works at the end goes on without us; the engine's children end by themselves when idle

    return lifespan
