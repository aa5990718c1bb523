"""Why an answer came out as it did: one sentence, bars for the passages, marks in the question, and how far to trust them.

What the numbers amount to (shares, strengths, how much likelier) is `explanation`'s business; here it gets its words. What
an assistant *used* is shown, which does not make it true.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from studio import explanation as reading
from studio.base.records import Answer, Fault, Game, Run, Unit
from studio.web.voice import Voice

MANY = 1000  # times likelier: beyond this a figure says nothing more


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
        small=[_small_print(game, answer, voice) for game in explanation.games],
    )


def _sentence(games: Sequence[Game], answer: Answer, voice: Voice) -> str:
    """What counted most: a passage where passages were asked about, else words of the question."""
    asked = {game.kind: game for game in games}
    game = asked.get("passages") or asked.get("question")
    if game is None:
        return ""
    if all(reading.strength(unit, game) == "none" for unit in game.units):
        return voice.t(f"why.{game.kind}.little")
    top, share = max(zip(game.units, reading.shares(game), strict=True), key=lambda pair: pair[1])
    if share <= 0:
        return voice.t(f"why.{game.kind}.against")
    if game.kind == "passages":
        return voice.t("why.passages.top", place=_label(top, game, answer, voice), share=voice.percent(share))
    return voice.t("why.question.top", phrase=top.text.strip(" .,;:?!¿¡"), share=voice.percent(share))


def _block(game: Game, answer: Answer, voice: Voice) -> dict[str, object]:
    if game.kind == "question":
        return {"kind": game.kind, "marks": [_mark(unit, game, voice) for unit in game.units]}
    shares = reading.shares(game)
    longest = max(map(abs, shares), default=0.0) or 1.0
    bars = [
        {
            "label": _label(unit, game, answer, voice),
            "width": 100 * abs(share) / longest,
            "against": share < 0,
            "share": voice.t("why.nothing")
            if reading.strength(unit, game) == "none"
            else voice.t("why.against")
            if share < 0
            else voice.percent(share),
        }
        for unit, share in zip(game.units, shares, strict=True)
    ]
    return {
        "kind": game.kind,
        "bars": sorted(bars, key=lambda bar: (bar["against"], -float(str(bar["width"])))),
    }


def _mark(unit: Unit, game: Game, voice: Voice) -> tuple[str, str, str]:
    """The phrase, its class and what a screen reader says of it."""
    strength = reading.strength(unit, game)
    if strength == "none":
        return unit.text, "", ""
    mark = "against" if unit.value < 0 else strength
    return unit.text, mark, voice.t(f"why.mark.{mark}")


def _label(unit: Unit, game: Game, answer: Answer, voice: Voice) -> str:
    if game.kind == "passages" and unit.passage is not None and unit.passage < len(answer.passages):
        return voice.place(answer.passages[unit.passage])
    return unit.text.strip()[:120]


def _small_print(game: Game, answer: Answer, voice: Voice) -> str:
    times = reading.explained(game).times_per_token
    return voice.t(
        "why.small.quoted" if answer.quoted else "why.small",
        what=voice.t(f"why.of.{game.kind}"),
        times=voice.t("why.times.many", n=MANY)
        if times > MANY
        else voice.t("why.times", n=round(times) if times >= 10 else round(times, 1)),
        method=voice.t(f"why.method.{game.method}"),
        n=game.evaluations,
        seconds=voice.seconds(game.seconds),
    )
