"""Blind votes: begin one, vote, invite, see what it proves, end it and write the record."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studio.base import files, words
from studio.base.errors import BadInput, NotFound
from studio.base.project import Project
from studio.base.records import LANGUAGES, Round, Variant
from studio.cli.session import Session, Verb

PROMPT = "> "


def votes(session: Session, given: argparse.Namespace) -> None:
    """What the vote proves by now; with options, begin or end it, invite to it, or write its record."""
    from studio import comparison, engines

    project = session.open(given.project)
    if given.begin:
        standing = _standing(project, given.approach)
        comparison.begin(project, standing, engines.Engine(session.settings), planned=given.planned)
    round = comparison.last(project)
    if round is None:
        raise NotFound("round_missing", name=project.name)
    if given.invite is not None:
        from studio.web import links

        invitation = comparison.invite(project, round, given.invite)
        link = links.link(session.settings, project, invitation)
        session.give({"invitation": invitation, "link": link}, link)
        return
    if given.revoke:
        comparison.revoke(project, given.revoke)
    if given.end:
        round = comparison.close(project, round)
    if given.record:
        _write(session, project, round, given.record)
        return
    found = comparison.evidence(round, comparison.votes_of(project, round))
    session.give(_without_names(found, round), "\n".join(_lines(session, project, round)))


def vote(session: Session, given: argparse.Namespace) -> None:
    """Vote on the questions that wait, one line of input each: A, B, =, 0; an empty one ends it."""
    from studio import comparison
    from studio.answering import without_markers

    project = session.open(given.project)
    round = comparison.current(project)
    if round is None:
        raise NotFound("round_missing", name=project.name)
    done = 0
    for ballot in comparison.waiting(round, comparison.votes_of(project, round)):
        session.say(f"\n{ballot.question}")
        for letter, answer in zip(comparison.LETTERS, comparison.sides(project, round, ballot), strict=False):
            said = without_markers(answer.text).strip() or session.t("answer.not_found")
            session.say(f"  {letter}: {said}")
        session.say(session.t("cli.vote", sides=", ".join(comparison.LETTERS[: len(round.variants)])))
        began, choice = time.monotonic(), _read()
        if not choice:
            break
        comparison.cast(project, round, ballot.question, choice, seconds=time.monotonic() - began)
        done += 1
    session.give({"round": round.id, "votes": done}, session.t("cli.voted", n=done))


def _read() -> str:
    if sys.stdin.isatty():
        sys.stderr.write(PROMPT)
        sys.stderr.flush()
    said = sys.stdin.readline().strip()
    return {"=": "equal", "0": "neither"}.get(said, said.upper() if len(said) == 1 else said)


def _standing(project: Project, approaches: Sequence[str]) -> list[Variant]:
    from studio import orders

    here = orders.assistants(project)
    found = [variant for variant in here if variant.approach in approaches] if approaches else here
    missing = next((name for name in approaches if name not in {each.approach for each in here}), None)
    if missing is not None:
        raise NotFound("variant_missing", name=missing)
    return found


def _write(session: Session, project: Project, round: Round, target: str) -> None:
    from studio.comparison import acceptance, certificate

    path, facts = Path(target), acceptance.acceptance(project, round)
    language = session.settings.language if session.settings.language in LANGUAGES else "en"
    match path.suffix.lower():
        case ".pdf":
            path.write_bytes(certificate.pdf(facts, words.translator(language), language))
        case ".html":
            files.write_atomically(path, certificate.html(facts, words.translator(language), language))
        case ".json":
            files.write_atomically(path, facts.model_dump_json(indent=2))
        case _:
            raise BadInput("record_form", name=path.name)
    session.give({"record": str(path), "digest": facts.digest}, session.t("cli.record", path=str(path)))


def _without_names(found: Any, round: Round) -> dict[str, Any]:
    """As JSON, and without who leads as long as the vote runs."""
    told: dict[str, Any] = found.model_dump(mode="json")
    if not round.closed:
        told = {
            name: told[name] for name in ("code", "votes", "planned", "seen", "equal", "neither", "next_look", "more")
        }
    return {"round": round.model_dump(mode="json", exclude={"ballots", "identities", "seed"}), "evidence": told}


def _lines(session: Session, project: Project, round: Round) -> list[str]:
    from studio import comparison
    from studio.comparison import said

    t, found = session.t, comparison.evidence(round, comparison.votes_of(project, round))
    known = {variant.id: t(f"approach.{variant.approach}") for variant in project.variants()}
    names = {id: known[id] if round.closed else t("evidence.someone") for id in round.variants}
    key, numbers = said.verdict(found, names)
    lines = [t(key, **numbers), *[f"  {t(key, **numbers)}" for key, numbers in said.remarks(found)]]
    if round.closed:
        for place in found.places:
            lines.append(f"  {t('improve.chosen', n=place.chosen, of=place.shown)} {names[place.variant]}")
    return lines


def arguments(verb: Verb) -> None:
    v = verb("votes", votes, "say what the blind vote proves; begin, invite to, end or record it", "project")
    v.add_argument(
        "--begin", action="store_true", help="open a vote on the test questions, with the last test's answers"
    )
    v.add_argument("--approach", action="append", default=[], help="who stands (two to four; default: all)")
    v.add_argument("--planned", type=int, default=60, choices=(15, 30, 60), help="how many votes are planned")
    v.add_argument("--invite", metavar="NAME", help="print a link for one more voter (NAME may be empty)")
    v.add_argument("--revoke", metavar="ID", help="make an invitation's link open nothing")
    v.add_argument("--end", action="store_true", help="end the vote and show the names")
    v.add_argument("--record", metavar="FILE", help="write the acceptance record: .pdf, .html or .json")
    verb("vote", vote, "vote on the questions that wait: A, B, = or 0 a line", "project")
