"""What every page is built with: its language, its studio, the frame around it, and the wire to its handlers.

A page module is `build(shell)`; a handler is about ten lines: read the form, call one verb of a room, return a view.
"""

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import gradio as gr

from studio.base.errors import StudioError
from studio.base.project import STEPS, Project, Step
from studio.base.records import LANGUAGES, Run, RunKind
from studio.base.runs import Runs
from studio.web.studio import Studio
from studio.web.views import run as run_views
from studio.web.voice import Voice

log = logging.getLogger(__name__)

# Every event of this app: no part of the public API, no overlay. QUICK is one POST; SLOW is queued, so that it may stream
# and its messages are shown (Gradio shows none for an event outside the queue).
QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
SLOW: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
BARE: dict[str, Any] = {"padding": False, "apply_default_css": False, "container": False}


@dataclass(frozen=True)
class Shell:
    """One language of the studio. `demo` is the Blocks being built, None where only words and views are needed."""

    voice: Voice
    studio: Studio
    demo: gr.Blocks | None = None

    WIDE: ClassVar[tuple[str, ...]] = ("projects", "advice", "compare", "improve", "export")

    @property
    def t(self) -> Callable[..., str]:
        return self.voice.t

    def url(self, step: str = "", project: str | None = None) -> str:
        return f"/{self.voice.language}/{step}" + (f"?project={project}" if project else "")

    def project(self, request: gr.Request) -> Project:
        """The project of the page that sent this event. Raises NotFound: an event can be sent by anybody."""
        return self.studio.project(request.query_params.get("project"))

    # ---- the frame

    def rail(self, page: str, project: Project | None, ready: bool = False) -> str:
        return self.voice.html(
            "rail.html",
            page=page,
            project=project.card if project else None,
            number=STEPS.index(page) + 1 if page in STEPS else 0,
            steps=STEPS,
            languages=LANGUAGES,
            url=self.url,
            suffix=("" if page == "projects" else page) + (f"?project={project.id}" if project else ""),
            ready=ready,
        )

    def heading(self, page: str) -> str:
        number = STEPS.index(page) + 1 if page in STEPS else 0
        eyebrow = self.t("step", n=number, of=len(STEPS)) if number else ""
        return self.voice.html(
            "heading.html", eyebrow=eyebrow, title=self.t(f"{page}.title"), lead=self.t(f"{page}.lead")
        )

    @contextmanager
    def page(self, name: str) -> Iterator["Page"]:
        """Everything around a page's own content."""
        rail = gr.HTML(self.rail(name, None), elem_id="rail", **BARE)
        with gr.Column(elem_id="page", elem_classes=["page", f"page-{name}", *(["wide"] if name in self.WIDE else [])]):
            gr.HTML(self.heading(name), elem_classes="head", **BARE)
            alert = gr.HTML(elem_id="alert", visible=False, **BARE)
            page = Page(self, name, rail, alert)
            yield page
        page.wire()

    def actions(
        self,
        name: Step,
        save: Callable[..., None] | None = None,
        inputs: list[Any] | None = None,
        check: Callable[[Project], None] | None = None,
    ) -> None:
        """The bar with Back and Continue.

        `save(project, *values)` keeps the form at every edit, so that no way out loses what was typed: Back, the rail,
        the other language, closing the tab. `check` raises when what was kept is not enough to go on.
        """
        at = STEPS.index(name)
        before, after = (STEPS[at - 1] if at else ""), (STEPS[at + 1] if at + 1 < len(STEPS) else None)
        with gr.Row(elem_classes="actions"):
            back = gr.Button(self.t("back"), variant="secondary", elem_id="back", scale=0, min_width=110)
            go = gr.Button(self.t("next"), variant="primary", elem_id="next", scale=0, min_width=150) if after else None
        back.click(fn=None, js=_go(self.url(before), keep=bool(at)), api_visibility="private")
        if go is None or after is None:
            return

        def on_next(request: gr.Request, *values: Any) -> None:
            project = self.project(request)
            if save:
                save(project, *values)
            if check:
                check(project)
            project.finish_step(name)

        if save and inputs:

            def on_edit(request: gr.Request, *values: Any) -> None:
                save(self.project(request), *values)

            # While one edit is being kept the next waits, and only the last of those waiting is sent.
            gr.on(
                [field.input for field in inputs],
                self.guard(on_edit),
                inputs,
                None,
                trigger_mode="always_last",
                **QUICK,
            )
        go.click(self.guard(on_next), inputs, None, **SLOW).success(
            fn=None, js=_go(self.url(after)), api_visibility="private"
        )

    # ---- what many parts have

    def fold(self, key: str, id: str = "", visible: bool = True, classes: str = "fold") -> Any:
        """Something folded away until a person opens it; to be used with `with`."""
        return gr.Accordion(self.t(key), open=False, elem_classes=classes, elem_id=id or None, visible=visible)

    def button(self, key: str, id: str, width: int = 180, visible: bool = True) -> Any:
        """One that is not the page's next step."""
        return gr.Button(self.t(key), variant="secondary", scale=0, min_width=width, elem_id=id, visible=visible)

    def work(self, run: Run | None, of: str) -> str:
        """A run under way or ended badly, in the words of `of`; nothing where what it made stands on the page."""
        if run is None or run.state == "done":
            return ""
        runs = self.studio.runs
        return run_views.panel(run, runs.said(run), runs.waiting_before(run), self.voice, of=of, compact=True)

    # ---- handlers

    def view(self, look: Callable[["Shell", Project], Any], order: Callable[[Project, Runs], Any] | None = None) -> Any:
        """The handler that shows a part as it stands, once `order` is given where there is one."""

        def on_view(request: gr.Request) -> Any:
            project = self.project(request)
            if order:
                order(project, self.studio.runs)
            return look(self, project)

        on_view.__name__ = f"on_{order.__name__}" if order else f"{look.__module__.rpartition('.')[2]}_tick"
        return self.guard(on_view)

    def stop(self, kind: RunKind, look: Callable[["Shell", Project], Any]) -> Any:
        """The handler that stops the latest run of a kind, and shows a part as it then stands."""

        def on_stop(request: gr.Request) -> Any:
            project = self.project(request)
            latest = self.studio.runs.latest(project, kind)
            if latest is not None:
                self.studio.runs.stop(latest.id)
            return look(self, project)

        on_stop.__name__ = f"on_stop_{kind}"
        return self.guard(on_stop)

    def guard(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """The handler, whose errors reach the person as sentences in their language; their cause goes to the log."""
        if inspect.isasyncgenfunction(handler):

            @functools.wraps(handler)
            async def streaming(*values: Any) -> Any:
                try:
                    async with aclosing(handler(*values)) as stream:
                        async for value in stream:
                            yield value
                except Exception as error:  # noqa: BLE001 - worded for the person, logged for us
                    raise self._worded(error, handler) from None

            return streaming
        if inspect.isgeneratorfunction(handler):

            @functools.wraps(handler)
            def stepwise(*values: Any) -> Any:
                try:
                    yield from handler(*values)
                except Exception as error:  # noqa: BLE001 - worded for the person, logged for us
                    raise self._worded(error, handler) from None

            return stepwise

        @functools.wraps(handler)
        def safe(*values: Any) -> Any:
            try:
                return handler(*values)
            except Exception as error:  # noqa: BLE001 - worded for the person, logged for us
                raise self._worded(error, handler) from None

        return safe

    def _worded(self, error: Exception, handler: Callable[..., Any]) -> gr.Error:
        if isinstance(error, gr.Error):
            return error
        if isinstance(error, StudioError):
            log.info("%s: %s", handler.__name__, error)
            return gr.Error(self.voice.fault(error), duration=12, print_exception=False)
        log.error("%s failed", handler.__name__, exc_info=error)
        return gr.Error(self.t("oops"), duration=12, print_exception=False)


class Page:
    """Collects what a page loads, so that it asks once, not ten times."""

    def __init__(self, shell: Shell, name: str, rail: gr.HTML, alert: gr.HTML) -> None:
        self.shell, self.name, self.rail, self.alert = shell, name, rail, alert
        self._loaders: list[tuple[Callable[..., Any], list[Any]]] = []

    def on_load(self, loader: Callable[..., Any], outputs: list[Any]) -> None:
        """`loader(project, request)` gives the values of `outputs`; on the projects page, `project` is None."""
        self._loaders.append((loader, outputs))

    def wire(self) -> None:
        shell, outputs = self.shell, [output for _, outputs in self._loaders for output in outputs]

        def load(request: gr.Request) -> list[Any]:
            project = None
            try:
                project = shell.project(request) if self.name in STEPS else None
                values: list[Any] = []
                for loader, its_outputs in self._loaders:
                    made = loader(project, request)
                    values += list(made) if len(its_outputs) > 1 else [made]
                return [shell.rail(self.name, project, ready=True), gr.skip(), *values]
            except Exception as error:  # outside the queue no message is shown, so the page itself says it
                log.log(
                    logging.INFO if isinstance(error, StudioError) else logging.ERROR,
                    "load %s",
                    self.name,
                    exc_info=error,
                )
                sentence = shell.voice.fault(error) if isinstance(error, StudioError) else shell.t("oops")
                alert = gr.HTML(shell.voice.html("alert.html", sentence=sentence), visible=True)
                return [shell.rail(self.name, project, ready=True), alert, *[gr.skip() for _ in outputs]]

        load.__name__ = f"load_{self.name}"
        assert shell.demo is not None
        shell.demo.load(load, None, [self.rail, self.alert, *outputs], **QUICK)


def _go(url: str, keep: bool = True) -> str:
    return f"() => location.assign({url!r}" + (" + location.search)" if keep else ")")
