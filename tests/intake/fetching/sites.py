"""Web sites on loopback that tests read: well-behaved ones from a table of answers, hostile ones that write raw bytes."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Raw = Callable[[socket.socket], None]
Answer = str | bytes | tuple[int, dict[str, str], bytes] | Raw


@dataclass
class Site:
    """Answers by path (with its query); `asked` is every path in order, `headers` those of every request."""

    answers: dict[str, Answer] = field(default_factory=dict)
    host: str = "site.test"
    port: int = 0
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def address(self, path: str = "/") -> str:
        return f"http://{self.host}:{self.port}{path}"

    def pages(self) -> list[str]:
        return [path for path in self.asked if path not in ("/robots.txt", "/sitemap.xml")]

    @property
    def ways(self) -> dict[str, Any]:
        """What lets a test, and nobody else, in: every name leads to this site and to no other port of this machine."""
        return {
            "may_be_private": lambda host, port: port == self.port,
            "resolve": lambda host, port: ["127.0.0.1"],
        }


@contextlib.contextmanager
def serve(answers: dict[str, Answer], host: str = "site.test") -> Iterator[Site]:
    site = Site(answers, host)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.asked.append(self.path)
            site.headers.append(dict(self.headers))
            answer = site.answers.get(self.path, (404, {}, b"nothing here"))
            if callable(answer):
                self.close_connection = True
                with contextlib.suppress(OSError):
                    answer(self.connection)
                return
            if isinstance(answer, str | bytes):
                content = answer.encode() if isinstance(answer, str) else answer
                answer = (200, {"Content-Type": "text/html; charset=utf-8"}, content)
            status, headers, content = answer
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(content))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(content)

        def log_message(self, format: str, *arguments: Any) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            return  # a client that went away is what these tests are about

    server = Server(("127.0.0.1", 0), Handler)
    site.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def page(title: str, *links: str, text: str = "", head: str = "") -> str:
    anchors = "".join(f'<a href="{link}">{link}</a> ' for link in links)
    top = f"<!doctype html><html><head><title>{title}</title>{head}</head>"
    return f"{top}<body><h1>{title}</h1><p>{text}</p>{anchors}</body></html>"


def moved(to: str, status: int = 302) -> Answer:
    return status, {"Location": to}, b""
