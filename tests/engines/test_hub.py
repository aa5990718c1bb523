"""Downloads against a small hub on loopback that answers as the real one does."""

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from studio import engines
from studio.base.errors import NotPossibleHere
from studio.base.records import Fault, Message
from studio.base.settings import Settings
from studio.engines import hub as hub_module

REPO = "Qwen/Qwen3-0.6B"
GGUF = "Qwen/Qwen3-0.6B-GGUF"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(BaseHTTPRequestHandler):
    repos: ClassVar[dict[str, dict[str, bytes]]] = {}
    gated: ClassVar[set[str]] = set()
    asked: ClassVar[list[str]] = []

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.asked.append(f"{self.command} {path}")
        if path.startswith("/api/models/"):
            repo = "/".join(path.removeprefix("/api/models/").split("/")[:2])
            files = self.repos.get(repo)
            if files is None:
                return self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            if repo in self.gated:
                return self._send(403, b"{}", {"X-Error-Code": "GatedRepo"})
            siblings = [{"rfilename": name, "size": len(data)} for name, data in files.items()]
            return self._send(
                200, json.dumps({"id": repo, "modelId": repo, "sha": COMMIT, "siblings": siblings}).encode()
            )
        owner, name, _, _, file = path.lstrip("/").split("/", 4)
        data = self.repos[f"{owner}/{name}"][file]
        etag = hashlib.sha256(data).hexdigest()
        self._send(200, data, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"})
        return None

    def _send(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {
            "Content-Length": str(len(data)),
            "Content-Type": "application/json",
            **(headers or {}),
        }.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *args: Any) -> None: ...


@pytest.fixture
def hub() -> Iterator[str]:
    Hub.repos = {
        REPO: {
            "config.json": b'{"model_type": "qwen3"}',
            "tokenizer.json": b"{}",
            "tokenizer_config.json": b'{"chat_template": "x"}',
            "model.safetensors": b"weights" * 1000,
            "pytorch_model.bin": b"pickle",
            "modeling_evil.py": b"import os",
        },
        GGUF: {"Qwen3-0.6B-Q8_0.gguf": b"GGUF" * 500, "Qwen3-0.6B-f16.gguf": b"GGUF" * 5000},
    }
    Hub.gated, Hub.asked = set(), []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def fetch(projects: Path, endpoint: str, call: str = "weights", more: str = "") -> dict[str, Any]:
    """What `call` does in a process of its own: the library reads its endpoint once, when it is imported."""
    code = (
        "import json, studio.engines as e, pathlib; from studio.base.settings import Settings, silence_libraries as s; "
        "from studio.base.errors import StudioError\ns()\n"
        f"try: said = {{'path': str(e.{call}('qwen3-0.6b', Settings(projects=pathlib.Path({str(projects)!r})){more}))}}\n"
        "except StudioError as x: said = {'kind': type(x).__name__, 'code': x.code, 'name': x.parameters.get('name')}\n"
        "print(json.dumps(said))"
    )
    environment = {
        "HF_ENDPOINT": endpoint,
        "HOME": str(projects),
        "PATH": "",
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(Path.cwd()),
    }
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def refused(kind: str, code: str) -> dict[str, Any]:
    """With the name people know the model by."""
    return {"kind": kind, "code": code, "name": "Qwen3 0.6B"}


@pytest.mark.slow
def test_data_is_fetched_and_neither_code_nor_pickles(hub: str, tmp_path: Path) -> None:
    folder = Path(fetch(tmp_path, hub)["path"])
    assert (folder / "model.safetensors").read_bytes() == b"weights" * 1000
    assert {p.suffix for p in folder.iterdir() if p.is_file()} <= {".json", ".safetensors", ".jinja"}
    identity = json.loads((folder / "identity.json").read_text())
    assert identity["parts"] == ["weights"]
    assert identity["sha256"] == hashlib.sha256(b"weights" * 1000).hexdigest()

    asked = len(Hub.asked)
    assert fetch(tmp_path, hub)["path"] == str(folder)
    assert len(Hub.asked) == asked  # what is here is not asked for again

    llama = Path(fetch(tmp_path, hub, "gguf")["path"])
    assert llama.read_bytes() == b"GGUF" * 500
    assert llama.parent == folder
    assert json.loads((folder / "identity.json").read_text())["parts"] == ["gguf", "weights"]


@pytest.mark.slow
def test_a_model_that_brings_its_own_code_is_refused_before_its_weights_come(hub: str, tmp_path: Path) -> None:
    Hub.repos[REPO]["config.json"] = b'{"model_type": "evil", "auto_map": {"AutoModel": "modeling_evil.Evil"}}'
    assert fetch(tmp_path, hub) == refused("Refused", "remote_code")
    assert not any("safetensors" in line for line in Hub.asked)


@pytest.mark.slow
def test_a_tokenizer_that_brings_its_own_code_is_refused_as_well(hub: str, tmp_path: Path) -> None:
    Hub.repos[REPO]["tokenizer_config.json"] = b'{"auto_map": {"AutoTokenizer": ["tok.Evil", null]}}'
    for call in ("weights", "gguf"):
        assert fetch(tmp_path, hub, call) == refused("Refused", "remote_code")
    assert not any("safetensors" in line or ("resolve" in line and "gguf" in line) for line in Hub.asked)


@pytest.mark.slow
def test_a_model_of_pickles_only_is_refused(hub: str, tmp_path: Path) -> None:
    del Hub.repos[REPO]["model.safetensors"]
    assert fetch(tmp_path, hub) == refused("Refused", "remote_code")


@pytest.mark.slow
def test_what_the_hub_says_becomes_a_sentence(hub: str, tmp_path: Path) -> None:
    Hub.gated = {REPO}
    assert fetch(tmp_path, hub) == refused("NotFound", "model_gated")
    del Hub.repos[REPO]
    assert fetch(tmp_path, hub) == refused("NotFound", "model_not_on_hub")
    assert fetch(tmp_path, "http://127.0.0.1:9") == refused("Unavailable", "hub_unreachable")


@pytest.mark.slow
def test_a_compact_file_that_is_gone_is_said_to_be_gone(hub: str, tmp_path: Path) -> None:
    del Hub.repos[GGUF]["Qwen3-0.6B-Q8_0.gguf"]
    assert fetch(tmp_path, hub, "gguf") == refused("NotFound", "model_not_on_hub")
    del Hub.repos[GGUF]
    assert fetch(tmp_path, hub, "gguf") == refused("NotFound", "model_not_on_hub")


def test_only_what_is_wanted_counts_as_arrived(tmp_path: Path) -> None:
    """The other form of the same model once made a download look nearly done and hid that the disk was full."""
    (tmp_path / ".cache").mkdir()
    for name, size in (
        ("model.gguf", 999),
        ("a.json", 30),
        (".cache/x.e1.0a.incomplete", 40),
        (".cache/y.e9.incomplete", 7),
    ):
        (tmp_path / name).write_bytes(b"x" * size)
    wanted = [hub_module._File("r", "main", *each) for each in (("a.json", 20, "e0"), ("b", 100, "e1"), ("c", 100, ""))]
    assert hub_module._arrived(wanted, tmp_path) == 20 + 40


@pytest.mark.slow
def test_a_model_is_prepared_for_answering_and_answers_through_llama_alone(
    hub: str, tmp_path: Path, tiny_model: Path
) -> None:
    names = ("config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "model.safetensors")
    Hub.repos[REPO] = {name: (tiny_model / name).read_bytes() for name in names}
    Hub.repos[GGUF] = {"Qwen3-0.6B-Q8_0.gguf": (tiny_model / "model.gguf").read_bytes()}
    settings = Settings(projects=tmp_path, threads=1)
    assert not engines.is_here("qwen3-0.6b", settings)
    assert fetch(tmp_path, hub, "prepare") == {"path": "None"}
    assert not any("safetensors" in line for line in Hub.asked)
    assert engines.is_here("qwen3-0.6b", settings)
    assert not engines.is_here("qwen3-0.6b", settings, train=True)

    engine = engines.Engine(settings)
    question = (Message(role="user", content="the sun"),)
    try:
        *pieces, usage = engine.chat(question, model="qwen3-0.6b", max_tokens=8)
        assert pieces
        assert isinstance(usage, engines.Usage)
        with pytest.raises(NotPossibleHere) as caught:
            engine.score([question], "x", model="qwen3-0.6b")
        assert caught.value.fault == Fault(code="model_not_here", parameters={"name": "qwen3-0.6b"})
    finally:
        engine.stop()

    asked = len(Hub.asked)
    assert fetch(tmp_path, hub, "prepare") == {"path": "None"}
    assert len(Hub.asked) == asked
    assert fetch(tmp_path, hub, "prepare", ", train=True") == {"path": "None"}
    assert engines.is_here("qwen3-0.6b", settings, train=True)


@pytest.mark.slow
def test_a_stopped_download_ends_at_once_and_leaves_no_half_model(hub: str, tmp_path: Path) -> None:
    assert fetch(tmp_path, hub, "prepare", ", lambda e: None, lambda: True") == {
        "kind": "Stopped",
        "code": "stopped",
        "name": None,
    }
    assert not engines.is_here("qwen3-0.6b", Settings(projects=tmp_path))


def test_the_starter_needs_no_network_and_a_remote_service_no_model(tmp_path: Path) -> None:
    here = Settings(projects=tmp_path)
    assert engines.is_here("smollm2-135m-instruct", here, train=True)
    away = here.model_copy(update={"remote_url": "http://127.0.0.1:9"})
    assert engines.is_here("qwen3-0.6b", away)
    assert not engines.is_here("qwen3-0.6b", away, train=True)
