"""Drafted questions and answers, one card at a time, each beside the passage it rests on."""

from collections.abc import Mapping, Sequence

from studio.base.records import Document, Proposal
from studio.web.voice import Voice

AROUND = 280  # characters of the document shown on either side of the passage
LISTED = 100


def drafts(
    proposals: Sequence[Proposal],
    documents: Mapping[str, Document],
    voice: Voice,
    *,
    possible: bool,
    working: bool = False,
    skipped: Sequence[str] = (),
) -> str:
    """`possible`: there are documents to draft from. `working`: drafts are being made. `skipped` wait until the others
    have been looked at."""
    waiting = [proposal for proposal in proposals if proposal.state == "waiting"]
    approved = [proposal for proposal in proposals if proposal.state == "approved"]
    fresh = [proposal for proposal in waiting if proposal.id not in skipped]
    kept = [id for id in skipped if any(proposal.id == id for proposal in waiting)] if fresh else []
    current = next(iter(fresh or waiting), None)
    return voice.html(
        "drafts.html",
        shown=possible or bool(proposals),
        offer=possible and not working,
        waiting=len(waiting),
        rejected=sum(proposal.state == "rejected" for proposal in proposals),
        approved=[
            {"id": each.id, "question": each.question, "answer": each.answer, "place": place(each, voice)}
            for each in reversed(approved[-LISTED:])
        ],
        card=_card(current, documents.get(current.document_id), kept, voice) if current else None,
    )


def place(proposal: Proposal, voice: Voice) -> str:
    parts = [proposal.document]
    if proposal.page is not None:
        parts.append(voice.t("place.page", n=str(proposal.page)))
    if proposal.heading:
        parts.append(proposal.heading)
    return ", ".join(parts)


def _card(proposal: Proposal, document: Document | None, skipped: Sequence[str], voice: Voice) -> dict[str, object]:
    before = after = ""
    if document is not None and document.text[proposal.start : proposal.end] == proposal.passage:
        before = _cut(
            document.text[max(proposal.start - AROUND, 0) : proposal.start], proposal.start > AROUND, end=False
        )
        rest = document.text[proposal.end : proposal.end + AROUND]
        after = _cut(rest, proposal.end + AROUND < len(document.text), end=True)
    return {
        "id": proposal.id,
        "question": proposal.question,
        "answer": proposal.answer,
        "passage": proposal.passage,
        "before": before,
        "after": after,
        "place": place(proposal, voice),
        "doubts": [voice.coded("doubt", code) for code in proposal.checks],
        "skipped": " ".join(skipped),
    }


def _cut(text: str, cut: bool, *, end: bool) -> str:
    """Without the half word at the cut."""
    if not cut:
        return text
    whole = text.rpartition(" ")[0] if end else text.partition(" ")[2]
    return f"{whole} …" if end else f"… {whole}"
