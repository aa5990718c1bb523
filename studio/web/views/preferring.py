"""Learning from what people like better: how many judgements there are, and what came of the last time."""

from collections import Counter

from studio.base import words
from studio.base.events import Said
from studio.base.records import Preferred, Run, Score
from studio.improvement import Preferences
from studio.training import NEEDED
from studio.web.voice import Voice


def state(known: Preferences, found: Preferred | None, run: Run | None, said: Said, voice: Voice) -> str:
    """The count and where it comes from, what is under way or went wrong, and the last result with its evidence."""
    n, lines = len(known.pairs), list[str]()
    for source, count in Counter(pair.source for pair in known.pairs).items():
        lines.append(voice.t(f"prefer.from.{source}", n=count))
    lines += [
        voice.t(f"prefer.{name}", n=getattr(known, name))
        for name in ("equal", "against", "sealed")
        if getattr(known, name)
    ]
    lines += [_work(run, said, voice)] if run is not None and run.state != "done" else []
    return voice.html(
        "prefer.html",
        count=voice.t("prefer.count", n=n, needed=NEEDED),
        fraction=min(100 * n / NEEDED, 100),
        why="" if n >= NEEDED else voice.t("prefer.why", needed=NEEDED),
        lines=lines,
        good=found is not None and found.reason == "kept",
        result=result(found, voice) if found else "",
    )


def _work(run: Run, said: Said, voice: Voice) -> str:
    match run.state:
        case "failed" if run.fault is not None:
            return voice.fault(run.fault)
        case "stopped":
            return voice.t("build.stopped.more")
        case _ if run.cancel:
            return voice.t("build.stopping")
    stage = voice.coded("stage", said.stage) if said.stage else voice.t("run.starting")
    told = {"stage": stage, "share": voice.percent(said.fraction)}
    if said.seconds_left is None:
        return voice.t("prefer.working", **told)
    return voice.t("prefer.working.left", **told, left=words.duration(said.seconds_left))


def result(found: Preferred, voice: Voice) -> str:
    told = voice.t(
        "prefer.proof", n=found.before.n, before=_share(found.before, voice), after=_share(found.after, voice)
    )
    return f"{voice.t(f'prefer.found.{found.reason}')} {told}"


def _share(score: Score, voice: Voice) -> str:
    low, high = voice.percent(score.low), voice.percent(score.high)
    return voice.t("prefer.share", right=round(score.value * score.n), low=low, high=high)
