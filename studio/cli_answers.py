"""Documents that answer, without a browser: search them, talk with an assistant, set how careful it is, and ask why
something was not found. The pages' twin, verb by verb.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from studio.base.errors import BadInput, NotFound
from studio.base.project import Project
from studio.base.records import (
    Answer,
    Attuned,
    Calibration,
    Document,
    Filter,
    Lost,
    Message,
    Passage,
    Proof,
    Run,
    Tuned,
    Variant,
)
from studio.base.runs import Runs
from studio.cli import Session, finish

SHOWN_CHARACTERS = 240
SIGNS = {"supported": "+", "unsupported": "?", "contradicting": "!"}


# ---- commands ----------------------------------------------------------------------------------------------------------


def search(session: Session, given: argparse.Namespace) -> None:
    """The passages that fit a question best, and whether they answer it."""
    from studio import engines, retrieval

    project = session.open(given.project)
    hits = retrieval.search(
        project, given.question, engines.Engine(session.settings), given.limit, _only(project, given)
    )
    lines = [f"{at}. {_passage(session, passage)}" for at, passage in enumerate(hits.passages, start=1)]
    verdict = session.t("cli.answered_by" if hits.answerable else "cli.not_answered_by")
    session.give(hits, "\n".join([*lines, verdict]))


def chat(session: Session, given: argparse.Namespace) -> None:
    """A conversation with one assistant: a line of input a question, an empty one ends it."""
    from studio import answering, engines

    project = session.open(given.project)
    variant, only = _variant(project, given.approach), _only(project, given)
    engine = engines.Engine(session.settings)
    history: list[Message] = []
    answers: list[Answer] = []
    while question := _next(session):
        for piece in answering.ask(project, variant, question, engine, history, only=only):
            match piece:
                case answering.Done(answer=answer) | answering.Declined(answer=answer):
                    answers.append(answer)
                    project.store.put(answer)
        said = answering.without_markers(answers[-1].text) or session.t("answer.not_found")
        history += [Message(role="user", content=question), Message(role="assistant", content=said)]
        if not session.as_json:
            session.give(answers[-1], answer_lines(session, answers[-1]))
    if session.as_json:
        session.give({"answers": answers}, "")


def lost(session: Session, given: argparse.Namespace) -> None:
    """At which step the document that should have answered was lost, and the repair; --mend does it."""
    from studio import engines, orders
    from studio.answering import lost as room

    project = session.open(given.project)
    document = _document(project, given.document)
    asked = [answer for answer in project.store.all(Answer) if answer.question == given.question]
    answer = asked[-1] if asked else None
    found = room.why(project, given.question, document.id, engines.Engine(session.settings), answer)
    if given.mend and found.repair:
        about = answer or Answer(variant=_variant(project, "documents").id, question=given.question, text="")
        orders.mend(project, Runs(session.settings), found.repair, about, document.id, given.reference)
    session.give(found, _lost(session, found, mended=bool(given.mend and found.repair)))


def caution(session: Session, given: argparse.Namespace) -> None:
    """Where the dial stands and what its positions amount to; --measure measures that, --set moves it."""
    from studio import orders

    project = session.open(given.project)
    if given.measure:
        finish(session, lambda held: orders.calibrate(project, held))
    if given.set is not None:
        if not 0 <= given.set <= 1:
            raise BadInput("caution_wrong", name=f"{given.set:g}")
        project.change(caution=given.set)
    measured = project.calibration()
    tuned = project.tuned()
    lines = _dial(session, project.card.caution, measured)
    session.give(
        {"caution": project.card.caution, "calibration": measured, "search": tuned},
        f"{lines}\n{tuned_line(session, tuned)}" if tuned is not None else lines,
    )


def embedder(session: Session, given: argparse.Namespace) -> None:
    """Which model compares meanings; with a name, choose it for the next build; --learn teaches it the project's words."""
    from studio import engines, orders

    project = session.open(given.project)
    if given.learn or given.whole:
        finish(session, lambda held: orders.attune(project, held, whole=given.whole))
        project = session.open(given.project)
    if given.name is not None:
        orders.choose_embedder(project, given.name)
    chosen = project.card.embedder or engines.embedders()[0].name
    lines = [f"{'*' if card.name == chosen else ' '} {card.name}  {card.licence}" for card in engines.embedders()]
    if chosen not in {card.name for card in engines.embedders()}:
        lines.append(f"* {chosen}")
    learnt = project.attuned()
    lines += [attuned_line(session, learnt)] if learnt is not None else []
    session.give({"embedder": chosen, "embedders": engines.embedders(), "attuned": learnt}, "\n".join(lines))


def reranker(session: Session, given: argparse.Namespace) -> None:
    """Who reads the best passages a second time; with a name, choose it ("none": nobody). It is fetched where it lacks."""
    from studio import engines, orders

    project = session.open(given.project)
    if given.name is not None:
        name = "" if given.name == "none" else given.name
        if not name or engines.reranker_is_here(name, session.settings):
            orders.choose_reranker(project, Runs(session.settings), name)
        else:
            finish(session, lambda held: _fetching(project, held, name))
            project = session.open(given.project)
    chosen = project.card.reranker
    lines = [f"{'*' if c.name == chosen else ' '} {c.name}  {c.licence}  {c.size_gb:g} GB" for c in engines.rerankers()]
    session.give({"reranker": chosen, "rerankers": engines.rerankers()}, "\n".join(lines))


def watch(session: Session, given: argparse.Namespace) -> None:
    """The watched folder; with a path, watch that one (it is looked at while the studio serves), with --stop, none."""
    from studio import watching

    project = session.open(given.project)
    if given.stop or given.folder:
        folder = "" if given.stop else str(Path(given.folder).expanduser().resolve())
        watching.watch(project, folder, session.settings.projects)
    known = watching.state(project)
    title = known.folder or session.t("cli.watches_nothing")
    session.give(known, "\n".join([title, *(f"  {name}" for name in sorted(known.files))]))


def _fetching(project: Project, held: Runs, name: str) -> Run:
    from studio import orders

    run = orders.choose_reranker(project, held, name)
    assert run is not None
    return run


# ---- what several commands do ------------------------------------------------------------------------------------------


def _only(project: Project, given: argparse.Namespace) -> Filter:
    """The filter, from names of documents and days."""
    named = {document.name: document.id for document in project.store.documents()}
    unknown = next((name for name in given.document if name not in named), None)
    if unknown is not None:
        raise NotFound("file_missing", name=unknown)
    try:
        return Filter(
            documents=tuple(named[name] for name in given.document),
            languages=tuple(given.language),
            since=given.since,
            until=given.until,
        )
    except ValueError as error:
        raise BadInput("day_wrong", name=f"{given.since} {given.until}".strip()) from error


def _document(project: Project, name: str) -> Document:
    found = next((each for each in project.store.documents() if name in (each.id, each.name)), None)
    if found is None:
        raise NotFound("file_missing", name=name)
    return found


def _variant(project: Project, approach: str) -> Variant:
    from studio import orders

    found = next((variant for variant in orders.assistants(project) if variant.approach == approach), None)
    if found is None:
        raise NotFound("variant_missing", name=approach)
    return found


def _next(session: Session) -> str:
    """The next question; empty at the end of the input."""
    if sys.stdin.isatty():
        session.say(session.t("cli.chat"))
    return sys.stdin.readline().strip()


# ---- how it reads ------------------------------------------------------------------------------------------------------


def answer_lines(session: Session, answer: Answer) -> str:
    """An answer, or why there is none, its sources, and what stands behind each of its sentences."""
    t = session.t
    lines = [t("compare.understood", question=answer.understood)] if answer.understood else []
    lines.append(answer.text or t("answer.not_found"))
    lines += [f"  ({t(f'declined.{answer.declined}')})"] if answer.declined else []
    for citation in answer.citations:
        if citation.passage < len(answer.passages):
            lines.append(f"  [{citation.number}] {_place(session, answer.passages[citation.passage])}")
    for mark in answer.support:
        missing = f": {', '.join(mark.missing)}" if mark.missing else ""
        said = " ".join(answer.text[mark.start : mark.end].split())[:60]
        lines.append(f"  {SIGNS[mark.state]} {said} ({t(f'mark.{mark.state}')}{missing})")
    if answer.computed is not None:
        lines.append(f"  = {answer.computed.words}")
        lines += [f"    {row.text}" for row in answer.computed.rows]
    return "\n".join(lines)


def _passage(session: Session, passage: Passage) -> str:
    return f"{_place(session, passage)}\n   {' '.join(passage.chunk.text.split())[:SHOWN_CHARACTERS]}"


def _place(session: Session, passage: Passage) -> str:
    chunk = passage.chunk
    parts = [chunk.document]
    parts += [session.t("place.page", n=str(chunk.page))] if chunk.page is not None else []
    parts += [chunk.sheet] if chunk.sheet else []
    parts += [session.t("place.row", n=str(chunk.row))] if chunk.row is not None else []
    return ", ".join(parts)


def _lost(session: Session, found: Lost, *, mended: bool) -> str:
    t = session.t
    numbers: dict[str, Any] = {"document": found.document, "limit": found.limit, "rank": found.rank or 0}
    lines = [t(f"lost.{found.code}", **(numbers | found.parameters))]
    lines += [f"  {_passage(session, found.passage)}"] if found.passage else []
    lines += [f"  {t('lost.missing')}: {', '.join(found.missing)}"] if found.missing else []
    lines += [f"  {t('lost.alike')}: {', '.join(found.alike)}"] if found.alike else []
    if found.repair:
        lines.append(t(f"lost.repair.{found.repair}.done") if mended else f"  -> {t(f'lost.repair.{found.repair}')}")
    return "\n".join(lines)


def _dial(session: Session, at: float, measured: Calibration | None) -> str:
    t = session.t
    if measured is None:
        return f"{at:g}\n{t('dial.unmeasured')}"
    nearest = min(measured.positions, key=lambda position: abs(position.caution - at))
    lines = []
    for position in measured.positions:
        wrong, person = round(100 * position.wrong), round(100 * position.person)
        said = t("dial.wrong.one") if wrong == 1 else t("dial.wrong", n=wrong)
        passed = t("dial.person.one") if person == 1 else t("dial.person", n=person)
        lines.append(f"{'*' if position is nearest else ' '} {position.caution:<5g}{said} {passed}")
    return "\n".join(lines)


def tuned_line(session: Session, tuned: Tuned) -> str:
    """How meaning and words are weighed, and by which evidence."""
    said = session.t(
        f"tuned.{tuned.reason}",
        meaning=f"{tuned.weight:.0%}",
        words=f"{1 - tuned.weight:.0%}",
        count=tuned.questions,
    )
    return f"{said} {_proof(session, tuned.proof)}" if tuned.proof is not None else said


def attuned_line(session: Session, learnt: Attuned) -> str:
    return f"{session.t(f'attuned.{learnt.reason}', count=learnt.pairs)} {_proof(session, learnt.proof)}"


def _proof(session: Session, shown: Proof) -> str:
    shares = {
        name: f"{getattr(shown, name):.0%}" for name in ("first_before", "first_after", "given_before", "given_after")
    }
    return session.t("proof", n=shown.n, limit=shown.limit, **shares)


# ---- arguments ---------------------------------------------------------------------------------------------------------


def arguments(verb: Any) -> None:
    """Declare the commands; `verb(name, command, about, *arguments)` makes each."""
    v = verb("search", search, "search the documents for a question", "project", "question")
    v.add_argument("--limit", type=int, default=4, help="how many passages")
    _narrowing(v)
    v = verb("chat", chat, "talk with an assistant, a question a line", "project")
    v.add_argument("--approach", default="documents")
    _narrowing(v)
    v = verb("lost", lost, "say why a document did not answer a question", "project", "question")
    v.add_argument("--document", required=True, metavar="NAME", help="the document that should have answered")
    v.add_argument("--mend", action="store_true", help="do the repair it proposes")
    v.add_argument("--reference", default="", help="with --mend: the right answer, where it becomes a test question")
    v = verb("caution", caution, "show, measure (--measure) or set how careful the answers are", "project")
    v.add_argument("--measure", action="store_true", help="measure the settings on the project's own documents")
    v.add_argument("--set", type=float, metavar="0..1", help="0 answers whenever possible, 1 only when sure")
    v = verb("embedder", embedder, "show or choose what compares meanings", "project")
    v.add_argument("name", nargs="?", help="a name of the list, or a model's id on the Hub (owner/name)")
    v.add_argument("--learn", action="store_true", help="teach it the project's own words; kept only if it finds more")
    v.add_argument("--whole", action="store_true", help="the same with all its layers: some hundred times the work")
    v = verb("reranker", reranker, "show or choose who reads the best passages a second time", "project")
    v.add_argument("name", nargs="?", help="a name of the list, or none")
    v = verb("watch", watch, "show, choose or stop the watched folder", "project")
    v.add_argument("folder", nargs="?")
    v.add_argument("--stop", action="store_true")


def _narrowing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--document", action="append", default=[], metavar="NAME", help="search only in this document")
    parser.add_argument(
        "--language", action="append", default=[], metavar="CODE", help="only in this language (en, es)"
    )
    parser.add_argument("--since", default="", metavar="DAY", help="only what is dated from this day on (2024-01-31)")
    parser.add_argument("--until", default="", metavar="DAY", help="only what is dated until this day")
