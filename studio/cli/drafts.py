"""Questions and answers are drafted from the documents, and a person says yes or no."""

import argparse
import sys
from collections.abc import Sequence

from studio.base.project import Project
from studio.base.records import Proposal
from studio.cli.session import Session, Verb, finish


def draft(session: Session, given: argparse.Namespace) -> None:
    """Have questions and answers drafted from the documents; they wait for `review`."""
    from studio import orders

    project = session.open(given.project)
    before = {each.id for each in project.store.all(Proposal)}
    finish(session, lambda held: orders.draft(project, held, given.count))
    made = [each for each in project.store.all(Proposal) if each.id not in before]
    session.give({"proposals": made}, "\n\n".join(_proposal(session, each) for each in made))


def review(session: Session, given: argparse.Namespace) -> None:
    """Say yes or no to drafts: to those that are named, or one after the other when somebody is there to be asked."""
    from studio import drafting

    project = session.open(given.project)
    said = [drafting.review(project, id, True, given.question, given.answer) for id in given.approve]
    said += [drafting.review(project, id, False) for id in given.reject]
    waiting = [each for each in project.store.all(Proposal) if each.state == "waiting"]
    if not said and sys.stdin.isatty() and not session.as_json:
        said = _ask(session, project, waiting)
        waiting = [each for each in project.store.all(Proposal) if each.state == "waiting"]
    shown = [_proposal(session, each) for each in (said or waiting)]
    left = session.t("drafts.waiting", n=len(waiting))
    session.give({"reviewed": said, "waiting": waiting}, "\n\n".join([*shown, left]))


def _ask(session: Session, project: Project, waiting: Sequence[Proposal]) -> list[Proposal]:
    """One draft after the other; anything but the two letters leaves it waiting, q ends."""
    from studio import drafting

    said: list[Proposal] = []
    for each in waiting:
        session.say(f"\n{_proposal(session, each)}\n")
        answer = input(session.t("cli.review")).strip().lower()[:1]
        if answer == "q":
            break
        if answer in ("a", "r"):
            said.append(drafting.review(project, each.id, answer == "a"))
    return said


def _proposal(session: Session, proposal: Proposal) -> str:
    doubts = [f"  ! {session.t(f'doubt.{code}')}" for code in proposal.checks]
    page = f", {session.t('place.page', n=str(proposal.page))}" if proposal.page is not None else ""
    return "\n".join(
        [f"{proposal.id}  {proposal.question}", f"  {proposal.answer}", f"  [{proposal.document}{page}]", *doubts]
    )


def arguments(verb: Verb) -> None:
    v = verb("draft", draft, "draft questions and answers from the documents", "project")
    v.add_argument("--count", type=int, default=20)
    v = verb("review", review, "approve or reject drafts; without options, one after the other", "project")
    v.add_argument("--approve", action="append", default=[], metavar="ID")
    v.add_argument("--reject", action="append", default=[], metavar="ID")
    v.add_argument("--question", default="", help="with --approve: the question in your words")
    v.add_argument("--answer", default="", help="with --approve: the answer in your words")
