"""What every record is, and the closed sets of words that several of them use."""

from datetime import UTC, datetime
from typing import Literal, get_args
from uuid import uuid4

from pydantic import BaseModel, ConfigDict

Language = Literal["en", "es"]
Approach = Literal["plain", "instructions", "examples", "documents", "whole", "trained", "both"]
Level = Literal["stop", "warn", "note", "good"]
Split = Literal["train", "validation", "test"]
Role = Literal["system", "user", "assistant"]
Parameter = str | int | float
RunKind = Literal[
    "intake",
    "check",
    "draft",
    "rehearse",
    "seek",
    "build",
    "calibrate",
    "attune",
    "prefer",
    "fetch",
    "evaluate",
    "character",
    "judge",
    "explain",
    "export",
    "push",
]
ColumnRole = Literal["question", "answer", "topic", "more", "task", "text", "ignore"]
Task = Literal["answer", "summarise", "sort", "translate", "write"]
GeneralKind = Literal["language", "knowledge", "arithmetic", "instructions", "refusal"]
RunState = Literal["queued", "running", "done", "failed", "stopped"]
LANGUAGES: tuple[Language, ...] = ("en", "es")
TASKS: tuple[Task, ...] = get_args(Task)
APPROACHES_THAT_SEARCH: frozenset[Approach] = frozenset({"documents", "both"})
APPROACHES_THAT_TRAIN: frozenset[Approach] = frozenset({"trained", "both"})


def new_id() -> str:
    """Twelve hexadecimal digits, unguessable enough to never meet twice on one machine."""
    return uuid4().hex[:12]


def now() -> str:
    """The present moment, UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Record(BaseModel):
    """Frozen, and unknown fields are an error: a misspelt field is never lost in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
