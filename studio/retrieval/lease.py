"""One writer at a time: a lock file among the processes of a machine, an object of the store among machines.

Only what `storage.check` has seen to work is asked of the store: of two who create an object, one is told. The lease is
`lease-<number>`: who creates the next number holds it, says so again every few seconds, and writes FREE into it in the end.
One that says nothing new for a while died, or is cut off; the next number takes it over, and who held it learns of that
before its next commit. Times are measured by who waits, on its own clock. Knows nothing of what is written.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import filelock

from studio.base import records
from studio.base.errors import Stopped, Unavailable
from studio.base.events import ShouldStop
from studio.retrieval import storage
from studio.retrieval.storage import Place

NAME = "lease-"
FREE = "free"
BEAT = 4.0  # seconds between two signs of life
DEAD = 20.0  # seconds without one after which another goes on
LOOK = 1.0  # seconds between two looks of who waits


@contextmanager
def alone(place: Place, should_stop: ShouldStop) -> Iterator[None]:
    """Wait until nobody else writes, and let nobody else meanwhile. Raises Stopped, and Unavailable where the store
    does not answer.
    """
    lock = filelock.FileLock(place.folder / ".lock")
    while True:
        with suppress(filelock.Timeout):
            lock.acquire(timeout=0.5)
            break
        if should_stop():
            raise Stopped
    try:
        with _leased(place, should_stop) if place.is_remote else _nothing():
            yield
    finally:
        lock.release()


@contextmanager
def at_once(place: Place) -> Iterator[bool]:
    """Whether nobody writes just now; if so, nobody does meanwhile."""
    with ExitStack() as held:
        try:
            held.enter_context(filelock.FileLock(place.folder / ".lock", timeout=0))
            if place.is_remote:
                held.enter_context(_leased(place, lambda: True))  # stops where it would wait
        except (filelock.Timeout, Stopped):
            free = False
        else:
            free = True
        yield free


def kept(place: Place) -> None:
    """Make sure, before a commit, that what this process writes is still its own to write.

    Raises Unavailable("index_taken_over") when another machine took it for dead.
    """
    mine = _held.get(place)
    if mine is not None and mine.is_lost():
        raise Unavailable("index_taken_over", name=place.uri)


def forget(place: Place) -> None:
    """Remove every trace of it: the index is about to be removed, and nobody who writes it may go on."""
    for number in _numbers(place):
        storage.remove(place, _name(number))


class _Lease:
    """A lease that is held, and the thread that says so."""

    def __init__(self, place: Place, number: int, holder: str) -> None:
        self._place, self._number, self._holder = place, number, holder
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beating, daemon=True)
        self._thread.start()

    def is_lost(self) -> bool:
        return max(_numbers(self._place), default=0) != self._number

    def end(self) -> None:
        self._over.set()
        self._thread.join()
        with suppress(Unavailable):  # then it is taken over once it has been silent long enough
            if not self.is_lost():
                storage.write(self._place, _name(self._number), FREE)

    def _beating(self) -> None:
        beat = 0
        while not self._over.wait(BEAT):
            beat += 1
            with suppress(Unavailable):  # the next one may come through
                if self.is_lost():
                    return
                storage.write(self._place, _name(self._number), f"{self._holder} {beat}")


@contextmanager
def _leased(place: Place, should_stop: ShouldStop) -> Iterator[None]:
    lease = _held[place] = _taken(place, should_stop)
    storage.doubt()  # others wrote while we waited
    try:
        yield
    finally:
        del _held[place]
        lease.end()


def _taken(place: Place, should_stop: ShouldStop) -> _Lease:
    holder, seen, since = records.new_id(), "", time.monotonic()
    while True:
        number = max(_numbers(place), default=0)
        said = storage.read_now(place, _name(number)) if number else FREE
        if said != FREE and f"{number} {said}" != seen:
            seen, since = f"{number} {said}", time.monotonic()
        if (said in (FREE, None) or time.monotonic() - since > DEAD) and _created(place, number + 1, holder):
            return _Lease(place, number + 1, holder)
        if should_stop():
            raise Stopped
        time.sleep(LOOK)


def _created(place: Place, number: int, holder: str) -> bool:
    if not storage.create(place, _name(number), holder):
        return False
    numbers = _numbers(place)
    if max(numbers, default=0) != number:  # this number had come and gone while we looked
        storage.remove(place, _name(number))
        return False
    for older in numbers - {number}:
        storage.remove(place, _name(older))
    return True


def _numbers(place: Place) -> set[int]:
    return {int(name.removeprefix(NAME)) for name in storage.names(place) if name.startswith(NAME)}


def _name(number: int) -> str:
    return f"{NAME}{number:09}"


@contextmanager
def _nothing() -> Iterator[None]:
    yield


_held: dict[Place, _Lease] = {}
"""Leases of this process; one a place, as its lock file is held too."""
