"""One question put to several assistants at once: a thread each, read as snapshots while they write.

The threads end by themselves; `stop` (the tab was closed, another question came) ends them at their next word.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from studio import answering, comparison
from studio.base.errors import BadInput, StudioError
from studio.base.project import Project
from studio.base.records import Answer, Fault, Filter, Message, Passage, Variant
from studio.engines import Engine


@dataclass(frozen=True)
class Column:
    """An assistant and what it has said so far. Finished when there is an `answer` or a `fault`."""

    variant: Variant
    text: str = ""
    passages: tuple[Passage, ...] = ()
    answer: Answer | None = None
    fault: Fault | None = None
    seconds: float = 0.0
    question: str = ""

    @property
    def finished(self) -> bool:
        return self.answer is not None or self.fault is not None


class Asking:
    """`histories` are the conversations so far, by variant; `only` narrows what those that search may find."""

    def __init__(
        self,
        project: Project,
        variants: Sequence[Variant],
        question: str,
        engine: Engine,
        histories: Mapping[str, Sequence[Message]] | None = None,
        only: Filter | None = None,
    ) -> None:
        self._project, self._question, self._engine = project, question, engine
        self._histories, self._only = histories or {}, only or Filter()
        self._columns = [Column(variant, question=question.strip()) for variant in variants]
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(at,), name=f"ask-{at}", daemon=True) for at in range(len(variants))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def columns(self) -> list[Column]:
        return list(self._columns)

    @property
    def finished(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        self._stop.set()

    def complain(self) -> None:
        """Raise what kept every assistant from answering, if it was the same for all: then the question is at fault."""
        faults = [column.fault for column in self._columns]
        if faults[0] is not None and all(fault == faults[0] for fault in faults):
            raise BadInput(faults[0].code, **faults[0].parameters)

    def _ask(self, at: int) -> None:
        column, began = self._columns[at], time.monotonic()
        try:
            history = self._histories.get(column.variant.id, ())
            pieces = answering.ask(
                self._project, column.variant, self._question, self._engine, history, only=self._only
            )
            for piece in pieces:
                if self._stop.is_set():
                    return
                match piece:
                    case answering.Token(text=text):
                        column = replace(column, text=column.text + text)
                    case answering.Sources(passages=passages):
                        column = replace(column, passages=tuple(passages))
                    case answering.Done(answer=answer) | answering.Declined(answer=answer):
                        comparison.verify(self._project, column.variant, answer, self._engine)
                        self._project.store.put(answer)
                        column = replace(column, answer=answer, text=answer.text, passages=answer.passages)
                self._columns[at] = column = replace(column, seconds=time.monotonic() - began)
        except StudioError as error:
            self._columns[at] = replace(column, fault=error.fault)
        except Exception:
            self._columns[at] = replace(column, fault=Fault(code="answer_failed"))
            raise  # to the log, with its cause, by way of the thread's own hook
