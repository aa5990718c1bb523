"""How a question is made for a sentence: by the model, shown how with a few examples, or by a pattern for the kind of fact.

Small models ask well in the languages they speak and badly in others; what cannot be a question about this sentence is
thrown away here. Says nothing of whether a question finds its sentence again: that is for `draft`.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.base.records import Message
from studio.engines import Model, Text
from studio.retrieval import terms

if TYPE_CHECKING:
    from studio.engines import Engine

SMALL = 1_000_000_000  # parameters under which a model asks several times and patterns stand by
TEMPERATURES = (0.0, 0.7, 0.7)
QUESTION_TOKENS, ANSWER_TOKENS = 48, 120
LONGEST = 200
FOREIGN = 0.34  # share of a question's words that may be missing from the text before it is about something else
TOPIC_WORDS = 7


class Asked(NamedTuple):
    """A question, and whether the model worded it (`own`) or a pattern."""

    text: str
    own: bool


def questions(sentence: str, topic: str, language: str, model: Model, engine: "Engine") -> list[Asked]:
    """Questions that the sentence may answer; empty when nothing sensible came."""
    found: dict[str, Asked] = {}
    if language in model.languages:
        for temperature in TEMPERATURES if model.parameters < SMALL else TEMPERATURES[:1]:
            said = _say(_prompt(sentence, language), QUESTION_TOKENS, temperature, model, engine)
            text = _tidy(said, language)
            if text and _is_about(text, sentence, topic):
                found.setdefault(terms.fold(text), Asked(text, own=True))
    if model.parameters < SMALL and topic:
        for pattern in _words()[language]["by_fact"][_fact(sentence)]:
            text = pattern.format(topic=topic)
            found.setdefault(terms.fold(text), Asked(text, own=False))
    return list(found.values())


def answer(question: str, passage: str, language: str, model: Model, engine: "Engine") -> str:
    """The answer in the model's own words; empty when it states a number that the passage does not."""
    words = _words()[language]
    asked = f"{words['text']}: {passage}\n\n{words['question']}: {question}"
    messages = [Message(role="system", content=words["answer"]), Message(role="user", content=asked)]
    said = " ".join(_say(messages, ANSWER_TOKENS, 0.0, model, engine).split())
    return said if not terms.numbers(said) - terms.numbers(passage) else ""


def topic(sentence: str, heading: str) -> str:
    """What the sentence is about, as a phrase: what stands before its verb, or else the heading it stands under."""
    words = _words()
    before = (
        re.split(words["verbs"], sentence, maxsplit=1, flags=re.I)[0] if re.search(words["verbs"], sentence) else ""
    )
    phrase = re.split(r"[,;:(–—]", before)[0].strip()
    if terms.content(phrase) and len(phrase.split()) <= TOPIC_WORDS and not phrase[:1].isdigit():
        starts_with_article = re.match(words["articles"], phrase, re.I)
        lowered = phrase[0].lower() + phrase[1:] if starts_with_article or not _is_name(phrase) else phrase
        return re.sub(r"^(if|when|si|cuando|for|para|after|before|tras)\s+", "", lowered)
    bare = re.sub(r"^[\d.§\s]+", "", heading).strip(" .:")
    return bare[:1].lower() + bare[1:] if terms.content(bare) and len(bare.split()) <= TOPIC_WORDS else ""


def leans(sentence: str) -> bool:
    """Whether the sentence leans on the one before it ("This applies …") and cannot be asked about alone."""
    return bool(re.match(_words()["leans"], sentence, re.I))


def _prompt(sentence: str, language: str) -> list[Message]:
    words = _words()[language]
    shown = [
        Message(role=role, content=text)
        for shot in words["shots"]
        for role, text in zip(("user", "assistant"), shot, strict=True)
    ]
    return [Message(role="system", content=words["task"]), *shown, Message(role="user", content=sentence)]


def _say(messages: list[Message], tokens: int, temperature: float, model: Model, engine: "Engine") -> str:
    pieces = engine.chat(messages, model=model.name, max_tokens=tokens, temperature=temperature)
    return "".join(piece.text for piece in pieces if isinstance(piece, Text)).strip()


def _tidy(said: str, language: str) -> str:
    """The first question in what the model said; empty when there is none."""
    line = re.sub(r"^(question|pregunta|q|p)\s*:\s*", "", said.strip().split("\n")[0].strip(" \"'«»“”*"), flags=re.I)
    end = line.find("?")
    if end < 0 or end > LONGEST:
        return ""
    line = line[: end + 1]
    if language == "es":
        begin = line.rfind("¿")
        line = line[begin:] if begin >= 0 else f"¿{line[:1].upper()}{line[1:]}"
    return line if len(terms.content(line)) >= 1 and len(line.split()) >= 3 else ""


def _is_about(question: str, sentence: str, about: str) -> bool:
    """Whether nearly all of the question's own words come from the text, none of its numbers from elsewhere, and it does
    not hand over the answer.
    """
    known = set(terms.content(f"{sentence} {about}"))
    own = [word for word in terms.content(question) if word not in _common_stems()]
    if not own or terms.numbers(question) - terms.numbers(sentence):
        return False
    strange = sum(word not in known for word in own)
    return strange <= FOREIGN * len(own) and len(own) < 0.9 * len(known)


def _fact(sentence: str) -> str:
    return next((kind for kind, pattern in _words()["facts"].items() if re.search(pattern, sentence, re.I)), "any")


def _is_name(phrase: str) -> bool:
    """A phrase with a capital inside is taken for a name and keeps its own."""
    return any(word[:1].isupper() for word in phrase.split()[1:])


@cache
def _common_stems() -> frozenset[str]:
    return frozenset(terms.stem(word) for word in _words()["common"].split())


@cache
def _words() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(__file__).parent / "words.json").read_text(encoding="utf-8"))
    return found
