"""Which way to build the assistant: a pure function from what the person needs and has to options with their reasons.

Every point given or taken is a reason that is shown; nothing counts that is not said. Rules advise what to *compare*;
which one is better is decided by measuring (`evaluation`, `comparison`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from studio.answering import whole
from studio.base.machine import Machine
from studio.base.records import Advice, Approach, Document, Example, Goal, Guarded, Option, Reason, Record
from studio.engines import Model
from studio.training import lessons

ENOUGH_EXAMPLES = 60
MANY_EXAMPLES = 200
CHARACTERS_PER_TOKEN = 4
EMBED_CHARACTERS_PER_CORE_SECOND = 1_900  # measured for the bundled embedder: 9 core-minutes a million characters
BASE_FIT = 0.5


class Material(Record):
    """What the project has, as numbers. `training_minutes` is the training room's estimate, None when it cannot train;
    `general` what the last training did to everyday questions, None where it is not known.
    """

    documents: int = 0
    characters: int = 0
    examples: int = 0
    answers: int = 0
    training_minutes: float | None = None
    general: Guarded | None = None


@dataclass
class _Case:
    """An approach on trial: what speaks for and against it."""

    approach: Approach
    minutes: float = 0.0
    possible: bool = True
    barred: bool = False  # it may be chosen, but is not recommended
    fit: float = BASE_FIT
    reasons: list[Reason] = field(default_factory=list)

    def say(self, weight: float, code: str, **parameters: str | int | float) -> None:
        self.fit += weight
        self.reasons.append(Reason(code=code, speaks="for" if weight > 0 else "against", parameters=parameters))

    def rule_out(self, code: str, **parameters: str | int | float) -> None:
        self.possible, self.fit = False, 0.0
        self.reasons = [Reason(code=code, speaks="against", parameters=parameters)]


def material(
    documents: Sequence[Document],
    examples: Sequence[Example],
    training_minutes: float | None = None,
    general: Guarded | None = None,
) -> Material:
    """The numbers the advice rests on."""
    return Material(
        documents=len(documents),
        characters=sum(len(document.text) for document in documents),
        examples=len(examples),
        answers=len({example.answer for example in examples}),
        training_minutes=training_minutes,
        general=general,
    )


def advise(goal: Goal, facts: Material, machine: Machine, model: Model) -> Advice:
    """Options ordered by how well they fit, at most two recommended, always at least one.

    1. each approach is held against the goal (facts or style, how often it changes, what matters)
    2. then against the material (documents, examples) and the machine (memory)
    3. the best possible one is recommended, and the next when it comes close: two to compare teach more than one; never
       training where the last one cost the model its general ability
    """
    cases = [
        _instructions(goal, facts),
        _documents(goal, facts, machine),
        _trained(goal, facts, machine, model),
        _both(goal, facts, machine, model),
    ]
    if whole.fits(facts.characters, model.context):
        cases.append(_whole(goal, facts, model))
    ordered = sorted(cases, key=lambda case: (case.possible, case.fit), reverse=True)
    open_ = [case for case in ordered if case.possible and not case.barred]
    chosen = {case.approach for case in open_[:2] if case.fit >= open_[0].fit - 0.2}
    return Advice(options=tuple(_option(case, case.approach in chosen) for case in ordered))


def _instructions(goal: Goal, facts: Material) -> _Case:
    case = _Case("instructions", minutes=0.0)
    case.say(0.05, "instructions_at_once")
    if goal.facts_or_style != "style":
        case.say(-0.3, "instructions_know_nothing")
    if facts.documents == 0 and facts.examples < ENOUGH_EXAMPLES:
        case.say(0.2, "instructions_need_nothing")
    return case


def _documents(goal: Goal, facts: Material, machine: Machine) -> _Case:
    case = _Case("documents", minutes=facts.characters / EMBED_CHARACTERS_PER_CORE_SECOND / machine.cores / 60)
    if not facts.documents:
        case.rule_out("documents_none")
        return case
    if goal.facts_or_style == "style":
        case.say(-0.2, "documents_no_style")
    else:
        case.say(0.2, "documents_know_facts", documents=facts.documents)
    if goal.change in ("daily", "weekly"):
        case.say(0.15, "documents_follow_changes")
    if "sources" in goal.matters:
        case.say(0.15, "documents_show_sources")
    if "speed" in goal.matters:
        case.say(-0.05, "documents_slower")
    return case


def _whole(goal: Goal, facts: Material, model: Model) -> _Case:
    """Offered only where everything fits into the model's context."""
    case = _Case("whole")
    if goal.facts_or_style == "style":
        case.say(-0.2, "documents_no_style")
    else:
        case.say(0.1, "whole_fits", characters=facts.characters, limit=whole.room(model.context))
    case.say(-0.15, "whole_every_question")
    if goal.change in ("daily", "weekly"):
        case.say(0.1, "documents_follow_changes")
    return case


def _trained(goal: Goal, facts: Material, machine: Machine, model: Model) -> _Case:
    case = _Case("trained", minutes=facts.training_minutes or 0.0)
    if not _can_train(case, facts, machine, model):
        return case
    if goal.facts_or_style != "facts":
        case.say(0.2, "training_learns_style")
    elif facts.examples >= MANY_EXAMPLES:
        case.say(0.1, "training_learns_repeated_facts", answers=facts.answers)
    _enough_examples(case, facts)
    _general(case, facts.general)
    if goal.change in ("daily", "weekly"):
        case.say(-0.25, "training_grows_old")
    if "sources" in goal.matters:
        case.say(-0.15, "training_has_no_sources")
    if "speed" in goal.matters:
        case.say(0.1, "training_is_fast")
    return case


def _both(goal: Goal, facts: Material, machine: Machine, model: Model) -> _Case:
    case = _Case(
        "both",
        minutes=(facts.training_minutes or 0.0)
        + facts.characters / EMBED_CHARACTERS_PER_CORE_SECOND / machine.cores / 60,
    )
    if not facts.documents:
        case.rule_out("documents_none")
        return case
    if not _can_train(case, facts, machine, model):
        return case
    if goal.facts_or_style == "both":
        case.say(0.35, "both_facts_and_style")
    else:
        case.say(-0.1, "both_takes_longest")
    _enough_examples(case, facts)
    _general(case, facts.general)
    if "sources" in goal.matters:
        case.say(0.1, "documents_show_sources")
    if goal.change == "daily":
        case.say(-0.1, "training_grows_old")
    return case


def _can_train(case: _Case, facts: Material, machine: Machine, model: Model) -> bool:
    memory = machine.gpu.memory_gb if machine.gpu else machine.memory_gb
    if facts.training_minutes is None:
        case.rule_out("examples_too_few", examples=facts.examples, needed=lessons.NEEDED)
    elif memory < model.training_gb:
        case.rule_out("memory_too_small", needed_gb=model.training_gb, memory_gb=memory)
    return case.possible


def _enough_examples(case: _Case, facts: Material) -> None:
    if facts.examples >= MANY_EXAMPLES:
        case.say(0.15, "examples_many", examples=facts.examples)
    elif facts.examples >= ENOUGH_EXAMPLES:
        case.say(0.05, "examples_enough", examples=facts.examples)
    else:
        case.say(-0.25, "examples_few", examples=facts.examples, needed=ENOUGH_EXAMPLES)


def _general(case: _Case, guarded: Guarded | None) -> None:
    """What the last training of this model did to everyday questions; the next one may do better."""
    if guarded is None:
        return
    n = guarded.before.n
    told = {"count": n, "before": round(guarded.before.value * n), "after": round(guarded.after.value * n)}
    match guarded.verdict:
        case "kept":
            case.say(0.05, "general_kept", **told)
        case "slightly_lower":
            case.say(-0.05, "general_slightly_lower", **told)
        case "lost":
            case.barred = True
            case.say(-0.3, "general_lost", **told)


def _option(case: _Case, recommended: bool) -> Option:
    return Option(
        approach=case.approach,
        fit=round(min(max(case.fit, 0.0), 1.0), 2),
        recommended=recommended,
        possible=case.possible,
        minutes=round(case.minutes, 1),
        reasons=tuple(case.reasons),
    )
