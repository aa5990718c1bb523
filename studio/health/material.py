"""What is looked over and repaired, and how a repair says what it would change."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeVar

from studio.base.records import Change, Document, Example, Goal, Question

Piece = Document | Example | Question
P = TypeVar("P", Document, Example, Question)

KINDS: Mapping[type[Piece], Literal["document", "example", "question"]] = MappingProxyType(
    {Document: "document", Example: "example", Question: "question"}
)


class Material(NamedTuple):
    """Everything a project has to learn from and to be tested with.

    `known` are the numbers of the placeholders that were given out before (see `masking`).
    """

    documents: Sequence[Document]
    examples: Sequence[Example]
    questions: Sequence[Question]
    goal: Goal
    known: Mapping[str, int] = MappingProxyType({})


Repairer = Callable[[Material], list[Change]]


def taken_out(pieces: Sequence[Piece]) -> list[Change]:
    return [
        Change(kind=KINDS[type(piece)], id=piece.id, before=piece.model_dump_json(), after=None) for piece in pieces
    ]


def changed(before: P, after: P) -> list[Change]:
    """One change, or none when the two are the same."""
    if before == after:
        return []
    return [
        Change(kind=KINDS[type(before)], id=before.id, before=before.model_dump_json(), after=after.model_dump_json())
    ]


def rewritten(
    material: Material, rewrite: Callable[[str, str], "Moved"], language: Callable[[str], str]
) -> list[Change]:
    """Every text of the material put through `rewrite(text, language)`; sections keep pointing at the same words."""
    changes: list[Change] = []
    for document in material.documents:
        changes += changed(document, _document(document, rewrite))
    for example in material.examples:
        spoken = language(f"{example.question} {example.answer}")
        messages = tuple(
            message.model_copy(update={"content": rewrite(message.content, spoken).text})
            for message in example.messages
        )
        update = {"messages": messages, "topic": rewrite(example.topic, spoken).text}
        changes += changed(example, example.model_copy(update=update))
    for question in material.questions:
        spoken = language(f"{question.question} {question.reference}")
        facts = tuple(
            "|".join(dict.fromkeys(rewrite(either, spoken).text for either in fact.split("|")))
            for fact in question.must_contain
        )
        update = {
            "question": rewrite(question.question, spoken).text,
            "reference": rewrite(question.reference, spoken).text,
            "must_contain": facts,
        }
        changes += changed(question, question.model_copy(update=update))
    return changes


class Moved(NamedTuple):
    """A text after some stretches of it were replaced, and where they stood in the old one: start, end, new length."""

    text: str
    replaced: tuple[tuple[int, int, int], ...] = ()
    earlier: "Moved | None" = None

    def at(self, position: int) -> int:
        """Where a position of the old text is now; one inside a replaced stretch moves to its end."""
        position = self.earlier.at(position) if self.earlier else position
        shift = 0
        for start, end, length in self.replaced:
            if position <= start:
                break
            if position < end:
                return start + shift + length
            shift += length - (end - start)
        return position + shift


def replace(text: str, stretches: Sequence[tuple[int, int, str]]) -> Moved:
    """The text with each stretch (start, end, new text) replaced. In order and without overlaps."""
    parts, last = [], 0
    for start, end, new in stretches:
        parts += [text[last:start], new]
        last = end
    return Moved("".join([*parts, text[last:]]), tuple((start, end, len(new)) for start, end, new in stretches))


def _document(document: Document, rewrite: Callable[[str, str], Moved]) -> Document:
    moved = rewrite(document.text, document.language)
    sections = tuple(
        section.model_copy(
            update={
                "start": moved.at(section.start),
                "end": moved.at(section.end),
                "heading": rewrite(section.heading, document.language).text if section.heading else "",
            }
        )
        for section in document.sections
    )
    return document.model_copy(update={"text": moved.text, "sections": sections})
