from pathlib import Path

import pytest

from studio.base import events
from studio.base.errors import Stopped
from studio.base.events import Loss, Note, Planned, Progress, Said, Stage


def test_progress_is_what_the_events_amount_to() -> None:
    said = events.fold(
        [
            Planned(stages=("index", "learn"), at=1),
            Stage(name="index", at=2),
            Progress(done=5, of=10, seconds_left=4, at=3),
            Stage(name="learn", at=4),
            Loss(step=1, of=2, train=2.0, at=5),
            Loss(step=1, of=2, validation=1.5, at=6),
            Progress(done=1, of=2, at=7),
        ]
    )
    assert said == Said(
        stages=("index", "learn"),
        stage="learn",
        done=1,
        of=2,
        losses=(Loss(step=1, of=2, train=2.0, validation=1.5, at=6),),
        started=1,
        last=7,
    )
    assert said.fraction == 0.75


def test_a_resumed_run_replaces_the_part_of_the_curve_it_repeats() -> None:
    said = events.fold(
        [Loss(step=s, of=4, train=1.0, at=s) for s in (1, 2, 3)]
        + [Planned(stages=("learn",), at=4), Loss(step=2, of=4, train=0.5, at=5)]
    )
    assert [(loss.step, loss.train) for loss in said.losses] == [(1, 1.0), (2, 0.5)]


def test_nothing_said_is_nothing_done(tmp_path: Path) -> None:
    assert events.fold(events.read(tmp_path)) == Said()
    assert Said().fraction == 0.0


def test_a_line_cut_off_by_a_kill_is_skipped(tmp_path: Path) -> None:
    events.write(tmp_path)(Note(code="smaller_batch", parameters={"batch": 4}, at=1))
    with (tmp_path / events.FILE).open("a") as file:
        file.write('{"event": "progr')
    events.write(tmp_path)(Progress(done=1, of=2, at=2))
    assert list(events.read(tmp_path)) == [
        Note(code="smaller_batch", parameters={"batch": 4}, at=1),
        Progress(done=1, of=2, at=2),
    ]


def test_unusual_line_ends_inside_a_text_do_not_cut_an_event(tmp_path: Path) -> None:
    said = Note(code="x", parameters={"text": "one\u2028two\u0085three"}, at=1)
    events.write(tmp_path)(said)
    assert list(events.read(tmp_path)) == [said]


def test_whoever_tells_how_far_it_is_ends_when_it_shall_stop() -> None:
    heard: list[events.Event] = []
    told = events.telling(heard.append, lambda: bool(heard))
    told(1, 9)
    with pytest.raises(Stopped):
        told(2, 9)
    assert [(event.done, event.of) for event in heard if isinstance(event, Progress)] == [(1, 9)]
