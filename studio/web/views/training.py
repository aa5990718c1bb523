"""The training before and while it happens: what it takes, what the model sees, what it says, what it has learnt."""

import json
from collections.abc import Sequence

from studio.base import files
from studio.base.errors import StudioError
from studio.base.events import Batch, Piloted, Said, Sampled, Token
from studio.base.records import Reason, Score, Trained
from studio.training import Offer
from studio.web.voice import Voice

HEARD = 5  # moments of an answer that are shown: the first, the last and some between


def offered(offer: Offer | StudioError | None, rehearsing: bool, voice: Voice, again: bool = False) -> str:
    """Time, memory, energy and money, and why the training is set up so; what would fit in its place; or why there is
    nothing to learn from. Closed where it would be done `again`: then what was built comes first.
    """
    if offer is None:
        return ""
    if isinstance(offer, StudioError):
        return voice.html("build_offer.html", fault=voice.fault(offer), instead=(), reasons=(), again=False)
    return voice.html(
        "build_offer.html",
        facts=_cost(offer, voice),
        watts=voice.t("cost.watts", watts=round(offer.cost.watts)) if offer.cost else "",
        basis=voice.t("cost.measured" if offer.cost.measured else "cost.rule") if offer.cost else "",
        reasons=[_reason(reason, voice) for reason in offer.plan.reasons],
        fault=voice.fault(offer.fault) if offer.fault else "",
        instead=[_reason(reason, voice) for reason in offer.instead],
        rehearsing=rehearsing,
        again=again and not rehearsing,
    )


def batch(shown: Batch | None, voice: Voice) -> str:
    """The first batch with what is learnt marked in words, weight and line, not by colour alone."""
    examples = [_runs(tokens) for tokens in shown.examples] if shown else []
    return voice.html("build_batch.html", examples=examples)


def file(offer: Offer | None, name: str, voice: Voice) -> str:
    """The settings to take along, all of them, and the way in for such a file."""
    if offer is None:
        return ""
    text = json.dumps(offer.plan.recipe.model_dump(), indent=2)
    return voice.html("build_recipe.html", text=text, name=f"{files.slug(name)}.json")


def samples(said: Said, voice: Voice) -> str:
    """Answers it is never taught, each from before the first step to now."""
    by_question: dict[str, list[Sampled]] = {}
    for sampled in said.samples:
        by_question.setdefault(sampled.question, []).append(sampled)
    shown = [
        {
            "question": question,
            "reference": heard[0].reference,
            "answers": [
                (voice.t("samples.step", n=each.step) if each.step else voice.t("samples.before"), each.answer)
                for each in _some(sorted(heard, key=lambda each: each.step))
            ],
        }
        for question, heard in by_question.items()
    ]
    return voice.html("build_samples.html", samples=shown) if shown else ""


def pilots(said: Said, voice: Voice) -> str:
    """How the words right grow with the examples learnt from, as bars with their numbers, and what that promises."""
    points = sorted(said.pilots, key=lambda point: point.examples)
    if not points:
        return ""
    verdict = next((note for note in reversed(said.notes) if note.code.startswith("more_examples")), None)
    return voice.html(
        "build_pilots.html",
        points=[_point(point, voice) for point in points],
        verdict=voice.coded("note", verdict.code, **verdict.parameters) if verdict else "",
    )


def learnt(trained: Trained | None, voice: Voice) -> str:
    """What the last training brought, with its intervals, and by segment."""
    if trained is None or not trained.scores:
        return ""
    groups: dict[str, list[tuple[str, str, str]]] = {}
    for each in trained.segments:
        name = voice.t(f"learnt.language.{each.name}") if each.by == "language" else each.name
        if each.by == "task":
            name = voice.t(f"task.{each.name}")
            name += "" if each.score.metric == "words_right" else f" ({voice.t(f'learnt.{each.score.metric}')})"
        groups.setdefault(voice.t(f"learnt.by.{each.by}"), []).append((name, *_score(each.score, voice)))
    scores = [(voice.t(f"learnt.{score.metric}"), *_score(score, voice)) for score in trained.scores]
    return voice.html("build_learnt.html", scores=scores, groups=groups)


def _cost(offer: Offer, voice: Voice) -> list[tuple[str, str]]:
    cost = offer.cost
    if cost is None:
        return []
    facts = [
        (voice.t("cost.time"), voice.minutes(cost.minutes)),
        (voice.t("cost.memory"), voice.size(cost.memory_gb * 1e9)),
        (voice.t("cost.energy"), voice.t("cost.kwh", n=voice.number(round(cost.kwh, 3 if cost.kwh < 0.1 else 2)))),
    ]
    if cost.money:
        facts.append((voice.t("cost.money.label"), voice.number(round(cost.money, 2))))
    return facts


def _runs(tokens: Sequence[Token]) -> list[tuple[bool, list[str]]]:
    """Neighbouring tokens of one kind together; each stays a token of its own."""
    found: list[tuple[bool, list[str]]] = []
    for token in tokens:
        if not found or found[-1][0] != token.learnt:
            found.append((token.learnt, []))
        found[-1][1].append(token.text.replace("\n", "⏎\n"))
    return found


def _some(heard: Sequence[Sampled]) -> Sequence[Sampled]:
    if len(heard) <= HEARD:
        return heard
    between = heard[1:-1]
    step = len(between) / (HEARD - 2)
    return [heard[0], *(between[int(at * step)] for at in range(HEARD - 2)), heard[-1]]


def _point(point: Piloted, voice: Voice) -> tuple[str, str, float]:
    return voice.number(point.examples), voice.percent(point.words_right), point.words_right


def _score(score: Score, voice: Voice) -> tuple[str, str]:
    low, high = voice.percent(score.low), voice.percent(score.high)
    return voice.percent(score.value), voice.t("learnt.interval", low=low, high=high, n=score.n)


def _reason(reason: Reason, voice: Voice) -> str:
    return voice.coded("reason", reason.code, **reason.parameters)
