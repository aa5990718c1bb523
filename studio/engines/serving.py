"""A small loopback server for a child process: JSON in, JSON or a stream of events out, nothing without the token.

It writes `<private>/<name>.json` (port, pid, its start, token, version) once it answers, and ends by itself when nobody
asked anything for a long time, when that file is no longer its own, or when it is told to. What it serves is the caller's.
"""

import hmac
import json
import logging
import os
import queue
import secrets
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import psutil

from studio import __version__
from studio.base import files
from studio.base.errors import BadInput, NotFound, NotPossibleHere, Refused, StudioError

T = TypeVar("T")

IDLE_SECONDS = 20 * 60
LOOK_SECONDS = 15.0  # how often the main thread looks whether it is still wanted
MAX_BODY = 64 << 20

log = logging.getLogger(__name__)


class Reply:
    """What a route answers with: once `json`, or `event`s until it returns."""

    def __init__(self, handler: "_Handler") -> None:
        self._handler = handler
        self.streaming = False

    def json(self, value: Any, status: int = 200) -> None:
        self._handler.send(status, value)

    def event(self, value: Any | str) -> None:
        """One server-sent event. Raises OSError when nobody listens any more."""
        if not self.streaming:
            self.streaming = True
            self._handler.start_stream()
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        self._handler.wfile.write(f"data: {text}\n\n".encode())

    def gone(self) -> bool:
        """Whether the other side has hung up."""
        connection = self._handler.connection
        try:
            readable, _, _ = select.select([connection], [], [], 0)
            return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):
            return True


Route = Callable[[dict[str, Any], Reply], None]


class Service:
    """Routes by "METHOD /path", served in threads; the main thread does `in_main` work and watches the clock."""

    def __init__(self, name: str, private: Path) -> None:
        self.name = name
        self.file = private / f"{name}.json"
        self.token = secrets.token_urlsafe(32)
        self.active = 0
        self.asked = time.monotonic()
        self._lock = threading.Lock()
        self._work: queue.Queue[Callable[[], None] | None] = queue.Queue()

    def run(self, routes: Mapping[str, Route], tick: Callable[[float], None] = lambda idle: None) -> None:
        """Serve until told to stop, then end the process; `tick(idle seconds)` is called now and then in the main thread."""
        server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"service": self, "routes": dict(routes)})
        )
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 3600.0}, daemon=True).start()
        self.heed_signals()
        process = psutil.Process()
        files.write_json(
            self.file,
            {
                "port": server.server_address[1],
                "pid": process.pid,
                "pid_start": process.create_time(),
                "token": self.token,
                "version": __version__,
            },
        )
        log.info("%s listens on port %s", self.name, server.server_address[1])
        try:
            self._watch(tick)
        finally:
            if self._is_ours():
                self.file.unlink(missing_ok=True)
        logging.shutdown()
        os._exit(0)  # answers under way hold native threads that the interpreter's own farewell would trip over

    def in_main(self, work: Callable[[], T]) -> T:
        """Run something in the main thread and wait for it: libraries that take over signal handlers are loaded there."""
        done: Future[T] = Future()

        def do() -> None:
            try:
                done.set_result(work())
            except BaseException as error:  # noqa: BLE001  (handed to the thread that waits for it)
                done.set_exception(error)
            finally:
                self.heed_signals()

        self._work.put(do)
        return done.result()

    def stop(self) -> None:
        self._work.put(None)

    def heed_signals(self) -> None:
        """End cleanly on SIGTERM. Called again after a library put its own handlers in place."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())

    def _watch(self, tick: Callable[[float], None]) -> None:
        while True:
            try:
                work = self._work.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                idle = 0.0 if self.active else time.monotonic() - self.asked
                if idle > IDLE_SECONDS or (not self.active and not self._is_ours()):
                    log.info("%s ends: nobody needs it", self.name)
                    return
                tick(idle)
                continue
            if work is None:
                return
            work()

    def _is_ours(self) -> bool:
        return (files.read_json(self.file) or {}).get("token") == self.token

    def entered(self, by: int) -> None:
        with self._lock:
            self.active += by
            self.asked = time.monotonic()


class _Handler(BaseHTTPRequestHandler):
    service: Service
    routes: dict[str, Route]
    protocol_version = "HTTP/1.0"  # one request a connection: hanging up is then how a listener says stop

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        try:
            length = int(self.headers.get("Content-Length", ""))
            if not 0 <= length <= MAX_BODY:
                raise ValueError(length)
            body = json.loads(self.rfile.read(length) or b"{}")
            if not isinstance(body, dict):
                raise ValueError("no object")
        except ValueError:
            self.send(400, _worded(BadInput("request_malformed", field="body")))
            return
        self._answer(body)

    def _answer(self, body: dict[str, Any]) -> None:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if not hmac.compare_digest(given.encode(), self.service.token.encode()):
            self.send(401, _worded(Refused("token_wrong")))
            return
        route = self.routes.get(f"{self.command} {self.path.partition('?')[0]}")
        if route is None:
            self.send(404, _worded(NotFound("route_missing")))
            return
        reply = Reply(self)
        self.service.entered(+1)
        try:
            route(body, reply)
        except (ConnectionError, TimeoutError):
            return  # the listener hung up
        except Exception as error:  # noqa: BLE001  (becomes the reply)
            self._say_error(error, reply)
        finally:
            self.service.entered(-1)

    def _say_error(self, error: Exception, reply: Reply) -> None:
        if not isinstance(error, StudioError):
            log.exception("request failed")
            error = _translated(error)
        try:
            if reply.streaming:
                reply.event(_worded(error))
            else:
                self.send(_STATUS.get(type(error), 400), _worded(error))
        except OSError:
            pass  # nobody is there to hear it

    def send(self, status: int, value: Any) -> None:
        data = json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def start_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


_STATUS: dict[type[StudioError], int] = {BadInput: 400, Refused: 403, NotFound: 404, NotPossibleHere: 409}


def _worded(error: StudioError) -> dict[str, Any]:
    """An error as OpenAI's protocol has it; `type` and `param` let our own client raise the same error again."""
    return {
        "error": {"message": str(error), "code": error.code, "type": type(error).__name__, "param": error.parameters}
    }


def _translated(error: Exception) -> StudioError:
    from studio.base.errors import OutOfMemory, Unavailable

    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return OutOfMemory("model_out_of_memory")
    return Unavailable("engine_failed", reason=f"{type(error).__name__}: {error}"[:300])


def log_to_stderr() -> None:
    """The parent points stderr at a file of its own choosing."""
    logging.basicConfig(
        level=os.environ.get("AMEDIDA_LOG", "INFO"), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
