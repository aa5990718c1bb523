"""Rows of a data set become JSON lines: streamed from a hub on loopback by the unmodified client."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio import intake
from studio.base.errors import BadName
from studio.base.recipes import DatasetRequest
from studio.intake import fetching
from tests.hub.server import READ, Fault, Hub, serve

ROOT = Path(__file__).parents[3]
Ask = Callable[..., dict[str, Any]]


def lines(*rows: dict[str, Any]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def parquet() -> bytes:
    """A table with a label, a picture and a nested list, described the way `datasets` describes it."""
    import io

    import pyarrow
    import pyarrow.parquet

    picture = pyarrow.struct({"bytes": pyarrow.binary(), "path": pyarrow.string()})
    features = {
        "text": {"dtype": "string", "_type": "Value"},
        "label": {"names": ["bad", "good"], "_type": "ClassLabel"},
        "picture": {"_type": "Image"},
        "turns": [{"role": {"dtype": "string", "_type": "Value"}, "content": {"dtype": "string", "_type": "Value"}}],
    }
    table = pyarrow.table(
        {
            "text": ["uno", "dos"],
            "label": pyarrow.array([1, 0], pyarrow.int64()),
            "picture": pyarrow.array([{"bytes": b"\x89PNG", "path": "/etc/hostname"}] * 2, picture),
            "turns": [[{"role": "user", "content": "¿Sí?"}], []],
        }
    ).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer)
    return buffer.getvalue()


def card(text: str) -> bytes:
    return f"---\n{text}\n---\n".encode()


REPOSITORIES: dict[str, dict[str, bytes]] = {
    "acme/faq": {
        "train.jsonl": lines(*({"question": f"¿Pregunta {n}?", "answer": "Sí, claro"} for n in range(2_000))),
        "test.jsonl": lines({"question": "x", "answer": "y"}),
    },
    "acme/chats": {
        "train.jsonl": lines(
            {"messages": [{"role": "user", "content": "Open?"}, {"role": "assistant", "content": "Nine to five."}]}
        )
    },
    "acme/pictures": {"data/train-00000-of-00001.parquet": parquet()},
    "acme/parts": {
        "README.md": card(
            "configs:\n- config_name: shop\n  data_files: shop.csv\n- config_name: bank\n  data_files: bank.csv"
        ),
        "shop.csv": b"question,answer\nOpen?,Yes\n",
        "bank.csv": b"question,answer\nOpen?,No\n",
    },
    "acme/secret": {"train.jsonl": lines({"question": "a", "answer": "b"})},
    "acme/program": {"program.py": b"raise SystemExit('ran')"},
    "acme/inside": {"README.md": card("configs:\n- config_name: default\n  data_files: /etc/passwd")},
    "acme/away": {"README.md": card("configs:\n- config_name: default\n  data_files: http://127.0.0.1:9/x.csv")},
    "acme/broken": {"train.parquet": b"PAR1 not a table PAR1"},
    "acme/nothing": {"notes.bin": b"\x00"},
    "acme/blank": {"train.csv": b"question,answer\n"},
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with serve(tmp_path_factory.mktemp("hub"), xet=False) as running:
        for id, files in REPOSITORIES.items():
            repo = running.make(id, "acme", id == "acme/secret")
            tree = {path: running.put_small(content) for path, content in files.items()}
            repo["head"] = running.commit(repo, repo["head"], tree, "rows")
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fetched")


@pytest.fixture(scope="module")
def ask(hub: Hub, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    home = tmp_path_factory.mktemp("home")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.intake.fetching.asking", str(folder)],
        cwd=ROOT,
        env=kept | {"HF_ENDPOINT": hub.address, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        asking, answers = child.stdin, child.stdout

        def say(**request: Any) -> dict[str, Any]:
            asking.write(json.dumps(request) + "\n")
            asking.flush()
            return dict(json.loads(answers.readline()))

        yield say
        asking.close()
        child.wait(30)


def rows(folder: Path, answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / answer["fetched"][0]["file"]).read_text("utf-8").splitlines()]


@pytest.mark.slow
def test_rows_are_streamed_up_to_the_limit(ask: Ask, folder: Path) -> None:
    answer = ask(name="acme/faq", rows=1_200)
    assert answer["fetched"][0]["name"] == "acme_faq_train.jsonl"
    assert answer["fetched"][0]["origin"] == "hf://datasets/acme/faq · train"
    assert [each["code"] for each in answer["fetched"][0]["findings"]] == ["rows_left"]
    found = rows(folder, answer)
    assert (len(found), found[0]) == (1_200, {"question": "¿Pregunta 0?", "answer": "Sí, claro"})
    assert ask(name="https://huggingface.co/datasets/acme/faq/", split="test")["fetched"][0]["findings"] == []


@pytest.mark.slow
def test_the_shapes_of_conversations_are_read_by_the_ordinary_importer(ask: Ask, folder: Path) -> None:
    fetched = ask(name="acme/chats")["fetched"][0]
    reading = intake.read(folder / fetched["file"], fetched["name"])
    assert [(each.question, each.answer) for each in reading.examples] == [("Open?", "Nine to five.")]


@pytest.mark.slow
def test_labels_become_words_and_pictures_stay_behind(ask: Ask, folder: Path) -> None:
    assert rows(folder, ask(name="acme/pictures")) == [
        {"text": "uno", "label": "good", "turns": [{"role": "user", "content": "¿Sí?"}]},
        {"text": "dos", "label": "bad", "turns": []},
    ]


@pytest.mark.slow
def test_a_part_of_a_data_set_is_chosen_by_its_name(ask: Ask, folder: Path) -> None:
    assert rows(folder, ask(name="acme/parts", config="bank")) == [{"question": "Open?", "answer": "No"}]
    asked = {"name": "acme/parts", "config": "-", "configs": "shop, bank"}
    assert ask(name="acme/parts") == {"code": "dataset_config", "parameters": asked}
    assert ask(name="acme/parts", config="x") == {"code": "dataset_config", "parameters": asked | {"config": "x"}}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"name": "acme/unknown"}, "dataset_missing"),
        ({"name": "acme/secret"}, "dataset_missing"),
        ({"name": "acme/faq", "split": "dev"}, "dataset_split"),
        ({"name": "acme/faq", "revision": "v9"}, "dataset_revision"),
        ({"name": "acme/program"}, "dataset_code"),
        ({"name": "acme/inside"}, "dataset_elsewhere"),
        ({"name": "acme/away"}, "dataset_elsewhere"),
        ({"name": "acme/broken"}, "dataset_damaged"),
        ({"name": "acme/nothing"}, "dataset_no_files"),
        ({"name": "acme/blank"}, "dataset_no_rows"),
        ({"name": "csv"}, "dataset_name"),
        ({"name": "acme/faq", "stop_after": 2}, "stopped"),
    ],
    ids=str,
)
def test_what_cannot_be_had_has_its_own_sentence_and_leaves_no_file(
    request_: dict[str, Any], code: str, ask: Ask, folder: Path
) -> None:
    for path in folder.iterdir():
        path.unlink()
    assert ask(**request_).get("code") == code
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_a_private_data_set_opens_with_its_token(ask: Ask, hub: Hub, folder: Path) -> None:
    assert rows(folder, ask(name="acme/secret", token=READ)) == [{"question": "a", "answer": "b"}]
    assert READ not in json.dumps(ask(name="acme/secret-2", token=READ))


@pytest.mark.slow
def test_a_gated_data_set_says_where_to_accept_its_terms(ask: Ask, hub: Hub) -> None:
    hub.faults.append(Fault("datasets/acme/faq", times=99, status=403, headers={"X-Error-Code": "GatedRepo"}))
    assert ask(name="acme/faq", revision="main")["code"] == "dataset_gated"
    hub.faults.clear()


@pytest.mark.slow
@pytest.mark.parametrize("fault", [Fault(".", times=99, status=500), Fault(".", times=99, cut_after=0)], ids=str)
def test_a_hub_that_does_not_answer_is_named(fault: Fault, ask: Ask, hub: Hub) -> None:
    hub.faults.append(fault)
    assert ask(name="acme/faq") == {
        "code": "dataset_unreachable",
        "parameters": {"name": "acme/faq", "endpoint": hub.address},
    }
    hub.faults.clear()


@pytest.mark.parametrize(
    "name", ["", "../../etc", "/etc/passwd", "a/b/c", "./here", "a b", "http://inside/datasets/../x"]
)
def test_what_is_no_name_of_a_data_set_is_refused_before_anything_is_asked(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadName, match="dataset_name"):
        fetching.dataset(DatasetRequest(name=name), tmp_path, lambda event: None, lambda: False)
