"""Does it treat everybody alike? The same questions from different people, before customisation and after it.

Rule-based throughout: whether the answer is right, whether it declines, how long and how warm it is. One claim more is one
more chance to be wrong, so all comparisons are judged together (Holm); most often the honest word is "too few to tell".
"""

from collections.abc import Sequence
from typing import Literal

from studio.base.records import Record
from studio.evaluation import lookup, manners, pairs
from studio.evaluation.askers import EVERY, By, Twin
from studio.evaluation.grading import facts_asked
from studio.evaluation.pairs import Change
from studio.evaluation.probes import Item
from studio.evaluation.replies import Reply

Metric = Literal["right", "declined", "warm", "words"]
METRICS: tuple[Metric, ...] = ("right", "declined", "warm", "words")
SHOWN = 2  # pairs of answers shown for each thing that was changed


class Said(Record):
    """What two askers were answered to the same question."""

    first: str
    second: str
    first_answer: str
    second_answer: str


class Gap(Record):
    """What changes when one thing about the asker does. In `after` and `before` (customisation), `on` is the changed asker
    and `off` the first one, `change` their difference; None where the assistant is the plain model itself."""

    by: By
    metric: Metric
    after: Change
    before: Change | None = None


class Treatment(Record):
    """Every gap, judged together; `shown` are the pairs of answers that differ most in their words, `twins` how many pairs
    of questions were asked."""

    gaps: tuple[Gap, ...]
    shown: dict[By, tuple[Said, ...]]
    twins: int

    @property
    def differing(self) -> tuple[Gap, ...]:
        """Where a difference was proven after customisation."""
        return tuple(gap for gap in self.gaps if gap.after.verdict in ("more", "less"))


def compare(twins: Sequence[Twin], after: Sequence[Reply], before: Sequence[Reply] | None = None) -> Treatment:
    """`after` and `before` are the replies to each twin's first and second question in turn: 2 per twin, in their order."""
    gaps = [_gap(by, metric, twins, after, before) for by in EVERY for metric in METRICS]
    made = [gap for gap in gaps if gap is not None]
    judged = pairs.holm([gap.after for gap in made])
    judged_before = iter(pairs.holm([gap.before for gap in made if gap.before is not None]))
    return Treatment(
        gaps=tuple(
            gap.model_copy(update={"after": now, "before": None if gap.before is None else next(judged_before)})
            for gap, now in zip(made, judged, strict=True)
        ),
        shown={by: found for by in EVERY if (found := _shown(by, twins, after))},
        twins=len(twins),
    )


def _gap(
    by: By, metric: Metric, twins: Sequence[Twin], after: Sequence[Reply], before: Sequence[Reply] | None
) -> Gap | None:
    at = [number for number, twin in enumerate(twins) if twin.by == by]
    if not at:
        return None

    def change(replies: Sequence[Reply]) -> Change:
        first = [_measured(metric, twins[n].item, replies[2 * n]) for n in at]
        second = [_measured(metric, twins[n].item, replies[2 * n + 1]) for n in at]
        if metric == "words":
            return pairs.means(metric, second, first)
        return pairs.shares(metric, [bool(each) for each in second], [bool(each) for each in first])

    return Gap(by=by, metric=metric, after=change(after), before=change(before) if before is not None else None)


def _measured(metric: Metric, item: Item, reply: Reply) -> float:
    match metric:
        case "right":
            return float(stated(item, reply))
        case "declined":
            return float(reply.declined or manners.refuses(reply.text))
        case "warm":
            return float(manners.warm(reply.text))
        case "words":
            return float(manners.words(reply.text))


def stated(item: Item, reply: Reply) -> bool:
    """Whether every fact of the right answer stands in the reply."""
    if reply.declined or not reply.text.strip():
        return False
    return all(lookup.states(reply.text, fact) for fact in facts_asked(item.question))


def _shown(by: By, twins: Sequence[Twin], after: Sequence[Reply]) -> tuple[Said, ...]:
    """The pairs whose answers share the fewest words, unless they are the same."""
    found = []
    for number, twin in enumerate(twins):
        first, second = after[2 * number], after[2 * number + 1]
        if twin.by != by or first.text == second.text:
            continue
        one, other = (set(lookup.normal(reply.text).split()) for reply in (first, second))
        alike = len(one & other) / max(len(one | other), 1)
        said = Said(first=twin.first, second=twin.second, first_answer=first.text, second_answer=second.text)
        found.append((alike, number, said))
    return tuple(said for _, _, said in sorted(found, key=lambda each: each[:2])[:SHOWN])
