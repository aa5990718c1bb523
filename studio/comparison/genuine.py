"""Is an answer from the assistant it stands for? Held against the files of its model and adapter, by their hashes."""

from typing import TYPE_CHECKING

from studio.base.errors import Refused
from studio.base.project import Project
from studio.base.records import Answer, Variant

if TYPE_CHECKING:
    from studio.engines import Engine

FILES = (
    "gguf:",
    "weights:",
)  # how `engines.identity` begins them; what other servers say of themselves cannot be checked


def verify(project: Project, variant: Variant, answer: Answer, engine: "Engine") -> str:
    """What the answer was spoken by: "" where no model spoke or nobody can know.

    Raises Refused("wrong_side", name=) for an answer of another assistant, or one that another model or adapter spoke
    than lies here for this one now, and what `engines.identity` raises when that is gone.
    """
    if answer.variant != variant.id:
        raise Refused("wrong_side", name=variant.model)
    if not answer.spoken_by.startswith(FILES):
        return answer.spoken_by
    adapter = project.path(variant.adapter) if variant.adapter else None
    if not engine.speaks(answer.spoken_by, variant.model, adapter):
        raise Refused("wrong_side", name=variant.model)
    return answer.spoken_by
