"""The studio's own server: one port of this machine, and the link that opens it."""

import logging
import socket
import sys
import threading
import webbrowser

import uvicorn

from studio import retrieval, watching
from studio.base.errors import BadInput, StudioError
from studio.base.settings import Settings
from studio.base.words import Translate
from studio.web import links, voting
from studio.web.app import create_app
from studio.web.security import check_bind
from studio.web.studio import Studio

log = logging.getLogger(__name__)
WARMED = 3  # projects, the one changed last first
BROWSER_DELAY = 0.5  # seconds until the server answers


def serve(settings: Settings, t: Translate, *, open_browser: bool = True) -> None:
    """Serve until interrupted.

    Raises Refused("public_bind") and BadInput("port_taken", "port_wrong") before anything is started.
    """
    check_bind(settings)
    listener = _listen(settings.host, settings.port)
    if settings.vote_host:
        _listen(
            settings.vote_host, settings.vote_port
        ).close()  # taken by another program is said before anything starts
    port = listener.getsockname()[1]
    app = create_app(settings.model_copy(update={"port": port}))
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{shown}:{port}/?token="
    app.state.session.announce = lambda token: print(t("cli.open_next", url=url + token), flush=True)  # noqa: T201
    print(t("cli.open", url=url + app.state.token), t("cli.stop_hint"), sep="\n", flush=True)  # noqa: T201 - the link must be seen
    if open_browser:
        threading.Timer(BROWSER_DELAY, webbrowser.open, [url + app.state.token]).start()
    if settings.vote_host:
        _invite(settings, app.state.studio, t)
    threading.Thread(target=_warm, args=(app.state.studio,), name="warming", daemon=True).start()
    config = uvicorn.Config(app, log_level="warning", server_header=False, timeout_graceful_shutdown=3)
    with watching.keep(app.state.studio.runs):
        uvicorn.Server(config).run(sockets=[listener])


def _invite(settings: Settings, studio: Studio, t: Translate) -> None:
    """The voting page for colleagues of the same network, on a port of its own behind which nothing else is."""
    config = uvicorn.Config(voting.lobby(studio), log_level="warning", server_header=False, timeout_graceful_shutdown=1)
    listener = _listen(settings.vote_host, settings.vote_port)
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, args=([listener],), name="voting", daemon=True).start()
    print(t("cli.voting", url=links.address(settings)), flush=True)  # noqa: T201


def _warm(studio: Studio) -> None:
    """Open the indexes most likely to be asked first, or the first question would wait seconds for a large one."""
    for project in [project for project in studio.projects() if project.indexed()][:WARMED]:
        try:
            retrieval.warm(project)
        except (StudioError, OSError, RuntimeError, ValueError) as error:
            log.info("not warmed: %s", error)  # whoever asks is told why


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    if sys.platform != "win32":  # there it would share the port with a program that already listens on it
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OverflowError as error:
        listener.close()
        raise BadInput("port_wrong", port=str(port)) from error
    except OSError as error:
        listener.close()
        raise BadInput("port_taken", port=str(port), free=str(_free_port(family, host))) from error
    listener.listen(128)
    return listener


def _free_port(family: socket.AddressFamily, host: str) -> int:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
