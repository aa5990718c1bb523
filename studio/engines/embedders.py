"""The embedders on offer: `embedders.json` as records, and which of them a name means.

A name is one of the catalogue, a model's id on the Hub ("owner/name", "@revision" behind it), or a folder that holds a
sentence-transformers model. Knows what they need and gives, loads none.
"""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from studio.base.errors import NotFound
from studio.base.records import Record

if TYPE_CHECKING:
    from studio.base.project import Project

FILE = Path(__file__).parent / "embedders.json"


class EmbedderCard(Record):
    """An embedder by the name projects call it: where it comes from (the hub, a folder, or a Python package with its
    module), its licence (SPDX), what it expects in front of a text, how many tokens of one it reads, and how much its
    vectors weigh beside the words of a search.
    """

    name: str
    title: str
    hub_id: str | None = None
    revision: str = ""
    folder: Path | None = None
    package: str | None = None
    module: str = ""
    licence: str = ""
    licence_link: str = ""
    languages: tuple[str, ...] = ()
    dim: int = 0
    max_tokens: int = 512
    query_prefix: str = ""
    passage_prefix: str = ""
    memory_gb: float = 1.0
    weight: float = 0.6


Place = Callable[[EmbedderCard], tuple[Path, str]]  # the folder of an embedder's weights, and which revision they are


@cache
def embedders() -> tuple[EmbedderCard, ...]:
    """Every embedder on offer, the default first."""
    return tuple(EmbedderCard.model_validate(entry) for entry in json.loads(FILE.read_text(encoding="utf-8")))


def card_of(name: str) -> EmbedderCard:
    """What is known of the embedder a name means; of one that is not on offer, its origin alone.

    Raises NotFound("model_missing", name=) for a name that is none.
    """
    for card in embedders():
        if name == card.name or (card.package is None and name == card.hub_id):
            return card
    if Path(name).is_absolute():
        return EmbedderCard(name=Path(name).name, title=Path(name).name, folder=Path(name))
    if re.fullmatch(r"\w[\w.-]*/\w[\w.-]*(@\w[\w./-]*)?", name):
        hub_id, _, revision = name.partition("@")
        return EmbedderCard(name=hub_id, title=hub_id, hub_id=hub_id, revision=revision)
    raise NotFound("model_missing", name=name)


def embedder_of(project: "Project") -> str:
    """What `Engine.embed` is to be told for this project: empty for the studio's own, a full path for a folder in it."""
    wanted = project.card.embedder
    return str(project.path(wanted)) if wanted.startswith("models/") else wanted
