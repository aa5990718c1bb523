"""The conversation on the compare page: which answers belong to it, and what each assistant is told of it.

It is kept as the ids of its answers, a line a question, so that a reload and the other language show it again. A question
asked anywhere else, or "new conversation", ends it.
"""

from collections.abc import Mapping, Sequence

from studio.base.errors import BadInput
from studio.base.project import Project
from studio.base.records import Answer, Message, Variant
from studio.web.views.answers import latest_together
from studio.web.voice import Voice

FACT = "conversation"
ENDED = "ended "
LONGEST = 20  # questions; the assistants are told the last few, people read the rest
RECENT = 12  # answers looked at for the last question: three rounds of four
MOST_ANSWERS = 8  # of one question

Turns = list[list[Answer]]


def turns(project: Project, variants: Sequence[Variant]) -> Turns:
    """The questions of the conversation on the page, oldest first, each with its answers; empty when a new one begins."""
    recent = project.store.latest(Answer, RECENT)
    last = latest_together(recent, variants)
    kept = project.store.fact(FACT) or ""
    if not last or kept == ENDED + recent[-1].id:
        return []
    if kept.startswith(ENDED) or not kept:
        return [last]
    written = [line.split() for line in kept.split("\n")]
    if written[-1] != [answer.id for answer in last]:
        return [last]
    return [
        found for line in written if (found := project.store.some(Answer, line))
    ]  # less what rested on what is gone


def keep(project: Project, asked: Turns) -> None:
    lines = [" ".join(answer.id for answer in turn) for turn in asked[-LONGEST:]]
    project.store.put_fact(FACT, "\n".join(lines))


def end(project: Project) -> None:
    recent = project.store.newest(Answer)
    project.store.put_fact(FACT, ENDED + recent.id if recent else "")


def shown(project: Project, thread: str) -> Turns:
    """The turns as they stood on somebody's page: ids, a semicolon between questions. Raises BadInput and NotFound."""
    lines = [line.split() for line in str(thread).split(";") if line.strip()]
    if not lines:
        raise BadInput("nothing_asked")
    return [[project.answer(id) for id in line[:MOST_ANSWERS]] for line in lines[-LONGEST:]]


def histories(asked: Turns, voice: Voice) -> Mapping[str, Sequence[Message]]:
    """What each variant asked and answered so far. One that knew no answer said so."""
    from studio.answering import without_markers

    made: dict[str, list[Message]] = {}
    for answer in (answer for turn in asked for answer in turn):
        said = without_markers(answer.text) or voice.t("answer.not_found")
        made.setdefault(answer.variant, []).extend(
            (Message(role="user", content=answer.question), Message(role="assistant", content=said))
        )
    return made
