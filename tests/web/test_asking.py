"""One question to several assistants at once, with an engine that says what it is told to."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.base.errors import BadInput, Unavailable
from studio.base.records import Answer, Variant
from studio.engines import Text, Usage
from studio.web.asking import Asking
from tests.web import stories


class Engine:
    """Speaks word by word; `gate` holds it back after the first, `fault` keeps it from speaking at all."""

    def __init__(self, words: str = "Yes, within seven days.", fault: Exception | None = None) -> None:
        self.words, self.fault, self.gate, self.closed = words, fault, threading.Event(), threading.Event()
        self.gate.set()

    def chat(self, messages: Any, **_: Any) -> Iterator[Text | Usage]:
        if self.fault:
            raise self.fault
        try:
            for word in self.words.split():
                yield Text(text=f"{word} ")
                self.gate.wait(10)
            yield Usage(prompt_tokens=9, tokens=4, seconds=0.1, first_token_seconds=0.05)
        finally:
            self.closed.set()


def two(made: Any) -> list[Variant]:
    return [variant for variant in made.variants() if variant.approach in ("plain", "instructions")]


def finished(asking: Asking) -> bool:
    end = time.monotonic() + 10
    while not asking.finished and time.monotonic() < end:
        time.sleep(0.01)
    return asking.finished


def test_everyone_answers_and_every_answer_is_kept(tmp_path: Path) -> None:
    made = stories.project(tmp_path)
    asking = Asking(made, two(made), "How long?", Engine())  # type: ignore[arg-type]
    assert finished(asking)
    assert [column.text for column in asking.columns] == ["Yes, within seven days."] * 2
    kept = {answer.id for answer in made.store.all(Answer)}
    assert kept == {column.answer.id for column in asking.columns if column.answer}
    asking.complain()


def test_what_was_said_so_far_can_be_shown_while_they_speak(tmp_path: Path) -> None:
    made, engine = stories.project(tmp_path), Engine()
    engine.gate.clear()
    asking = Asking(made, two(made)[:1], "How long?", engine)  # type: ignore[arg-type]
    end = time.monotonic() + 10
    while not asking.columns[0].text and time.monotonic() < end:
        time.sleep(0.01)
    assert asking.columns[0].text.strip() == "Yes,"
    assert not asking.columns[0].finished
    asking.stop()  # the tab was closed
    engine.gate.set()
    assert finished(asking)
    assert engine.closed.is_set()
    assert made.store.all(Answer) == []


@pytest.mark.parametrize(
    ("question", "engine", "code"),
    [
        ("  ", Engine(), "question_empty"),
        ("long " * 2_000, Engine(), "question_too_long"),
        ("How long?", Engine(fault=Unavailable("engine_not_answering")), "engine_not_answering"),
    ],
    ids=["empty", "two thousand words", "no engine"],
)
def test_what_keeps_everyone_from_answering_is_said_once(
    tmp_path: Path, question: str, engine: Engine, code: str
) -> None:
    made = stories.project(tmp_path)
    asking = Asking(made, two(made), question, engine)  # type: ignore[arg-type]
    assert finished(asking)
    with pytest.raises(BadInput) as said:
        asking.complain()
    assert said.value.code == code
