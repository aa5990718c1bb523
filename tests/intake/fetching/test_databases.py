"""Rows of a database become a file: read and never written, as many as asked, the password told to nobody."""

import csv
import json
import logging
import sqlite3
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio import intake
from studio.base.errors import Refused, Stopped, StudioError
from studio.base.events import Event, Progress, Stage
from studio.base.recipes import DatabaseRequest
from studio.base.records import Finding
from studio.intake import fetching
from studio.intake.fetching import connections, statements
from studio.intake.fetching.fetched import Fetched
from tests.intake.fetching import servers

pytestmark = pytest.mark.usefixtures("read_here")

FAQ = [(1, "¿Abren el sábado?", "Sí, de 9 a 14 h; «sin cita».\nLlame antes."), (2, "Do you ship?", "Yes, 100% insured")]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE faq (id INTEGER PRIMARY KEY, question TEXT, answer TEXT)")
        made.executemany("INSERT INTO faq VALUES (?, ?, ?)", FAQ)
        made.execute('CREATE TABLE "odd ""name; --" (a)')
        made.execute("CREATE TABLE pictures (name TEXT, content BLOB, price REAL)")
        made.execute("INSERT INTO pictures VALUES ('logo', x'89504e47ff', 2.5), ('note', x'68c3b3', NULL)")
        made.execute("CREATE VIEW titles AS SELECT question FROM faq")
    made.close()
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fetched").mkdir()
    return tmp_path / "fetched"


def fetch(
    address: object,
    folder: Path,
    *,
    emit: Callable[[Event], None] = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
    seconds: float = 60.0,
    **asked: Any,
) -> list[Fetched]:
    return fetching.database(
        DatabaseRequest(shown="", **asked), str(address), folder, emit, should_stop, seconds=seconds
    )


def rows(folder: Path, fetched: list[Fetched]) -> list[list[str]]:
    with (folder / fetched[0].file).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


# ---- SQLite --------------------------------------------------------------------------------------------------------------


def test_a_table_becomes_a_csv_with_its_columns_names(shop: Path, folder: Path) -> None:
    before = shop.read_bytes()
    said: list[Event] = []
    fetched = fetch(shop, folder, table="faq", emit=said.append)
    assert fetched == [Fetched(file="shop_faq.csv", name="shop_faq.csv", origin="shop.db · faq")]
    assert rows(folder, fetched) == [["id", "question", "answer"], *([str(n), q, a] for n, q, a in FAQ)]
    assert [type(each) for each in said] == [Stage, Progress, Progress]
    assert [path.name for path in folder.iterdir()] == ["shop_faq.csv"]
    assert (shop.read_bytes(), [path.name for path in shop.parent.glob("shop.db*")]) == (before, ["shop.db"])


def test_what_it_gave_is_taken_in_like_any_file(shop: Path, folder: Path) -> None:
    fetched = fetch(f"sqlite:///{shop}", folder, table="faq")
    reading = intake.read(folder / fetched[0].file, fetched[0].name)
    assert [(each.question, each.answer) for each in reading.examples] == [(q, a) for _, q, a in FAQ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT count(*) AS n FROM faq", [["n"], ["2"]]),
        ("select question from faq where answer like '%100%%' -- and no more;", [["question"], ["Do you ship?"]]),
        ("WITH q AS (SELECT ':a;' AS text) SELECT * FROM q ; ", [["text"], [":a;"]]),
        ("SELECT a.id, b.id FROM faq a JOIN faq b ON a.id = b.id LIMIT 1", [["id", "id_2"], ["1", "1"]]),
        ("SELECT NULL AS nil, 1.5 AS half", [["nil", "half"], ["", "1.5"]]),
    ],
)
def test_a_query_gives_its_own_columns(query: str, expected: list[list[str]], shop: Path, folder: Path) -> None:
    fetched = fetch(shop, folder, query=query)
    assert rows(folder, fetched) == expected
    assert fetched[0].origin == f"shop.db · {' '.join(query.split())}"
    assert fetched == fetch(shop, folder, query=query)


def test_the_tables_to_choose_from_are_listed(shop: Path) -> None:
    assert fetching.list_tables(str(shop)) == ["faq", 'odd "name; --', "pictures", "titles"]


def test_cells_that_hold_no_text_are_left_empty_and_said(shop: Path, folder: Path) -> None:
    fetched = fetch(shop, folder, table="pictures")
    assert rows(folder, fetched)[1:] == [["logo", "", "2.5"], ["note", "hó", ""]]
    assert fetched[0].findings == (Finding(code="columns_not_text", level="note", names=("content",)),)


def test_no_more_rows_than_asked_and_the_rest_is_said(shop: Path, folder: Path) -> None:
    fetched = fetch(shop, folder, table="faq", rows=1)
    assert len(rows(folder, fetched)) == 2
    assert fetched[0].findings == (
        Finding(code="rows_left", level="warn", names=("shop_faq.csv",), parameters={"rows": 1}),
    )
    assert fetch(shop, folder, table="faq", rows=2)[0].findings == ()


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM faq",
        "SELECT 1; DELETE FROM faq",
        "SELECT 1; SELECT 2",
        "ATTACH 'other.db' AS other",
        "PRAGMA query_only = OFF",
        "WITH q AS (SELECT 1) DELETE FROM faq",
        "WITH q AS (SELECT 1) INSERT INTO faq SELECT 9, 'a', 'b'",
        "/* SELECT */ UPDATE faq SET answer = ''",
        "EXPLAIN SELECT 1",
        "VACUUM INTO 'copy.db'",
        "SELECT load_extension('x')",
        "SELECT 1 /*",
        "\x00",
        "--",
    ],
)
def test_whatever_would_write_or_reach_elsewhere_is_refused(query: str, shop: Path, folder: Path) -> None:
    before = shop.read_bytes()
    with pytest.raises(StudioError) as refused:
        fetch(shop, folder, query=query)
    assert refused.value.code in {"database_one_select", "database_write", "database_query_wrong"}
    assert (shop.read_bytes(), list(folder.iterdir())) == (before, [])


def test_the_second_lock_holds_without_the_first(shop: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "one_select", lambda query, kind: query)
    for query in ("DELETE FROM faq", "ATTACH 'other.db' AS o", "PRAGMA query_only = OFF", "CREATE TEMP TABLE t (a)"):
        with pytest.raises(Refused, match="database_write"):
            fetch(shop, folder, query=query)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"table": "orders"}, "database_table_missing"),
        ({"query": "SELECT * FROM orders"}, "database_names_missing"),
        ({"query": "SELECT nothing FROM faq"}, "database_query_wrong"),
        ({"query": "SELECT FROM WHERE"}, "database_query_wrong"),
        ({"query": "SELECT * FROM faq WHERE id > 99"}, "database_no_rows"),
        ({"table": 'odd "name; --'}, "database_no_rows"),
        ({}, "database_table_missing"),
    ],
)
def test_what_is_not_there_has_its_own_sentence(asked: dict[str, str], code: str, shop: Path, folder: Path) -> None:
    with pytest.raises(StudioError) as failed:
        fetch(shop, folder, **asked)
    assert (failed.value.code, list(folder.iterdir())) == (code, [])


def test_a_missing_table_names_those_that_are_there(shop: Path, folder: Path) -> None:
    with pytest.raises(StudioError) as failed:
        fetch(shop, folder, table="FAQs")
    assert failed.value.parameters == {
        "name": "FAQs",
        "database": "shop",
        "tables": 'faq, odd "name; --, pictures, titles',
    }


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("missing.db", "database_file_missing"),
        ("sqlite:///missing.db", "database_file_missing"),
        ("text.db", "database_not_one"),
        ("empty.db", "database_not_one"),
        ("broken.db", "database_not_one"),
        ("", "database_file_missing"),
        ("oracle://me:secret@server/base", "database_kind_unknown"),
        ("mongodb+srv://me:secret@server/base", "database_kind_unknown"),
        ("postgresql://me:secret@server:notaport/base", "database_address_wrong"),
        ("postgresql://me:secret@127.0.0.1:9/base", "database_unreachable"),
        ("mysql://me:secret@127.0.0.1:9/base", "database_unreachable"),
        ("postgresql://me:secret@no-such-server.invalid/base", "database_unreachable"),
    ],
)
def test_an_address_that_leads_nowhere_has_its_own_sentence(
    address: str,
    code: str,
    tmp_path: Path,
    shop: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.db").write_text("not a database")
    Path("empty.db").touch()
    Path("broken.db").write_bytes(shop.read_bytes()[:100] + b"\xff" * 5_000)
    caplog.set_level(logging.DEBUG)
    for verb in (lambda: fetch(address, folder, table="faq"), lambda: fetching.list_tables(address)):
        with pytest.raises(StudioError) as failed:
            verb()
        told = "".join(traceback.format_exception(failed.value)) + caplog.text + str(failed.value.parameters)
        assert (failed.value.code, "secret" in told) == (code, False)


def test_a_query_that_takes_too_long_is_ended(shop: Path, folder: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    started = time.monotonic()
    with pytest.raises(StudioError, match="database_slow"):
        fetch(shop, folder, query=endless, seconds=0.3)
    assert time.monotonic() - started < 2
    with pytest.raises(Stopped):
        fetch(shop, folder, query=endless, should_stop=lambda: time.monotonic() - started > 0.5)
    assert list(folder.iterdir()) == []


def test_stopped_it_leaves_no_half_table(shop: Path, folder: Path) -> None:
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) SELECT i FROM n"
    said: list[Event] = []
    with pytest.raises(Stopped):
        fetch(shop, folder, query=many, emit=said.append, should_stop=lambda: len(said) > 5)
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_rows_are_read_in_pages_and_not_all_at_once(shop: Path, folder: Path) -> None:
    import tracemalloc

    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 12000) SELECT i, hex(zeroblob(1000)) FROM n"
    fetch(shop, folder, query=many, rows=1)
    tracemalloc.start()
    fetched = fetch(shop, folder, query=many)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (folder / fetched[0].file).stat().st_size > 20_000_000
    assert peak < 6_000_000


def test_a_database_that_is_being_written_to_is_read_as_it_stands(shop: Path, folder: Path) -> None:
    writing = sqlite3.connect(shop, isolation_level=None)
    writing.execute("PRAGMA journal_mode = WAL")
    writing.execute("INSERT INTO faq VALUES (3, 'New?', 'Yes')")
    writing.execute("BEGIN IMMEDIATE")
    assert len(rows(folder, fetch(shop, folder, table="faq"))) == 4
    writing.execute("ROLLBACK")
    writing.close()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("/home/me/shop.db", "shop.db"),
        ("sqlite:////home/me/shop.db", "shop.db"),
        ("postgresql://me:secret@server:5433/shop?password=secret", "postgresql://me@server:5433/shop"),
        ("postgres://me:secret@server/shop", "postgresql://me@server/shop"),
        ("mysql+mysqldb://me:secret@server/shop", "mysql://me@server/shop"),
        ("postgresql://me:secret@server:notaport/shop", "postgresql://server:notaport/shop"),
        ("oracle://me:sec@ret@server/shop", "oracle://server/shop"),
    ],
)
def test_an_address_is_shown_without_its_password(address: str, shown: str) -> None:
    assert fetching.shown(address) == shown


@pytest.mark.parametrize(
    ("query", "kind", "fine"),
    [
        ("SELECT 1", "mysql", True),
        ("(SELECT 1) UNION (SELECT 2)", "mysql", True),
        ("SELECT 'it\\'s; fine'", "mysql", True),
        ("SELECT 1 # one; only\n + 1", "mysql", True),
        ("SELECT 1 INTO OUTFILE '/x'", "mysql", False),
        ("SELECT 1 INTO/**/dumpfile '/x'", "mysql", False),
        ("SELECT 1 /*!50000 INTO @x */", "mysql", False),
        ("SELECT 1 --x\n; DROP TABLE t", "mysql", False),
        ("SET GLOBAL x = 1", "mysql", False),
        ("SELECT $$;$$, $a$;$a$, 'x;', \"a;b\"", "postgresql", True),
        ("SELECT data #> '{a}' FROM t", "postgresql", True),
        ("SELECT E'\\';' ", "postgresql", True),
        ("SELECT 'C:\\' AS path", "postgresql", True),
        ("SELECT E'\\'; DROP TABLE t; --'", "postgresql", True),
        ("SELECT '\\'; DROP TABLE t; --'", "postgresql", False),
        ("SELECT 1; COMMIT; DROP TABLE t", "postgresql", False),
        ("SELECT /* /* */ ; DROP TABLE t; -- */ */ 1", "postgresql", False),
        ("COPY t TO PROGRAM 'sh'", "postgresql", False),
        ("DO $$ BEGIN END $$", "postgresql", False),
        ("SELECT $a$ x $b$; DROP TABLE t; $b$ $a$", "postgresql", True),
        ("SELECT [a;b] FROM t", "sqlite", True),
    ],
)
def test_one_select_is_told_from_anything_else(query: str, kind: statements.Kind, fine: bool) -> None:
    if fine:
        assert statements.one_select(query + " ;\n", kind) == query.strip()
    else:
        with pytest.raises(Refused, match="database_one_select"):
            statements.one_select(query, kind)


def test_options_in_an_address_reach_no_driver() -> None:
    url = connections._url("mysql://me@server/shop?read_default_file=/etc/passwd&local_infile=1&sslmode=require")
    assert url is not None
    made, _, given = connections._server(url, "mysql", 60)
    assert (made.render_as_string(), given["local_infile"], sorted(given)) == (
        "mysql+pymysql://me@server/shop",
        False,
        ["charset", "connect_timeout", "local_infile", "password", "read_timeout", "ssl", "ssl_disabled"],
    )


# ---- servers -------------------------------------------------------------------------------------------------------------

TABLES = {
    "postgresql": [
        "CREATE DATABASE shop",
        f"CREATE ROLE reader LOGIN PASSWORD '{servers.PASSWORD}'",
    ],
    "mysql": [
        "CREATE DATABASE shop",
        f"CREATE USER reader@'%' IDENTIFIED BY '{servers.PASSWORD}'",
        f"CREATE USER filer@'%' IDENTIFIED BY '{servers.PASSWORD}'",
        "GRANT FILE ON *.* TO filer@'%'",
        "GRANT ALL ON shop.* TO filer@'%'",
    ],
}
FILLED = {
    "postgresql": [
        "CREATE TABLE faq (id int primary key, question text, answer text, price numeric(8,2), at timestamptz,"
        " tags text[], data jsonb)",
        "CREATE TABLE hidden (a int)",
        "CREATE TABLE big AS SELECT i, repeat('x', 100) AS text FROM generate_series(1, 60000) i",
        "CREATE SCHEMA other",
        'CREATE TABLE other."Odd name" (a int)',
        'INSERT INTO other."Odd name" VALUES (7)',
        "GRANT USAGE ON SCHEMA other TO reader",
        'GRANT SELECT ON faq, big, other."Odd name" TO reader',
        "GRANT INSERT, DELETE ON faq TO reader",
    ],
    "mysql": [
        "CREATE TABLE faq (id int primary key, question text, answer text, price decimal(8,2), at datetime,"
        " picture blob) CHARSET utf8mb4",
        "CREATE TABLE hidden (a int)",
        "CREATE TABLE big AS SELECT seq AS i, repeat('x', 100) AS text FROM seq_1_to_60000",
        "GRANT SELECT, INSERT, DELETE ON shop.faq TO reader@'%'",
        "GRANT SELECT ON shop.big TO reader@'%'",
    ],
}


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Iterator[servers.Server]:
    from sqlalchemy import create_engine

    with getattr(servers, request.param)() as running:
        start = {"postgresql": "postgres", "mysql": "mysql"}[running.kind]
        for database, script in ((start, TABLES[running.kind]), ("shop", FILLED[running.kind])):
            url = running.address("owner", servers.OWNERS, database).replace("://", f"+{DRIVER[running.kind]}://")
            engine = create_engine(url, isolation_level="AUTOCOMMIT")
            with engine.connect() as owner:
                for statement in script:
                    owner.exec_driver_sql(statement, execution_options={"no_parameters": True})
                if database == "shop":
                    marks = "%s, %s, %s, 9.90, '2026-01-02 03:04:05'"
                    for row in FAQ:
                        more = ", ARRAY['a','b'], '{\"k\": [1]}'" if running.kind == "postgresql" else ", x'ff00'"
                        owner.exec_driver_sql(f"INSERT INTO faq VALUES ({marks}{more})", row)
            engine.dispose()
        yield running


DRIVER = {"postgresql": "pg8000", "mysql": "pymysql"}


@pytest.mark.slow
def test_a_server_gives_its_rows_with_every_letter(server: servers.Server, folder: Path) -> None:
    fetched = fetch(server.address(), folder, table="faq")
    shown = f"{server.kind}://reader@127.0.0.1:{server.port}/shop · faq"
    if server.kind == "postgresql":  # arrays and objects: JSON lines
        assert (fetched[0].file, fetched[0].origin) == ("shop_faq.jsonl", shown)
        lines = [json.loads(line) for line in (folder / fetched[0].file).read_text("utf-8").splitlines()]
        assert [(each["id"], each["question"], each["answer"]) for each in lines] == FAQ
        assert (lines[0]["price"], lines[0]["tags"], lines[0]["data"]) == ("9.90", ["a", "b"], {"k": [1]})
        assert lines[0]["at"].startswith("2026-01-0")
    else:
        assert (fetched[0].file, fetched[0].origin) == ("shop_faq.csv", shown)
        assert rows(folder, fetched) == [
            ["id", "question", "answer", "price", "at", "picture"],
            *([str(n), q, a, "9.90", "2026-01-02 03:04:05", ""] for n, q, a in FAQ),
        ]
        assert [each.code for each in fetched[0].findings] == ["columns_not_text"]


@pytest.mark.slow
def test_a_server_is_read_in_pages_up_to_the_limit(server: servers.Server, folder: Path) -> None:
    fetched = fetch(server.address(), folder, table="big")
    assert (len(rows(folder, fetched)), fetched[0].findings) == (60_001, ())
    fetched = fetch(server.address(), folder, query="SELECT i FROM big WHERE text LIKE '%x%' ORDER BY i", rows=1234)
    assert rows(folder, fetched)[-1] == ["1234"]
    assert [each.code for each in fetched[0].findings] == ["rows_left"]
    said: list[Event] = []
    with pytest.raises(Stopped):
        fetch(server.address(), folder, table="big", emit=said.append, should_stop=lambda: len(said) > 9)


@pytest.mark.slow
def test_a_server_s_tables_are_those_the_user_can_see(server: servers.Server, folder: Path) -> None:
    tables = fetching.list_tables(server.address())
    assert {"faq", "big"} <= set(tables)
    if server.kind == "postgresql":
        assert "other.Odd name" in tables
        assert rows(folder, fetch(server.address(), folder, table="other.Odd name")) == [["a"], ["7"]]


@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM faq",
        "SELECT 1; DELETE FROM faq",
        "WITH gone AS (DELETE FROM faq RETURNING *) SELECT * FROM gone",
        "SELECT * FROM faq INTO OUTFILE '{folder}/taken'",
        "INSERT INTO faq (id) VALUES (99)",
    ],
)
@pytest.mark.parametrize("locks", ["both", "second"])
def test_a_server_is_never_written_to(
    query: str, locks: str, server: servers.Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if locks == "second":
        if ";" in query or "OUTFILE" in query:
            pytest.skip("the first lock is there for this one")
        monkeypatch.setattr(statements, "one_select", lambda query, kind: query)
    query = query.replace("{folder}", str(server.folder))
    may_write_files = server.kind == "mysql" and "OUTFILE" in query
    with pytest.raises(StudioError) as refused:
        fetch(server.address("filer" if may_write_files else "reader"), folder, query=query)
    assert refused.value.code in {"database_one_select", "database_write", "database_query_wrong"}
    assert not (server.folder / "taken").exists()
    monkeypatch.undo()
    assert len(fetch(server.address(), folder, query="SELECT id FROM faq")) == 1
    assert len(rows(folder, fetch(server.address(), folder, query="SELECT id FROM faq"))) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "asked", "code"),
    [
        ({"password": "wr%3Ang-pass"}, {"table": "faq"}, "database_password_wrong"),
        ({"user": "nobody-here"}, {"table": "faq"}, "database_password_wrong"),
        ({"database": "nowhere"}, {"table": "faq"}, "database_missing"),
        ({}, {"table": "orders"}, "database_table_missing"),
        ({}, {"query": "SELECT * FROM nothing_here"}, "database_names_missing"),
        ({}, {"query": "SELECT nothing FROM faq"}, "database_query_wrong"),
        ({}, {"query": "SELECT * FROM hidden"}, "database_no_rights"),
    ],
)
def test_what_goes_wrong_at_a_server_has_its_own_sentence_without_the_password(
    change: dict[str, str],
    asked: dict[str, str],
    code: str,
    server: servers.Server,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(StudioError) as failed:
        fetch(server.address(**change), folder, **asked)
    if server.kind == "mysql" and code == "database_names_missing":
        code = "database_no_rights"  # who may not see it is not told whether it is there
    assert failed.value.code == code
    told = "".join(traceback.format_exception(failed.value)) + caplog.text + str(failed.value.parameters)
    for secret in (servers.PASSWORD, servers.QUOTED, "wr:ng-pass", "wr%3Ang-pass"):
        assert secret not in told


@pytest.mark.slow
def test_a_server_that_takes_too_long_is_left(
    server: servers.Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "LONGEST_SILENCE", 1)
    sleep = {"postgresql": "SELECT pg_sleep(30)", "mysql": "SELECT sleep(30) FROM big"}[server.kind]
    started = time.monotonic()
    with pytest.raises(StudioError, match="database_slow"):
        fetch(server.address(), folder, query=sleep)
    assert time.monotonic() - started < 10


@pytest.mark.slow
def test_a_socket_of_this_machine_serves_too(server: servers.Server, folder: Path) -> None:
    given = {"postgresql": f"?host={server.folder}", "mysql": f"?unix_socket={server.folder / 's'}"}[server.kind]
    fetched = fetch(server.address() + given, folder, query="SELECT count(*) AS n FROM faq")
    assert rows(folder, fetched) == [["n"], ["2"]]


@pytest.mark.slow
def test_an_encrypted_connection_is_demanded_where_the_address_says_so(server: servers.Server, folder: Path) -> None:
    """Neither of these servers has a certificate: one that is asked to encrypt is not talked to in plain letters."""
    with pytest.raises(StudioError) as failed:
        fetch(server.address() + "?sslmode=require", folder, query="SELECT 1 AS n")
    assert failed.value.code == "database_needs_encryption"
