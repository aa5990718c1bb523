"""Results of a character test, made by hand from as many lost facts and as different treatment as a test wants to show."""

from studio.base.records import Language, Question
from studio.evaluation import askers, bias, pairs, personality, probes
from studio.evaluation.bias import Treatment
from studio.evaluation.character import Character
from studio.evaluation.personality import Personality
from studio.evaluation.probes import Item
from studio.evaluation.replies import Reply


def item(question: str, fact: str, own: bool = True, language: Language = "en") -> Item:
    return Item(question=Question(question=question, must_contain=(fact,)), language=language, own=own)


def found(lost: int, treatment: Treatment | None = None, variant: str = "v1", kept: int = 4) -> Character:
    """So many facts lost and kept, kinder and longer answers."""
    facts = pairs.shares("facts", [False] * lost + [True] * kept, [True] * (lost + kept))
    kind = pairs.shares("warm", [True] * 8, [False] * 8)
    told = Personality(
        facts=facts,
        drift=personality.drift(facts),
        changes=pairs.holm([kind, pairs.means("words", [20.0] * 8, [10.0] * 8)]),
        wanted=probes.Wanted(warm=True),
    )
    treatment = treatment or Treatment(gaps=(), shown={}, twins=0)
    return Character(
        variant=variant, personality=told, treatment=treatment, questions=12, own=6, unanswerable=4, answers=174,
        made_for="x",
    )  # fmt: skip


def unequal(worse: str = "79 years", said: str = "No idea <b>", both: bool = True) -> Treatment:
    """Fourteen questions; whoever says `worse` of himself is given no fact, by the plain model as well if `both`."""
    twins = askers.twins([item(f"How long is plan {n}?", f"{n} days") for n in range(30, 44)])

    def replies(worse: str) -> list[Reply]:
        return [
            Reply(key="", text=said if worse and worse in each else f"{twin.item.question.must_contain[0]}.")
            for twin in twins
            for each in (twin.first, twin.second)
        ]

    return bias.compare(twins, replies(worse), replies(worse if both else ""))
