"""Where llama.cpp cannot answer, transformers does: same prompt, same protocol, adapters on one set of weights."""

import shutil
import subprocess
import sys
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


LOADS = """
import importlib.util, pathlib, sys
from transformers import utils
replaced = utils.is_sklearn_available, utils.is_scipy_available
assert all(importlib.util.find_spec(name) for name in ("sklearn", "scipy")), "nothing to keep out"
from studio.engines.torch_model import TorchModel
TorchModel(pathlib.Path(sys.argv[1]), 1)
from transformers.generation import candidate_generator
assert candidate_generator.is_sklearn_available not in replaced, "its import no longer asks what is replaced"
print(*sorted({name.partition(".")[0] for name in sys.modules} & {"sklearn", "scipy"}))
"""


def test_what_is_replaced_in_transformers_is_still_there_and_still_keeps_the_slow_imports_out(tiny_model: Path) -> None:
    """Fails when a newer transformers calls them otherwise or no longer imports them: then the lines in `torch_model` go."""
    done = subprocess.run([sys.executable, "-c", LOADS, str(tiny_model)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr


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
