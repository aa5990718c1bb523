"""Which turns are a question and which its answer, within a time and without crossing two people's questions.

What one side says in one go is one piece. A question whose answer comes too late, from nobody, or cannot be told from
the answer to somebody else's is left out and named. A follow-up keeps what it follows.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from studio.base.folding import plain
from studio.base.records import Message
from studio.intake.chats import small_talk
from studio.intake.chats.turns import Turn
from studio.intake.reading import turn as question_and_answer

IN_ONE_GO = timedelta(hours=2)
EARLIER = 6  # messages that a follow-up keeps: three questions with their answers
LeftOut = tuple[Literal["unanswered", "crossed"], int]


class Piece(NamedTuple):
    """What one side said in one go."""

    turns: tuple[Turn, ...]
    ours: bool

    @property
    def text(self) -> str:
        return "\n".join(turn.text for turn in self.turns)

    @property
    def rows(self) -> frozenset[int]:
        return frozenset(turn.row for turn in self.turns)

    @property
    def author(self) -> str:
        return self.turns[0].author

    @property
    def start(self) -> datetime | None:
        return self.turns[0].at

    @property
    def end(self) -> datetime | None:
        return self.turns[-1].at


class Pair(NamedTuple):
    """A question with its answer, and before them what they follow; `row` is where the question stands."""

    row: int
    messages: tuple[Message, ...]
    author: str
    end: datetime | None


class Paired(NamedTuple):
    pairs: list[Pair]
    left_out: list[LeftOut]


def pairs(thread: Sequence[Turn], business: Collection[str], within: timedelta, together: bool = False) -> Paired:
    """`thread` without what says nothing. `together`: it is all about one thing, and whoever asks is one customer."""
    replied = frozenset(turn.to for turn in thread if turn.author in business and turn.to is not None)
    pieces = _pieces(thread, business, together, replied)
    group = not together and len({piece.author for piece in pieces if not piece.ours}) > 1
    found = Paired([], [])
    waiting: list[Piece] = []
    for piece in pieces:
        if not piece.ours:
            waiting.append(piece)
            continue
        late = [asked for asked in waiting if _later(asked.end, piece.start, within)]
        waiting = [asked for asked in waiting if asked not in late]
        _leave(late, "unanswered", found)
        asked, waiting = _answered(piece, waiting, group, replied, found)
        if asked:
            found.pairs.append(_pair(asked, piece, found.pairs, together))
    _leave(waiting, "unanswered", found)
    return found


def _pieces(thread: Sequence[Turn], business: Collection[str], together: bool, replied: frozenset[int]) -> list[Piece]:
    pieces: list[Piece] = []
    for turn in thread:
        ours = turn.author in business
        last = pieces[-1] if pieces else None
        if (
            last is not None
            and last.ours == ours
            and (ours or together or last.author == turn.author)
            and (turn.to is None or turn.to in {said.to for said in last.turns} | {said.row for said in last.turns})
            and (ours or turn.row not in replied or not replied & last.rows)
            and (together or not _later(last.end, turn.at, IN_ONE_GO))
        ):
            pieces[-1] = Piece((*last.turns, turn), ours)
        else:
            pieces.append(Piece((turn,), ours))
    return pieces


def _answered(
    answer: Piece, waiting: list[Piece], group: bool, replied: frozenset[int], found: Paired
) -> tuple[list[Piece], list[Piece]]:
    """The pieces this answers, and those that go on waiting."""
    if not waiting:
        return [], []
    replies = {turn.to for turn in answer.turns if turn.to is not None}
    if linked := [asked for asked in waiting if replies & asked.rows]:
        loose = [asked for asked in waiting if asked.author == linked[0].author and not asked.rows & replied]
        chosen = [asked for asked in waiting if asked in linked or asked in loose]
        return _one_question(chosen), [asked for asked in waiting if asked not in chosen]
    if replies and (group or max(replies) < min(waiting[0].rows)):  # to something else than what is waiting
        return [], waiting
    if not group:
        return _one_question(waiting), []
    if named := [asked for asked in waiting if _names(answer.text, asked.author)]:
        chosen = [asked for asked in waiting if asked.author == named[-1].author]
        return _one_question(chosen), [asked for asked in waiting if asked not in chosen]
    asking = [asked for asked in waiting if small_talk.asks(asked.text)]
    if len({asked.author for asked in asking}) > 1:
        _leave(asking, "crossed", found)
        return [], []
    return _one_question(asking), []


def _one_question(waiting: list[Piece]) -> list[Piece]:
    """The last piece, and those before it that were questions and got no answer."""
    return [*(asked for asked in waiting[:-1] if small_talk.asks(asked.text)), *waiting[-1:]]


def _leave(waiting: Sequence[Piece], why: Literal["unanswered", "crossed"], found: Paired) -> None:
    found.left_out.extend((why, asked.turns[0].row) for asked in waiting if small_talk.asks(asked.text))


def _pair(asked: Sequence[Piece], answer: Piece, before: Sequence[Pair], together: bool) -> Pair:
    question = "\n".join(piece.text for piece in asked)
    history: tuple[Message, ...] = ()
    last = next((pair for pair in reversed(before) if together or pair.author == asked[-1].author), None)
    if last is not None:
        recent = together or not _later(last.end, asked[0].start, IN_ONE_GO)
        answers_back = "?" in last.messages[-1].content and "?" not in question
        if recent and (together or answers_back or small_talk.follows(question)):
            history = last.messages[-EARLIER:]
    messages = (*history, *question_and_answer(question, answer.text))
    return Pair(asked[0].turns[0].row, messages, asked[-1].author, answer.end)


def _names(text: str, author: str) -> bool:
    """Whether a text calls somebody by name: "@Ana", "Ana, sí"."""
    first = plain(author).split()[:1]
    start = plain(text).split()[:4]
    return bool(first) and (first[0] in start or f"@{author}".lower() in text.lower())


def _later(before: datetime | None, after: datetime | None, than: timedelta) -> bool:
    return before is not None and after is not None and after - before > than
