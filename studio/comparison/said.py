"""Which sentences a vote's evidence deserves, as keys of the locales with their numbers. Words nothing itself."""

from collections.abc import Mapping

from studio.base.records import Parameter
from studio.comparison.looks import looks, shows
from studio.comparison.proving import Evidence

Said = tuple[str, dict[str, Parameter]]
GOOD, SOME = 0.667, 0.4  # Krippendorff (2004): below two thirds, conclusions are tentative at best
OFTEN = 0.8


def verdict(found: Evidence, names: Mapping[str, str]) -> Said:
    """The one sentence of the meter. `names` are what the variants are called; while they are hidden, all the same."""
    numbers: dict[str, Parameter] = {
        "votes": found.votes,
        "planned": found.planned,
        "left": (found.next_look or 0) - found.votes,
    }
    if found.code in ("none", "waiting"):
        stopped = found.code == "waiting" and found.next_look is None
        return "evidence.stopped" if stopped else f"evidence.{found.code}", numbers
    if found.leader is None or not found.duels:
        return "evidence.nobody", numbers
    closest = min(found.duels, key=lambda duel: (duel.wins - duel.losses, duel.rival))
    numbers |= {
        "wins": closest.wins,
        "of": closest.wins + closest.losses,
        "leader": names[found.leader],
        "rival": names[closest.rival],
        "more": found.more or 0,
        "share": round(100 * shows(found.planned)),
    }
    if closest.wins == closest.losses:
        return f"evidence.{found.code}.even", numbers
    many = ".many" if len(found.duels) > 1 else ""
    if found.code == "not_yet":
        return f"evidence.not_yet{'' if found.more else '.close'}{many}", numbers
    return f"evidence.{found.code}{many}", numbers


def remarks(found: Evidence) -> list[Said]:
    """What else has to be known to read the verdict: ties, the next look, length, agreement, questions asked twice."""
    said: list[Said] = []
    if found.equal or found.neither:
        said.append(("evidence.ties", {"equal": found.equal, "neither": found.neither}))
    if found.votes > found.seen > 0:
        said.append(("evidence.unseen", {"n": found.votes - found.seen}))
    if found.next_look is not None and found.seen:
        said.append(("evidence.next", {"at": found.next_look, "looks": len(looks(found.planned))}))
    if found.repeated:
        said.append(("evidence.repeated", {"questions": found.questions, "for_leader": found.for_leader}))
    if found.length is not None:
        share = round(100 * found.length.longer.value)
        said.append((f"evidence.length.{'noticed' if found.length.noticed else 'fine'}", {"share": share}))
        if found.length.noticed:
            plain, even = round(100 * found.length.plain), round(100 * found.length.adjusted.value)
            said.append(("evidence.length.adjusted", {"plain": plain, "even": even}))
    if found.agreement is not None and found.agreement.same is not None:
        alpha = found.agreement.alpha
        how = "poor" if alpha is None or alpha < SOME else "some" if alpha < GOOD else "good"
        if found.agreement.same >= OFTEN:  # where nearly all choose the same one, chance alone explains agreement
            how = "same" if found.agreement.same == 1 else "good"
        numbers = {"voters": found.agreement.voters, "questions": found.agreement.questions}
        said.append((f"evidence.agree.{how}", {**numbers, "share": round(100 * found.agreement.same)}))
    return said
