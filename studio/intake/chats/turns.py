"""What somebody said in a conversation: the one noun that all importers of conversations share."""

from datetime import datetime
from typing import NamedTuple


class Turn(NamedTuple):
    """What somebody said: who, when (None when the file does not say), the words, the row or line as the person sees it.

    `to` is the row of the turn it replies to, where the program keeps that.
    """

    author: str
    at: datetime | None
    text: str
    row: int
    to: int | None = None
