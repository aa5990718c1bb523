"""Where documents are cut: how often the answer stands in the passages that fit, for our passages beside simpler cuts.

    python -m tests.benchmarks.bench_chunking FOLDER [--language es] [--articles 48] [--words-only]

FOLDER holds XQuAD (`xquad.es.json`, `xquad.en.json`, github.com/google-deepmind/xquad, CC BY-SA 4.0): 48 articles of five
paragraphs, 1,190 questions whose answers' places are known. A question counts when its answer lies whole in a passage that
fits in the first 2,000 or 4,000 characters of what the search finds, or in its first passage. All cuts are searched alike:
words (BM25 over folded stems) and the bundled embedder, each brought to 0..1 over its first fifty and mixed .4 to .6, with
the title in front. Intervals are 95 % (bootstrap over questions, 2,000 draws); `lost` is ours minus the best row.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from studio.base.records import Document
from studio.retrieval import chunking, sentences, terms

if TYPE_CHECKING:
    import numpy as np

POOL = 50
ROOMS = (0, 2_000, 4_000)  # 0: the first passage alone
Span = tuple[int, int]


class Asked(NamedTuple):
    text: str
    article: str
    start: int
    end: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--language", choices=("es", "en"), default="es")
    parser.add_argument("--articles", type=int, default=48)
    parser.add_argument("--words-only", action="store_true")
    given = parser.parse_args()
    articles, asked = questions(given.folder / f"xquad.{given.language}.json", given.articles)
    embed = None if given.words_only else embedder()
    found = {name: _found(articles, asked, cut, embed) for name, cut in cuts().items()}
    print(f"{len(articles)} articles, {len(asked)} questions ({given.language})")
    print("passages                    count  mean   first passage            in 2,000                 in 4,000")
    for name, (lengths, hits) in found.items():
        shares = "  ".join(_interval(hits[room]) for room in ROOMS)
        print(f"{name:26} {len(lengths):6} {sum(lengths) / len(lengths):5.0f}   {shares}")
    ours = found["ours"][1]
    for room in ROOMS:
        best = max((name for name in found if name != "ours"), key=lambda name: found[name][1][room].mean())
        print(f"room {room:5}: ours minus {best}: {_interval(ours[room] - found[best][1][room])}")


def questions(file: Path, most: int) -> tuple[dict[str, str], list[Asked]]:
    """The articles with their paragraphs joined, and the questions with their answers' places in them."""
    articles: dict[str, str] = {}
    asked: list[Asked] = []
    for article in json.loads(file.read_text(encoding="utf-8"))["data"][:most]:
        text = ""
        for paragraph in article["paragraphs"]:
            begin = len(text) + 2 if text else 0
            text += ("\n\n" if text else "") + paragraph["context"]
            for each in paragraph["qas"]:
                answer = each["answers"][0]
                start = begin + answer["answer_start"]
                asked.append(Asked(each["question"], article["title"], start, start + len(answer["text"])))
        articles[article["title"]] = text
    return articles, asked


def cuts() -> dict[str, Callable[[str, str], list[Span]]]:
    """Ways to cut a text, by name; the others are those of the table our size was chosen by."""
    return {
        "600 characters, 90 shared": lambda title, text: _fixed(text, 600, 90),
        "sentences to 600, 1 shared": lambda title, text: _packed(text, 600),
        "sentences to 900, 1 shared": lambda title, text: _packed(text, 900),
        "sentences to 1200, 1 shared": lambda title, text: _packed(text, 1_200),
        "the author's paragraphs": lambda title, text: _paragraphs(text),
        "ours": _ours,
    }


def embedder() -> "Callable[[Sequence[str], str], np.ndarray]":
    """The bundled embedder in this process; nothing twice."""
    import numpy as np

    from studio.base.settings import Settings
    from studio.engines.embedder import Embedding

    engine, known = Embedding(Settings(threads=1)), dict[tuple[str, str], np.ndarray]()

    def embed(texts: Sequence[str], kind: str) -> np.ndarray:
        new = [text for text in dict.fromkeys(texts) if (text, kind) not in known]
        vectors = engine.vectors(new, "query" if kind == "query" else "passage")
        known.update(((text, kind), vector) for text, vector in zip(new, vectors, strict=True))
        return np.stack([known[text, kind] for text in texts])

    return embed


def _found(
    articles: dict[str, str],
    asked: Sequence[Asked],
    cut: Callable[[str, str], list[Span]],
    embed: "Callable[[Sequence[str], str], np.ndarray] | None",
) -> "tuple[list[int], dict[int, np.ndarray]]":
    """The lengths of the passages, and for each room whether each question's answer is in it."""
    import numpy as np

    passages = [(title, *span) for title, text in articles.items() for span in cut(title, text)]
    texts = [f"{chunking.title(title)}. {articles[title][start:end]}" for title, start, end in passages]
    scores = 1.0 * _scaled(_bm25(texts, [each.text for each in asked]))
    if embed is not None:
        near = embed([each.text for each in asked], "query") @ embed(texts, "passage").T
        scores = 0.4 * scores + 0.6 * _scaled(near)
    hits = {room: np.zeros(len(asked)) for room in ROOMS}
    for n, (each, row) in enumerate(zip(asked, scores, strict=True)):
        used = 0
        for rank, at in enumerate(np.argsort(-row, kind="stable")[:POOL]):
            title, start, end = passages[at]
            used += end - start
            if title == each.article and start <= each.start and each.end <= end:
                for room in ROOMS:
                    hits[room][n] = rank == 0 if room == 0 else used <= room
                break
    return [end - start for _, start, end in passages], hits


def _bm25(texts: Sequence[str], asked: Sequence[str]) -> "np.ndarray":
    """Robertson's BM25 with k1 = 1.2 and b = .75, as search engines have it."""
    import numpy as np
    from scipy.sparse import csr_matrix

    words = [terms.content(text) for text in texts]
    numbers = {word: n for n, word in enumerate(sorted({word for each in words for word in each}))}
    rows = [n for n, each in enumerate(words) for _ in each]
    columns = [numbers[word] for each in words for word in each]
    counts = csr_matrix((np.ones(len(rows)), (rows, columns)), (len(texts), len(numbers)))
    lengths = np.array([len(each) for each in words])
    there = np.bincount(counts.tocoo().col, minlength=len(numbers))
    weight = np.log(1 + (len(texts) - there + 0.5) / (there + 0.5))
    spread = counts.tocoo()
    norm = 1.2 * (0.25 + 0.75 * lengths[spread.row] / lengths.mean())
    spread.data = weight[spread.col] * spread.data * 2.2 / (spread.data + norm)
    queries = [[numbers[word] for word in set(terms.content(each)) if word in numbers] for each in asked]
    whose = [n for n, each in enumerate(queries) for _ in each]
    which = [number for each in queries for number in each]
    wanted = csr_matrix((np.ones(len(whose)), (whose, which)), (len(asked), len(numbers)))
    return np.asarray((wanted @ spread.tocsr().T).todense())


def _scaled(scores: "np.ndarray") -> "np.ndarray":
    """Each row's first fifty brought to 0..1; the others 0."""
    import numpy as np

    size = min(POOL, scores.shape[1])
    order = np.argpartition(-scores, size - 1, axis=1)[:, :size]
    some = np.take_along_axis(scores, order, 1)
    low, high = some.min(1, keepdims=True), some.max(1, keepdims=True)
    scaled = np.zeros_like(scores)
    np.put_along_axis(scaled, order, (some - low) / (high - low + 1e-9), 1)
    return scaled


def _ours(title: str, text: str) -> list[Span]:
    made = Document(id=title, name=title, kind="txt", text=text, source=title, sha256="")
    return [(chunk.start, chunk.end) for chunk in chunking.chunks(made)]


def _fixed(text: str, size: int, shared: int) -> list[Span]:
    return [(at, min(at + size, len(text))) for at in range(0, max(len(text) - shared, 1), size - shared)]


def _packed(text: str, size: int) -> list[Span]:
    units, made, first = sentences.spans(text), list[Span](), 0
    while first < len(units):
        last = first
        while last + 1 < len(units) and units[last + 1][1] - units[first][0] <= size:
            last += 1
        made.append((units[first][0], units[last][1]))
        if last + 1 == len(units):
            break
        first = max(first + 1, last)
    return made


def _paragraphs(text: str) -> list[Span]:
    made, at = list[Span](), 0
    for part in text.split("\n\n"):
        made.append((at, at + len(part)))
        at += len(part) + 2
    return made


def _interval(values: "np.ndarray") -> str:
    import numpy as np

    drawn = np.random.default_rng(1).integers(0, len(values), (2_000, len(values)))
    low, high = np.quantile(values[drawn].mean(1), (0.025, 0.975))
    return f"{values.mean():6.3f} ({low:6.3f} {high:6.3f})"


if __name__ == "__main__":
    main()
