"""Texts that are nearly the same, found exactly: those whose sets of letter or word groups overlap enough, and no others.

Set-similarity join with prefix, length and position filters (Bayardo, Ma and Srikant, "Scaling Up All Pairs Similarity
Search", WWW 2007; Xiao et al., "Efficient Similarity Joins for Near Duplicate Detection", WWW 2008): two sets that
overlap enough share one of their rarest members, so only texts that share one are compared. Groups are numbers in
numpy arrays, not strings: a hundred thousand texts take seconds and some hundred megabytes.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.base.folding import plain

Unit = Literal["letters", "words"]
Integers = NDArray[np.int64]

WIDTH: dict[Unit, int] = {"letters": 5, "words": 3}
LONGEST = 4_000  # characters of a text that are compared
AT_ONCE = 50_000  # pairs
SOME_TEXTS, SOME_ENTRIES = 20_000, 500  # of what is compared across
MOST_PAIRS, MOST_LOOKS = 5_000_000, 200_000_000  # where thousands share a beginning and are still not the same
MIX = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xFF51AFD7ED558CCD)


class Sets(NamedTuple):
    """A row of members a text, the rarest first: `members[starts[n] : starts[n + 1]]`; the same as a sparse matrix."""

    starts: Integers
    members: Integers
    sizes: Integers
    matrix: Any


def copies(
    texts: Sequence[str],
    threshold: float,
    unit: Unit = "words",
    keys: Sequence[object] = (),
    longest: int = LONGEST,
) -> dict[int, int]:
    """Position of every text that nearly repeats an earlier one -> position of that one, which is no copy itself.

    Texts whose `keys` differ are never the same. Texts without a word match nothing.
    """
    sets = _sets(texts, unit, longest)
    home = _linked(sets, _numbered(keys, len(texts)), threshold)
    leader = np.full(len(texts), -1, dtype=np.int64)
    waiting = np.flatnonzero(np.bincount(home, minlength=len(texts))[home] > 1)
    while waiting.size:  # of those linked with each other the first is kept, and what is near it; then the next first
        homes, first = np.unique(home[waiting], return_index=True)
        leads = np.zeros(len(texts), dtype=np.int64)
        leads[homes] = waiting[first]
        leader[waiting[first]] = waiting[first]
        waiting = waiting[leader[waiting] < 0]
        near = _alike(sets, waiting, leads[home[waiting]], threshold)
        leader[waiting[near]] = leads[home[waiting[near]]]
        waiting = waiting[~near]
    return {int(n): int(leader[n]) for n in np.flatnonzero(leader >= 0) if leader[n] != n}


def pairs(
    texts: Sequence[str], threshold: float, unit: Unit = "words", keys: Sequence[object] = ()
) -> list[tuple[int, int]]:
    """Positions (earlier, later) of all pairs with a Jaccard similarity of `threshold` or more and the same key."""
    found: list[tuple[int, int]] = []

    def gather(a: Integers, b: Integers) -> None:
        found.extend(zip(a.tolist(), b.tolist(), strict=True))

    _linked(_sets(texts, unit), _numbered(keys, len(texts)), threshold, gather)
    return sorted(set(found))


def across(
    left: Sequence[str], right: Sequence[str], threshold: float, unit: Unit = "letters", keys: Sequence[object] = ()
) -> list[tuple[int, int]]:
    """Positions (in `left`, in `right`) of all pairs as above. `keys` are those of `left`, then those of `right`."""
    known = _numbered(keys, len(left) + len(right))
    found: list[tuple[int, int]] = []
    for begin in range(0, len(right) if left else 0, SOME_TEXTS):
        some = right[begin : begin + SOME_TEXTS]
        mine = np.concatenate([known[: len(left)], known[len(left) + begin : len(left) + begin + len(some)]])
        found += [(a, b + begin) for a, b in _across(left, some, threshold, unit, mine)]
    return sorted(found)


def similarity(a: str, b: str, unit: Unit = "words") -> float:
    """The share of groups that two texts have in common, 0 to 1."""
    one, other = _groups(a, unit), _groups(b, unit)
    return len(one & other) / max(len(one | other), 1)


# ---- sets of numbers


def _sets(texts: Sequence[str], unit: Unit, longest: int = LONGEST) -> Sets:
    from scipy.sparse import csr_array

    units, lengths = _letters(texts, longest) if unit == "letters" else _words(texts, longest)
    width = WIDTH[unit]
    counts = np.where(lengths > 0, np.maximum(lengths - width + 1, 1), 0)
    begins = np.concatenate([[0], np.cumsum(lengths)])
    at = _ranges(begins[:-1], begins[:-1] + counts).astype(np.int32)
    row = np.repeat(np.arange(len(texts), dtype=np.int32), counts)
    units = np.concatenate([units, np.zeros(width, dtype=np.uint64)])
    hashed = np.zeros(len(at), dtype=np.uint64)
    for step in range(width):
        _mix(hashed, units[at + np.int32(step)], step)
    short = np.flatnonzero((lengths > 0) & (lengths < width))  # no group may run on into the next text
    fewer = np.zeros(len(short), dtype=np.uint64)
    for step in range(width):
        _mix(fewer, np.where(step < lengths[short], units[begins[short] + step], np.uint64(0)), step)
    hashed[np.searchsorted(row, short)] = fewer
    del units, at
    _, member = np.unique(hashed, return_inverse=True)
    del hashed
    kinds = int(member.max()) + 1 if len(member) else 1
    home, member = np.divmod(_once(row.astype(np.int64) * kinds + member), kinds)  # a group counts once a text
    seen = np.bincount(member, minlength=kinds)
    rank = np.empty(kinds, dtype=np.int64)
    rank[np.argsort(seen, kind="stable")] = np.arange(kinds)  # the rarest first
    home, member = np.divmod(np.sort(home * kinds + rank[member]), kinds)
    starts = np.searchsorted(home, np.arange(len(texts) + 1)).astype(np.int64)
    matrix = csr_array((np.ones(len(member), dtype=np.int32), member, starts), shape=(len(texts), kinds))
    return Sets(starts, member, np.diff(starts), matrix)


def _mix(hashed: NDArray[np.uint64], more: NDArray[np.uint64], step: int) -> None:
    """Stir `more` into every hash, in place."""
    more = more + np.uint64(MIX[step])
    hashed ^= more
    hashed *= np.uint64(MIX[0])
    np.right_shift(hashed, np.uint64(29), out=more)
    hashed ^= more


def _letters(texts: Sequence[str], longest: int) -> tuple[NDArray[np.uint64], Integers]:
    bare = [plain(text[:longest]) for text in texts]
    joined = np.frombuffer("".join(bare).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return joined.astype(np.uint64), np.fromiter(map(len, bare), np.int64, len(bare))


def _words(texts: Sequence[str], longest: int) -> tuple[NDArray[np.uint64], Integers]:
    """Python's own hash of every word: 64 bits, and the same word has the same within one process."""
    lengths = np.zeros(len(texts), dtype=np.int64)

    def each() -> Iterable[int]:
        for position, text in enumerate(texts):
            found = plain(text[:longest]).split()
            lengths[position] = len(found)
            yield from map(hash, found)

    return np.fromiter(each(), np.int64).view(np.uint64), lengths


def _groups(text: str, unit: Unit) -> set[str]:
    bare = plain(text[:LONGEST])
    units = bare if unit == "letters" else bare.split()
    width = WIDTH[unit]
    return {str(units[at : at + width]) for at in range(max(len(units) - width + 1, 1))} if units else set()


def _numbered(keys: Sequence[object], count: int) -> Integers:
    numbers: dict[object, int] = {}
    if not keys:
        return np.zeros(count, dtype=np.int64)
    return np.fromiter((numbers.setdefault(key, len(numbers)) for key in keys), np.int64, count)


# ---- comparing


class Entries(NamedTuple):
    """The rare beginnings of all sets: text, member, place of the member in its set."""

    rows: Integers
    members: Integers
    places: Integers


def _prefixes(sets: Sets, threshold: float) -> Entries:
    """Of two sets that overlap enough, these beginnings share a member."""
    lengths = np.where(sets.sizes > 0, sets.sizes - np.ceil(threshold * sets.sizes - 1e-9).astype(np.int64) + 1, 0)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    at = _ranges(sets.starts[:-1], sets.starts[:-1] + lengths)
    return Entries(rows, sets.members[at], at - sets.starts[rows])


def _linked(
    sets: Sets, keys: Integers, threshold: float, every: Callable[[Integers, Integers], None] | None = None
) -> Integers:
    """For each text the first of those it is linked with, directly or through others.

    With `every`, all near pairs are handed to it; without, those that are linked already are not compared again.
    """
    entries, sizes = _prefixes(sets, threshold), sets.sizes
    order = np.lexsort((sizes[entries.rows], keys[entries.rows], entries.members))
    rows, places = entries.rows[order], entries.places[order]
    same = (entries.members[order][1:] == entries.members[order][:-1]) & (keys[rows][1:] == keys[rows][:-1])
    ends = np.append(np.flatnonzero(~same) + 1, len(rows))  # behind the last entry of each group
    ends = np.repeat(ends, np.diff(np.concatenate([[0], ends]))) if len(rows) else ends
    del entries, order
    home = np.arange(len(keys))
    # of two, the smaller needs only so much of its beginning: Bayardo's shorter prefix for what is indexed
    shorter = sizes[rows] - np.ceil(2 * threshold / (1 + threshold) * sizes[rows] - 1e-9).astype(np.int64)
    active, step, looked_at, compared = np.flatnonzero(places <= shorter), 1, 0, 0
    while active.size and compared < MOST_PAIRS and looked_at < MOST_LOOKS:
        active = active[active + step < ends[active]]
        if not every and step & (step - 1) == 0:  # whose group is linked already from here on has nothing left to find
            changes = np.concatenate([[0], np.cumsum(home[rows[1:]] != home[rows[:-1]])])
            active = active[changes[ends[active] - 1] > changes[active]]
        active = active[sizes[rows[active]] >= threshold * sizes[rows[active + step]] - 1e-9]
        a, b = rows[active], rows[active + step]
        least = np.ceil(threshold / (1 + threshold) * (sizes[a] + sizes[b]) - 1e-9)
        rest = np.minimum(sizes[a] - places[active], sizes[b] - places[active + step])
        keep = (rest >= least) & ((home[a] != home[b]) | (every is not None))
        a, b = _different(a[keep], b[keep], len(keys))
        near = _alike(sets, a, b, threshold)
        looked_at, compared = looked_at + len(active), compared + len(a)
        if near.any():
            home = _joined(home, a[near], b[near])
            if every:
                every(np.minimum(a[near], b[near]), np.maximum(a[near], b[near]))
        step += 1
    return home


def _across(
    left: Sequence[str], right: Sequence[str], threshold: float, unit: Unit, known: Integers
) -> set[tuple[int, int]]:
    sets = _sets([*left, *right], unit)
    entries = _prefixes(sets, threshold)
    cut = len(left)
    order = np.lexsort((entries.rows, entries.members))
    theirs = order[entries.rows[order] >= cut]
    found: set[tuple[int, int]] = set()
    for chunk in _chunks(np.flatnonzero(entries.rows < cut), SOME_ENTRIES):
        low = np.searchsorted(entries.members[theirs], entries.members[chunk], "left")
        high = np.searchsorted(entries.members[theirs], entries.members[chunk], "right")
        a = np.repeat(entries.rows[chunk], high - low)
        b = entries.rows[theirs[_ranges(low, high)]]
        keep = (known[a] == known[b]) & _long_enough(sets.sizes, a, b, threshold)
        a, b = _different(a[keep], b[keep], len(known))
        near = _alike(sets, a, b, threshold)
        found |= set(zip(a[near].tolist(), (b[near] - cut).tolist(), strict=True))
    return found


def _joined(home: Integers, a: Integers, b: Integers) -> Integers:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(a), dtype=np.int8), (home[a], home[b])), shape=(len(home), len(home)))
    _, label = connected_components(links, directed=False)
    first = np.full(label.max() + 1, len(home), dtype=np.int64)
    np.minimum.at(first, label[home], np.arange(len(home)))
    return np.asarray(first[label[home]])


def _alike(sets: Sets, a: Integers, b: Integers, threshold: float) -> NDArray[np.bool_]:
    """For pairs of texts, whether they overlap enough."""
    shared = np.zeros(len(a), dtype=np.int64)
    for chunk in _chunks(np.arange(len(a)), AT_ONCE):
        shared[chunk] = (sets.matrix[a[chunk]].multiply(sets.matrix[b[chunk]])).sum(axis=1)
    together = sets.sizes[a] + sets.sizes[b] - shared
    return np.asarray((shared > 0) & (shared >= threshold * together - 1e-9))


def _long_enough(sizes: Integers, a: Integers, b: Integers, threshold: float) -> NDArray[np.bool_]:
    return np.asarray(np.minimum(sizes[a], sizes[b]) >= threshold * np.maximum(sizes[a], sizes[b]) - 1e-9)


def _different(a: Integers, b: Integers, count: int) -> tuple[Integers, Integers]:
    """The pairs, each once."""
    both = _once(a * count + b)
    return both // count, both % count


def _once(numbers: Integers) -> Integers:
    """Sorted, each once; numpy's own way of late is several times slower."""
    ordered = np.sort(numbers)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered


def _ranges(low: Integers, high: Integers) -> Integers:
    """All numbers of several ranges, one range after the other."""
    lengths = high - low
    if not lengths.sum():
        return np.zeros(0, dtype=np.int64)
    ends = np.cumsum(lengths)
    return np.asarray(np.arange(ends[-1]) - np.repeat(ends - lengths, lengths) + np.repeat(low, lengths))


def _chunks(numbers: Integers, length: int) -> Iterable[Integers]:
    return (numbers[at : at + length] for at in range(0, len(numbers), length))
