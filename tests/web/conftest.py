"""One studio for all tests of the web: it is built once, for building its pages takes seconds."""

import asyncio
import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.base.runs import Runs
from studio.base.settings import Settings
from studio.web.app import create_app

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette 1.10 would rather have httpx2, which nothing else here needs
    from starlette.testclient import TestClient

TOKEN = "the-link-in-the-terminal"
HOME = "http://127.0.0.1:7860"


class Browser:
    """A visitor with the cookie, and the ways in which Gradio's pages talk to the server."""

    def __init__(self, client: TestClient, root: Path) -> None:
        self.client, self.root = client, root

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path, **more)

    def functions(self, language: str, page: str) -> dict[str, int]:
        """Name -> number of the handlers that belong to a page."""
        blocks = self.client.app.state.pages[language]  # type: ignore[attr-defined]
        ids = {number for number, fn in blocks.fns.items() if fn.page == ("" if page == "projects" else page)}
        return {fn.fn.__name__: number for number, fn in blocks.fns.items() if fn.fn is not None and number in ids}

    def load(self, page: str, project: str = "", language: str = "en") -> list[Any]:
        """What a page loads when it is opened."""
        number = self.functions(language, page)[f"load_{page}"]
        answer = self.client.post(
            f"/{language}/gradio_api/run/predict",
            params={"project": project},
            json={"data": [], "fn_index": number, "session_hash": "load"},
        )
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    def do(
        self, page: str, handler: str, data: list[Any], project: str = "", language: str = "en", event: Any = None
    ) -> Any:
        """Press something: the last answer of a queued event, or the sentence it was refused with."""
        asked = {"data": data, "fn_index": self.functions(language, page)[handler], "session_hash": f"{page}-{handler}"}
        if event is not None:
            asked["event_data"] = event
        joined = self.client.post(f"/{language}/gradio_api/queue/join", params={"project": project}, json=asked)
        assert joined.status_code == 200, joined.text
        with self.client.stream("GET", f"/{language}/gradio_api/queue/data?session_hash={page}-{handler}") as stream:
            for line in stream.iter_lines():
                said = json.loads(line[5:]) if line.startswith("data:") else {}
                if said.get("msg") == "process_completed":
                    return said["output"].get("data", said["output"]) if said["success"] else said["output"]["error"]
        raise AssertionError("no answer")


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("projects")


@pytest.fixture(scope="session")
def app(root: Path) -> Any:
    async def made() -> Any:  # inside a loop, for Gradio 6.31 makes loops where none runs, and never closes them
        return create_app(Settings(projects=root), token=TOKEN)

    return asyncio.run(made())


@pytest.fixture(scope="session")
def browser(app: Any, root: Path) -> Iterator[Browser]:
    with TestClient(app, base_url=HOME) as client:
        client.get(f"/?token={app.state.session.token}")
        yield Browser(client, root)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """Of a studio of its own, in which nothing is run."""
    return Runs(Settings(projects=tmp_path / "projects"))


@pytest.fixture
def stranger(app: Any) -> TestClient:
    """Somebody without the cookie."""
    return TestClient(app, base_url=HOME, follow_redirects=False)


def text(html: str) -> str:
    """What a reader sees of it, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()
