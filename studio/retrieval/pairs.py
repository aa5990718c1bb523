"""Questions whose answer's place in the documents is known: what a search is measured by, and may learn from.

They are the person's test questions with an expected source, the drafts they approved, and examples whose answer stands in
the document they came with. A test question measures and never teaches: it would judge what it has taught.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from studio.base.project import Project
from studio.base.records import Chunk, Document, Example, Proposal, Question
from studio.retrieval import aligning, chunking, terms

SHARED = 0.6  # of a fact's words that a passage must have to be where it stands
SAID = 0.8  # of an answer's words that stand in a passage it was taken from
FEWEST_WORDS = 5  # of an answer that can be recognised


class Pair(NamedTuple):
    """A question, the hashes of the passages that answer it, and the best of them as text: "" where only the document is
    known.
    """

    question: str
    answers: frozenset[str]
    passage: str
    test: bool


class _Text(NamedTuple):
    chunk: Chunk
    text: str
    hash: str
    words: frozenset[str]


def known(project: Project) -> list[Pair]:
    """Every question of the project whose place is known, each once, the test questions first."""
    questions = [each for each in project.store.questions() if each.answerable and each.expected_source]
    drafts = [each for each in project.store.all(Proposal) if each.state == "approved"]
    examples = [each for each in project.store.examples() if each.split != "test" and each.question.strip()]
    texts = _texts(project, questions, drafts, examples)
    found: dict[str, Pair] = {}
    for pair in (*_tested(questions, texts), *_drafted(drafts, texts), *_brought(examples, texts)):
        found.setdefault(terms.fold(pair.question), pair)
    tests = {terms.fold(each.question) for each in project.store.questions()}
    return [pair._replace(test=key in tests) for key, pair in found.items()]


def _texts(
    project: Project, questions: Sequence[Question], drafts: Sequence[Proposal], examples: Sequence[Example]
) -> dict[str, list[_Text]]:
    """The passages of the documents that are named, by the document's id, name and source."""
    wanted = {str(each.expected_source) for each in questions} | {each.document_id for each in drafts}
    wanted |= {each.source for each in examples if each.source}
    made: dict[str, list[_Text]] = defaultdict(list)
    for document in aligning.documents(project) if wanted else ():
        keys = wanted & {document.id, document.name, document.source}
        split = _split(document) if keys else []
        for key in keys:
            made[key] += split
    return made


def _split(document: Document) -> list[_Text]:
    headed = [(row, chunking.headed(row.chunk)) for row in aligning.rows_of(document)]
    return [_Text(row.chunk, text, row.hash, frozenset(terms.content(text))) for row, text in headed]


def _tested(questions: Sequence[Question], texts: dict[str, list[_Text]]) -> Iterator[Pair]:
    for question in questions:
        there = texts.get(str(question.expected_source), [])
        if not there:
            continue
        facts = question.must_contain or ((question.reference,) if question.reference.strip() else ())
        held = [min((_share(fact, each.words) for fact in facts), default=0.0) for each in there]
        best = max(held)
        if best >= SHARED:
            right = [each for each, share in zip(there, held, strict=True) if share == best]
            yield Pair(question.question, frozenset(each.hash for each in right), right[0].text, True)
        else:
            only = there[0].text if len(there) == 1 else ""
            yield Pair(question.question, frozenset(each.hash for each in there), only, True)


def _drafted(drafts: Sequence[Proposal], texts: dict[str, list[_Text]]) -> Iterator[Pair]:
    for draft in drafts:
        over = [
            (min(each.chunk.end, draft.end) - max(each.chunk.start, draft.start), each)
            for each in texts.get(draft.document_id, [])
        ]
        right = [(length, each) for length, each in over if length > 0]
        if right:
            best = max(right, key=lambda one: one[0])[1]
            yield Pair(draft.question, frozenset(each.hash for _, each in right), best.text, False)


def _brought(examples: Sequence[Example], texts: dict[str, list[_Text]]) -> Iterator[Pair]:
    for example in examples:
        said = frozenset(terms.content(example.answer))
        if len(said) < FEWEST_WORDS:
            continue
        held = [(len(said & each.words) / len(said), each) for each in texts.get(example.source, [])]
        best = max((share for share, _ in held), default=0.0)
        if best >= SAID:
            right = [each for share, each in held if share == best]
            yield Pair(example.question, frozenset(each.hash for each in right), right[0].text, False)


def _share(fact: str, words: frozenset[str]) -> float:
    """How much of a fact stands there, in the best of its wordings ("30 days|thirty days")."""
    meant = [set(terms.content(wording)) for wording in fact.split("|")]
    return max((len(each & words) / len(each) for each in meant if each), default=0.0)
