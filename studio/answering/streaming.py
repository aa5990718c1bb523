"""What a model says while it says it: stopped where it begins to repeat itself, cut to whole sentences at its
limit.
"""

import re

from studio.answering.prompting import PROMPTS
from studio.retrieval import sentences, terms

_LABEL = re.compile(rf"^\s*(?:{'|'.join(PROMPTS['labels'])})\s*:\s*", re.I)
_LOOP = 4  # words; the same four in a row for the third time is a loop
_SHORTEST = 3  # words a sentence must have before saying it twice counts as repeating


def repeats(text: str) -> int | None:
    """Where the text begins to repeat itself, as an offset; None while it does not.

    That is the second time of a sentence, or the third time of the same four words among the last forty.
    """
    seen: set[str] = set()
    spans = sentences.spans(text)
    for start, end in spans:
        plain = " ".join(terms.fold(text[start:end]).strip(" .!?…-*•").split())
        complete = (start, end) != spans[-1] or sentences.finished(text[start:end])
        if complete and len(plain.split()) >= _SHORTEST:
            if plain in seen:
                return start
            seen.add(plain)
    words = list(re.finditer(r"\S+", text))[-40:]
    runs: dict[tuple[str, ...], list[int]] = {}
    for at in range(len(words) - _LOOP + 1):
        run = tuple(word.group().lower() for word in words[at : at + _LOOP])
        runs.setdefault(run, []).append(words[at].start())
    loops = [places[1] for places in runs.values() if len(places) >= 3]
    return min(loops, default=None)


def tidy(text: str, cut_off: bool) -> str:
    """The text without a leading "Answer:"; cut off by the token limit, without its unfinished last
    sentence.
    """
    text = _LABEL.sub("", text).strip()
    if cut_off and not sentences.finished(text):
        whole = [span for span in sentences.spans(text) if sentences.finished(text[slice(*span)])]
        if whole:
            text = text[: whole[-1][1]]
    return text
