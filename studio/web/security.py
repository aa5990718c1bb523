"""The door of the studio: who may talk to it, from which page, and what a page may load.

It stands outside everything else, Gradio included, because a Gradio event that is "private" still answers to anyone who
can reach it, and because Gradio reflects foreign origins. Rules, in the order in which a request meets them:

1. the address it was sent to is one of ours (against DNS rebinding);
2. it comes from a page of ours, unless it opens one (against requests forged by other sites, other ports included);
3. it carries the session cookie, which only the link printed in the terminal gives; or its address is an invitation to
   vote, which `voting` checks and which opens one voting page;
4. the answer says what the page may load, and shows no foreign site how to read it.
"""

import hashlib
import hmac
import ipaddress
import os
import re
import secrets
import socket
import time
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.base.errors import Refused
from studio.base.records import LANGUAGES, Language
from studio.base.settings import Settings
from studio.web.voice import Voice

SESSION_SECONDS = 30 * 24 * 3600
INVITED = re.compile(r"/vote/[0-9a-f]{12}/[0-9a-f]{12}/[0-9a-f]{32}")
OPEN_PATHS = (
    "/static/",
    "/favicon.ico",
    "/manifest.json",
)  # the bare frame: style, font, icon; nothing of the person's

# Gradio 6.31 needs 'unsafe-inline' and 'unsafe-eval' (its start script and `js_on_load`). Attributes such as onclick stay
# forbidden, so that markup smuggled into a page cannot run; nothing can be fetched from, or sent to, another site.
CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "script-src-attr 'none'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "frame-src 'none'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = (
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=()"),
)


def check_bind(settings: Settings) -> None:
    """Refused("public_bind") unless the studio listens on this machine alone: there are no accounts yet."""
    if not _is_loopback(settings.host):
        raise Refused("public_bind", host=settings.host)


class Session:
    """The token of this start, and the cookie it is exchanged for.

    The token is new with every start and opens the studio once; the next one is announced when it was used. The cookie is
    signed with a key that stays in the studio's private folder (0600), so that an open page goes on working when the
    studio is started again.
    """

    def __init__(self, settings: Settings, token: str | None = None) -> None:
        self.token = token or secrets.token_urlsafe(32)
        self.announce: Callable[[str], None] = lambda token: None
        self._key = _key(settings.private / "session.key")
        # one name per projects folder: cookies are shared by all ports of a host, studios are not
        self.cookie = f"amedida_{hashlib.sha256(self._key).hexdigest()[:10]}"

    def opens(self, token: str) -> bool:
        """Whether this is the token; it opens once, and `announce` is told the one that opens next."""
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            return False
        self.token = secrets.token_urlsafe(32)
        self.announce(self.token)
        return True

    def issue(self) -> str:
        until = str(int(time.time()) + SESSION_SECONDS)
        return f"{until}.{self._sign(until)}"

    def knows(self, cookie_header: str) -> bool:
        try:
            morsel = SimpleCookie(cookie_header).get(self.cookie)
        except CookieError:
            return False
        until, _, signature = (morsel.value if morsel else "").partition(".")
        return until.isdigit() and int(until) > time.time() and hmac.compare_digest(signature, self._sign(until))

    def _sign(self, until: str) -> str:
        return hmac.new(self._key, until.encode(), hashlib.sha256).hexdigest()


class Guard:
    """ASGI middleware that keeps the rules above; the outermost layer."""

    def __init__(self, app: ASGIApp, settings: Settings, session: Session) -> None:
        self.app, self.session = app, session
        self.hosts = {"127.0.0.1", "localhost", "::1", settings.host.strip("[]").lower()}
        # a language asked for at the start wins over the one a browser brings along
        self.language = settings.language if "language" in settings.model_fields_set else None
        self.voices: dict[Language, Voice] = {language: Voice(language) for language in LANGUAGES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})  # nothing here speaks WebSocket
            return
        answer = self._judge(scope, Headers(scope=scope))
        await (answer or self.app)(scope, receive, _sealed(send))

    def _judge(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer that ends this request here, or None to let it pass."""
        host = headers.get("host", "")
        if not _named(host, self.hosts):
            return PlainTextResponse("unknown host", 400)
        if not _from_here(scope["method"], host, headers):
            return PlainTextResponse("request from another site refused", 403)
        if scope["path"].startswith(OPEN_PATHS) or INVITED.fullmatch(scope["path"]):
            return None
        token = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        language = preferred_language(headers)
        if scope["path"] == "/" and token and self.session.opens(token):
            return self._welcome(self.language or language)
        if self.session.knows(headers.get("cookie", "")):
            return None
        return HTMLResponse(self.voices[language].html("door.html"), 401, {"cache-control": "no-store"})

    def _welcome(self, language: Language) -> Response:
        answer = RedirectResponse(f"/{language}/", 303, {"cache-control": "no-store"})
        answer.set_cookie(
            self.session.cookie,
            self.session.issue(),
            max_age=SESSION_SECONDS,
            path="/",
            httponly=True,
            samesite="strict",
        )
        return answer


class Lobby:
    """ASGI middleware in front of the voting page where colleagues of the same network reach it: the outermost layer there.

    No session opens anything here; only invitations and the bare frame are served, and only under the machine's own names.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        host, path = headers.get("host", ""), scope["path"]
        answer: ASGIApp = self.app
        if not _own_name(host) or not _from_here(scope["method"], host, headers):
            answer = PlainTextResponse("refused", 403)
        elif not path.startswith("/static/") and not INVITED.fullmatch(path):
            answer = PlainTextResponse("not found", 404)
        await answer(scope, receive, _sealed(send))


def signing_key(settings: Settings) -> bytes:
    """What this studio signs its links with."""
    return _key(settings.private / "session.key")


def preferred_language(headers: Headers) -> Language:
    """The language chosen before, or the browser's, or English."""
    try:
        chosen = SimpleCookie(headers.get("cookie", "")).get("lang")
    except CookieError:
        chosen = None
    wanted = (chosen.value if chosen else headers.get("accept-language", ""))[:2].lower()
    return next((language for language in LANGUAGES if language == wanted), LANGUAGES[0])


def _named(host: str, allowed: set[str]) -> bool:
    try:
        return (urlsplit(f"//{host}").hostname or "") in allowed
    except ValueError:
        return False


def _own_name(host: str) -> bool:
    """An address in digits, or this machine's name: what a page of another site cannot make its own name point to."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    own = socket.gethostname().lower()
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in ("localhost", own, own.partition(".")[0], f"{own.partition('.')[0]}.local")
    return True


def _from_here(method: str, host: str, headers: Headers) -> bool:
    """False for what another site makes a browser send. Opening a page of ours by a link is allowed, changing is not."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
        return False
    if method in ("GET", "HEAD") and headers.get("sec-fetch-mode", "navigate") == "navigate":
        return True
    if origin is None and method not in ("GET", "HEAD") and (referer := headers.get("referer")):
        return urlsplit(referer).netloc == host
    return site in ("same-origin", "none")


def _sealed(send: Send) -> Send:
    async def sealed(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [
                (name, value) for name, value in message["headers"] if not name.lower().startswith(b"access-control-")
            ]
            message = {**message, "headers": [*kept, *HEADERS]}
        await send(message)

    return sealed


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _key(file: Path) -> bytes:
    """The signing key in this file, made when there is none. Two studios starting at once agree on one."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = file.read_bytes()
        if len(key) >= 32:
            return key
        file.unlink(missing_ok=True)  # cut off while it was written
        return _key(file)
    with os.fdopen(handle, "wb") as opened:
        key = secrets.token_bytes(32)
        opened.write(key)
    return key
