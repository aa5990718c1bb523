"""Why an answer came out as it did: one sentence, bars for the passages, marks in the question, and how far to trust them.

Shares are told, not raw values; a unit whose value is smaller than twice its error is left unmarked. What an assistant
*used* is shown, which does not make it true.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from studio.base.records import Answer, Fault, Game, Run, Unit
from studio.web.voice import Voice

LITTLE = 1.0  # nats: below this, leaving the units out hardly changes the answer
STEPS = (0.15, 0.4, 0.7)  # share of the strongest unit from which a mark is weak, medium, strong


@dataclass(frozen=True)
class Why:
    """The games finished so far, and the run that plays them while it lasts."""

    games: tuple[Game, ...] = ()
    run: Run | None = None
    fraction: float = 0.0


def why(explanation: Why, answer: Answer, letter: str, name: str, voice: Voice) -> str:
    """The panel about one answer; `letter` and `name` are those of the assistant that gave it."""
    run = explanation.run
    working = run is not None and run.state in ("queued", "running")
    fault: Fault | None = run.fault if run is not None and run.state == "failed" else None
    return voice.html(
        "why.html",
        answer=answer.id,
        letter=letter,
        name=name,
        working=working,
        percent=voice.percent(explanation.fraction),
        fault=voice.fault(fault) if fault else "",
        stopped=run is not None and run.state == "stopped" and not explanation.games,
        sentence=_sentence(explanation.games, answer, voice),
        blocks=[_block(game, answer, voice) for game in explanation.games],
        small=[_small_print(game, voice) for game in explanation.games],
    )


def _sentence(games: Sequence[Game], answer: Answer, voice: Voice) -> str:
    passages = next((game for game in games if game.kind == "passages"), None)
    if passages is not None:
        if passages.full - passages.base < LITTLE:
            return voice.t("why.passages.little")
        top = max(passages.units, key=lambda unit: unit.value)
        return voice.t(
            "why.passages.top",
            place=_label(top, passages, answer, voice),
            share=voice.percent(_share(top, passages.units)),
        )
    question = next((game for game in games if game.kind == "question"), None)
    if question is None:
        return ""
    if question.full - question.base < LITTLE:
        return voice.t("why.question.little")
    top = max(question.units, key=lambda unit: unit.value)
    return voice.t(
        "why.question.top", phrase=top.text.strip(" .,;:?!¿¡"), share=voice.percent(_share(top, question.units))
    )


def _block(game: Game, answer: Answer, voice: Voice) -> dict[str, object]:
    strongest = max((abs(unit.value) for unit in game.units), default=0.0)
    if game.kind == "question":
        return {"kind": game.kind, "marks": [_mark(unit, strongest, voice) for unit in game.units]}
    bars = [
        {
            "label": _label(unit, game, answer, voice),
            "width": 100 * abs(unit.value) / strongest if strongest else 0,
            "against": unit.value < 0,
            "share": voice.percent(_share(unit, game.units))
            if unit.value > 0
            else voice.t("why.against" if unit.value < 0 else "why.nothing"),
        }
        for unit in game.units
    ]
    return {
        "kind": game.kind,
        "bars": sorted(bars, key=lambda bar: (bar["against"], -float(str(bar["width"])))),
    }


def _mark(unit: Unit, strongest: float, voice: Voice) -> tuple[str, str, str]:
    """The phrase, its class and what a screen reader says of it."""
    strength = sum(abs(unit.value) >= step * strongest for step in STEPS) if strongest else 0
    if not strength or abs(unit.value) < 2 * unit.error:
        return unit.text, "", ""
    if unit.value < 0:
        return unit.text, "against", voice.t("why.mark.against")
    level = ("weak", "medium", "strong")[strength - 1]
    return unit.text, level, voice.t(f"why.mark.{level}")


def _share(unit: Unit, units: Sequence[Unit]) -> float:
    support = sum(max(each.value, 0.0) for each in units)
    return max(unit.value, 0.0) / support if support else 0.0


def _label(unit: Unit, game: Game, answer: Answer, voice: Voice) -> str:
    if game.kind == "passages" and unit.passage is not None and unit.passage < len(answer.passages):
        return voice.place(answer.passages[unit.passage])
    return unit.text.strip()[:120]


def _small_print(game: Game, voice: Voice) -> str:
    whole = game.full - game.base
    explained = 1 - abs(game.gap) / abs(whole) if abs(whole) > 1e-9 else 1.0
    return voice.t(
        "why.small",
        what=voice.t(f"why.of.{game.kind}"),
        explained=voice.percent(max(explained, 0.0)),
        method=voice.t(f"why.method.{game.method}"),
        n=game.evaluations,
        seconds=voice.seconds(game.seconds),
    )
