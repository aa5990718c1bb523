"""Language models and embedders: which there are, where they lie, and a light client that speaks with them.

The models themselves live in child processes (`host`, `embedder`) which `Engine` starts when they are needed; importing
this package loads neither torch nor transformers. A remote OpenAI-compatible endpoint can answer in the host's place.
"""

from pathlib import Path

from studio.base.settings import Settings
from studio.engines.attuning import refuse_untunable
from studio.engines.catalogue import Gguf, Model, catalogue, model
from studio.engines.client import Engine
from studio.engines.embedder_shelf import embedder_is_here, prepare_embedder
from studio.engines.embedders import EmbedderCard, embedder_of, embedders
from studio.engines.rerankers import RerankerCard, prepare_reranker, reranker_is_here, rerankers
from studio.engines.shelf import folder_of, gguf, is_here, prepare, weights
from studio.engines.speech import Embedder, Scores, Text, Usage

__all__ = [
    "Embedder",
    "EmbedderCard",
    "Engine",
    "Gguf",
    "Model",
    "RerankerCard",
    "Scores",
    "Text",
    "Usage",
    "adapter_gguf",
    "catalogue",
    "embedder_is_here",
    "embedder_of",
    "embedders",
    "gguf",
    "is_here",
    "model",
    "prepare",
    "prepare_embedder",
    "prepare_reranker",
    "refuse_untunable",
    "reranker_is_here",
    "rerankers",
    "weights",
]


def adapter_gguf(adapter: Path, model_name: str, settings: Settings | None = None) -> Path:
    """The PEFT folder `adapter` as a file for llama.cpp, made once, beside it. Raises as `adapter.convert` says."""
    from studio.base import files
    from studio.base import settings as base_settings
    from studio.engines import adapter as conversion

    folder = folder_of(model_name, settings or base_settings.load())
    return conversion.convert(adapter, files.read_json(folder / "config.json") or {})
