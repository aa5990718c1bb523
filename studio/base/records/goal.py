"""What the person wants, and how the assistant is to speak."""

from typing import Literal

from pydantic import Field

from studio.base.records.record import Record


class Goal(Record):
    """The answers of the Goal step."""

    kind: Literal["answer", "write", "sort", "other"] = "answer"
    text: str = Field(default="", max_length=4_000)
    facts_or_style: Literal["facts", "style", "both"] = "facts"
    change: Literal["daily", "weekly", "monthly", "rarely"] = "monthly"
    matters: tuple[Literal["facts", "sources", "tone", "speed", "private"], ...] = (
        "facts",
        "sources",
        "private",
    )


class Profile(Record):
    """Who speaks and to whom; turned into instructions by `answering`."""

    address: Literal["", "tú", "usted"] = ""
    tone: Literal["warm", "neutral", "formal"] = "neutral"
    length: Literal["short", "medium", "long"] = "short"
