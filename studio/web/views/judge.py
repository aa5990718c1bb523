"""A model as judge on the compare page: its verdicts beside how far it agrees with people, or why there are none."""

from collections.abc import Sequence
from dataclasses import dataclass

from studio.base.records import Variant
from studio.engines import Model
from studio.evaluation import judging
from studio.evaluation.judging import FEWEST_VOTES, Agreement, Judged
from studio.web.voice import Voice

LEVELS = {"judge.preferred": "good", "judge.none_found": "note", "judge.withheld": "warn"}
ICONS = {"good": "check", "warn": "warn", "note": "info"}


@dataclass(frozen=True)
class Bench:
    """How many `votes` there are to check a judge against (and how many an open vote holds), who could judge and how many
    minutes that takes, between whom; what was last judged, by its model's title and with its assistants' names, and the run
    under way as it is drawn."""

    votes: int
    sealed: int
    models: Sequence[tuple[Model, float]]
    pairs: Sequence[tuple[Variant, Variant]]
    found: Judged | None = None
    judge: str = ""
    known: Sequence[Variant] = ()
    stale: bool = False
    panel: str = ""
    run: str = ""


def card(given: Bench, voice: Voice) -> str:
    """Closed, what came of it in its first line."""
    names = {variant.id: voice.approach(variant.approach) for variant in given.known}
    found = given.found
    lines = judging.told(found, given.judge, names) if found else []
    missing = FEWEST_VOTES - given.votes
    return voice.html(
        "judge.html",
        few=voice.t("judge.few", votes=given.votes, needed=FEWEST_VOTES, missing=missing) if missing > 0 else "",
        sealed=voice.t("judge.sealed", count=given.sealed) if given.sealed else "",
        ready=voice.t("judge.ready", votes=given.votes),
        lines=[(LEVELS.get(key, "plain"), voice.t(key, **numbers)) for key, numbers in lines],
        icons=ICONS,
        stale=given.stale,
        panel=given.panel,
        run=given.run,
        models=[
            (model.name, voice.t("judge.model", name=model.title, time=voice.minutes(minutes)))
            for model, minutes in given.models
        ],
        model=found.agreement.model if found else "",
        pairs=[
            (f"{one.id} {other.id}", voice.t("judge.pair", first=names[one.id], second=names[other.id]))
            for one, other in given.pairs
        ],
        pair=" ".join(found.variants) if found else "",
        starter=next((model.title for model, _ in given.models if model.starter), ""),
        verdicts=[(each.question, _said(each.choice, found, names, voice)) for each in found.verdicts] if found else [],
        basis=_basis(found.agreement, voice) if found else "",
    )


def _basis(agreed: Agreement, voice: Voice) -> str:
    return voice.t("judge.basis", n=agreed.n, equal=agreed.equal, kappa=voice.number(round(agreed.kappa, 2)))


def _said(choice: judging.Choice, found: Judged, names: dict[str, str], voice: Voice) -> str:
    return voice.t("judge.equal") if choice == "equal" else names[found.variants[choice == "second"]]
