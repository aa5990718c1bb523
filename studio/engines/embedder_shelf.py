"""Where the embedders of this machine lie: `<private>/models/embedders/<name>/`, fetched once and whole.

`identity.json`, written last, says which revision lies there. Nothing is fetched unless `prepare_embedder` is called.
"""

import hashlib
import importlib.util
from functools import cache
from pathlib import Path

from studio.base import files, records
from studio.base.errors import NotPossibleHere
from studio.base.events import Emit, ShouldStop
from studio.base.settings import Settings
from studio.engines.embedders import EmbedderCard, Place, card_of

IDENTITY = "identity.json"


def prepare_embedder(name: str, settings: Settings, emit: Emit, should_stop: ShouldStop) -> None:
    """Make sure that the embedder of this name can be loaded; the bundled ones and folders need nothing.

    Says Stage("download_model") and Progress in bytes when it fetches. Raises as `shelf.weights` does, and Stopped.
    """
    from filelock import FileLock

    card = card_of(name or settings.embedder) if name or settings.embedder else None
    if card is None or card.package is not None or card.folder is not None or embedder_is_here(name, settings):
        return
    from studio.engines import hub

    folder = _folder(card, settings)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f".{folder.name}.lock"):
        if not embedder_is_here(name, settings):
            revision = hub.download_embedder(card, card.hub_id or "", card.revision, folder, emit, should_stop)
            said = {"source": card.hub_id, "revision": revision, "made": records.now()}
            files.write_json(folder / IDENTITY, said)


def embedder_is_here(name: str, settings: Settings) -> bool:
    """Whether the embedder of this name (empty: the studio's own) needs no network. Raises NotFound("model_missing")."""
    wanted = name or settings.embedder
    if not wanted:
        return True
    try:
        place(settings)(card_of(wanted))
    except NotPossibleHere:
        return False
    return True


def place(settings: Settings) -> Place:
    """Finds an embedder's weights on this machine; raises NotPossibleHere("model_not_here", name=) where they are not."""

    def find(card: EmbedderCard) -> tuple[Path, str]:
        if card.package is not None:
            if importlib.util.find_spec(card.module) is None:
                raise NotPossibleHere("model_not_here", name=card.title)
            return settings.private, ""  # they come with the package
        folder = card.folder or _folder(card, settings)
        if card.folder is not None and folder.is_dir():
            return folder, _digest(folder)
        revision = (files.read_json(folder / IDENTITY) or {}).get("revision")
        if not revision:
            raise NotPossibleHere("model_not_here", name=card.title)
        return folder, str(revision)

    return find


def _folder(card: EmbedderCard, settings: Settings) -> Path:
    """One a repository and revision asked for; its name keeps no character that a path could trip over."""
    asked = f"{card.hub_id}@{card.revision}" if card.revision else card.hub_id or card.name
    readable = files.slug((card.hub_id or card.name).rpartition("/")[2])
    return settings.private / "models" / "embedders" / f"{readable}-{hashlib.sha256(asked.encode()).hexdigest()[:8]}"


def _digest(folder: Path) -> str:
    weights = sorted(folder.rglob("*.safetensors"))
    return _digest_of(tuple((path, path.stat().st_mtime_ns) for path in weights))


@cache
def _digest_of(weights: tuple[tuple[Path, int], ...]) -> str:
    """Of the weights alone: the same model in another place is the same model."""
    digest = hashlib.sha256()
    for path, _ in weights:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
