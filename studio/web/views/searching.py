"""How the documents are searched: who compares meanings, and where the index lies."""

from collections.abc import Sequence

from studio.base.settings import Settings
from studio.engines import EmbedderCard
from studio.web.voice import Voice


def choices(cards: Sequence[EmbedderCard], voice: Voice) -> list[tuple[str, str]]:
    """Those on offer, the studio's own first; each with what it is good for and its licence."""
    return [(_label(at, card, voice), "" if at == 0 else card.name) for at, card in enumerate(cards)]


def place(settings: Settings, voice: Voice) -> str:
    """Where the index is kept, and how that is changed."""
    here = settings.index_uri or ""
    sentence = voice.t("searching.place.away", place=here) if here else voice.t("searching.place.here")
    return voice.html("searching.html", sentence=sentence)


def _label(at: int, card: EmbedderCard, voice: Voice) -> str:
    kind = "default" if at == 0 else "fast" if card.package else "hub"
    return voice.t(f"searching.{kind}", title=card.title, licence=card.licence or voice.t("searching.unknown"))
