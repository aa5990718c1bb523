"""The models on offer: `catalogue.json` as records. Which of them lie on this machine is `shelf`'s business."""

import json
from functools import cache
from pathlib import Path

from studio.base.errors import NotFound
from studio.base.records import Record

FILE = Path(__file__).parent / "catalogue.json"


class Gguf(Record):
    """A ready-made llama.cpp file (8 bits a weight) on the hub."""

    repo: str
    file: str


class Model(Record):
    """A language model by the name projects call it. Sizes in decimal gigabytes of memory.

    `licence` is an SPDX identifier, or "other" with `licence_name` and `licence_link`. `memory_gb` is what answering
    takes (8 bits a weight on a processor, context included), `training_gb` what training a LoRA adapter in bfloat16
    takes. `starter` models come as a Python package and need no network; `gated` ones need the owner's consent and a token.
    """

    name: str
    title: str
    parameters: int
    hub_id: str | None
    package: str | None = None
    gguf: Gguf | None = None
    licence: str
    licence_name: str
    licence_link: str
    languages: tuple[str, ...]
    context: int
    memory_gb: float
    training_gb: float
    starter: bool = False
    gated: bool = False
    sources: tuple[str, ...] = ()


@cache
def catalogue() -> tuple[Model, ...]:
    """Every model on offer, the starter first."""
    return tuple(Model.model_validate(entry) for entry in json.loads(FILE.read_text(encoding="utf-8")))


def model(name: str) -> Model:
    """The model called so. Raises NotFound("model_missing", name=)."""
    for each in catalogue():
        if each.name == name:
            return each
    raise NotFound("model_missing", name=name)
