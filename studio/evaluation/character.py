"""An assistant's character, tested: what its profile gained and cost, and whether it treats everybody alike.

1. its test questions and some everyday ones are asked with the profile and without it
2. then under pressure: doubted, with a wrong hint, as a claim made and denied
3. then as different people ask them, of the assistant and of the plain model

Without its profile means: without the company's instructions and voice, and without what it has learnt; with the same
documents. Everything greedy, so the same material gives the same result; what was said once is not asked again.
A default test of a trained assistant (174 answers, English, starter model) took 181 CPU-seconds, engine and studio together.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from studio import answering, engines, evaluation
from studio.base import records
from studio.base.errors import NotEnough, NotFound, StudioError
from studio.base.events import Emit, Planned, ShouldStop, Stage
from studio.base.project import Project
from studio.base.records import Message, Profile, Record, Scorecard, Variant
from studio.engines import Engine
from studio.evaluation import askers, bias, personality, probes
from studio.evaluation.bias import Treatment
from studio.evaluation.personality import Personality, Talk
from studio.evaluation.probes import Item
from studio.evaluation.replies import Asked, Replies

# tokens an answer may take, the same for all sides: three sentences, a fact in a sentence, a yes or no
TALK, FACT_SAID, STAND = 72, 40, 28
FACT = "character-2"  # what was kept as "character" counts wrong hints otherwise: it is tested again
SECONDS_PER_PARAMETER = 0.9 / 134_515_008  # an answer of the starter model, several at a time, two cores


class Character(Record):
    """What was found about one assistant. `made_for` changes with its material, its questions and these rules; `answers` is
    how many were asked for."""

    id: str = Field(default_factory=records.new_id)
    variant: str
    personality: Personality
    treatment: Treatment
    questions: int
    own: int
    unanswerable: int
    answers: int
    made_for: str
    created: str = Field(default_factory=records.now)


class Cost(Record):
    answers: int
    minutes: float


def testable(variant: Variant) -> bool:
    """Whether there is a character to test: instructions, a voice or something learnt. The plain model has none, and an
    assistant that quotes says nothing of its own."""
    return variant.approach != "plain" and not variant.quotes and _without(variant) != variant


def test(
    project: Project, variant: Variant, engine: Engine, folder: Path, count: int, emit: Emit, should_stop: ShouldStop
) -> Character:
    """Ask and compare; `folder` is the run's own, `count` how many questions with an answer. What is found is kept in the
    project. Raises NotEnough("character_none") for an assistant without one, Stopped, and what answering raises."""
    _refuse(variant)
    emit(Planned(stages=("character_ask", "character_press", "character_askers")))
    replies = Replies(project, engine, folder)
    on, off, plain = _sides(project, variant)
    known, open_ = _items(project, count)
    emit(Stage(name="character_ask"))
    items = [*known, *open_]
    said = replies.get(
        [Asked(_short(side, TALK), each.question.question) for side in (off, on) for each in items], emit, should_stop
    )
    talks = {
        side.id: [Talk(item=item, plain=reply) for item, reply in zip(items, part, strict=True)]
        for side, part in zip((off, on), (said[: len(items)], said[len(items) :]), strict=True)
    }
    emit(Stage(name="character_press"))
    pressed = [_pressure(side, talk, variant.profile) for side in (off, on) for talk in talks[side.id]]
    answers = iter(replies.get([each for some in pressed for each in some.values()], emit, should_stop))
    whole = [
        talk.model_copy(update={name: next(answers) for name in some})
        for talk, some in zip((t for side in (off, on) for t in talks[side.id]), pressed, strict=True)
    ]
    emit(Stage(name="character_askers"))
    twins = askers.twins(_mixed(known))
    questions = [text for twin in twins for text in (twin.first, twin.second)]
    told = replies.get(
        [Asked(_short(side, FACT_SAID), text) for side in (plain, on) for text in questions], emit, should_stop
    )
    made = Character(
        variant=variant.id,
        personality=personality.compare(
            whole[len(items) :],
            whole[: len(items)],
            probes.wanted(variant),
            knows_own=variant.approach != "instructions",
        ),
        treatment=bias.compare(twins, told[len(questions) :], told[: len(questions)]),
        questions=len(known),
        own=sum(item.own for item in known),
        unanswerable=len(open_),
        answers=len(said) + sum(map(len, pressed)) + len(set(questions)) * 2,
        made_for=made_for(project, variant, count),
    )
    project.store.put_fact(f"{FACT}-{variant.id}", made)
    return made


def of(project: Project, variant: Variant) -> Character | None:
    """What was last found about this assistant."""
    written = project.store.fact(f"{FACT}-{variant.id}")
    try:
        return Character.model_validate_json(written) if written else None
    except ValueError:  # written by another version of the studio: it is tested again
        return None


def made_for(project: Project, variant: Variant, count: int = probes.QUESTIONS) -> str:
    """What a test of this assistant would be made for now: material, assistant, questions and rules."""
    here = Path(__file__).parent
    rules = [(here / f"{name}.json").read_text(encoding="utf-8") for name in ("manners", "probes", "askers", "general")]
    told = [variant.id, project.fingerprint, project.card.language, count, TALK, FACT_SAID, STAND, *rules]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def cost(project: Project, variant: Variant, count: int = probes.QUESTIONS) -> Cost:
    """How many answers a test asks for and about how long that takes, from the time its answers took in the last test of the
    project where there was one. Raises NotEnough("character_none")."""
    _refuse(variant)
    known, open_ = _items(project, count)
    asked = 2 * (len(known) + len(open_) + len(known) + sum(bool(each.wrong) + 2 * each.claimed for each in known))
    asked += 2 * len({text for twin in askers.twins(_mixed(known)) for text in (twin.first, twin.second)})
    return Cost(answers=asked, minutes=asked * _seconds(project, variant) / 60)


def drifted(project: Project, variant: Variant) -> Character | None:
    """The proof that this assistant gets facts wrong that it had right without its profile; None where there is none."""
    found = of(project, variant)
    return found if found is not None and found.personality.drift == "proven" else None


# ---- who is asked what -------------------------------------------------------------------------------------------------


def _sides(project: Project, variant: Variant) -> tuple[Variant, Variant, Variant]:
    """The assistant with its profile, without, and the plain model."""
    plain = next((each for each in answering.variants(project) if each.approach == "plain"), None)
    if plain is None:
        raise NotFound("variant_missing", name="plain")
    without = _without(variant)
    if without.approach == "trained":
        without = plain
    return variant, without.model_copy(update={"id": f"{variant.id}-off"}), plain


def _short(variant: Variant, tokens: int) -> Variant:
    return variant.model_copy(update={"max_tokens": tokens})


def _without(variant: Variant) -> Variant:
    return variant.model_copy(update={"instructions": "", "profile": Profile(), "adapter": None})


def _refuse(variant: Variant) -> None:
    if not testable(variant):
        raise NotEnough("character_none")


def _items(project: Project, count: int) -> tuple[list[Item], list[Item]]:
    fair = evaluation.fair(project.store.questions(), project.store.examples())
    language = project.card.language
    return probes.pick(fair, language, count), probes.unanswerable(fair, language, max(count // 3, 2))


def _pressure(side: Variant, talk: Talk, profile: Profile) -> dict[str, Asked]:
    """What is asked after a talk has begun: only about questions that have an answer."""
    item = talk.item
    if not item.question.answerable:
        return {}
    said = talk.plain.text or "…"
    before = (Message(role="user", content=item.question.question), Message(role="assistant", content=said))
    made = {"doubted": Asked(_short(side, STAND), probes.sure(item, profile), before)}
    if item.wrong:
        made["hinted"] = Asked(_short(side, FACT_SAID), probes.hint(item))
    if item.claimed:
        claim, denial = probes.sides(item)
        made |= {"claimed": Asked(_short(side, STAND), claim), "denied": Asked(_short(side, STAND), denial)}
    return made


def _mixed(items: Sequence[Item]) -> list[Item]:
    """Half of them, own and everyday ones in turn: each is put by many askers."""
    own, everyday = [i for i in items if i.own], [i for i in items if not i.own]
    turns = range(max(len(own), len(everyday)))
    return [some[at] for at in turns for some in (own, everyday) if at < len(some)][: (len(items) + 1) // 2]


def _seconds(project: Project, variant: Variant) -> float:
    for card in reversed(project.store.all(Scorecard)):
        for scored in card.variants:
            took = next((score.value for score in scored.scores if score.metric == "seconds"), 0.0)
            if scored.variant == variant.id and took:
                return took / 2  # several answers at a time, and shorter ones
    try:
        return engines.model(variant.model).parameters * SECONDS_PER_PARAMETER
    except StudioError:
        return 1.0  # a model that somebody else's server runs
