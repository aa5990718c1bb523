"""Step 2 over HTTP, exactly as the browser calls it: files arrive, are read, mended, drafted from and removed."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio import intake, orders
from studio.base import project as projects
from studio.base.errors import Unreadable
from studio.base.project import Project
from studio.base.recipes import DatabaseRequest, WebRequest
from studio.base.records import Example, Proposal, Repair
from studio.web import bringing, uploads
from studio.web.parts import material
from tests.web import stories
from tests.web.conftest import Browser, text

pytestmark = pytest.mark.usefixtures("read_here")

BATCH = "0123456789ab"
TABLE = b"question,answer\nHow long?,Seven days.\nHow much?,Ten euros.\n"


def send(browser: Browser, made: Project, name: str, content: bytes, batch: str = BATCH, lang: str = "en") -> Any:
    return browser.client.post(
        f"/upload/{made.id}/{batch}", params={"name": name, "lang": lang}, content=content
    )  # fmt: skip


def arrive(browser: Browser, made: Project, batch: str = BATCH, **more: str) -> str:
    return str(browser.do("data", "on_arrived", [], made.id, event={"batch": batch, **more}))


def test_good_files_are_taken_in_and_a_bad_one_is_told_beside_them(browser: Browser, root: Path) -> None:
    made = projects.create(root, "Upload")
    assert send(browser, made, "questions.csv", TABLE).json() == {"name": "questions.csv"}
    send(browser, made, "empty.pdf", b"")
    shown = text(arrive(browser, made))
    assert "questions.csv" in shown
    assert "2 examples" in shown
    assert "“empty.pdf” is empty" in shown
    assert [example.answer for example in made.store.examples()] == ["Seven days.", "Ten euros."]
    assert list(made.incoming.iterdir()) == []
    browser.do("data", "on_remove", [], made.id, event={"source": "sources/questions.csv"})
    assert made.store.examples() == []


def test_files_of_one_name_in_two_folders_both_arrive(browser: Browser, root: Path) -> None:
    made = projects.create(root, "Folders")
    names = [send(browser, made, f"shop/{month}/orders.csv", TABLE).json()["name"] for month in ("may", "june", "june")]
    assert names == ["orders.csv", "shop - june - orders.csv", "shop - june - orders (2).csv"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd", "a/../../b.txt", "\x00.txt", ".."]
)
def test_a_name_never_leads_out_of_the_folder(browser: Browser, root: Path, name: str) -> None:
    made = projects.create(root, "Paths")
    answer = send(browser, made, name, b"hello")
    assert answer.status_code == 200
    assert [path.name for path in (made.incoming / BATCH).iterdir()] == [answer.json()["name"]]


@pytest.mark.parametrize("batch", ["0123", "0123456789AB", "..", "0123456789abc", "lent-0123456789ab"])
def test_a_batch_is_twelve_digits_and_nothing_else(browser: Browser, root: Path, batch: str) -> None:
    made = projects.create(root, "Batches")
    assert send(browser, made, "a.txt", b"x", batch).status_code in (400, 404)
    assert not (made.folder / "incoming" / batch).exists() or batch == ".."


def test_a_file_that_is_too_large_is_refused_before_it_is_sent_in_the_readers_language(
    browser: Browser, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = projects.create(root, "Large")
    limits = browser.client.app.state.studio.settings.model_copy(update={"max_upload_mb": 1})  # type: ignore[attr-defined]
    monkeypatch.setitem(browser.client.app.state.studio.__dict__, "settings", limits)  # type: ignore[attr-defined]
    answer = send(browser, made, "large.csv", b"x" * (3 << 20), lang="es")
    assert answer.status_code == 400
    assert answer.json()["sentence"].startswith("«large.csv» ocupa 3 MB")

    def unannounced() -> Iterator[bytes]:
        yield from (b"x" * (1 << 20) for _ in range(3))

    answer = browser.client.post(f"/upload/{made.id}/{BATCH}", params={"name": "large.csv"}, content=unannounced())
    assert answer.json()["code"] == "file_too_large"
    assert list(made.incoming.iterdir()) == []


def test_a_full_disk_is_told_before_and_while_a_file_arrives(
    browser: Browser, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno
    import shutil
    from types import SimpleNamespace

    made = projects.create(root, "Full disk")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=uploads.SPARE + 1000))
    answer = send(browser, made, "a.csv", b"x" * 2000)
    assert answer.json()["code"] == "upload_no_space"
    assert "no room for “a.csv”" in answer.json()["sentence"]

    async def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.undo()
    monkeypatch.setattr(uploads, "run_in_threadpool", _but(uploads.run_in_threadpool, full))
    assert send(browser, made, "a.csv", b"x" * 2000).json()["code"] == "upload_no_space"
    assert list(made.incoming.iterdir()) == []


def _but(real: Any, full: Any) -> Any:
    """Everything as ever, but writing fails."""

    async def run(function: Any, *values: Any) -> Any:
        return await (full() if getattr(function, "__name__", "") == "write" else real(function, *values))

    return run


def test_strangers_and_other_sites_cannot_upload(browser: Browser, stranger: Any, root: Path) -> None:
    made = projects.create(root, "Door")
    assert stranger.post(f"/upload/{made.id}/{BATCH}", params={"name": "a.txt"}, content=b"x").status_code == 401
    answer = browser.client.post(
        f"/upload/{made.id}/{BATCH}", params={"name": "a"}, content=b"x", headers={"origin": "http://evil.example"}
    )
    assert answer.status_code == 403
    assert not (made.folder / "incoming").exists()


def test_many_or_large_files_are_read_by_a_run_that_survives_the_page(
    browser: Browser, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = projects.create(root, "Run")
    asked: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(uploads, "SMALL", 10)
    monkeypatch.setattr(orders, "take_in", lambda project, runs, batch, names, password: asked.append((batch, names)))
    send(browser, made, "questions.csv", TABLE)
    arrive(browser, made)
    assert asked == [(BATCH, ["questions.csv"])]
    assert made.store.examples() == []


def test_a_file_that_wants_its_password_waits_for_it_and_is_read_with_it(
    browser: Browser, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = projects.create(root, "Locked")
    tried: list[str] = []

    def add(project: Project, path: Path, name: str, password: str = "", **_: object) -> None:
        tried.append(password)
        if password != "open sesame":
            raise Unreadable("pdf_password_needed", name=name)

    monkeypatch.setattr(intake, "add", add)
    send(browser, made, "tariffs.pdf", b"%PDF-1.7")
    shown = arrive(browser, made)
    assert 'type="password"' in shown
    assert (made.incoming / BATCH / "tariffs.pdf").is_file()
    assert 'type="password"' in str(browser.load("data", made.id))  # also after a reload
    event = {"batch": BATCH, "name": "tariffs.pdf", "password": "open sesame"}
    shown = str(browser.do("data", "on_unlock", [], made.id, event=event))
    assert tried == ["", "open sesame"]
    assert "open sesame" not in shown
    assert list(made.incoming.iterdir()) == []


def test_a_file_that_waits_can_be_thrown_away(browser: Browser, root: Path) -> None:
    made = projects.create(root, "Waiting")
    send(browser, made, "a.txt", b"x")
    assert "has not been read yet" in text(str(browser.load("data", made.id)))
    browser.do("data", "on_drop", [], made.id, event={"batch": BATCH, "name": "a.txt"})
    assert list(made.incoming.iterdir()) == []
    refused = browser.do("data", "on_drop", [], made.id, event={"batch": BATCH, "name": "../../project.json"})
    assert "not among the files" in str(refused)


def test_how_a_source_is_read_can_be_changed(browser: Browser, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = stories.project(root, "How")
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(intake, "read_again", lambda project, *given: asked.append(given))
    event = {
        "source": "sources/Home policy.pdf", "columns": ["question", "answer"], "business": ["Costa"], "hours": "2,5",
        "password": "secret",
    }  # fmt: skip
    shown = str(browser.do("data", "on_reread", [], made.id, event=event))
    ((source, how, password),) = asked
    assert (source, how.columns, how.business, how.hours, password) == (
        "sources/Home policy.pdf",
        ("question", "answer"),
        ("Costa",),
        2.5,
        "secret",
    )
    assert "secret" not in shown


def test_a_repair_shows_its_numbers_and_can_be_taken_back(browser: Browser, root: Path) -> None:
    made = projects.create(root, "Repairs")
    send(browser, made, "twice.csv", TABLE + b"How long?,Seven days.\n")
    arrive(browser, made)
    shown = browser.do("data", "on_repair", [], made.id, event={"code": "drop_duplicates"})
    assert "Examples 3 to 2" in text(str(shown))
    (repair,) = made.store.all(Repair)
    assert len(made.store.examples()) == 2
    shown = browser.do("data", "on_undo", [], made.id, event={"id": repair.id})
    assert "Taken back" in text(str(shown))
    assert len(made.store.examples()) == 3
    assert (made.sources / "twice.csv").read_bytes() == TABLE + b"How long?,Seven days.\n"


def test_much_material_is_looked_over_by_a_run_and_the_page_does_not_wait(
    browser: Browser, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stories.project(root, "Much")
    monkeypatch.setattr(material, "AT_ONCE", 0)
    ordered: list[str] = []
    monkeypatch.setattr(orders, "check", lambda project, runs: ordered.append(project.id))
    assert "Looking your material over" in text(str(browser.load("data", made.id)))
    assert ordered == [made.id]


@pytest.mark.slow
def test_the_run_that_looks_much_material_over_tells_the_page(
    browser: Browser, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stories.project(root, "Much, really")
    monkeypatch.setattr(material, "AT_ONCE", 0)
    browser.load("data", made.id)
    runs = browser.client.app.state.studio.runs  # type: ignore[attr-defined]
    assert runs.wait(lambda: runs.latest(made, "check").state not in ("queued", "running"), 60)
    shown = text(str(browser.load("data", made.id)))
    assert "Looking your material over" not in shown
    assert "1 suggestion" in shown
    assert len(runs.of(made)) == 1


def test_a_draft_is_used_only_after_somebody_approved_it(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Drafts")
    before = len(made.store.examples())
    given = {"document_id": "d1", "document": "Home policy.pdf", "source": "sources/Home policy.pdf"}
    made.store.put(
        *[
            Proposal(id=id, question="How long?", answer="Seven days.", passage="x", start=0, end=1, **given)
            for id in "abc"
        ]
    )
    assert "3 to look at" in text(str(browser.load("data", made.id)))
    event = {"id": "a", "verdict": "approve", "question": "How many days?", "answer": "Seven.", "skipped": ""}
    shown = browser.do("data", "on_decide", [], made.id, event=event)
    assert "2 to look at 1 approved" in text(str(shown))
    shown = browser.do("data", "on_decide", [], made.id, event={"id": "b", "verdict": "later", "skipped": ""})
    assert 'data-id="c"' in str(shown)
    browser.do("data", "on_decide", [], made.id, event={"id": "c", "verdict": "reject"})
    learnt: list[Example] = made.store.examples()[before:]
    assert [(example.question, example.answer) for example in learnt] == [("How many days?", "Seven.")]
    browser.do("data", "on_decide", [], made.id, event={"id": "a", "verdict": "reject"})
    assert len(made.store.examples()) == before


def test_a_web_address_becomes_a_run(browser: Browser, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = projects.create(root, "Web")
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(orders, "fetch", lambda project, runs, **given: asked.append(given))
    event = {"kind": "web", "address": " example.com/help ", "scope": "site", "pages": "30"}
    browser.do("data", "on_fetch", [], made.id, event=event)
    request = WebRequest(address="https://example.com/help", pages=30, depth=3)
    assert asked == [{"web": request, "database": None, "dataset": None, "secret": ""}]
    refused = browser.do("data", "on_fetch", [], made.id, event={"kind": "web", "address": " "})
    assert "address first" in str(refused)


def test_a_database_file_is_lent_to_its_query_and_its_tables_are_offered(browser: Browser, root: Path) -> None:
    import sqlite3

    made = projects.create(root, "Database")
    file = root / "shop.db"
    with sqlite3.connect(file) as db:
        db.execute("create table orders (id, note)")
    db.close()
    send(browser, made, "shop.db", file.read_bytes())
    event = {"kind": "database", "system": "sqlite", "batch": BATCH, "file": "shop.db"}
    assert browser.do("data", "on_tables", [], made.id, event=event) == ['["orders"]']
    assert uploads.waiting(made) == []
    assert uploads.lend(made, BATCH, "shop.db").read_bytes() == file.read_bytes()


def test_a_database_password_goes_into_the_secret_and_nowhere_else() -> None:
    event = {
        "kind": "database", "system": "postgresql", "address": "db.example.com:5432/shop", "user": "reader",
        "password": "p@ss/word", "table": "orders",
    }  # fmt: skip
    wanted = bringing.wanted(event, lambda batch, name: Path(name))
    assert wanted.secret == "postgresql://reader:p%40ss%2Fword@db.example.com:5432/shop"
    assert wanted.database == DatabaseRequest(shown="postgresql://reader@db.example.com:5432/shop", table="orders")


def test_work_can_be_stopped_only_by_its_own_project(browser: Browser, root: Path) -> None:
    made = projects.create(root, "Stop")
    assert "no work" in str(browser.do("data", "on_stop", [], made.id, event={"id": "somebody-else"}))


def test_two_uploads_at_once_do_not_meet(browser: Browser, root: Path) -> None:
    made = projects.create(root, "Two")
    threads = [
        threading.Thread(target=send, args=(browser, made, f"{n}.txt", f"{n}".encode() * 2000)) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.name: each.bytes for each in uploads.arrived(made, BATCH)} == {f"{n}.txt": 2000 for n in range(4)}
