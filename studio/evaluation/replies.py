"""Many short answers of a few assistants, asked several at a time, kept as they come and never asked twice.

What was said stands in the run's folder, a line an answer; the next run reads what earlier ones left. An answer is known
again by everything that decides it: the assistant, its material where it reads any, the question and what was said before.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from studio import answering
from studio.base.errors import BadInput, Stopped
from studio.base.events import Emit, Progress, ShouldStop
from studio.base.project import Project
from studio.base.records import Answer, Message, Record, Variant
from studio.engines import Engine

FILE = "replies.jsonl"
AT_ONCE = 4  # as many as the host answers side by side


class Asked(NamedTuple):
    variant: Variant
    question: str
    history: tuple[Message, ...] = ()


class Reply(Record):
    """`declined`: nothing was found, or the model said that it does not know."""

    key: str
    text: str
    declined: bool = False


class Replies:
    """The answers of one run. `folder` is its own; what lies in the project's other runs is read, never written."""

    def __init__(self, project: Project, engine: Engine, folder: Path) -> None:
        self._project, self._engine, self._file = project, engine, folder / FILE
        indexed = project.indexed()
        self._material = f"{project.fingerprint}-{indexed.created if indexed else ''}-{project.card.caution}"
        places = {*project.runs.glob(f"*/{FILE}"), self._file}
        if self._file.is_file() and not self._file.read_bytes().endswith(b"\n"):
            with self._file.open("ab") as file:  # a predecessor was killed in the middle of a line
                file.write(b"\n")
        self._known = {reply.key: reply for place in sorted(places) for reply in _read(place)}

    def get(self, asked: Sequence[Asked], emit: Emit, should_stop: ShouldStop) -> list[Reply]:
        """One reply for each. Raises Stopped, and what answering raises but for a question that is itself at fault."""
        keys = [self._key(each) for each in asked]
        missing = {key: each for key, each in zip(keys, asked, strict=True) if key not in self._known}
        emit(Progress(done=0, of=max(len(missing), 1)))
        began = time.monotonic()

        def one(key: str) -> Reply:
            if should_stop():
                raise Stopped
            return self._answer(key, missing[key])

        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool, self._file.open("a", encoding="utf-8") as kept:
            for done, reply in enumerate(pool.map(one, missing), start=1):
                self._known[reply.key] = reply
                kept.write(reply.model_dump_json() + "\n")
                kept.flush()
                left = (time.monotonic() - began) / done * (len(missing) - done)
                emit(Progress(done=done, of=len(missing), seconds_left=round(left, 1)))
        return [self._known[key] for key in keys]

    def _answer(self, key: str, asked: Asked) -> Reply:
        answer = given(self._project, asked, self._engine)
        return Reply(key=key, text=answering.without_markers(answer.text), declined=answer.refused)

    def _key(self, asked: Asked) -> str:
        alone = asked.variant.approach in ("plain", "instructions", "trained")
        told = [
            asked.variant.model_dump(mode="json", exclude={"id"}),
            "" if alone else self._material,
            asked.question,
            [(message.role, message.content) for message in asked.history],
        ]
        return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()[:24]


def given(project: Project, asked: Asked, engine: Engine) -> Answer:
    """The answer; an empty one to a question that is itself at fault. Raises whatever else answering raises."""
    try:
        for piece in answering.ask(project, asked.variant, asked.question, engine, asked.history):
            match piece:
                case answering.Done(answer=answer) | answering.Declined(answer=answer):
                    return answer
    except BadInput:  # too long or empty is no fault of the assistant
        pass
    return Answer(variant=asked.variant.id, question=asked.question, text="")


def _read(place: Path) -> Iterator[Reply]:
    if not place.is_file():
        return
    for line in place.read_text(encoding="utf-8").split("\n"):
        try:
            yield Reply.model_validate_json(line)
        except ValidationError:
            continue  # half a line: its writer was killed in the middle of it
