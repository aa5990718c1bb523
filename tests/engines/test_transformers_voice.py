"""Where llama.cpp cannot answer, transformers does: same prompt, same protocol, adapters on one set of weights."""

import shutil
from pathlib import Path

import pytest

from studio.base import files
from studio.base.records import Message
from studio.base.settings import Settings
from studio.engines import Engine, Text, Usage, shelf, starter
from tests.engines import tiny
from tests.engines.conftest import STARTER

pytestmark = pytest.mark.slow
QUESTION = (Message(role="user", content="the sun"),)


def said(engine: Engine, adapter: Path | None = None) -> tuple[str, Usage]:
    pieces = list(engine.chat(QUESTION, model=STARTER, adapter=adapter, max_tokens=8))
    assert isinstance(pieces[-1], Usage)
    return "".join(piece.text for piece in pieces if isinstance(piece, Text)), pieces[-1]


def test_a_model_without_a_llama_file_answers_and_scores_with_and_without_adapters(
    tmp_path: Path, tiny_model: Path, engine: Engine
) -> None:
    settings = Settings(projects=tmp_path, threads=1)
    folder = settings.private / "models" / STARTER
    shutil.copytree(tiny_model, folder)
    (folder / starter.GGUF_NAME).unlink()
    files.write_json(folder / shelf.IDENTITY, {"sha256": "", "parts": ["weights"]})
    adapters = [tiny.write_adapter(tmp_path / f"p/{seed}", seed) for seed in (1, 2)]
    slow = Engine(settings)
    try:
        plain, usage = said(slow)
        assert 0 < usage.tokens <= 8
        assert usage.prompt_tokens == said(engine)[1].prompt_tokens
        trained = [said(slow, adapter)[0] for adapter in adapters]
        assert len({plain, *trained}) == 3
        assert said(slow)[0] == plain
        scores = [
            slow.score([QUESTION], plain, model=STARTER, adapter=each).logprobs for each in (None, *adapters, None)
        ]
        assert scores[0] == scores[3]
        assert len({str(each) for each in scores}) == 3
    finally:
        slow.stop()
