"""Who of those who talk speaks for the business: said by the person, told by the file, or guessed from how they talk.

The guess looks at names (shop, soporte), at who answers and who asks, and at who takes part in many conversations.
"""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import NamedTuple

from studio.base.folding import plain
from studio.intake.chats import small_talk
from studio.intake.chats.turns import Turn

ADDRESS = re.compile(r"[^\s<>@]+@([\w-]+(?:\.[\w-]+)+)")
ABBREVIATED = re.compile(r"\bs\.?\s?(?:l\.?\s?u?|a)\.?$", re.I)
COLLEAGUE_ANSWERS = 3  # a further person speaks for the business when they answer so often, nearly always
COLLEAGUE_SHARE = 0.75


class Seen(NamedTuple):
    """What one speaker does: answers given, questions put, conversations taken part in, and the score of all that."""

    answers: int
    questions: int
    threads: int
    score: float

    @property
    def share(self) -> float:
        return (self.answers + 1) / (self.answers + self.questions + 2)


def business(
    threads: Sequence[Sequence[Turn]],
    said: Collection[str] = (),
    told: Collection[str] = (),
    customers: Collection[str] = (),
) -> frozenset[str]:
    """The names, as they stand in the turns. `said` by the person comes first, then `told` by the file."""
    authors = list(dict.fromkeys(turn.author for thread in threads for turn in thread))
    for given in (said, told):
        wanted = {_same(name) for name in given}
        if named := frozenset(author for author in authors if _same(author) in wanted):
            return named
    others = {_same(name) for name in customers}
    return _guess(threads, authors, others)


def missing(said: Collection[str], authors: Collection[str]) -> tuple[str, ...]:
    """The names the person gave that nobody in the talk has."""
    there = set(map(_same, authors))
    return tuple(name for name in said if _same(name) not in there)


def like_a_company(name: str) -> bool:
    return bool(small_talk.words("company") & set(plain(name).split())) or bool(ABBREVIATED.search(name.strip()))


def _guess(threads: Sequence[Sequence[Turn]], authors: Sequence[str], others: Collection[str]) -> frozenset[str]:
    if not authors:
        return frozenset()
    seen = _look(threads, authors, others)
    top = max(authors, key=lambda who: (seen[who].score, seen[who].answers))
    with_company = like_a_company(top)
    own = _own_domain(top)

    def colleague(who: str) -> bool:
        one = seen[who]
        often = one.answers >= max(COLLEAGUE_ANSWERS, seen[top].answers / 4) and one.share >= COLLEAGUE_SHARE
        alike = with_company and like_a_company(who) and one.score >= seen[top].score - 1.5
        return bool(own and _own_domain(who) == own) or (_same(who) not in others and (often or alike))

    found = {who for who in authors if who == top or colleague(who)}
    return frozenset(found if len(found) < len(authors) else {top})


def _look(threads: Sequence[Sequence[Turn]], authors: Sequence[str], others: Collection[str]) -> dict[str, Seen]:
    answers: Counter[str] = Counter()
    questions: Counter[str] = Counter()
    part: Counter[str] = Counter()
    for thread in threads:
        spoken = [turn for turn in thread if turn.text.strip() and not small_talk.says_nothing(turn.text)]
        part.update({turn.author for turn in thread})
        if len(threads) > 1 and spoken:  # who begins a conversation wants something
            questions[spoken[0].author] += 1
        for before, after in pairwise(spoken):
            asked = small_talk.asks(before.text)
            questions[before.author] += asked
            if before.author != after.author and (asked or (len(threads) > 1 and before is spoken[0])):
                answers[after.author] += 1

    def score(who: str) -> float:
        share = (answers[who] + 1) / (answers[who] + questions[who] + 2)
        spread = part[who] / len(threads) if len(threads) > 1 and part[who] > 1 else 0.0
        company = like_a_company(who)
        return 2 * share + 3 * spread + 2 * company - 0.4 * (_same(who) in others and not company)

    return {who: Seen(answers[who], questions[who], part[who], score(who)) for who in authors}


def _own_domain(name: str) -> str:
    """The domain of an address in the name, when it is not one where everybody has their mail."""
    found = ADDRESS.search(name)
    domain = found[1].lower() if found else ""
    return "" if domain.split(".")[0] in small_talk.words("own_addresses") else domain


def _same(name: str) -> str:
    return " ".join(name.casefold().split())
