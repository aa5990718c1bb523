"""What an answer cites, ready to be shown."""

from dataclasses import dataclass

from studio.base.records import Answer, Chunk

Part = tuple[str, bool]  # a stretch of a passage, and whether it carries the sentence


@dataclass(frozen=True)
class Source:
    """A cited passage: the text before it, its parts, the text after it, and whether its page can be seen."""

    number: int
    chunk: Chunk
    before: str
    parts: tuple[Part, ...]
    after: str
    pictured: bool = False


def bare(answer: Answer) -> tuple[Source, ...]:
    """What it cites without the text around it, before that was looked up."""
    return tuple(
        Source(citation.number, answer.passages[citation.passage].chunk, "", _whole(answer, citation.passage), "")
        for citation in sorted(answer.citations, key=lambda each: each.number)
        if citation.passage < len(answer.passages)
    )


def _whole(answer: Answer, passage: int) -> tuple[Part, ...]:
    return ((answer.passages[passage].chunk.text, False),)
