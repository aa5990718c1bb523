"""Near duplicates among a hundred thousand examples: seconds, memory, recall and precision, beside datasketch's MinHash LSH.

    python -m tests.benchmarks.bench_duplicates [--examples 100000] [--sample 4000] [--no-datasketch] [--no-check]

The examples are made: questions and answers of 25 to 90 words of a vocabulary with a natural spread, a tenth of them copies
with words left out, changed or added (from none to a quarter of them). Recall and precision are those of whole texts at a
Jaccard similarity of 0.8 of their groups of three words, measured against comparing everything with everything on a sample
with all its copies. Each side runs in a process of its own, so that peak memory is its own; processor time counts where the
machine is busy. datasketch (MIT) is not part of the house: `pip install --no-deps datasketch`.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

ROOT = Path(__file__).parents[2]
THRESHOLD = 0.8
COPIES = 0.1
Pair = tuple[int, int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--sample", type=int, default=4_000)
    parser.add_argument("--no-datasketch", action="store_true")
    parser.add_argument("--no-check", action="store_true", help="leave out the whole of health.check")
    parser.add_argument("--side", choices=sorted(SIDES), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        print(json.dumps(SIDES[given.side](given.examples, given.sample)))
        return
    left_out = {"datasketch"} if given.no_datasketch else set()
    left_out |= {"check"} if given.no_check else set()
    told = {side: _in_a_child(side, given) for side in ("house", "datasketch", "check") if side not in left_out}
    print(f"{given.examples:,} examples, {given.sample:,} of them compared by hand")
    print("side         wall s    cpu s  peak MB  material MB  recall  precision")
    for side, row in told.items():
        quality = f"{row['recall']:7.3f}  {row['precision']:9.3f}" if "recall" in row else "      –          –"
        print(f"{side:10} {row['wall']:8.1f} {row['cpu']:8.1f} {row['peak']:8.0f} {row['before']:12.0f} {quality}")
    if "datasketch" in told:
        print(f"ratio of processor time, datasketch / house: {told['datasketch']['cpu'] / told['house']['cpu']:.1f}")


def house(count: int, sample: int) -> dict[str, float]:
    """What the health check does to find near copies."""
    from studio.health import near

    made, copied = texts(count)
    measured = _measured(lambda: near.copies(made, THRESHOLD))
    few = _sampled(count, copied, sample)
    home = near.copies([made[n] for n in few], THRESHOLD)
    links = set(near.pairs([made[n] for n in few], THRESHOLD))
    return measured | _quality(few, made, links, lambda a, b: home.get(a, a) == home.get(b, b))


def datasketch(count: int, sample: int) -> dict[str, float]:
    """MinHash LSH as its manual shows it: 128 permutations, the same groups of words, candidates checked."""
    from datasketch import MinHash, MinHashLSH

    made, copied = texts(count)

    def found(some: list[str]) -> set[Pair]:
        index = MinHashLSH(threshold=THRESHOLD, num_perm=128)
        links: set[Pair] = set()
        sets: list[set[bytes]] = []
        hashes = MinHash.generator(([g.encode() for g in _groups(text)] for text in some), num_perm=128)
        for position, each in enumerate(hashes):
            mine = {group.encode() for group in _groups(some[position])}
            for other in index.query(each):
                both = len(mine & sets[other])
                if both >= THRESHOLD * (len(mine) + len(sets[other]) - both):
                    links.add((other, position))
            sets.append(mine)
            index.insert(position, each, check_duplication=False)
        return links

    measured = _measured(lambda: found(made))
    few = _sampled(count, copied, sample)
    links = found([made[n] for n in few])
    return measured | _quality(few, made, links, lambda a, b: False)


def check(count: int, sample: int) -> dict[str, float]:
    """All of `health.check`, with two hundred test questions."""
    from studio import health
    from studio.base.records import Example, Goal, Message, Question

    made, _ = texts(count)
    examples = []
    for row, text in enumerate(made):
        words = text.split()
        turns = (
            Message(role="user", content=" ".join(words[:12]) + "?"),
            Message(role="assistant", content=" ".join(words[12:]) + "."),
        )
        examples.append(Example(id=str(row), messages=turns, source="sources/faq.csv", row=row))
    del made
    asked = [Question(question=example.question, reference=example.answer) for example in examples[:100]]
    asked += [Question(question=" ".join(example.question.split()[::-1])) for example in examples[100:200]]
    return _measured(lambda: health.check([], examples, asked, Goal(facts_or_style="style"), "es"))


SIDES: dict[str, Callable[[int, int], dict[str, float]]] = {"house": house, "datasketch": datasketch, "check": check}


def texts(count: int) -> tuple[list[str], set[int]]:
    """Made texts, a tenth of them edited copies; and which of them are copies or were copied."""
    draw = random.Random(11)
    words = ["".join(draw.choices("aeiouáéíbcdlmnrstpñ", k=draw.randint(2, 11))) for _ in range(30_000)]
    weights = list(accumulate(1 / (rank + 3) for rank in range(len(words))))
    made: list[str] = []
    copied: set[int] = set()
    for position in range(count):
        if position > 10 and draw.random() < COPIES:
            first = draw.randrange(position)
            changed = made[first].split()
            for _ in range(round(draw.uniform(0, 0.12) * len(changed))):
                at = draw.randrange(len(changed))
                match draw.choice("drop change add".split()):  # noqa: SIM905
                    case "drop" if len(changed) > 15:
                        del changed[at]
                    case "add":
                        changed.insert(at, draw.choice(words))
                    case _:
                        changed[at] = draw.choice(words)
            copied |= {first, position}
            made.append(" ".join(changed))
        else:
            made.append(" ".join(draw.choices(words, cum_weights=weights, k=draw.randint(25, 90))))
    return made, copied


def _sampled(count: int, copied: set[int], sample: int) -> list[int]:
    return sorted(random.Random(7).sample(sorted(copied), min(sample, len(copied))))


def _groups(text: str) -> set[str]:
    from studio.base.folding import plain

    words = plain(text).split()
    return {" ".join(words[at : at + 3]) for at in range(max(len(words) - 2, 1))}


def _quality(few: list[int], made: list[str], links: set[Pair], same: Callable[[int, int], bool]) -> dict[str, float]:
    """Against all pairs of the sample. A pair counts as found when it was, or when both were kept out for the same one."""
    sets = [_groups(made[n]) for n in few]
    true = set()
    for a in range(len(sets)):
        for b in range(a + 1, len(sets)):
            both = len(sets[a] & sets[b])
            if both >= THRESHOLD * (len(sets[a]) + len(sets[b]) - both):
                true.add((a, b))
    hit = sum(pair in links or same(*pair) for pair in true)
    return {"recall": hit / len(true), "precision": len(links & true) / max(len(links), 1), "pairs": len(true)}


def _measured(do: Callable[[], object]) -> dict[str, float]:
    before = _peak()
    wall, cpu = time.perf_counter(), time.process_time()
    do()
    return {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "peak": _peak(),
        "before": before,
    }


def _peak() -> float:
    """In megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _in_a_child(side: str, given: argparse.Namespace) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_duplicates", "--side", side]
    command += ["--examples", str(given.examples), "--sample", str(given.sample)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
