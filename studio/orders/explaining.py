"""Why an answer came out as it did, and what mends one that was not found."""

from typing import Literal

from studio.base.errors import BadInput, NotFound
from studio.base.project import Project
from studio.base.recipes import ExplainRequest
from studio.base.records import Answer, Question, Run, new_id
from studio.base.runs import Runs
from studio.orders import building, chosen, material

MORE_PASSAGES, MOST_PASSAGES = 3, 12  # when somebody asks for more to be read
LESS_CAUTION = 0.25  # a position of the dial


def explain(
    project: Project,
    runs: Runs,
    answer: Answer,
    detail: Literal["phrases", "words"] = "phrases",
    inside: int | None = None,
) -> Run:
    """Say what an answer rests on; word by word, or inside one of its passages. It is kept first: the run looks it up."""
    chosen.assistants(project)
    project.store.put(answer)
    return runs.start(project, "explain", ExplainRequest(answer=answer.id, detail=detail, inside=inside))


def mend(project: Project, runs: Runs, code: str, answer: Answer, document: str, reference: str = "") -> None:
    """Do what `Lost.repair` proposes for an answer and the document that should have given it; with `add_question`,
    `reference` is the right answer. It counts from the next question on. Raises NotFound and BadInput.
    """
    card = project.card
    match code:
        case "read_again":
            found = project.store.document(document)
            source = project.store.source(found.source) if found else None
            if source is None:
                raise NotFound("file_missing", name=document)
            material.read_again(project, runs, source.source, source.how)
        case "build_again":
            material.take_in(project, runs, new_id()) if project.indexed() else building.build(
                project, runs, card.chosen, card.effort
            )
        case "add_question":
            if not reference.strip():
                raise BadInput("correction_empty")
            found = project.store.document(document)
            question = Question(
                question=answer.understood or answer.question,
                reference=reference.strip(),
                expected_source=found.name if found else None,
            )
            project.store.replace_questions([*project.store.questions(), question])
        case "raise_passages":
            project.change(passages=min(project.variant(answer.variant).passages + MORE_PASSAGES, MOST_PASSAGES))
        case "lower_caution":
            project.change(caution=max(card.caution - LESS_CAUTION, 0.0))
        case _:
            raise NotFound("repair_missing", name=code)
