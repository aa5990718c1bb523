"""Why a document did not answer: the step at which it was lost, what shows that, and what can be done about it."""

from collections.abc import Sequence

from studio.base.records import Answer, Document, Lost, Parameter
from studio.web.voice import Voice

MOST = 2_000  # documents to choose from


def panel(
    answer: Answer,
    documents: Sequence[Document],
    name: str,
    voice: Voice,
    found: Lost | None = None,
    models: str = "",
) -> str:
    """The documents to choose from and, when one was looked into, what became of it. `models` is where one is chosen."""
    ordered = sorted(documents, key=lambda document: document.name.casefold())[:MOST]
    return voice.html(
        "lost.html",
        answer=answer.id,
        question=answer.understood or answer.question,
        name=name,
        models=models,
        documents=[(document.id, document.name) for document in ordered],
        chosen=found.document_id if found else "",
        found=_found(found, voice) if found else None,
    )


def _found(found: Lost, voice: Voice) -> dict[str, object]:
    numbers: dict[str, Parameter] = {"document": found.document, "limit": found.limit, "rank": found.rank or 0}
    return {
        "code": found.code,
        "well": found.code == "used",
        "says": voice.coded("lost", found.code, **(numbers | found.parameters)),
        "evidence": _evidence(found, voice),
        "place": voice.place(found.passage) if found.passage else "",
        "text": found.passage.chunk.text if found.passage else "",
        "repair": found.repair,
        "mend": voice.t(f"lost.repair.{found.repair}") if found.repair else "",
    }


def _evidence(found: Lost, voice: Voice) -> list[tuple[str, str]]:
    """What the step is known by, in words and plain figures; only what there is."""
    told: list[tuple[str, str]] = []
    if found.rank:
        told.append((voice.t("lost.rank"), voice.t("lost.rank.of", rank=found.rank, limit=found.limit)))
    if found.missing:
        told.append((voice.t("lost.missing"), ", ".join(found.missing)))
    if found.alike:
        told.append((voice.t("lost.alike"), ", ".join(found.alike)))
    if found.code == "below_threshold":
        told.append((voice.t("lost.score"), voice.t("lost.score.of", **_scores(found))))
    return told


def _scores(found: Lost) -> dict[str, float]:
    return {"score": round(found.score, 2), "threshold": round(found.threshold, 2)}
