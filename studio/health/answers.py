"""Checks of the answers' form: too long, too short beside the others, cut off in the middle."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import median

from studio.base.folding import plain
from studio.base.records import PLACES, Example, Finding, Goal
from studio.health import places, wording
from studio.health.examples import about, has_words

LONG_ANSWER = 1_500
SHORT_WORDS = 2  # words that may be too few where the others take long
USUAL_WORDS = 12
SHORT_SHARE = 0.1
FEWEST = 20  # answers before a habit is one
SENTENCE = 8  # words of an answer that is a sentence and not a label
FINISHED_SHARE = 0.85
USUAL_SHARE = 0.6  # of the usual length: shorter ones are often no sentences
LIMITS = frozenset(
    {100, 128, 140, 150, 160, 200, 250, 255, 256, 280, 300, 400, 500, 511, 512, 600, 800, 1000, 1023, 1024}
) | {
    *(
        1200,
        1500,
        2000,
        2047,
        2048,
        2500,
        3000,
        4000,
        4095,
        4096,
        5000,
        8000,
        8192,
        10_000,
        16_384,
        32_000,
        32_767,
        32_768,
    )
}
SHARED = 3
FEWEST_CUT = 100
DANGLING = frozenset(" ".join(wording.LISTS["dangling"]).split())
TAIL = 200  # characters that decide how a text ends
GOES_ON = frozenset(",([{«“¿¡/&+=")  # signs after which more has to come
DASHES = frozenset("-–—")
FENCE = re.compile(r"^\s*(?:```|~~~)", re.M)
BRACKETS = {"(": ")", "[": "]", "{": "}", "«": "»", "“": "”"}
SMILEY = re.compile(r"[:;=8]['-]?[(\[{]|[([{]['-]?[:;=]")
NOT_A_SENTENCE = re.compile(
    r"(?:https?://|www\.)\S+\s*$|\S+@\S+\s*$|(?:^|\n)\s*(?:[-*•·|]|\d{1,3}[.)])[^\n]*$|\n[^\n]{0,40}$"
)


def form(examples: Sequence[Example], goal: Goal) -> list[Finding]:
    """Answers that are too long to learn from well, strangely short, or cut off."""
    found = []
    if goal.kind != "write" and (long := too_long(examples)):
        found.append(about("answers_long", "note", long, characters=LONG_ANSWER))
    if goal.kind != "sort" and (short := too_short(examples)):
        usual = round(median(_words(example.answer) for example in examples))
        shown = [places.of_example(e, f"{e.question} → {e.answer}") for e in short[:PLACES]]
        found.append(about("answers_short", "note", short, shown=shown, words=SHORT_WORDS, usual=usual))
    if cut := truncated(examples):
        ends = [max(len(example.answer) - 100, 0) for example in cut[:PLACES]]
        shown = [places.of_example(e, e.answer, at, len(e.answer)) for e, at in zip(cut, ends, strict=False)]
        more = {"ending": shown[0].text[-60:]}
        found.append(about("answers_truncated", "warn", cut, shown=shown, repairs=("drop_truncated",), **more))
    return found


def too_long(examples: Sequence[Example]) -> list[Example]:
    return [example for example in examples if len(example.answer) > LONG_ANSWER]


def too_short(examples: Sequence[Example]) -> list[Example]:
    """Answers of a word or two where the others take sentences. A yes, a no and a figure are answers."""
    sizes = [_words(example.answer) for example in examples]
    if len(sizes) < FEWEST or median(sizes) < USUAL_WORDS:
        return []
    short = [
        example
        for example, size in zip(examples, sizes, strict=True)
        if size <= SHORT_WORDS and has_words(example.answer) and example.task != "sort" and not _says_enough(example)
    ]
    return short if len(short) <= SHORT_SHARE * len(examples) else []


def truncated(examples: Sequence[Example]) -> list[Example]:
    """Answers that stop in the middle.

    Something is left open (a bracket, a quotation, a block of code); the last word or sign cannot end a sentence; the
    text ends without the full stop that nearly all others have; or it ends exactly where several others end too, at a
    number of characters that programs cut at.
    """
    sentences = [example for example in examples if _words(example.answer) >= SENTENCE]
    finished = sum(bool(_ends(example.answer)) for example in sentences)
    usual = median(len(example.answer) for example in sentences) if sentences else 0
    strict = len(sentences) >= FEWEST and finished >= FINISHED_SHARE * len(sentences)
    limits = _limits(examples)
    cut = []
    for example in examples:
        answer = example.answer.rstrip()
        if example.task == "sort" or _words(answer) < 3:
            continue
        if (
            _left_open(answer)
            or _hangs(answer)
            or (len(example.answer) in limits and not _ends(answer))
            or (strict and len(answer) >= USUAL_SHARE * usual and _words(answer) >= SENTENCE and _stops(answer))
        ):
            cut.append(example)
    return cut


def _says_enough(example: Example) -> bool:
    words = plain(example.answer).split()
    return any(map(str.isdigit, example.answer)) or bool(
        {"yes", "no", "si", "never", "nunca", "always", "siempre"} & set(words)
    )


def _limits(examples: Sequence[Example]) -> frozenset[int]:
    """Lengths at which a program cut: a round number, or the longest there is, that several different answers share."""
    unfinished: dict[int, set[str]] = defaultdict(set)  # length -> how its texts end; those of one pattern end alike
    finished: Counter[int] = Counter()
    for example in examples:
        length = len(example.answer)
        if length >= FEWEST_CUT and _ends(example.answer):
            finished[length] += 1
        elif length >= FEWEST_CUT:
            unfinished[length].add(example.answer[-TAIL:].split()[-1])
    longest = max([*unfinished, *finished], default=0)
    return frozenset(
        length
        for length, ends in unfinished.items()
        if len(ends) >= SHARED and (length in LIMITS or length == longest) and len(ends) >= finished[length]
    )


def _words(answer: str) -> int:
    """About how many there are, much faster than by splitting."""
    return answer.count(" ") + answer.count("\n") + 1 if answer else 0


def _ends(answer: str) -> bool:
    """Whether the last character can end a text: a full stop, a closing sign, a smiley, but no letter and no figure."""
    last = answer.rstrip()[-1:]
    return bool(last) and not last.isalnum() and last not in GOES_ON and last not in DASHES


def _left_open(answer: str) -> bool:
    if ("```" in answer or "~~~" in answer) and len(FENCE.findall(answer)) % 2:
        return True
    if not any(sign in answer for sign in BRACKETS):
        return False
    bare = SMILEY.sub(" ", answer)
    # only what is opened in the last stretch: further up it is a slip of the pen, not an end
    return any(bare.rfind(sign) > bare.rfind(other) for sign, other in BRACKETS.items() if sign in bare)


def _hangs(answer: str) -> bool:
    last = answer[-1:]
    if last in GOES_ON and not SMILEY.search(answer[-3:]):
        return True
    if last in DASHES:
        return answer[-2:-1].isalpha() or answer[-2:-1].isspace()
    return last.isalpha() and _words(answer) >= 4 and answer[-TAIL:].split()[-1] in DANGLING


def _stops(answer: str) -> bool:
    return not _ends(answer) and not NOT_A_SENTENCE.search(answer[-TAIL:]) and not answer[-1].isdigit()
