"""Work on the material that is under way, or that ended with something to tell."""

from collections.abc import Sequence
from dataclasses import dataclass

from studio.base.events import Said
from studio.base.records import Run, RunKind
from studio.web.views import run as run_views
from studio.web.voice import Voice

WORDS: dict[RunKind, str] = {"intake": "taking", "check": "checking", "draft": "drafting"}


@dataclass(frozen=True)
class Job:
    """A run, what it has said, and how many come first while it waits."""

    run: Run
    said: Said
    before: int = 0

    @property
    def active(self) -> bool:
        return run_views.is_active(self.run)

    @property
    def telling(self) -> bool:
        """Whether there is something to see: it works, it failed, or it met what a person should know. Of looking over,
        the findings tell themselves."""
        if self.run.kind == "check":
            return self.run.state == "failed"
        refused = any(finding.level == "stop" for finding in self.said.findings)
        return self.active or self.run.state in ("failed", "stopped") or (self.run.state == "done" and refused)


def jobs(known: Sequence[Job], stamp: str, voice: Voice) -> str:
    """`stamp` changes whenever the rest of the page has become old."""
    shown = [
        {
            "id": job.run.id,
            "active": job.active,
            "stopping": job.run.cancel,
            "panel": run_views.panel(job.run, job.said, job.before, voice, of=WORDS[job.run.kind], compact=True),
        }
        for job in known
        if job.telling
    ]
    return voice.html("jobs.html", jobs=shown, stamp=stamp)
