"""Documents are searched; what searches them is shown, chosen, taught and measured."""

import argparse

from studio.base.errors import BadInput, NotFound
from studio.base.project import Project
from studio.base.records import Attuned, Calibration, Filter, Passage, Proof, Run, Tuned
from studio.base.runs import Runs
from studio.cli.session import Session, Verb, finish

SHOWN_CHARACTERS = 240


def search(session: Session, given: argparse.Namespace) -> None:
    """The passages that fit a question best, and whether they answer it."""
    from studio import engines, retrieval

    project = session.open(given.project)
    hits = retrieval.search(
        project, given.question, engines.Engine(session.settings), given.limit, only(project, given)
    )
    lines = [f"{at}. {passage_line(session, passage)}" for at, passage in enumerate(hits.passages, start=1)]
    verdict = session.t("cli.answered_by" if hits.answerable else "cli.not_answered_by")
    session.give(hits, "\n".join([*lines, verdict]))


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


def _fetching(project: Project, held: Runs, name: str) -> Run:
    from studio import orders

    run = orders.choose_reranker(project, held, name)
    assert run is not None
    return run


def only(project: Project, given: argparse.Namespace) -> Filter:
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


def passage_line(session: Session, passage: Passage) -> str:
    return f"{place(session, passage)}\n   {' '.join(passage.chunk.text.split())[:SHOWN_CHARACTERS]}"


def place(session: Session, passage: Passage) -> str:
    chunk = passage.chunk
    parts = [chunk.document]
    parts += [session.t("place.page", n=str(chunk.page))] if chunk.page is not None else []
    parts += [chunk.sheet] if chunk.sheet else []
    parts += [session.t("place.row", n=str(chunk.row))] if chunk.row is not None else []
    return ", ".join(parts)


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


def arguments(verb: Verb) -> None:
    v = verb("search", search, "search the documents for a question", "project", "question")
    v.add_argument("--limit", type=int, default=4, help="how many passages")
    narrowing(v)
    v = verb("caution", caution, "show, measure (--measure) or set how careful the answers are", "project")
    v.add_argument("--measure", action="store_true", help="measure the settings on the project's own documents")
    v.add_argument("--set", type=float, metavar="0..1", help="0 answers whenever possible, 1 only when sure")
    v = verb("embedder", embedder, "show or choose what compares meanings", "project")
    v.add_argument("name", nargs="?", help="a name of the list, or a model's id on the Hub (owner/name)")
    v.add_argument("--learn", action="store_true", help="teach it the project's own words; kept only if it finds more")
    v.add_argument("--whole", action="store_true", help="the same with all its layers: some hundred times the work")
    v = verb("reranker", reranker, "show or choose who reads the best passages a second time", "project")
    v.add_argument("name", nargs="?", help="a name of the list, or none")


def narrowing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--document", action="append", default=[], metavar="NAME", help="search only in this document")
    parser.add_argument(
        "--language", action="append", default=[], metavar="CODE", help="only in this language (en, es)"
    )
    parser.add_argument("--since", default="", metavar="DAY", help="only what is dated from this day on (2024-01-31)")
    parser.add_argument("--until", default="", metavar="DAY", help="only what is dated until this day")
