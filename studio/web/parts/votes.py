"""The blind vote on the Improve page: begin one, invite to it, see what it proves, end it, take the record home."""

from typing import Any

import gradio as gr

from studio import answering, comparison
from studio.base.errors import NotFound, Refused
from studio.base.project import Project
from studio.base.records import Round, Scorecard, Variant, Vote
from studio.web import links
from studio.web.frame import gestures
from studio.web.shell import BARE, SLOW, Shell
from studio.web.views import votes as views


def build(shell: Shell) -> Any:
    part = gr.HTML(elem_id="votes", js_on_load=gestures("begin", "invite", "revoke", "end"), **BARE)

    def on_begin(request: gr.Request, given: gr.EventData) -> str:
        project = shell.project(request)
        wanted = given._data.get("side") or []
        here = [variant for variant in answering.variants(project) if variant.id in wanted]
        planned = str(given._data.get("planned", ""))
        comparison.begin(
            project,
            here,
            shell.studio.engine,
            planned=int(planned) if planned.isdigit() else 0,
            own=not _tested(project, here),
        )
        return look(shell, project)

    def on_invite(request: gr.Request, given: gr.EventData) -> str:
        project = shell.project(request)
        comparison.invite(project, _running(project), str(given._data.get("name", ""))[:60])
        return look(shell, project)

    def on_revoke(request: gr.Request, given: gr.EventData) -> str:
        project = shell.project(request)
        comparison.revoke(project, str(given._data.get("id", "")))
        return look(shell, project)

    def on_end(request: gr.Request) -> str:
        project = shell.project(request)
        comparison.close(project, _running(project))
        return look(shell, project)

    part.begin(shell.guard(on_begin), None, part, **SLOW)
    part.invite(shell.guard(on_invite), None, part, **SLOW)
    part.revoke(shell.guard(on_revoke), None, part, **SLOW)
    part.end(shell.guard(on_end), None, part, **SLOW)
    return part


def look(shell: Shell, project: Project) -> str:
    """The panel, from disk."""
    round, known = comparison.last(project), {variant.id: variant for variant in project.variants()}
    votes = comparison.votes_of(project, round) if round else []
    invited = comparison.invited(project, round) if round else []
    voters = [
        views.Voter(
            each, links.link(shell.studio.settings, project, each), sum(vote.voter == each.id for vote in votes)
        )
        for each in invited
    ]
    return views.panel(
        views.Vote(
            project=project.id,
            round=round,
            evidence=comparison.evidence(round, votes) if round else None,
            voters=voters,
            open_choices=comparison.tally(project.store.all(Vote)),
            known=known,
            standing=_best_first(project),
            waiting=len(comparison.waiting(round, votes)) if round and not round.closed else 0,
            here=not shell.studio.settings.vote_host,
        ),
        shell.voice,
    )


def _running(project: Project) -> Round:
    found = comparison.current(project)
    if found is None:
        raise Refused("round_closed") if comparison.last(project) else NotFound("round_missing", name=project.name)
    return found


def _best_first(project: Project) -> list[Variant]:
    """Those that can stand: as the last test has them, then those it did not know."""
    card = project.store.newest(Scorecard)
    right = {scores.variant: scores.score("right") for scores in (card.variants if card else ())}
    scored = {id: score.value if score else 0.0 for id, score in right.items()}
    here = answering.variants(project)
    return sorted(here, key=lambda variant: (variant.approach == "plain", -scored.get(variant.id, -1.0)))


def _tested(project: Project, variants: list[Variant]) -> bool:
    wanted = {variant.id for variant in variants}
    return any(wanted <= {scores.variant for scores in card.variants} for card in project.store.all(Scorecard))
