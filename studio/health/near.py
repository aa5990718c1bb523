"""Texts that are nearly the same, found exactly: every pair whose sets of letter groups overlap enough, and no other.

Set-similarity join with prefix and length filtering (Bayardo, Ma and Srikant, "Scaling Up All Pairs Similarity
Search", WWW 2007): two sets that overlap enough must share one of their rarest members, so only those are indexed.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from studio.intake.rows import plain

LETTERS = 5
WORDS = 3
LONGEST = 4_000  # characters of a text that are compared


def letters(text: str) -> frozenset[str]:
    """All stretches of five letters of the text without case, accents and signs: for short texts, sees a typing error."""
    bare = plain(text[:LONGEST])
    if len(bare) <= LETTERS:
        return frozenset((bare,)) if bare else frozenset()
    return frozenset(bare[at : at + LETTERS] for at in range(len(bare) - LETTERS + 1))


def words(text: str) -> frozenset[str]:
    """All stretches of three words of the text without case, accents and signs: for longer texts, and many of them."""
    found = plain(text[:LONGEST]).split()
    if len(found) <= WORDS:
        return frozenset((" ".join(found),)) if found else frozenset()
    return frozenset(" ".join(found[at : at + WORDS]) for at in range(len(found) - WORDS + 1))


def pairs(sets: Sequence[frozenset[str]], threshold: float) -> Iterator[tuple[int, int]]:
    """Positions (earlier, later) of all pairs with a Jaccard similarity of `threshold` or more. Empty sets match nothing."""
    order = sorted((position for position in range(len(sets)) if sets[position]), key=lambda n: len(sets[n]))
    rare = _rarity(sets)
    index: dict[str, list[int]] = defaultdict(list)
    for position in order:
        mine = sets[position]
        prefix = _prefix(mine, rare, threshold)
        least = threshold * len(mine)
        near = {other for member in prefix for other in index[member] if len(sets[other]) >= least}
        yield from (
            (min(position, other), max(position, other)) for other in near if _alike(mine, sets[other], threshold)
        )
        for member in prefix:
            index[member].append(position)


def across(
    left: Sequence[frozenset[str]], right: Sequence[frozenset[str]], threshold: float
) -> Iterator[tuple[int, int]]:
    """Positions (in `left`, in `right`) of all pairs with a Jaccard similarity of `threshold` or more."""
    known = _rarity(left)
    index: dict[str, list[int]] = defaultdict(list)
    for position, members in enumerate(left):
        for member in members:
            index[member].append(position)
    for position, mine in enumerate(right):
        shared = [member for member in mine if member in known]
        if not shared or len(shared) < threshold * len(mine):
            continue  # most texts end here
        overlaps = Counter(other for member in shared for other in index[member])
        for other, count in overlaps.items():
            if count >= threshold * (len(mine) + len(left[other]) - count):
                yield other, position


def clusters(linked: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Positions that are linked directly or through others, each list sorted."""
    home: dict[int, int] = {}

    def root(position: int) -> int:
        while home.setdefault(position, position) != position:
            home[position] = position = home[home[position]]
        return position

    for a, b in linked:
        home[max(root(a), root(b))] = min(root(a), root(b))
    found: dict[int, list[int]] = defaultdict(list)
    for position in sorted(home):
        found[root(position)].append(position)
    return list(found.values())


def _rarity(sets: Iterable[frozenset[str]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for members in sets:
        counts.update(members)
    return counts


def _prefix(members: frozenset[str], rare: Counter[str], threshold: float) -> list[str]:
    length = len(members) - math.ceil(threshold * len(members)) + 1
    return sorted(members, key=lambda member: (rare[member], member))[:length] if members else []


def _alike(a: frozenset[str], b: frozenset[str], threshold: float) -> bool:
    if min(len(a), len(b)) < threshold * max(len(a), len(b)):
        return False
    shared = len(a & b)
    return shared >= threshold * (len(a) + len(b) - shared)
