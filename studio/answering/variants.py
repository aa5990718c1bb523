"""Which assistants a project has: the plain model as the yardstick, and one for every approach chosen and
built.
"""

import hashlib

from studio.answering.prompting import small
from studio.base.project import Project
from studio.base.records import (
    APPROACHES_THAT_SEARCH,
    APPROACHES_THAT_TRAIN,
    Approach,
    Indexed,
    Profile,
    Trained,
    Variant,
)
from studio.base.settings import Settings

ORDER: tuple[Approach, ...] = ("plain", "instructions", "examples", "documents", "whole", "trained", "both")


def variants(project: Project, indexed: Indexed | None = None, trained: Trained | None = None) -> list[Variant]:
    """The assistants that can answer now, the plain model first.

    `documents` and `both` need an index, `trained` and `both` an adapter of the project's model, `whole` a
    document, `examples` an example. The id follows from what decides the answer: approach, model, adapter,
    instructions, profile. Documents are not part of it: they change daily, and votes and measurements stay
    with their assistant.
    """
    card, store = project.card, project.store
    model = card.model or Settings().model
    counts = store.counts()
    adapters = [made for made in (*store.all(Trained), trained) if made is not None and made.model == model]
    adapter, frame = (adapters[-1].adapter, adapters[-1].frame) if adapters else (None, "")
    searchable = (indexed or project.indexed()) is not None
    built = {
        "plain": True,
        "instructions": True,
        "examples": counts["examples"] > 0,
        "documents": searchable,
        "whole": counts["documents"] > 0,
        "trained": adapter is not None,
        "both": adapter is not None and searchable,
    }
    wanted = [approach for approach in ORDER if approach == "plain" or approach in card.chosen]
    return [
        _variant(approach, model, adapter, frame, card.instructions, card.profile, card.passages)
        for approach in wanted
        if built[approach]
    ]


def _variant(
    approach: Approach, model: str, adapter: str | None, frame: str, instructions: str, profile: Profile, given: int
) -> Variant:
    simple = small(model)
    quotes = simple and approach in ("documents", "whole")
    # Those that are sent no instructions: none decide their answers.
    told = approach not in ("plain", "trained", "both", *(("documents", "whole") if simple else ()))
    made = Variant(
        id="",
        approach=approach,
        model=model,
        adapter=adapter if approach in APPROACHES_THAT_TRAIN else None,
        instructions=instructions if told else "",
        frame=frame if approach in APPROACHES_THAT_TRAIN else "",
        profile=profile if told else Profile(length=profile.length) if quotes else Profile(),
        # trained on answers, a small model reads one passage better than two and twice as fast; a quote is chosen of more
        passages=given or (3 if quotes else 1 if simple else 5),
        quotes=quotes,
        max_tokens=120 if simple else 400,
    )
    unsaid = ("id", *(() if approach in APPROACHES_THAT_SEARCH else ("passages",)), *(() if made.frame else ("frame",)))
    decisive = made.model_dump_json(exclude={*unsaid})
    return made.model_copy(update={"id": hashlib.sha256(decisive.encode()).hexdigest()[:12]})
