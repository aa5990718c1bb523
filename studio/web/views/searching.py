"""How the documents are searched: who compares meanings, who reads again, what was measured, where the index lies."""

from collections.abc import Sequence
from dataclasses import dataclass

from studio.base.events import Said
from studio.base.records import Attuned, Proof, Run, Tuned
from studio.base.settings import Settings
from studio.engines import EmbedderCard, RerankerCard
from studio.web.views import run as run_views
from studio.web.voice import Voice


@dataclass(frozen=True)
class Searching:
    """What was measured about the mix, what became of the last learning, and the latest runs of both kinds."""

    tuned: Tuned | None = None
    attuned: Attuned | None = None
    runs: tuple[tuple[Run, Said], ...] = ()


def choices(cards: Sequence[EmbedderCard], attuned: Attuned | None, voice: Voice) -> list[tuple[str, str]]:
    """Those on offer, the studio's own first, then the one that learnt from this project; each with what it is good for."""
    offered = [(_label(at, card, voice), "" if at == 0 else card.name) for at, card in enumerate(cards)]
    learnt = [(voice.t("searching.learnt"), attuned.embedder)] if attuned is not None and attuned.embedder else []
    return [*offered[:1], *learnt, *offered[1:]]


def rerankers(cards: Sequence[RerankerCard], voice: Voice) -> list[tuple[str, str]]:
    """Nobody, then those on offer with licence and size."""
    offered = [
        (
            voice.t("searching.reranker.card", title=c.title, licence=c.licence, size=voice.number(c.size_gb)),
            c.name,
        )
        for c in cards
    ]
    return [(voice.t("searching.reranker.none"), ""), *offered]


def state(given: Searching, voice: Voice) -> str:
    """A line for each thing that was measured, learnt, or is under way."""
    lines = [tuned(given.tuned, voice)]
    lines += [attuned(given.attuned, voice)] if given.attuned is not None else []
    for run, said in given.runs:
        if run_views.is_active(run):
            lines.append(voice.t(f"searching.{run.kind}.working", share=voice.percent(said.fraction)))
        elif run.state == "failed" and run.fault is not None:
            lines.append(voice.fault(run.fault))
    return voice.html("searching_state.html", lines=lines)


def tuned(measured: Tuned | None, voice: Voice) -> str:
    """How meaning and words are weighed, and by which evidence."""
    if measured is None:
        return voice.t("tuned.unmeasured")
    said = voice.t(
        f"tuned.{measured.reason}",
        meaning=voice.percent(measured.weight),
        words=voice.percent(1 - measured.weight),
        count=measured.questions,
    )
    return f"{said} {proof(measured.proof, voice)}" if measured.proof is not None else said


def attuned(learnt: Attuned, voice: Voice) -> str:
    """Whether what was learnt from the project's own questions is used, and by which evidence."""
    return f"{voice.t(f'attuned.{learnt.reason}', count=learnt.pairs)} {proof(learnt.proof, voice)}"


def proof(shown: Proof, voice: Voice) -> str:
    """Before and after, on so many questions kept back."""
    return voice.t(
        "proof",
        n=shown.n,
        limit=shown.limit,
        first_before=voice.percent(shown.first_before),
        first_after=voice.percent(shown.first_after),
        given_before=voice.percent(shown.given_before),
        given_after=voice.percent(shown.given_after),
    )


def place(settings: Settings, voice: Voice) -> str:
    """Where the index is kept, and how that is changed."""
    here = settings.index_uri or ""
    sentence = voice.t("searching.place.away", place=here) if here else voice.t("searching.place.here")
    return voice.html("searching.html", sentence=sentence)


def _label(at: int, card: EmbedderCard, voice: Voice) -> str:
    kind = "default" if at == 0 else "fast" if card.package else "hub"
    return voice.t(f"searching.{kind}", title=card.title, licence=card.licence or voice.t("searching.unknown"))
