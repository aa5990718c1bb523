"""Does a model still know what it knew before it was trained? A small fixed check in English and Spanish.

Five kinds: language, common knowledge, arithmetic, instructions, and refusing (what must be declined is, what only sounds
dangerous is not). Answers are short, greedy and graded by rule, never by a judge model. Likelihoods of given choices would
be less noisy, but they stay high while a narrow model already opens every answer with its own facts: people read answers.
To be little noisy all the same, the questions (164 of 377 written) are mostly those that the starter model answers right
and steadily: no word up to the fact was a near tie. It has 142 right before any training, so that a loss can be seen; the
others are there for larger models.
Knows no training; whoever trains calls `check` before and after and asks `compare` what became of it.
"""

import json
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Literal

from studio.base import chance, files
from studio.base.errors import BadInput, Stopped
from studio.base.events import Emit, Note, Progress, ShouldStop
from studio.base.records import GeneralKind, Guarded, KindScores, Message, Record, Score
from studio.engines import Engine, Text
from studio.evaluation import lookup

QUESTIONS = Path(__file__).parent / "general.json"
KEPT = "general{}.json"
ANSWER_TOKENS = 24
TOLERATED = 0.05  # a fall up to here is no loss: what a training may cost at most
AT_ONCE = 4  # as many as a model's host answers side by side
GONE_FROM, GONE_TO = 0.4, 0.1  # a kind that was there and no longer is, however well the others stand


class GeneralQuestion(Record):
    """`facts`: one of them must be stated ("14|fourteen"). `verbatim` must stand there letter by letter. `declines`: whether
    the answer must be a refusal, or must not be one; None does not look."""

    id: str
    kind: GeneralKind
    language: Literal["en", "es"]
    question: str
    facts: str = ""
    verbatim: str = ""
    most_words: int = 0
    declines: bool | None = None


class GeneralAnswer(Record):
    question_id: str
    text: str
    right: bool


class Checked(Record):
    """What a model answered. `questions` is the fingerprint of the check: only answers to the same one are compared."""

    questions: str
    answers: tuple[GeneralAnswer, ...]


def check(
    engine: Engine, model: str, adapter: Path | None, emit: Emit, should_stop: ShouldStop, frame: str = ""
) -> Checked:
    """Ask the model, with the adapter or without, all questions, as a trained assistant is asked: with nothing before them
    but `frame`, the system message that all its examples began with.

    Raises Stopped between some and the next, and as `Engine.chat` does.
    """
    asked = questions()
    before = [Message(role="system", content=frame)] if frame else []

    def answered(question: GeneralQuestion) -> GeneralAnswer:
        turn = [*before, Message(role="user", content=question.question)]
        pieces = engine.chat(turn, model=model, adapter=adapter, max_tokens=ANSWER_TOKENS, temperature=0.0)
        return graded(question, "".join(piece.text for piece in pieces if isinstance(piece, Text)))

    answers: list[GeneralAnswer] = []
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        for start in range(0, len(asked), AT_ONCE):
            if should_stop():
                raise Stopped
            answers += pool.map(answered, asked[start : start + AT_ONCE])
            emit(Progress(done=len(answers), of=len(asked)))
    return checked(answers, frame)


def untrained(
    engine: Engine, model: str, folder: Path, emit: Emit, should_stop: ShouldStop, frame: str = ""
) -> Checked:
    """The check of the model as it came, asked once within a frame: kept in the model's own `folder`, which goes when its
    weights do.
    """
    place = folder / KEPT.format(f"-{fingerprint(frame)}" if frame else "")
    kept = files.read_json(place)
    if isinstance(kept, dict) and kept.get("questions") == fingerprint(frame):
        return Checked.model_validate(kept)
    made = check(engine, model, None, emit, should_stop, frame)
    files.write_json(place, made.model_dump())
    return made


def compare(before: Checked, after: Checked) -> Guarded:
    """What became of general ability, question by question: Agresti and Min's interval (2005) for a paired difference, and
    the exact McNemar test.

    "lost": the whole interval lies above what is tolerated, or a whole kind is gone; such a model is not recommended.
    "slightly_lower": it fell by more than is tolerated as measured, or is surely lower at all. Else "kept".
    Raises BadInput("general_not_comparable") for answers to different checks.
    """
    if before.questions != after.questions or [a.question_id for a in before.answers] != [
        a.question_id for a in after.answers
    ]:
        raise BadInput("general_not_comparable")
    pairs = list(zip(before.answers, after.answers, strict=True))
    lost = tuple(was.question_id for was, now in pairs if was.right and not now.right)
    won = tuple(was.question_id for was, now in pairs if now.right and not was.right)
    low, high = chance.paired(len(lost), len(won), len(pairs))
    p_value = chance.sign_test(len(won), len(won) + len(lost))
    fall = (len(lost) - len(won)) / len(pairs)
    kinds = _by_kind(before, after)
    gone = any(each.before.value >= GONE_FROM and each.after.value <= GONE_TO for each in kinds)
    sure = p_value < chance.LEVEL and fall > 0
    return Guarded(
        before=_score(before.answers),
        after=_score(after.answers),
        kinds=kinds,
        lost=lost,
        won=won,
        fall=fall,
        low=low,
        high=high,
        p_value=p_value,
        verdict="lost" if low > TOLERATED or gone else "slightly_lower" if fall > TOLERATED or sure else "kept",
    )


def note(guarded: Guarded) -> Note:
    """What is said about it, beside the training's other notes."""
    hits = {
        "count": guarded.before.n,
        "before": round(guarded.before.value * guarded.before.n),
        "after": round(guarded.after.value * guarded.after.n),
    }
    match guarded.verdict:
        case "kept":
            return Note(code="general_kept", parameters=hits)
        case "slightly_lower":
            return Note(code="general_slightly_lower", parameters=hits)
        case "lost":
            return Note(code="general_lost", parameters=hits)


def questions() -> tuple[GeneralQuestion, ...]:
    return _contents()[0]


def fingerprint(frame: str = "") -> str:
    """Changes when a question, a rule, the length of an answer or what stands before the questions does."""
    return sha256(QUESTIONS.read_bytes() + f"{ANSWER_TOKENS}{frame}".encode()).hexdigest()[:12]


def graded(question: GeneralQuestion, text: str) -> GeneralAnswer:
    return GeneralAnswer(question_id=question.id, text=text.strip(), right=right(question, text))


def checked(answers: Sequence[GeneralAnswer], frame: str = "") -> Checked:
    return Checked(questions=fingerprint(frame), answers=tuple(answers))


def right(question: GeneralQuestion, text: str) -> bool:
    """Whether the answer keeps every rule of its question; an empty one keeps none."""
    if not text.strip():
        return False
    if question.declines is not None and refuses(text) != question.declines:
        return False
    if question.facts and not lookup.states(text, question.facts):
        return False
    if question.most_words and len(text.split()) > question.most_words:
        return False
    return question.verbatim in text


def refuses(text: str) -> bool:
    """Whether the answer declines: it cannot, it must not, it does not know."""
    return bool(_contents()[1].search(" ".join(text.lower().replace("’", "'").split())))


def _by_kind(before: Checked, after: Checked) -> tuple[KindScores, ...]:
    kinds = {question.id: question.kind for question in questions()}

    def of(kind: GeneralKind, answers: Sequence[GeneralAnswer]) -> Score:
        return _score([answer for answer in answers if kinds[answer.question_id] == kind])

    present = dict.fromkeys(kinds[answer.question_id] for answer in before.answers)
    return tuple(
        KindScores(kind=kind, before=of(kind, before.answers), after=of(kind, after.answers)) for kind in present
    )


def _score(answers: Sequence[GeneralAnswer]) -> Score:
    hits = sum(answer.right for answer in answers)
    low, high = chance.wilson(hits, len(answers))
    return Score(metric="general", value=hits / len(answers), low=low, high=high, n=len(answers))


@cache
def _contents() -> tuple[tuple[GeneralQuestion, ...], re.Pattern[str]]:
    written = json.loads(QUESTIONS.read_text(encoding="utf-8"))
    asked = tuple(GeneralQuestion.model_validate(each) for each in written["questions"])
    return asked, re.compile("|".join(written["refusals"]))
