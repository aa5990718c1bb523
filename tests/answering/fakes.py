"""An engine for tests that obeys the interface: it says what it is told to say and remembers what it was sent."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from studio.base.records import Message
from studio.engines import Text, Usage
from tests.retrieval.fakes import WordEmbedder


class Parrot(WordEmbedder):
    def __init__(self, *answers: str) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[tuple[Message, ...]] = []
        self.adapters: list[Path | None] = []
        self.spoken = 0

    def says(self, messages: Sequence[Message]) -> str:
        return self.answers.pop(0)

    def chat(
        self,
        messages: Sequence[Message],
        *,
        model: str,
        adapter: Path | None = None,
        max_tokens: int = 160,
        temperature: float = 0.0,
    ) -> Iterator[Text | Usage]:
        self.asked.append(tuple(messages))
        self.adapters.append(adapter)
        words = re.findall(r"\S+\s*", self.says(messages))
        for word in words[:max_tokens]:
            self.spoken += 1
            yield Text(text=word)
        yield Usage(prompt_tokens=7, tokens=min(len(words), max_tokens), seconds=0.2, first_token_seconds=0.1)
