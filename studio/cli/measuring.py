"""Every measure with its interval and what the differences prove; the test questions; whether a model judges as people."""

import argparse
from pathlib import Path
from typing import Any, get_args

from studio.base import files
from studio.base.errors import NotEnough
from studio.base.project import Project
from studio.base.records import Scorecard
from studio.cli.session import Session, Verb, finish


def evaluate(session: Session, given: argparse.Namespace) -> None:
    """Ask the test questions if that is wanted or was never done, then give all measures, of a topic or language or all."""
    project = session.open(given.project)
    from studio import evaluation, orders
    from studio.evaluation import cards

    if given.ask or not project.store.counts()["scorecards"]:
        finish(session, lambda held: orders.evaluate(project, held, given.questions))
    found = project.store.newest(Scorecard)
    if found is None:
        raise NotEnough("questions_none")
    card = evaluation.filled(project, found)
    segment = next((each for each in cards.segments(card) if given.of and each.name == given.of), cards.EVERY)
    names = {variant.id: session.t(f"approach.{variant.approach}") for variant in project.variants()}
    if given.csv:
        files.write_atomically(Path(given.csv), cards.as_csv(card, names))
    table = cards.table(card, segment)
    session.give({"scorecard": card, "table": table}, "\n".join(_lines(session, card, table, names)))


def question(session: Session, given: argparse.Namespace) -> None:
    """Keep a test question, set some aside from the examples, or take one out; then list them."""
    project = session.open(given.project)
    from studio.evaluation import questions

    if given.ask:
        questions.write(project, given.ask, given.answer, given.must, given.must_not, given.source, given.topic)
    if given.set_aside:
        questions.set_aside(project, given.set_aside)
    if given.remove:
        questions.remove(project, given.remove)
    known = project.store.questions()
    lines = [f"{each.id}  {each.question}" for each in known] or [session.t("question.none")]
    session.give({"questions": known}, "\n".join(lines))


def judge(session: Session, given: argparse.Namespace) -> None:
    """How far a model judges as people here do, by their blind votes, and what it says of the best two; refused where it
    does not."""
    project = session.open(given.project)
    from studio import engines, orders
    from studio.evaluation import judging

    finish(session, lambda held: orders.judge(project, held, given.model or orders.model_of(project, held)))
    found = judging.of(project)
    assert found is not None  # the run has kept it
    name = engines.model(found.agreement.model).title
    names = {variant.id: session.t(f"approach.{variant.approach}") for variant in project.variants()}
    session.give(found, "\n".join(session.t(key, **numbers) for key, numbers in judging.told(found, name, names)))
    judging.trusted(found.agreement, name)


def compare(session: Session, given: argparse.Namespace) -> None:
    project = session.open(given.project)
    from studio import orders

    finish(session, lambda held: orders.evaluate(project, held, given.questions))
    card = project.store.all(Scorecard)[-1]
    session.give(card, table(session, project, card))


def table(session: Session, project: Project, card: Scorecard) -> str:
    """Right answers of every variant with their interval, then what the differences prove."""
    t = session.t
    names = {v.id: t(f"approach.{v.approach}") for v in project.variants()}
    rows = [
        [
            t("cli.assistant"),
            t("metric.right"),
            t("metric.right_known"),
            t("metric.right_declined"),
            t("metric.seconds"),
        ]
    ]
    for scored in card.variants:
        by_metric = {s.metric: s for s in scored.scores}
        cells = [
            f"{s.value:.0%} ({s.low:.0%}-{s.high:.0%}, n={s.n})" if (s := by_metric.get(metric)) else "-"
            for metric in ("right", "right_known", "right_declined")
        ]
        rows.append([names.get(scored.variant, scored.variant), *cells, f"{by_metric['seconds'].value:.1f}"])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    for d in card.differences:
        lines.append(
            t(
                f"difference.{d.verdict}",
                better=names.get(d.better, d.better),
                worse=names.get(d.worse, d.worse),
                wins=d.wins,
                losses=d.losses,
            )
        )
    return "\n".join(lines)


def _lines(session: Session, card: Scorecard, table: Any, names: dict[str, str]) -> list[str]:
    from studio.evaluation import cards
    from studio.evaluation.metrics import BY_CODE, Group
    from studio.web.views import scorecard as views
    from studio.web.voice import Voice

    t, voice = session.t, Voice(session.settings.language)
    n = max((score.n for row in table.rows for _, score in row.scores), default=0)
    key, numbers = cards.told(card, names)
    lines = [t("scorecard.lead", n=n, tests=table.tests), t(key, **numbers)]
    for group in get_args(Group):
        rows = [row for row in table.rows if BY_CODE[row.metric].group == group]
        if not rows:
            continue
        lines += ["", t(f"scorecard.group.{group}")]
        for row in rows:
            lines.append(f"  {t(f'metric.{row.metric}')}")
            metric = BY_CODE[row.metric]
            for id, score in row.scores:
                value, low, high = (views.value(metric, each, voice) for each in (score.value, score.low, score.high))
                lines.append(f"    {names.get(id, id):<28} {value:>8}  [{low} - {high}]  n={score.n}")
            proven = [each for each in row.compared if each.verdict == "better"]
            lines += [f"    {views.pair(metric, each, table.tests, names, voice)}" for each in proven]
    return lines


def arguments(verb: Verb) -> None:
    v = verb(
        "evaluate",
        evaluate,
        "give every measure of the last test, with intervals and what differences prove",
        "project",
    )
    v.add_argument("--ask", action="store_true", help="ask the test questions first (done anyway when they never were)")
    v.add_argument("--questions", type=int, default=0, help="how many (default: all)")
    v.add_argument("--of", default="", metavar="NAME", help="only the questions of this topic or language")
    v.add_argument("--csv", default="", metavar="FILE", help="also write all measures of all topics as a table")
    v = verb("question", question, "list the test questions; write, set aside or remove some", "project")
    v.add_argument("--ask", default="", metavar="QUESTION", help="a new question")
    v.add_argument("--answer", default="", help="its right answer; without one, “I do not know” is right")
    v.add_argument("--must", action="append", default=[], metavar="FACT", help="a fact it must state; may be repeated")
    v.add_argument("--must-not", action="append", default=[], metavar="FACT", help="a fact it must not state")
    v.add_argument("--source", default="", help="the document it stands in")
    v.add_argument("--topic", default="", help="its topic")
    v.add_argument("--set-aside", type=int, default=0, metavar="COUNT", help="make questions of so many examples")
    v.add_argument("--remove", default="", metavar="ID", help="take this one out")
    v = verb("judge", judge, "say how far a model judges answers as people here voted", "project")
    v.add_argument("--model", default="", help="the judge (default: the project's model)")
    v = verb("compare", compare, "ask all assistants the test questions", "project")
    v.add_argument("--questions", type=int, default=0, help="how many (default: all)")
