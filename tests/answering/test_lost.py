"""Why a document was not found: the step at which it was lost, with its evidence and the repair."""

import shutil
from pathlib import Path

import pytest

from studio.answering import lost, variants
from studio.base import project as projects
from studio.base.errors import NotFound
from studio.base.project import Project
from studio.base.records import Answer, Citation, Document, Passage
from studio.retrieval import build, search
from tests.answering.fakes import Parrot

TEXTS = {
    "Policy": "The standard excess is 150 euros a claim. Water damage has an excess of 250 euros.",
    "Guide": "Take photos before you tidy up. The Porch takes up to 12 photos of a claim at once.",
    "Letter": "Cancellations are accepted in writing until one month before the renewal of the contract.",
    "Scan": "p. 1",
} | {f"Note{n}": f"About the excess of claim number {n}: the excess was paid by the office." for n in range(8)}


@pytest.fixture
def engine() -> Parrot:
    return Parrot()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = projects.create(tmp_path_factory.mktemp("built"), "Harbour", "en")
    made.change(model="smollm2-135m-instruct", chosen=("documents",))
    for name, text in TEXTS.items():
        add(made, name, text)
    made.store.put_fact("indexed", build(made, Parrot(), lambda event: None, lambda: False))
    return made.folder


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Project:
    return Project(Path(shutil.copytree(built, tmp_path / "harbour")))


def add(project: Project, name: str, text: str) -> None:
    document = Document(
        id=name, name=f"{name}.pdf", kind="pdf", text=text, source=f"sources/{name}", sha256=name, language="en"
    )
    project.store.put_source(document.source, name, [document], [], [])


def answered(project: Project, question: str, given: tuple[Passage, ...], **more: object) -> Answer:
    [variant] = [each for each in variants(project) if each.approach == "documents"]
    return Answer.model_validate(
        {"variant": variant.id, "question": question, "text": "It is so.", "passages": given} | more
    )


def found(
    project: Project, engine: Parrot, question: str, document: str, answer: Answer | None = None
) -> tuple[str, str]:
    made = lost.why(project, question, document, engine, answer)  # type: ignore[arg-type]
    return made.code, made.repair


def test_a_document_without_text_was_not_read(project: Project, engine: Parrot) -> None:
    assert found(project, engine, "How high is the excess?", "Scan") == ("not_read", "read_again")


def test_a_document_that_came_after_the_index_is_not_searchable(project: Project, engine: Parrot) -> None:
    add(project, "New", "The glass of windows is covered without any excess at all.")
    assert found(project, engine, "Is glass covered?", "New") == ("not_searchable", "build_again")


def test_a_document_that_speaks_of_something_else_has_none_of_the_words(project: Project, engine: Parrot) -> None:
    made = lost.why(project, "How high is the excess?", "Guide", engine)  # type: ignore[arg-type]
    assert (made.code, made.repair, made.missing) == ("no_words", "read_again", ("high", "excess"))


def test_another_form_of_the_word_is_named_beside_the_one_that_was_asked(project: Project, engine: Parrot) -> None:
    given = search(project, "excess", engine, 3).passages
    answer = answered(project, "How do I cancel?", given)
    made = lost.why(project, "How do I cancel?", "Letter", engine, answer)  # type: ignore[arg-type]
    assert (made.code, made.repair, made.alike) == ("word_form", "add_question", ("cancel → cancellations",))


def test_the_place_of_the_best_passage_says_whether_a_few_more_would_have_helped(
    project: Project, engine: Parrot
) -> None:
    question = "Who paid the excess of the claim?"
    every = search(project, question, engine, 20).passages
    place = next(n for n, each in enumerate(every, start=1) if each.chunk.document_id == "Policy")
    assert place > 3
    others = tuple(each for each in every if each.chunk.document_id != "Policy")[:3]
    made = lost.why(project, question, "Policy", engine, answered(project, question, others))  # type: ignore[arg-type]
    assert (made.rank, made.limit, made.passage) == (place, 3, every[place - 1])
    assert (made.code, made.repair) == (
        ("cut_by_limit", "raise_passages") if place <= 6 else ("ranked", "add_question")
    )


def test_words_that_no_passage_holds_together_were_split(project: Project, engine: Parrot) -> None:
    long = "\n\n".join(
        f"{word} {'are described here at length and with care, as everything else is. ' * 9}"
        for word in ("Caravans", "Trailers", "Boats", "Kayaks")
    )
    add(project, "Long", long)
    build(project, engine, lambda event: None, lambda: False)
    question = "caravans trailers boats kayaks"
    given = search(project, "excess", engine, 3).passages
    assert found(project, engine, question, "Long", answered(project, question, given)) == ("split", "raise_passages")


def test_what_was_given_was_kept_back_ignored_or_used(project: Project, engine: Parrot) -> None:
    question = "How high is the excess for water damage?"
    given = search(project, question, engine, 3).passages
    at = next(n for n, each in enumerate(given) if each.chunk.document_id == "Policy")
    cited = (Citation(number=at + 1, passage=at),)
    used = answered(project, question, given, citations=cited)
    assert found(project, engine, question, "Policy", used) == ("used", "")
    ignored = answered(project, question, given)
    assert found(project, engine, question, "Policy", ignored) == ("ignored", "use_larger_model")
    project.change(model="qwen3-1.7b")
    assert found(project, engine, question, "Policy", answered(project, question, given)) == ("ignored", "add_question")


def test_what_was_found_and_thought_too_uncertain_was_cut_by_the_threshold(project: Project, engine: Parrot) -> None:
    project.change(caution=1.0)
    question = "Does the comet have an excess near Saturn tonight?"
    hits = search(project, question, engine, 3)
    assert not hits.answerable
    given = hits.passages[0].chunk.document_id
    refused = answered(project, question, hits.passages, refused=True, text="")
    made = lost.why(project, question, given, engine, refused)  # type: ignore[arg-type]
    assert (made.code, made.repair, made.score < made.threshold) == ("below_threshold", "lower_caution", True)


def test_a_document_that_is_not_there_is_said_so(project: Project, engine: Parrot) -> None:
    with pytest.raises(NotFound, match="document_missing"):
        found(project, engine, "How high is the excess?", "Nothing")


def test_every_reason_has_its_sentence_and_its_parameters_in_both_languages(project: Project, engine: Parrot) -> None:
    import json
    from typing import get_args

    from studio.base.records import Lost

    made = lost.why(project, "How high is the excess?", "Letter", engine)  # type: ignore[arg-type]
    for language in ("en", "es"):
        sentences = json.loads(Path(f"studio/locales/{language}.json").read_text(encoding="utf-8"))
        for code in get_args(Lost.model_fields["code"].annotation):
            assert sentences[f"lost.{code}"].format(**made.parameters)
            assert sentences[f"lost.{code}.repair"]
