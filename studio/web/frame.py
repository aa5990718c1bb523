"""The frame of a page, put into Gradio's HTML on its way out: style, language, theme and a first picture of the page.

Gradio inserts `head=` and `css=` by JavaScript after it has started: too late for the stylesheet, the dark class and the
language it reads once. So a middleware writes them into the page itself, with the rail and the heading as they will be;
the person sees their page at once, and `studio.js` takes this picture away when the real page stands.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, quote

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.base.errors import StudioError
from studio.base.project import STEPS, Project
from studio.base.records import Language
from studio.web.shell import Shell

STATIC = Path(__file__).parent / "static"


class EarlyFrame:
    """ASGI middleware. Touches only pages: `GET /<language>/` and `GET /<language>/<step>`."""

    def __init__(self, app: ASGIApp, shells: Mapping[Language, Shell]) -> None:
        self.app, self.shells = app, shells
        self.version = hashlib.sha256(
            b"".join((STATIC / name).read_bytes() for name in ("studio.css", "studio.js"))
        ).hexdigest()[:8]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        language, _, page = scope.get("path", "").strip("/").partition("/")
        if (
            scope["type"] != "http"
            or scope["method"] != "GET"
            or language not in self.shells
            or page not in ("", *STEPS)
        ):
            await self.app(scope, receive, send)
            return
        shell = self.shells[language]
        try:
            project = shell.studio.project(_asked(scope)) if page else None
        except StudioError:
            away = RedirectResponse(shell.url() + f"?missing={quote(_asked(scope)[:80])}", 303)
            await away(scope, receive, send)
            return
        plain = {
            **scope,
            "headers": [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"],
        }
        await self.app(
            plain,
            receive,
            _framed(send, self._head(shell), self._boot(shell, page or "projects", project), language),
        )

    def _head(self, shell: Shell) -> bytes:
        return shell.voice.html("head.html", version=self.version).encode()

    def _boot(self, shell: Shell, page: str, project: Project | None) -> bytes:
        """Rail and heading as a picture: nothing in it can be focused, and no id stands in it twice."""
        picture = shell.voice.html(
            "boot.html", rail=shell.rail(page, project), heading=shell.heading(page), wide=page in shell.WIDE
        )
        for old, new in (
            (' id="steps"', ""),
            (" popover", ""),
            ("<a ", '<a tabindex="-1" '),
            ("<button", '<button tabindex="-1"'),
        ):
            picture = picture.replace(old, new)
        return picture.encode()


def gestures(*events: str, more: str = "") -> str:
    """The script of one part of a page: which events it may send, and how (`static/gestures.js`); `more` are files too."""
    parts = [(STATIC / name).read_text(encoding="utf-8") for name in ("gestures.js", *more.split())]
    return "\n".join([f"const EVENTS = {json.dumps(events)};", *parts])


def _asked(scope: Scope) -> str:
    return parse_qs(scope.get("query_string", b"").decode("latin-1")).get("project", [""])[0]


def _framed(send: Send, head: bytes, boot: bytes, language: str) -> Send:
    start: Message = {}
    body = b""

    async def framed(message: Message) -> None:
        nonlocal start, body
        if message["type"] == "http.response.start":
            start = message
            return
        if message["type"] != "http.response.body":  # such as the debug messages of Starlette's test client
            await send(message)
            return
        body += message.get("body", b"")
        if message.get("more_body"):
            return
        headers = {name.lower(): value for name, value in start["headers"]}
        if headers.get(b"content-type", b"").startswith(b"text/html"):
            body = body.replace(b"<head>", b"<head>" + head, 1).replace(b'lang="en"', f'lang="{language}"'.encode(), 1)
            opened = body.find(b">", body.find(b"<body")) + 1
            body = body[:opened] + boot + body[opened:]
            headers[b"cache-control"] = b"no-store"
        headers[b"content-length"] = str(len(body)).encode()
        await send({**start, "headers": list(headers.items())})
        await send({"type": "http.response.body", "body": body})

    return framed
