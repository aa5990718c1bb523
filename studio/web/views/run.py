"""A run as it stands: waiting, working, finished, stopped or failed. The same view on load, on every tick and in tests."""

import time
from collections.abc import Sequence

from studio.base import words
from studio.base.events import Said
from studio.base.records import Parameter, Run
from studio.web.voice import Voice

ACTIVE = ("queued", "running")
ELSEWHERE = ("more_examples_help", "more_examples_little", "more_examples_unproven")
WORDS_FIRST = "index"  # the stage in which everything can be found by its words as soon as it counts


def panel(
    run: Run | None, said: Said, before: int, voice: Voice, *, of: str = "build", compact: bool = False,
    saved: int | None = None, finishing: bool = False,
) -> str:  # fmt: skip
    """`of` chooses the words (`<of>.running`, `<of>.done` ...); `before` is how many runs come first while it waits,
    `saved` the step a paused training goes on from, `finishing` whether it was told to end with what it has learnt.
    """
    if run is None:
        return voice.html("run_none.html", of=of) if not compact else ""
    fraction = 1.0 if run.state == "done" else said.fraction
    return voice.html(
        "run.html",
        of=of,
        state=run.state,
        compact=compact,
        title=_title(run, said, of, voice),
        sentence=voice.t(f"{of}.finishing")
        if finishing
        else voice.t(f"{of}.stopped.at", done=saved)
        if saved
        else _sentence(run, said, before, of, voice),
        percent=voice.percent(fraction),
        fraction=fraction,
        stages=_stages(run, said, voice),
        facts=_facts(run, said, voice),
        notes=[voice.coded("note", code, **told) for code, told in _notes(said)],
        findings=[voice.finding(finding) for finding in said.findings[-5:]],
    )


def _notes(said: Said) -> list[tuple[str, dict[str, Parameter]]]:
    """The last three kinds, each as it was said last: interrupted runs repeat some. Verdicts stand beside their figures."""
    told = {note.code: note.parameters for note in said.notes if note.code not in ELSEWHERE}
    return list(told.items())[-3:]


def is_active(run: Run | None) -> bool:
    return run is not None and run.state in ACTIVE


def _title(run: Run, said: Said, of: str, voice: Voice) -> str:
    if run.state == "running" and said.stage and not run.cancel:
        return voice.coded("stage", said.stage)
    return voice.t(f"{of}.stopping" if run.state == "running" and run.cancel else f"{of}.{run.state}")


def _sentence(run: Run, said: Said, before: int, of: str, voice: Voice) -> str:
    match run.state:
        case "failed" if run.fault:
            return voice.fault(run.fault)
        case "queued":
            return voice.t("run.waiting", n=before) if before else voice.t("run.starting")
        case "running":
            again = voice.t("run.again", n=run.attempt) if run.attempt > 1 else ""
            return voice.t("run.words_first") if said.stage == WORDS_FIRST and said.of else again
        case _:
            return voice.t(f"{of}.{run.state}.more")


def _stages(run: Run, said: Said, voice: Voice) -> list[tuple[str, str]]:
    at = said.stages.index(said.stage) if said.stage in said.stages else -1
    states = [
        "done"
        if run.state == "done" or number < at
        else "current"
        if number == at and run.state == "running"
        else "todo"
        for number in range(len(said.stages))
    ]
    return [(state, voice.coded("stage", stage)) for state, stage in zip(states, said.stages, strict=True)]


def _facts(run: Run, said: Said, voice: Voice) -> Sequence[tuple[str, str]]:
    facts = []
    if run.state == "running" and said.seconds_left is not None:
        facts.append((voice.t("run.left"), words.duration(said.seconds_left)))
    if run.state == "running" and said.of:
        facts.append((voice.t("run.step"), f"{voice.number(round(said.done))} / {voice.number(round(said.of))}"))
    if said.started is not None:
        end = (said.last or said.started) if run.state not in ACTIVE else time.time()
        facts.append((voice.t("run.taken" if run.state in ACTIVE else "run.took"), words.duration(end - said.started)))
    if run.state in ACTIVE and said.losses and said.losses[-1].train is not None:
        facts.append((voice.t("build.error_level"), voice.number(round(said.losses[-1].train, 2))))
    return facts
