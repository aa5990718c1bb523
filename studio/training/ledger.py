"""What a search for settings has tried and spent, on the disk: a kill loses a few seconds of the account, and no trial."""

import time
from collections.abc import Callable
from pathlib import Path

from studio.base import files
from studio.training.trials import Attempt

LEDGER = "trials.json"
WRITE_SECONDS = 5.0  # so much of the time spent is lost at most by a kill


class Ledger:
    """The trials that are over and the seconds that were spent, on the disk."""

    def __init__(self, file: Path, identity: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._file, self._identity, self._clock = file, identity, clock
        self._began = self._written = clock()
        self.attempts, self._before = read(file, identity)
        if not file.exists():  # what another search of the same has tried, with other minutes, need not be tried again
            others = (read(path, identity)[0] for path in file.parent.parent.glob(f"*/{file.name}"))
            self.attempts = [each for each in max(others, key=len, default=[]) if each.trial.state != "cut"]

    @property
    def spent(self) -> float:
        return self._before + self._clock() - self._began

    def add(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        self.write()

    def write(self, *, now: bool = True) -> None:
        if now or self._clock() - self._written > WRITE_SECONDS:
            self._written = self._clock()
            told = [each.model_dump(mode="json") for each in self.attempts]
            files.write_json(self._file, {"search": self._identity, "spent": round(self.spent, 1), "trials": told})


def read(file: Path, identity: str) -> tuple[list[Attempt], float]:
    told = files.read_json(file)
    if not isinstance(told, dict) or told.get("search") != identity:
        return [], 0.0
    return [Attempt.model_validate(each) for each in told["trials"]], float(told["spent"])
