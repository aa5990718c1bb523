"""The door: the matrix of what reaches Gradio, and what must not."""

import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from studio.base.errors import Refused
from studio.base.settings import Settings
from studio.web.app import create_app
from studio.web.security import Guard, Session, check_bind
from tests.web import stories
from tests.web.conftest import HOME, TOKEN, Browser

EVIL = "http://evil.example"


@pytest.mark.parametrize(
    "path", ["/", "/en/", "/es/goal?project=x", "/en/config", "/en/gradio_api/info", "/download/a/b", "/nowhere"]
)
def test_without_the_link_there_is_one_plain_sentence_and_nothing_else(stranger: TestClient, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 401
    assert "link printed in the terminal" in answer.text
    assert "gradio" not in answer.text


def test_the_door_speaks_the_visitors_language(stranger: TestClient) -> None:
    assert "enlace" in stranger.get("/", headers={"accept-language": "es-MX,es;q=0.9"}).text


def test_the_link_gives_a_cookie_that_scripts_and_other_sites_cannot_use(app: Any, stranger: TestClient) -> None:
    token = app.state.session.token
    answer = stranger.get(f"/?token={token}")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/en/"
    assert {"HttpOnly", "SameSite=strict"} <= set(answer.headers["set-cookie"].split("; "))
    assert token not in answer.headers["set-cookie"]
    assert stranger.get("/en/").status_code == 200


@pytest.mark.parametrize(
    ("given", "address"), [({}, "/en/"), ({"language": "es"}, "/es/")], ids=["browser's", "asked for"]
)
def test_the_link_opens_the_language_that_was_asked_for(tmp_path: Path, given: dict[str, Any], address: str) -> None:
    settings = Settings(projects=tmp_path, **given)
    session = Session(settings)
    visitor = TestClient(Guard(PlainTextResponse("in"), settings, session), base_url=HOME, follow_redirects=False)
    opened = visitor.get(f"/?token={session.token}", headers={"accept-language": "en"})
    assert opened.headers["location"] == address
    assert visitor.get("/").text == "in"


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", "ñ"])
def test_a_wrong_link_opens_nothing(stranger: TestClient, token: str) -> None:
    answer = stranger.get("/", params={"token": token})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("value", ["", "9999999999.abc", "x", "9999999999.", ".", "1.2.3", '"'])
def test_a_made_up_cookie_opens_nothing(app: Any, stranger: TestClient, root: Path, value: str) -> None:
    name = Session(Settings(projects=root)).cookie
    assert stranger.get("/en/", headers={"cookie": f"{name}={value}"}).status_code == 401


def test_an_open_page_goes_on_working_after_a_restart_but_not_for_ever(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = Session(Settings(projects=root)), Session(Settings(projects=root))
    cookie = f"{before.cookie}={before.issue()}"
    assert after.knows(cookie)
    assert not before.opens(after.token)
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert not after.knows(cookie)


def test_the_signing_key_and_the_uploads_belong_to_this_user_alone(app: Any, root: Path) -> None:
    private = Settings(projects=root).private
    assert stat.S_IMODE((private / "session.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((private / "uploads").stat().st_mode) == 0o700
    assert os.environ["GRADIO_TEMP_DIR"] == str(private / "uploads")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "[::2]", "0.0.0.0"]
)
def test_a_foreign_host_name_is_refused_even_with_the_cookie(browser: Browser, host: str) -> None:
    assert browser.get("/en/config", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "[::1]:7860", "LOCALHOST"])
def test_our_own_names_are_served(browser: Browser, host: str) -> None:
    assert browser.get("/static/favicon.svg", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": EVIL},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"referer": f"{EVIL}/form"},
    ],
    ids=str,
)
def test_no_other_page_can_send_us_anything(browser: Browser, headers: dict[str, str]) -> None:
    files = {"files": ("a.txt", b"x")}
    assert browser.client.post("/en/gradio_api/upload", files=files, headers=headers).status_code == 403
    assert browser.client.post("/en/gradio_api/queue/join", json={}, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "headers", [{"origin": EVIL}, {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}], ids=str
)
def test_no_other_page_can_read_us_either(browser: Browser, headers: dict[str, str]) -> None:
    assert browser.get("/en/config", headers=headers).status_code == 403


def test_our_own_page_may_send(browser: Browser) -> None:
    own = {"origin": HOME, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}
    assert (
        browser.client.post("/en/gradio_api/upload", files={"files": ("a.txt", b"x")}, headers=own).status_code == 200
    )


@pytest.mark.parametrize("path", ["/en/", "/static/studio.css", "/en/config", "/nowhere"])
def test_every_answer_says_what_may_be_loaded_and_shows_nobody_else_how_to_read_it(browser: Browser, path: str) -> None:
    headers = browser.get(path).headers
    policy = headers["content-security-policy"]
    for rule in (
        "default-src 'self'",
        "script-src-attr 'none'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    ):
        assert rule in policy
    assert "http:" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert not [name for name in headers if name.startswith("access-control-")]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "studio.example", ""])
def test_more_than_this_machine_is_refused_because_there_are_no_accounts(tmp_path: Path, host: str) -> None:
    with pytest.raises(Refused) as refused:
        create_app(Settings(projects=tmp_path, host=host))
    assert refused.value.code == "public_bind"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.5"])
def test_this_machine_alone_is_fine(host: str) -> None:
    check_bind(Settings(host=host))


def test_gradio_serves_no_file_of_ours(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Files")
    for path in (
        made.folder / "project.json",
        made.folder / "studio.db",
        root / ".studio" / "session.key",
        Path("/etc/passwd"),
        Path(__file__),
    ):
        assert browser.get(f"/en/gradio_api/file={path}").status_code in (403, 404), path


@pytest.mark.parametrize("path", ["..%2f..%2fetc%2fpasswd/x", "x/..%2f..%2fproject.json", "%00/%00", "a/b"])
def test_a_download_is_looked_up_and_never_a_path(browser: Browser, path: str) -> None:
    assert browser.get(f"/download/{path}").status_code == 404


def test_an_export_is_given_out_under_its_own_project_only(browser: Browser, root: Path) -> None:
    from studio.base.records import Exported

    owner, other = stories.project(root, "Owner"), stories.project(root, "Other")
    folder = owner.exports / "e1"
    folder.mkdir()
    (folder / "README.md").write_text("hello", encoding="utf-8")
    exported = Exported(id="e1", variant="v", path="exports/e1", form="merged", bytes=5, files=1)
    outside = Exported(id="e2", variant="v", path="../other/sources", form="merged")
    owner.store.put(exported, outside)
    given = browser.get(f"/download/{owner.id}/e1")
    assert given.status_code == 200
    assert given.headers["content-disposition"].startswith("attachment")
    assert given.content[:2] == b"PK"
    assert browser.get(f"/download/{other.id}/e1").status_code == 404
    assert browser.get(f"/download/{owner.folder.name}/e1").status_code == 404
    assert browser.get(f"/download/{owner.id}/e2").status_code == 404


def test_there_is_no_public_interface_no_run_history_and_no_telemetry(browser: Browser) -> None:
    assert browser.get("/en/gradio_api/info").json() == {"named_endpoints": {}, "unnamed_endpoints": {}}
    assert browser.get("/en/gradio_api/runs").status_code == 404
    for path in ("/docs", "/openapi.json", "/redoc", "/en/docs", "/en/openapi.json"):
        assert browser.get(path).status_code == 404, path
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert browser.get("/en/config").json().get("connect_heartbeat") is False


def test_the_link_opens_the_studio_once_and_the_next_one_is_announced(tmp_path: Path) -> None:
    session = Session(Settings(projects=tmp_path))
    announced: list[str] = []
    session.announce = announced.append
    used = session.token
    assert session.opens(used)
    assert not session.opens(used)
    assert announced == [session.token]
    assert session.opens(announced[0])
