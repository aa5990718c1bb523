"""The whole way in one command."""

import argparse
import json
import time
from pathlib import Path

from studio.base.errors import NotFound
from studio.base.project import TEMPLATES, Project, Step
from studio.base.records import APPROACHES_THAT_TRAIN, Scorecard
from studio.base.runs import Runs
from studio.cli import building, explaining, leaving, projects
from studio.cli.measuring import table
from studio.cli.session import Session, Verb, assistants


def journey(session: Session, given: argparse.Namespace) -> None:
    """The whole way, without a browser: a template (or a project) in, a compared, explained and exported assistant out."""
    t, began = session.t, time.monotonic()
    project = _meant(session, given.source, given.name)
    session.say(t("cli.project", name=project.name, folder=str(project.folder)))
    added = projects.bring(session, project)

    from studio import health, orders

    found = health.report(project)
    session.say(
        t(
            "cli.checked",
            good=sum(f.level == "good" for f in found),
            other=sum(f.level != "good" for f in found),
        )
    )
    held = Runs(session.settings)
    advice = orders.advise(project, held, orders.plan(project, held))
    session.say(t("cli.advised", approaches=", ".join(t(f"approach.{a}") for a in advice.recommended)))
    possible = {option.approach for option in advice.options if option.possible}
    shown = {"instructions", "documents", "trained", *advice.recommended}
    wanted = given.approach or [option.approach for option in advice.options if option.approach in shown & possible]
    building.built(session, project, wanted, given.effort)
    steps: tuple[Step, ...] = ("goal", "data", "advice", "build")
    for step in steps:  # whoever opens it in the browser goes on from there
        project.finish_step(step)
    card = project.store.newest(Scorecard)
    if card is None:
        session.give({"project": project.card, "added": added, "advice": advice}, t("cli.built_unmeasured"))
        return
    best = max(card.variants, key=lambda scored: next(s.value for s in scored.scores if s.metric == "right"))
    answer = next(
        (g.answer for g in best.graded if g.right and not g.declined and g.answer.text), best.graded[0].answer
    )
    project.store.put(answer)
    explanation = explaining.explained(session, project, answer) if answer.text else None
    made = assistants(project)
    taken = next((v for v in made if v.approach in APPROACHES_THAT_TRAIN), made[-1])
    taken_home = leaving.exported(session, project, taken, given.form)

    minutes = (time.monotonic() - began) / 60
    summary = {
        "project": project.card,
        "added": added,
        "findings": found,
        "advice": advice,
        "scorecard": card,
        "explanation": explanation,
        "export": taken_home,
        "minutes": round(minutes, 1),
    }
    text = [table(session, project, card), ""]
    if explanation is not None:
        text += [f"{t('cli.question')} {explanation.question}", explaining.text(session, answer, explanation), ""]
    text += [leaving.text(session, project, taken_home), t("cli.took", minutes=round(minutes, 1))]
    session.give(summary, "\n".join(text))


def _meant(session: Session, source: str, name: str | None) -> Project:
    """A new project from the template of that path; the project called so; or a new one from the template called so."""
    language = session.settings.language
    template = projects.template_at(Path(source), language)
    if template is None:
        try:
            return session.open(source)
        except NotFound:
            template = projects.template_at(TEMPLATES / source, language)
            if template is None:
                raise
    called = name or json.loads((template / "project.json").read_text("utf-8"))["name"]
    return projects.create(session, called, str(template))


def arguments(verb: Verb) -> None:
    v = verb("run", journey, "walk the whole way with a template or a project", "source")
    v.add_argument("--name", help="name of the new project")
    building.add_arguments(v)
    v.add_argument("--form", choices=("adapter", "merged"), default="merged")
