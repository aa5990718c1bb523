"""Examples and documents for the tests of the health room."""

from collections.abc import Sequence

from studio.base.records import Document, Example, Message, Section, Split


def example(
    question: str, answer: str, row: int = 2, source: str = "sources/faq.csv", split: Split = "train"
) -> Example:
    messages = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Example(id=f"{source}{row}{question}", messages=messages, source=source, row=row, split=split)


def document(text: str, name: str = "guide.txt", language: str = "en", sections: Sequence[Section] = ()) -> Document:
    return Document(
        id=name,
        name=name,
        kind="txt",
        text=text,
        source=f"sources/{name}",
        sha256="0" * 64,
        language=language,
        sections=tuple(sections),
    )
