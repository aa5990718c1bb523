"""The same questions as each untrained approach would put them to the model: what a training must do better than.

Nothing is asked here. An example is never shown itself among the past ones, nor a passage that is not there.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio.answering import nearest
from studio.answering.prompting import compose, searches
from studio.answering.variants import variants
from studio.base.project import Project
from studio.base.records import APPROACHES_THAT_TRAIN, Example
from studio.retrieval import search

if TYPE_CHECKING:
    from studio.engines import Engine


def asked(project: Project, examples: Sequence[Example], engine: "Engine", past: int) -> list[list[Example]]:
    """For every approach that can answer untrained, the examples with the prompt it would use (with `past` ones shown)."""
    found = []
    for variant in variants(project):
        if variant.approach in APPROACHES_THAT_TRAIN or variant.approach == "whole":
            continue  # a whole document in every prompt would take longer than the training
        rows = []
        for example in examples:
            passages = search(project, example.question, engine, variant.passages).passages if searches(variant) else ()
            shown = nearest.examples(project, example.question, engine, past) if variant.approach == "examples" else ()
            others = tuple(each for each in shown if each.question != example.question)
            messages = compose(variant, example.question, passages, others, ())
            rows.append(example.model_copy(update={"messages": (*messages, example.messages[-1])}))
        found.append(rows)
    return found
