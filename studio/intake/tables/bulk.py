"""The records of a table's rows, made by the thousand: the same as pydantic makes, in a third of its time.

Only for values that this house has just made itself and whose types are therefore known; whatever crosses a boundary
(a file, a process, a form) is validated. `tests/intake/test_bulk.py` holds the two against each other.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pydantic import BaseModel

from studio.base.records import Example, Message, Section

_new = object.__new__
_slots: dict[str, Callable[[Any, Any], None]] = {name: BaseModel.__dict__[name].__set__ for name in BaseModel.__slots__}
_values, _given = _slots["__dict__"], _slots["__pydantic_fields_set__"]
_extra, _private = _slots["__pydantic_extra__"], _slots["__pydantic_private__"]

_OF_SECTION = {"start", "end", "sheet", "row"}  # shared by all records: they are frozen, and copies copy it
_OF_MESSAGE = {"role", "content"}
_OF_EXAMPLE = {"id", "messages", "task", "topic", "source", "row"}


def sections(texts: Sequence[str], numbers: Sequence[int], start: int, sheet: str) -> list[Section]:
    """A section for each text, one letter between them."""
    made = []
    for text, number in zip(texts, numbers, strict=True):
        end = start + len(text)
        section = _new(Section)
        _values(section, {"start": start, "end": end, "page": None, "heading": "", "sheet": sheet, "row": number})
        _given(section, _OF_SECTION)
        _extra(section, None)
        _private(section, None)
        made.append(section)
        start = end + 1
    return made


def examples(turns: Iterable[tuple[str, int, str, str, str]], source: str, task: str) -> list[Example]:
    """An example of one turn for each id, row, question, answer and topic."""
    made = []
    for key, row, question, answer, topic in turns:
        asked, said, example = _new(Message), _new(Message), _new(Example)
        _values(asked, {"role": "user", "content": question})
        _given(asked, _OF_MESSAGE)
        _extra(asked, None)
        _private(asked, None)
        _values(said, {"role": "assistant", "content": answer})
        _given(said, _OF_MESSAGE)
        _extra(said, None)
        _private(said, None)
        _values(
            example,
            {
                "id": key,
                "messages": (asked, said),
                "task": task,
                "split": "train",
                "topic": topic,
                "source": source,
                "row": row,
            },
        )
        _given(example, _OF_EXAMPLE)
        _extra(example, None)
        _private(example, None)
        made.append(example)
    return made
