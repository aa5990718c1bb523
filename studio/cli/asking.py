"""Assistants are asked, and why a document did not answer."""

import argparse
import sys
from typing import Any

from studio.base.errors import NotFound
from studio.base.project import Project
from studio.base.records import Answer, Document, Lost, Message
from studio.base.runs import Runs
from studio.cli.searching import narrowing, only, passage_line, place
from studio.cli.session import Session, Verb, assistants

SIGNS = {"supported": "+", "unsupported": "?", "contradicting": "!"}


def ask(session: Session, given: argparse.Namespace) -> None:
    from studio import answering, comparison, engines

    project = session.open(given.project)
    comparison.refuse_sealed(project, given.question)
    variants = assistants(project, given.approach)
    engine = engines.Engine(session.settings)
    answers = []
    for variant in variants:
        for piece in answering.ask(project, variant, given.question, engine):
            match piece:
                case answering.Done(answer=answer) | answering.Declined(answer=answer):
                    answers.append(answer)
    project.store.put(*answers)
    session.give({"answers": answers}, "\n\n".join(_answer(session, project, answer) for answer in answers))


def chat(session: Session, given: argparse.Namespace) -> None:
    """A conversation with one assistant: a line of input a question, an empty one ends it."""
    from studio import answering, engines

    project = session.open(given.project)
    variant, wanted = assistants(project, given.approach)[0], only(project, given)
    engine = engines.Engine(session.settings)
    history: list[Message] = []
    answers: list[Answer] = []
    while question := _next(session):
        for piece in answering.ask(project, variant, question, engine, history, only=wanted):
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
        about = answer or Answer(variant=assistants(project, "documents")[0].id, question=given.question, text="")
        orders.mend(project, Runs(session.settings), found.repair, about, document.id, given.reference)
    session.give(found, _lost(session, found, mended=bool(given.mend and found.repair)))


def _document(project: Project, name: str) -> Document:
    found = next((each for each in project.store.documents() if name in (each.id, each.name)), None)
    if found is None:
        raise NotFound("file_missing", name=name)
    return found


def _next(session: Session) -> str:
    """The next question; empty at the end of the input."""
    if sys.stdin.isatty():
        session.say(session.t("cli.chat"))
    return sys.stdin.readline().strip()


def _answer(session: Session, project: Project, answer: Answer) -> str:
    variant = project.variant(answer.variant)
    return f"{session.t(f'approach.{variant.approach}')} ({answer.seconds:.1f} s)\n{answer_lines(session, answer)}"


def answer_lines(session: Session, answer: Answer) -> str:
    """An answer, or why there is none, its sources, and what stands behind each of its sentences."""
    t = session.t
    lines = [t("compare.understood", question=answer.understood)] if answer.understood else []
    lines.append(answer.text or t("answer.not_found"))
    lines += [f"  ({t(f'declined.{answer.declined}')})"] if answer.declined else []
    for citation in answer.citations:
        if citation.passage < len(answer.passages):
            lines.append(f"  [{citation.number}] {place(session, answer.passages[citation.passage])}")
    for mark in answer.support:
        missing = f": {', '.join(mark.missing)}" if mark.missing else ""
        said = " ".join(answer.text[mark.start : mark.end].split())[:60]
        lines.append(f"  {SIGNS[mark.state]} {said} ({t(f'mark.{mark.state}')}{missing})")
    if answer.computed is not None:
        lines.append(f"  = {answer.computed.words}")
        lines += [f"    {row.text}" for row in answer.computed.rows]
    return "\n".join(lines)


def _lost(session: Session, found: Lost, *, mended: bool) -> str:
    t = session.t
    numbers: dict[str, Any] = {"document": found.document, "limit": found.limit, "rank": found.rank or 0}
    lines = [t(f"lost.{found.code}", **(numbers | found.parameters))]
    lines += [f"  {passage_line(session, found.passage)}"] if found.passage else []
    lines += [f"  {t('lost.missing')}: {', '.join(found.missing)}"] if found.missing else []
    lines += [f"  {t('lost.alike')}: {', '.join(found.alike)}"] if found.alike else []
    if found.repair:
        lines.append(t(f"lost.repair.{found.repair}.done") if mended else f"  -> {t(f'lost.repair.{found.repair}')}")
    return "\n".join(lines)


def arguments(verb: Verb) -> None:
    v = verb("ask", ask, "ask the assistants of a project", "project", "question")
    v.add_argument("--approach")
    v = verb("chat", chat, "talk with an assistant, a question a line", "project")
    v.add_argument("--approach", default="documents")
    narrowing(v)
    v = verb("lost", lost, "say why a document did not answer a question", "project", "question")
    v.add_argument("--document", required=True, metavar="NAME", help="the document that should have answered")
    v.add_argument("--mend", action="store_true", help="do the repair it proposes")
    v.add_argument("--reference", default="", help="with --mend: the right answer, where it becomes a test question")
