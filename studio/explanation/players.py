"""Who plays: the stretches of a prompt that are taken out and put back to see what the answer owes to them.

A player is a span of one message: a passage with its label, a phrase or a word of the question, a sentence of the
instructions. It owns the space before it. Texts are found in the prompt as it was sent, so that taking one out is exact.
"""

import json
import re
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

from studio.base.records import Answer, Message
from studio.retrieval import sentences

Span = tuple[int, int]

FEWEST_PHRASES = 5
MOST_PHRASES = 12
MOST_WORDS = 60
LONGEST_PHRASE = 3  # words that are no function words
MOST_INSTRUCTIONS = 6
MOST_SENTENCES = 8  # inside a passage: as many as are played exactly
FEW_INSTRUCTIONS = 3  # with passages behind them: everything after an instruction is read again without it

_WORD = re.compile(r"\s*\S+")
_ENDS_PHRASE = re.compile(r"[.,;:?!…)\]»”\"]$")
_MARK = re.compile(r"\s*\[(\d{1,3})\]")


class Player(NamedTuple):
    """`conversation[message].content[start:end]`; `passage` is the position in `Answer.passages` of one that was found."""

    text: str
    message: int
    start: int
    end: int
    passage: int | None = None

    @property
    def where(self) -> tuple[int, int, int]:
        return self.message, self.start, self.end


def spoken(answer: Answer) -> tuple[str, tuple[Span, ...]]:
    """What the model itself said, without the citation marks that were put in, and its sentences: spans that cover it."""
    cited = {citation.number for citation in answer.citations}
    text = _MARK.sub(lambda mark: "" if int(mark[1]) in cited else mark[0], answer.text).strip()
    return text, tuple(_covering(text, sentences.spans(text)))


def passages(conversation: Sequence[Message], texts: Sequence[str]) -> list[Player]:
    """The passages in the prompt, in the order in which they stand there, each with its label and the blank after it.

    Those that are not in the prompt word for word are left out. Equal texts are different players.
    """
    found = [(n, _places(message.content, texts)) for n, message in enumerate(conversation)]
    message, places = max(found, key=lambda each: (len(each[1]), each[0]), default=(0, {}))
    content = conversation[message].content if conversation else ""
    made: list[Player] = []
    before = 0
    order = sorted(places, key=lambda passage: places[passage])
    for passage in order:
        start, end = places[passage]
        label = content.rfind(f"[{passage + 1}]", before, start)
        start = start if label < 0 else label
        while end < len(content) and content[end].isspace():
            end += 1
        made.append(Player(texts[passage].strip(), message, start, end, passage))
        before = end
    return made


def inside(conversation: Sequence[Message], texts: Sequence[str], passage: int) -> list[Player]:
    """The sentences of one passage where it stands in the prompt, neighbours put together above `MOST_SENTENCES`."""
    for player in passages(conversation, texts):
        if player.passage == passage:
            start = conversation[player.message].content.index(player.text, player.start)
            spans = _merged(_covering(player.text, sentences.spans(player.text)), MOST_SENTENCES)
            return [Player(player.text[a:b].strip(), player.message, start + a, start + b, passage) for a, b in spans]
    return []


def question(
    conversation: Sequence[Message], asked: str, detail: Literal["phrases", "words"], taken: Sequence[Player] = ()
) -> list[Player]:
    """The phrases or words of the question where it was last asked; none when it does not stand in the prompt."""
    asked = asked.strip()
    split = phrases if detail == "phrases" else words
    for message in reversed(range(len(conversation))):
        if conversation[message].role != "user" or not asked:
            continue
        content = conversation[message].content
        start = content.rfind(asked)
        while start >= 0 and _overlaps(message, start, start + len(asked), taken):
            start = content.rfind(asked, 0, start + len(asked) - 1)
        if start >= 0:
            return [Player(asked[a:b].strip(), message, start + a, start + b) for a, b in split(asked)]
    return []


def instructions(conversation: Sequence[Message], most: int, taken: Sequence[Player] = ()) -> list[Player]:
    """The sentences of the system message, neighbours put together until there are at most `most`."""
    for message, said in enumerate(conversation):
        if said.role == "system" and said.content.strip():
            spans = _covering(said.content, sentences.spans(said.content))
            free = [span for span in spans if not _overlaps(message, *span, taken)]
            return [Player(said.content[a:b].strip(), message, a, b) for a, b in _merged(free, most)]
    return []


def phrases(text: str) -> list[Span]:
    """Spans that cover the text: a new phrase begins after punctuation, before a function word once the phrase has said
    something, and after three telling words. Short questions are cut finer, long ones coarser: 5 to 12 phrases."""
    functional = _function_words(text)
    units = words(text, most=0)
    content = [_bare(text[a:b]) not in functional for a, b in units]
    made: list[list[int]] = []
    for n in range(len(units)):
        current = made[-1] if made else []
        says = sum(content[k] for k in current)
        last = text[slice(*units[current[-1]])] if current else ""
        if not current or (says and not content[n]) or says >= LONGEST_PHRASE or _ENDS_PHRASE.search(last):
            made.append([])
        made[-1].append(n)
    made = _finer(made, content)
    return _merged([(units[part[0]][0], units[part[-1]][1]) for part in made], MOST_PHRASES)


def words(text: str, most: int = MOST_WORDS) -> list[Span]:
    """Spans of white-space words that cover the text, neighbours put together above `most` (0: never)."""
    spans = _covering(text, [match.span() for match in _WORD.finditer(text)])
    return _merged(spans, most) if most else spans


def _finer(made: list[list[int]], content: Sequence[bool]) -> list[list[int]]:
    """Cut the phrases with the most to say before their last telling word, until there are enough of them."""

    def telling(part: list[int]) -> list[int]:
        return [n for n in part if content[n]]

    while made and len(made) < FEWEST_PHRASES:
        richest = max(made, key=lambda part: len(telling(part)))
        if len(telling(richest)) < 2:
            break
        at, cut = made.index(richest), richest.index(telling(richest)[-1])
        made = [*made[:at], richest[:cut], richest[cut:], *made[at + 1 :]]
    return made


def _merged(spans: Sequence[Span], most: int) -> list[Span]:
    """Join the shortest adjoining neighbours until at most `most` are left."""
    made = list(spans)
    while len(made) > most:
        lengths = [after[1] - before[0] for before, after in pairwise(made)]
        at = lengths.index(min(lengths))
        made[at : at + 2] = [(made[at][0], made[at + 1][1])]
    return made


def _covering(text: str, spans: Sequence[Span]) -> list[Span]:
    """The same spans grown over the space before them, and the last one over the end."""
    starts = [0, *(end for _, end in spans[:-1])]
    ends = [*(end for _, end in spans[:-1]), len(text)]
    return list(zip(starts, ends, strict=True)) if spans else []


def _places(content: str, texts: Sequence[str]) -> dict[int, Span]:
    """Where each text stands, none inside another; the longer ones choose first, as they may quote the shorter."""
    places: dict[int, Span] = {}
    for number in sorted(range(len(texts)), key=lambda n: (-len(texts[n]), n)):
        text = texts[number].strip()
        start = content.find(text) if text else -1
        while start >= 0 and any(start < end and start + len(text) > begin for begin, end in places.values()):
            start = content.find(text, start + 1)
        if start >= 0:
            places[number] = (start, start + len(text))
    return places


def _overlaps(message: int, start: int, end: int, taken: Sequence[Player]) -> bool:
    return any(p.message == message and start < p.end and end > p.start for p in taken)


def _bare(word: str) -> str:
    return re.sub(r"\W+", "", word).lower()


def _function_words(text: str) -> frozenset[str]:
    """Those of the language that the text has most of."""
    said = [_bare(word) for word in text.split()]
    return max(_languages(), key=lambda known: sum(word in known for word in said))


@cache
def _languages() -> tuple[frozenset[str], ...]:
    lists = json.loads((Path(__file__).parent / "function_words.json").read_text(encoding="utf-8"))
    return tuple(frozenset(known) for known in lists.values())
