"""Examples as rows of tokens, and which of them are short enough to be learnt."""

from collections.abc import Sequence

from studio.base.errors import BadInput
from studio.base.events import Emit, Found
from studio.base.records import Example, Finding
from studio.training import wording
from studio.training.lessons import Lessons
from studio.training.rendering import Renderer, Row


def of(examples: Sequence[Example], renderer: Renderer) -> list[Row]:
    return [Row(*renderer.render(example.messages), task=example.task) for example in examples]


def taught(examples: Sequence[Example], renderer: Renderer, seed: int) -> list[Row]:
    """Rows to learn from: with further wordings where a question allows them."""
    found = []
    for row, others in zip(of(examples, renderer), wording.wordings(examples, seed), strict=True):
        found.append(row._replace(wordings=tuple(of(others, renderer))))
    return found


def frame(examples: Sequence[Example]) -> str:
    """The system message that all examples begin with; empty where they differ or have none."""
    first = {example.messages[0].content if example.messages[0].role == "system" else "" for example in examples}
    return first.pop() if len(first) == 1 else ""


def fitting(lessons: Lessons, renderer: Renderer, limit: int, emit: Emit) -> Lessons:
    """The lessons without examples longer than `limit` tokens; those that would have been learnt are reported.

    Raises BadInput("examples_all_too_long", count=, limit=).
    """

    def fits(example: Example) -> bool:
        return len(renderer.render(example.messages).input_ids) <= limit

    learnt = tuple(example for example in lessons.learnt if fits(example))
    short = {id(example) for example in learnt}
    long = [example for example in lessons.learnt if id(example) not in short]
    if not learnt:
        raise BadInput("examples_all_too_long", count=len(lessons.learnt), limit=limit)
    if long:
        names = tuple(example.question[:80] for example in long)
        finding = Finding(
            code="examples_too_long", level="warn", count=len(long), names=names, parameters={"limit": limit}
        )
        emit(Found(finding=finding))
    return Lessons(learnt=learnt, kept_back=tuple(example for example in lessons.kept_back if fits(example)))
