"""The commands of step 2, as they are typed: what they print, as words and as JSON, and how they end."""

import re
from pathlib import Path

import pytest

from studio import cli, orders
from studio.base import project as projects
from studio.base.project import Project
from studio.base.recipes import DatabaseRequest, DatasetRequest, WebRequest
from studio.base.records import Document, Proposal
from studio.base.settings import Settings
from studio.cli import material
from studio.cli.session import Session
from tests.cli.commands import run, told

pytestmark = pytest.mark.usefixtures("read_here")

TABLE = "question,answer,who\nHow long?,Seven days.,Marta\nHow much?,Ten euros.,Luis\nHow long?,Seven days.,Marta\n"


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("AMEDIDA_PROJECTS", str(tmp_path / "projects"))
    return projects.create(tmp_path / "projects", "Shop")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "faq.csv"
    file.write_text(TABLE, encoding="utf-8")
    return file


def test_a_folder_is_added_and_one_bad_file_stops_nobody(
    made: Project, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "empty.pdf").touch()
    said = run(capsys, "add", "shop", str(table), str(tmp_path / "bad"), str(tmp_path / "missing.txt"))
    assert [(each["name"], each["examples"]) for each in said["added"]] == [("faq.csv", 3)]
    assert [each["error"] for each in said["refused"]] == ["file_empty", "file_missing"]
    said, status = run(capsys, "add", "shop", str(tmp_path / "missing.txt"))
    assert (said["added"], status) == ([], 1)


def test_the_roles_of_columns_are_given_from_left_to_right(
    made: Project, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "add", "shop", str(table), "--columns", "question,answer,topic")
    assert {example.topic for example in made.store.examples()} == {"Marta", "Luis"}
    (source,) = run(capsys, "sources", "shop")["sources"]
    assert [column["role"] for column in source["layout"]["columns"]] == ["question", "answer", "topic"]
    assert "who: Topic" in told(capsys, "sources", "shop")
    said, status = run(capsys, "add", "shop", str(table), "--columns", "question,anwser")
    assert (said["refused"][0]["error"], status) == ("column_role_unknown", 1)


def test_check_repair_and_undo_tell_what_the_page_tells(
    made: Project, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from studio import health

    run(capsys, "add", "shop", str(table))
    found = run(capsys, "check", "shop")["findings"]
    assert found == [each.model_dump(mode="json") for each in health.report(made)]
    assert "studio repair PROJECT drop_duplicates" in told(capsys, "check", "shop")
    repaired = run(capsys, "repair", "shop", "drop_duplicates")
    assert (repaired["before"]["examples"], repaired["after"]["examples"]) == (3, 2)
    assert run(capsys, "undo", "shop")["undone"]
    assert len(made.store.examples()) == 3
    said, status = run(capsys, "undo", "shop")
    assert (said["error"], status) == ("repair_missing", 1)
    assert "Examples: 3 -> 2" in told(capsys, "repair", "shop", "drop_duplicates")


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["https://example.com/help"], {"web": WebRequest(address="https://example.com/help", pages=1, depth=0)}),
        (["https://example.com", "--pages", "9"], {"web": WebRequest(address="https://example.com", pages=9, depth=3)}),
        (
            ["hf:shop/faq", "--split", "test", "--password"],
            {"dataset": DatasetRequest(name="shop/faq", split="test"), "secret": "p@ss"},
        ),
        (
            ["postgresql://reader@db.example.com/shop", "--table", "orders", "--password"],
            {
                "database": DatabaseRequest(shown="postgresql://reader@db.example.com/shop", table="orders"),
                "secret": "postgresql://reader:p%40ss@db.example.com/shop",
            },
        ),
    ],
    ids=["page", "site", "data set", "database"],
)
def test_what_lies_elsewhere_is_fetched_and_no_password_stands_in_a_request(
    made: Project, monkeypatch: pytest.MonkeyPatch, arguments: list[str], wanted: dict[str, object]
) -> None:
    asked: list[dict[str, object]] = []
    monkeypatch.setenv("AMEDIDA_PASSWORD", "p@ss")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(orders, "fetch", lambda project, held, **given: asked.append(given))
    monkeypatch.setattr(material, "finish", lambda session, order: order(None))
    cli.main(["add", "shop", *arguments])
    assert [{**({"secret": ""} if "dataset" in wanted else {}), **given} for given in asked] == [wanted]


def test_a_database_needs_a_table_or_a_query(made: Project, capsys: pytest.CaptureFixture[str]) -> None:
    said, status = run(capsys, "add", "shop", "shop.db")
    assert (said["refused"][0]["error"], status) == ("database_nothing_asked", 1)


def test_a_password_is_asked_for_and_never_an_argument(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AMEDIDA_PASSWORD", raising=False)
    monkeypatch.setattr("getpass.getpass", lambda prompt: "typed")
    session = Session(Settings(projects=tmp_path), lambda key, **_: key, as_json=False)
    assert material._secret(session, True) == "typed"
    assert material._secret(session, False) == ""
    with pytest.raises(SystemExit):
        cli.main(["add", "shop", "a.pdf", "--password=secret"])


def test_drafts_are_listed_approved_in_other_words_and_rejected(
    made: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    document = Document(id="d", name="p.md", kind="md", text="Seven days.", source="sources/p.md", sha256="0")
    made.store.put_source(document.source, "0", [document], [], [])
    given = {"document_id": "d", "document": "p.md", "source": "sources/p.md", "start": 0, "end": 11}
    made.store.put(
        *[Proposal(id=id, question="How long?", answer="Seven days.", passage="Seven days.", **given) for id in "abc"]
    )
    assert [each["id"] for each in run(capsys, "review", "shop")["waiting"]] == ["a", "b", "c"]
    said = run(capsys, "review", "shop", "--approve", "a", "--answer", "Within a week.", "--reject", "b")
    assert [each["state"] for each in said["reviewed"]] == ["approved", "rejected"]
    assert [example.answer for example in made.store.examples()] == ["Within a week."]
    assert "1 to look at" in told(capsys, "review", "shop")


def test_every_verb_can_say_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    verbs = re.findall(r"^    (\w+)  ", _help(capsys, "--help"), re.MULTILINE)
    assert len(verbs) > 30
    for verb in verbs:
        assert f"studio {verb}" in _help(capsys, verb, "--help")


def _help(capsys: pytest.CaptureFixture[str], *asked: str) -> str:
    with pytest.raises(SystemExit) as ended:
        cli.main(asked)
    assert ended.value.code == 0
    return capsys.readouterr().out
