"""Which personal data the material holds, and whether it is the company's own or somebody's."""

from collections.abc import Sequence

from studio.base.records import PLACES, Document, Example, Finding, Level, Place
from studio.health import personal, places
from studio.health.personal import Kind

SERIOUS: frozenset[Kind] = frozenset({"iban", "card", "id", "secret"})


def people(documents: Sequence[Document], examples: Sequence[Example]) -> list[Finding]:
    """Personal data by kind, different values counted once.

    What stands in the documents as an e-mail address or a phone number is mostly the company's own: a remark. The
    same in the examples would be learnt by heart: a warning, unless the documents give it too. A document that lists
    people publishes nothing (see `personal.published`).
    """
    learnt: dict[Kind, set[str]] = {kind: set() for kind in personal.KINDS}
    written: dict[Kind, set[str]] = {kind: set() for kind in personal.KINDS}
    shown: dict[Kind, list[Place]] = {kind: [] for kind in personal.KINDS}
    for example in examples:
        for message in example.messages:
            for each in personal.find(message.content):
                if each.value not in learnt[each.kind] and len(shown[each.kind]) < PLACES:
                    shown[each.kind].append(places.of_example(example, message.content, each.start, each.end))
                learnt[each.kind].add(each.value)
    inside = [personal.find(document.text, document.language) for document in documents]
    for document, values in zip(documents, inside, strict=True):
        for each in values:
            if each.value not in written[each.kind] and len(shown[each.kind]) < PLACES:
                shown[each.kind].append(places.of_document(document, each.start, each.end))
            written[each.kind].add(each.value)
    told = personal.told(
        values for document, values in zip(documents, inside, strict=True) if personal.publishes(document)
    )
    found = []
    for kind in personal.KINDS:
        known = {value for each, value in told if each == kind}
        every = learnt[kind] | written[kind]
        if every:
            level: Level = "warn" if every - known or kind in SERIOUS else "note"
            found.append(
                Finding(
                    code=f"personal_{kind}",
                    level=level,
                    count=len(every),
                    parameters={"examples": len(learnt[kind] - known), "documents": len(written[kind])},
                    places=tuple(shown[kind]),
                    repairs=("mask_personal",) if every - known else ("mask_everything",),
                )
            )
    return found
