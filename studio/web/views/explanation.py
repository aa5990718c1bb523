"""Why an answer came out as it did: one sentence, bars for the passages, marks in the question, and how far to trust them.

What the numbers amount to (shares, strengths, how much likelier) is `explanation`'s business; here it gets its words. What
an assistant *used* is shown, which does not make it true.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from studio import explanation as reading
from studio.base.records import Answer, Explanation, Fault, Game, Lesson, Run, Shift, Unit
from studio.web.voice import Voice

MANY = 1000  # times likelier: beyond this a figure says nothing more
LITTLE = 1.05  # times likelier: below this nothing changed that anybody would notice
LONGEST = 160  # characters of a label

Part = int | None  # a sentence of the answer, or all of it


@dataclass(frozen=True)
class Why:
    """The games finished so far with what else is known, and the run that plays on while it lasts."""

    games: tuple[Game, ...] = ()
    run: Run | None = None
    fraction: float = 0.0
    sentences: tuple[str, ...] = ()
    shift: Shift | None = None
    lessons: tuple[Lesson, ...] = ()
    project: str = ""

    @classmethod
    def of(cls, explanation: Explanation, project: str) -> "Why":
        found = explanation
        return cls(found.games, None, 0.0, found.sentences, found.shift, found.lessons, project)

    def closer(self, games: Sequence[Game], run: Run, fraction: float) -> "Why":
        """With what a run has found out in the meantime."""
        return replace(self, games=reading.merged(self.games, games), run=run, fraction=fraction)


def why(explanation: Why, answer: Answer, letter: str, name: str, voice: Voice) -> str:
    """The panel about one answer; `letter` and `name` are those of the assistant that gave it."""
    run = explanation.run
    working = run is not None and run.state in ("queued", "running")
    fault: Fault | None = run.fault if run is not None and run.state == "failed" else None
    parts: list[Part] = [None, *range(len(explanation.sentences))] if len(explanation.sentences) > 1 else [None]
    return voice.html(
        "why.html",
        answer=answer.id,
        letter=letter,
        name=name,
        working=working,
        percent=voice.percent(explanation.fraction),
        fault=voice.fault(fault) if fault else "",
        stopped=run is not None and run.state == "stopped" and not explanation.games,
        parts=[
            {
                "key": "" if part is None else str(part),
                "name": voice.t("why.part.whole") if part is None else voice.t("why.part", n=part + 1),
                "text": "" if part is None else explanation.sentences[part],
                "says": sentence(explanation.games, answer, voice, part),
                "blocks": [
                    block(game, answer, voice, part, explanation.games)
                    for game in explanation.games
                    if game.kind != "sentences" and game.detail == "phrases"
                ],
            }
            for part in parts
            if part is None or all(len(game.full_by_sentence) > part for game in explanation.games)
        ],
        more=not working and not answer.quoted,
        tables=[table(game, answer, voice) for game in explanation.games],
        shift=shifted(explanation, voice),
        lessons=[(each, voice.percent(each.similarity)) for each in explanation.lessons],
        small=[checked(game, answer, voice) for game in explanation.games if game.method != "alone"],
        games=[(game.kind, game.detail, game.inside) for game in explanation.games if game.method != "alone"],
        files=f"/why/{explanation.project}/{answer.id}" if explanation.project and not working else "",
    )


def sentence(games: Sequence[Game], answer: Answer, voice: Voice, part: Part = None) -> str:
    """What counted most: a passage where passages were asked about, else words of the question."""
    asked = {game.kind: game for game in reversed(games)}
    game = asked.get("passages") or asked.get("question")
    if game is None:
        return ""
    if all(reading.strength(unit, game, part) == "none" for unit in game.units):
        return voice.t(f"why.{game.kind}.little")
    top, share = max(zip(game.units, reading.shares(game, part), strict=True), key=lambda pair: pair[1])
    if share <= 0:
        return voice.t(f"why.{game.kind}.against")
    if game.kind == "passages":
        return voice.t("why.passages.top", place=label(top, game, answer, voice), share=voice.percent(share))
    return voice.t("why.question.top", phrase=top.text.strip(" .,;:?!¿¡"), share=voice.percent(share))


def block(game: Game, answer: Answer, voice: Voice, part: Part, games: Sequence[Game] = ()) -> dict[str, object]:
    """A game as people read it. `games` are all of them: the words of a question, the sentences of a passage."""
    shown: dict[str, object] = {"kind": game.kind, "first": game.method == "alone"}
    if game.kind == "question":
        words = next((each for each in games if each.kind == "question" and each.detail == "words"), None)
        return shown | {
            "marks": [_mark(unit, game, voice, part) for unit in game.units],
            "words": [_mark(unit, words, voice, part) for unit in words.units] if words else [],
        }
    opened = {each.inside: each for each in games if each.kind == "sentences"}
    shares = reading.shares(game, part)
    longest = max(map(abs, shares), default=0.0) or 1.0
    bars = [
        {
            "label": label(unit, game, answer, voice),
            "width": 100 * abs(share) / longest,
            "against": share < 0,
            "share": says(unit, game, share, voice, part),
            "without": lost(unit, game, voice) if part is None else "",
            "passage": unit.passage if game.kind == "passages" else None,
            "inside": [_mark(each, opened[unit.passage], voice, part) for each in opened[unit.passage].units]
            if game.kind == "passages" and unit.passage in opened
            else [],
        }
        for unit, share in zip(game.units, shares, strict=True)
    ]
    return shown | {"bars": sorted(bars, key=lambda bar: (bar["against"], -float(str(bar["width"]))))}


def says(unit: Unit, game: Game, share: float, voice: Voice, part: Part = None) -> str:
    """A share in words: its percentage, that it spoke against, or that it played no part."""
    if reading.strength(unit, game, part) == "none":
        return voice.t("why.nothing")
    return voice.t("why.against.share", share=voice.percent(-share)) if share < 0 else voice.percent(share)


def lost(unit: Unit, game: Game, voice: Voice) -> str:
    """What the answer would lose without this part alone, where that was looked at."""
    if unit.without is None or reading.strength(unit, game) == "none":
        return ""
    times = reading.times(unit.without, game.answer_tokens)
    if times < 1 / LITTLE:
        return voice.t("why.without.more", times=_times(1 / times, voice))
    return voice.t("why.without", times=_times(times, voice)) if times > LITTLE else voice.t("why.without.same")


def checked(game: Game, answer: Answer, voice: Voice) -> str:
    """The small print of a game: what its parts did, that they add up, how that was found, what a second method says."""
    gain = reading.explained(game)
    second = reading.agreement(game)
    small = voice.t(
        "why.small.quoted" if answer.quoted else "why.small",
        what=voice.t(f"why.of.{game.kind}"),
        times=_times(gain.times_per_token, voice),
        method=voice.t(f"why.method.{game.method}"),
        n=game.evaluations,
        seconds=voice.seconds(game.seconds),
    )
    total = sum(unit.value for unit in game.units)
    if abs(game.gap) <= 1e-3 * max(abs(gain.nats), 1.0):
        adds = voice.t("why.adds_up", sum=round(total, 1), share=voice.percent(gain.share))
    else:
        adds = voice.t("why.adds_not", sum=round(total, 1), whole=round(gain.nats, 1))
    return " ".join([small, adds, *([voice.t(f"why.second.{second.verdict}")] if second else [])])


def table(game: Game, answer: Answer, voice: Voice) -> dict[str, object]:
    """A game as rows of words: for a screen reader, and for whoever wants every number."""
    rows = [
        (
            label(unit, game, answer, voice),
            says(unit, game, share, voice),
            voice.number(round(unit.value, 2)) + (f" ± {voice.number(round(unit.error, 2))}" if unit.error else ""),
            "–" if unit.without is None else voice.number(round(unit.without, 2)),
            "–" if unit.lime is None else voice.number(round(unit.lime, 2)),
            *(voice.number(round(value, 2)) for value in unit.by_sentence),
        )
        for unit, share in zip(game.units, reading.shares(game), strict=True)
    ]
    second = reading.agreement(game)
    return {
        "title": _title(game, answer, voice),
        "head": [
            *(voice.t(f"why.table.{key}") for key in ("part", "share", "value", "without", "lime")),
            *(voice.t("why.part", n=n + 1) for n in range(len(game.full_by_sentence))),
        ],
        "rows": rows,
        "rank": voice.t("why.second.rank", rank=round(second.rank, 2)) if second else "",
    }


def shifted(explanation: Why, voice: Voice) -> dict[str, object] | None:
    """What training changed: how much likelier the same words became, in all and sentence by sentence."""
    shift = explanation.shift
    if shift is None:
        return None
    spoken = len("".join(explanation.sentences)) or 1
    rows = []
    for text, before, after in zip(
        explanation.sentences, shift.before_by_sentence, shift.after_by_sentence, strict=False
    ):
        tokens = max(round(shift.answer_tokens * len(text) / spoken), 1)
        rows.append((text, _changed(reading.times(after - before, tokens), voice, "row")))
    return {
        "says": _changed(reading.times(shift.after - shift.before, shift.answer_tokens), voice, "all"),
        "rows": rows if len(rows) > 1 else [],
    }


def beside(explained: Sequence[tuple[str, str, Why]], voice: Voice) -> str:
    """What assistants looked at in the same question, on one scale: (letter, name, explanation) of each."""
    games = [
        (letter, name, game)
        for letter, name, each in explained
        for game in each.games
        if game.kind == "question" and game.detail == "phrases"
    ]
    texts = [tuple(unit.text for unit in game.units) for _, _, game in games]
    if len(games) < 2 or any(one != other for one, other in pairwise(texts)):
        return ""
    shares = [reading.shares(game) for _, _, game in games]
    longest = max((abs(share) for each in shares for share in each), default=0.0) or 1.0
    rows = [
        (
            text,
            [
                {
                    "width": 100 * abs(each[at]) / longest,
                    "against": each[at] < 0,
                    "says": says(game.units[at], game, each[at], voice),
                }
                for each, (_, _, game) in zip(shares, games, strict=True)
            ],
        )
        for at, text in enumerate(texts[0])
    ]
    return voice.html("why_beside.html", names=[(letter, name) for letter, name, _ in games], rows=rows)


def label(unit: Unit, game: Game, answer: Answer, voice: Voice) -> str:
    if game.kind == "passages" and unit.passage is not None and unit.passage < len(answer.passages):
        return voice.place(answer.passages[unit.passage])
    text = " ".join(unit.text.split())
    return text if len(text) <= LONGEST else text[:LONGEST].rstrip() + "…"


def _mark(unit: Unit, game: Game, voice: Voice, part: Part) -> tuple[str, str, str]:
    """The phrase, its class and what a screen reader says of it."""
    strength = reading.strength(unit, game, part)
    if strength == "none":
        return unit.text, "", ""
    value = unit.value if part is None else unit.by_sentence[part]
    mark = "against" if value < 0 else strength
    return unit.text, mark, voice.t(f"why.mark.{mark}")


def _title(game: Game, answer: Answer, voice: Voice) -> str:
    if game.kind == "sentences" and game.inside is not None and game.inside < len(answer.passages):
        return voice.t("why.inside.of", place=voice.place(answer.passages[game.inside]))
    return voice.t("why.words" if game.detail == "words" else f"why.block.{game.kind}")


def _times(times: float, voice: Voice) -> str:
    if times > MANY:
        return voice.t("why.times.many", n=MANY)
    return voice.t("why.times", n=round(times) if times >= 10 else round(times, 1 if times >= 1.1 else 2))


def _changed(times: float, voice: Voice, of: str) -> str:
    if times > LITTLE:
        return voice.t(f"why.shift.{of}.more", times=_times(times, voice))
    return (
        voice.t(f"why.shift.{of}.less", times=_times(1 / times, voice))
        if times < 1 / LITTLE
        else voice.t(f"why.shift.{of}.same")
    )
