"""The studio without a browser: the same verbs, in words or as JSON.

A command reads its arguments, calls one verb of a room and prints what it returns. Progress goes to standard error, so
that standard output holds the result alone.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from studio import __version__
from studio.base import project as projects
from studio.base import settings as setup
from studio.base import words
from studio.base.errors import NotFound, StudioError
from studio.base.project import Project
from studio.base.records import (
    APPROACHES_THAT_TRAIN,
    LANGUAGES,
    Added,
    Answer,
    Explanation,
    Exported,
    Record,
    Run,
    Scorecard,
    Variant,
)
from studio.base.runs import Runs
from studio.base.settings import Settings

EXIT_FAILED, EXIT_STOPPED = 1, 130
SHOWN_PARTS = 8

T = TypeVar("T")


@dataclass
class Session:
    """What every command gets: settings, words, and where its result goes."""

    settings: Settings
    t: words.Translate
    as_json: bool

    def open(self, name: str) -> Project:
        """A project by id, folder name or path."""
        path = Path(name)
        return Project(path) if (path / "project.json").is_file() else projects.open_by_id(self.settings.projects, name)

    def say(self, text: str) -> None:
        """A line of progress; never part of the result."""
        print(text, file=sys.stderr, flush=True)

    def give(self, result: Any, text: str) -> None:
        """The result: as JSON for machines or as text for people."""
        print(json.dumps(_plain(result), ensure_ascii=False, indent=2) if self.as_json else text)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its status: 0 done, 1 not possible (a sentence says why), 130 stopped."""
    setup.silence_libraries()
    given = _parser().parse_args(arguments)
    settings = setup.load(
        projects=given.projects,
        language=given.lang,
        **{k: getattr(given, k, None) for k in ("host", "port", "vote_host", "vote_port")},
    )
    session = Session(settings, words.translator(settings.language), given.json)
    try:
        given.command(session, given)
    except StudioError as error:
        sentence = words.of_fault(error, session.t)
        if session.as_json:
            print(
                json.dumps(
                    {"error": error.code, "parameters": error.parameters, "message": sentence},
                    ensure_ascii=False,
                )
            )
        else:
            session.say(sentence)
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        session.say(session.t("cli.interrupted"))
        sys.exit(EXIT_STOPPED)


# ---- commands ----------------------------------------------------------------------------------------------------------


def serve(session: Session, given: argparse.Namespace) -> None:
    """Start the studio for a browser."""
    from studio.web import serving

    serving.serve(session.settings, session.t, open_browser=not given.no_browser)


def new(session: Session, given: argparse.Namespace) -> None:
    project = _create(session, given.name, given.template)
    added = _import(session, project)
    session.give(
        {"project": project.card, "added": added},
        session.t("cli.created", name=project.name, folder=str(project.folder)),
    )


def advise(session: Session, given: argparse.Namespace) -> None:
    from studio import orders

    project, held = session.open(given.project), Runs(session.settings)
    advice = orders.advise(project, held, orders.plan(project, held))
    lines = []
    for option in advice.options:
        mark = "*" if option.recommended else "-" if option.possible else "x"
        lines.append(f"{mark} {session.t(f'approach.{option.approach}')} ({option.minutes:g} min)")
        lines += [
            f"    {'+' if r.speaks == 'for' else '-'} {session.t(f'reason.{r.code}', **r.parameters)}"
            for r in option.reasons
        ]
    session.give(advice, "\n".join(lines))


def build(session: Session, given: argparse.Namespace) -> None:
    project = session.open(given.project)
    from studio import cli_training

    cli_training.turn(project, given)
    run = _build(session, project, given.approach or project.card.chosen or ("instructions",), given.effort)
    card = _last(project.store.all(Scorecard))
    session.give({"run": run, "scorecard": card}, _table(session, project, card) if card else session.t("cli.built"))


def ask(session: Session, given: argparse.Namespace) -> None:
    from studio import answering, comparison, engines

    project = session.open(given.project)
    comparison.refuse_sealed(project, given.question)
    variants = [v for v in _assistants(project) if given.approach in (None, v.approach)]
    if not variants:
        raise NotFound("variant_missing", name=given.approach or "")
    engine = engines.Engine(session.settings)
    answers = []
    for variant in variants:
        for piece in answering.ask(project, variant, given.question, engine):
            match piece:
                case answering.Done(answer=answer) | answering.Declined(answer=answer):
                    answers.append(answer)
    project.store.put(*answers)
    session.give({"answers": answers}, "\n\n".join(_answer(session, project, answer) for answer in answers))


def compare(session: Session, given: argparse.Namespace) -> None:
    project = session.open(given.project)
    from studio import orders

    finish(session, lambda held: orders.evaluate(project, held, given.questions))
    card = project.store.all(Scorecard)[-1]
    session.give(card, _table(session, project, card))


def explain(session: Session, given: argparse.Namespace) -> None:
    project = session.open(given.project)
    answer = project.store.get(Answer, given.answer) if given.answer else _last(project.store.all(Answer))
    if answer is None:
        raise NotFound("answer_missing", name=given.answer or "")
    inside = given.inside - 1 if given.inside else None
    explanation = _explain(session, project, answer, "words" if given.words else "phrases", inside)
    if given.to:
        from studio import cli_explaining

        cli_explaining.keep(session, project, answer, explanation, Path(given.to).expanduser())
    session.give(explanation, _explanation(session, explanation))


def export(session: Session, given: argparse.Namespace) -> None:
    project = session.open(given.project)
    variants = [v for v in _assistants(project) if given.approach == v.approach]
    if not variants:
        raise NotFound("variant_missing", name=given.approach)
    exported = _export(session, project, variants[-1], given.form, anyway=given.anyway)
    if given.push:
        from studio import orders

        token = _token(session)
        finish(
            session,
            lambda held: orders.push(project, held, exported, given.push, token, private=not given.public),
        )
        exported = project.store.get(Exported, exported.id) or exported
    where = exported.url or str(project.path(exported.path))
    session.give(exported, session.t("cli.exported", where=where, megabytes=round(exported.bytes / 1e6, 1)))


def list_runs(session: Session, given: argparse.Namespace) -> None:
    held = Runs(session.settings)
    if given.finish:
        held.finish(given.finish)
    if given.stop:
        held.wait(lambda: held.stop(given.stop).state not in ("queued", "running"), 15)
    chosen = [session.open(given.project)] if given.project else projects.find(session.settings.projects)
    found = [run for project in chosen for run in held.of(project)]
    names = {project.id: project.name for project in chosen}
    lines = [
        f"{r.id}  {session.t(f'run.{r.kind}'):<24} {session.t(f'state.{r.state}'):<12} {r.created}  {names[r.project]}"
        for r in found
    ]
    session.give({"runs": found}, "\n".join(lines) or session.t("cli.no_runs"))


def journey(session: Session, given: argparse.Namespace) -> None:
    """The whole way, without a browser: a template (or a project) in, a compared, explained and exported assistant out."""
    t, began = session.t, time.monotonic()
    source = Path(given.source)
    template = _template(source, session.settings.language)
    if template is not None:
        project = _create(
            session,
            given.name or json.loads((template / "project.json").read_text("utf-8"))["name"],
            str(template),
        )
    else:
        project = session.open(given.source)
    session.say(t("cli.project", name=project.name, folder=str(project.folder)))
    added = _import(session, project)

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
    _build(session, project, wanted, given.effort)
    card = _last(project.store.all(Scorecard))
    if card is None:
        session.give({"project": project.card, "added": added, "advice": advice}, t("cli.built_unmeasured"))
        return
    best = max(card.variants, key=lambda scored: next(s.value for s in scored.scores if s.metric == "right"))
    answer = next(
        (g.answer for g in best.graded if g.right and not g.declined and g.answer.text), best.graded[0].answer
    )
    project.store.put(answer)
    explanation = _explain(session, project, answer) if answer.text else None
    made = _assistants(project)
    taken = next((v for v in made if v.approach in APPROACHES_THAT_TRAIN), made[-1])
    exported = _export(session, project, taken, given.form)

    minutes = (time.monotonic() - began) / 60
    summary = {
        "project": project.card,
        "added": added,
        "findings": found,
        "advice": advice,
        "scorecard": card,
        "explanation": explanation,
        "export": exported,
        "minutes": round(minutes, 1),
    }
    text = [_table(session, project, card), ""]
    if explanation is not None:
        text += [f"{t('cli.question')} {explanation.question}", _explanation(session, explanation), ""]
    text += [t("cli.exported", where=str(project.path(exported.path)), megabytes=round(exported.bytes / 1e6, 1))]
    text += [t("cli.took", minutes=round(minutes, 1))]
    session.give(summary, "\n".join(text))


# ---- what several commands do ------------------------------------------------------------------------------------------


def _create(session: Session, name: str, template: str | None) -> Project:
    path = _template(Path(template), session.settings.language) if template else None
    if template and path is None:
        path = _template(projects.TEMPLATES / template, session.settings.language)
    if template and path is None:
        raise NotFound("template_missing", name=template)
    project = projects.create(session.settings.projects, name, session.settings.language, path)
    if not project.card.model:
        project.change(model=session.settings.model)
    return project


def _template(path: Path, language: str) -> Path | None:
    """The template meant by a path: the folder itself or this language's in it; None for a project or nothing."""
    if (path / language / "project.json").is_file():
        return path / language
    if (path / "project.json").is_file() and not (path / "studio.db").exists():
        return path
    return None


def _import(session: Session, project: Project) -> list[Added]:
    from studio import intake

    added = intake.add_all(project)
    for each in added:
        session.say("  " + _added_line(session, each))
    return list(added)


def _build(session: Session, project: Project, approaches: Sequence[Any], effort: Any) -> Run:
    from studio import orders

    return finish(session, lambda held: orders.build(project, held, approaches, effort))


def _explain(
    session: Session,
    project: Project,
    answer: Answer,
    detail: Literal["phrases", "words"] = "phrases",
    inside: int | None = None,
) -> Explanation:
    from studio import orders

    finish(session, lambda held: orders.explain(project, held, answer, detail, inside))
    return next(e for e in reversed(project.store.all(Explanation)) if e.answer_id == answer.id)


def _export(session: Session, project: Project, variant: Variant, form: Any, *, anyway: bool = False) -> Exported:
    from studio import orders

    finish(session, lambda held: orders.export(project, held, variant, form, anyway=anyway))
    return project.store.all(Exported)[-1]


def finish(session: Session, order: Callable[[Runs], Run]) -> Run:
    """Start a run and follow it to its end, a line a stage and every tenth. Ctrl-C stops the run and keeps its work."""
    held = Runs(session.settings)
    run = order(held)
    shown = ("", -1)
    with held.supervise():
        try:
            while (run := held.get(run.id)).state in ("queued", "running"):
                shown = _progress(session, held, run, shown)
                time.sleep(0.3)
        except KeyboardInterrupt:
            held.stop(run.id)
            held.wait(lambda: held.get(run.id).state not in ("queued", "running"), 12)
            raise
    if run.state != "done":
        fault = run.fault or StudioError("stopped").fault
        raise StudioError(fault.code, **fault.parameters)
    return run


def _progress(session: Session, held: Runs, run: Run, shown: tuple[str, int]) -> tuple[str, int]:
    said = held.said(run)
    if not said.stage:
        return shown
    tenth = int(said.done / said.of * 10) if said.of else 0
    if (said.stage, tenth) == shown:
        return shown
    left = f", {session.t('cli.left', time=words.duration(said.seconds_left))}" if said.seconds_left is not None else ""
    session.say(
        f"  {session.t(f'stage.{said.stage}')}: {said.done:g}/{said.of:g}{left}"
        if said.of
        else f"  {session.t(f'stage.{said.stage}')} …"
    )
    return said.stage, tenth


def _assistants(project: Project) -> list[Variant]:
    from studio import orders

    return orders.assistants(project)


def _token(session: Session) -> str:
    import getpass
    import os

    return os.environ.get("HF_TOKEN") or getpass.getpass(session.t("cli.token"))


# ---- how results read --------------------------------------------------------------------------------------------------


def _added_line(session: Session, added: Added) -> str:
    return session.t(
        "cli.added",
        name=added.name,
        documents=added.documents,
        examples=added.examples,
        remarks=len(added.findings),
    )


def _table(session: Session, project: Project, card: Scorecard) -> str:
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


def _answer(session: Session, project: Project, answer: Answer) -> str:
    from studio.cli_answers import answer_lines

    variant = project.variant(answer.variant)
    return f"{session.t(f'approach.{variant.approach}')} ({answer.seconds:.1f} s)\n{answer_lines(session, answer)}"


def _explanation(session: Session, explanation: Explanation) -> str:
    """The parts that counted most, each with its share of everything that counted and which way it pulled."""
    from studio.explanation import shares

    lines = []
    for game in explanation.games:
        lines.append(session.t(f"game.{game.kind}"))
        parts = sorted(zip(shares(game), game.units, strict=True), key=lambda part: -abs(part[0]))
        for share, unit in parts[:SHOWN_PARTS]:
            sign, bar = "+" if unit.value >= 0 else "-", "#" * round(20 * abs(share))
            lines.append(f"  {sign} {abs(share):>4.0%} {bar:<20} " + " ".join(unit.text.split())[:70])
    return "\n".join(lines)


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _last(items: Sequence[T]) -> T | None:
    return items[-1] if items else None


# ---- arguments ---------------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    # they stand on this module
    from studio import cli_answers, cli_character, cli_material, cli_scorecard, cli_training, cli_votes

    parser = argparse.ArgumentParser(prog="studio", description="Tailor a language model to your company.")
    parser.add_argument("--version", action="version", version=f"Amedida {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--projects", type=Path, help="folder that holds the projects (default: projects)")
    common.add_argument("--lang", choices=LANGUAGES, help="language of the output and of new projects")
    common.add_argument("--json", action="store_true", help="print the result as JSON")
    verbs = parser.add_subparsers(required=True, metavar="command")

    def verb(
        name: str, command: Callable[[Session, argparse.Namespace], None], about: str, *arguments: str
    ) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=about, description=about, parents=[common])
        made.set_defaults(command=command)
        for argument in arguments:
            made.add_argument(argument)
        return made

    v = verb("serve", serve, "start the studio for a browser")
    v.add_argument("--host")
    v.add_argument("--port", type=int)
    v.add_argument("--vote-host", metavar="ADDRESS", help="let invited colleagues vote at this address of the machine")
    v.add_argument("--vote-port", type=int, metavar="PORT")
    v.add_argument("--no-browser", action="store_true")
    v = verb("run", journey, "walk the whole way with a template or a project", "source")
    v.add_argument("--name", help="name of the new project")
    _add_build_arguments(v)
    v.add_argument("--form", choices=("adapter", "merged"), default="merged")
    v = verb("new", new, "make a project", "name")
    v.add_argument("--template", help="name or folder of a template")
    cli_material.arguments(verb)
    verb("advise", advise, "say which way to build", "project")
    v = verb("build", build, "build what was chosen", "project")
    _add_build_arguments(v)
    cli_training.add_dials(v)
    v = verb("ask", ask, "ask the assistants of a project", "project", "question")
    v.add_argument("--approach")
    cli_training.arguments(verb)
    cli_answers.arguments(verb)
    cli_votes.arguments(verb)
    cli_character.arguments(verb)
    cli_scorecard.arguments(verb)
    v = verb("compare", compare, "ask all assistants the test questions", "project")
    v.add_argument("--questions", type=int, default=0, help="how many (default: all)")
    v = verb("explain", explain, "say what an answer rests on", "project")
    v.add_argument("--answer", help="id of the answer (default: the last one)")
    v.add_argument("--words", action="store_true", help="word by word instead of by phrases")
    v.add_argument("--inside", type=int, metavar="N", help="the sentences of the passage found in this place")
    v.add_argument("--to", metavar="FILE", help="also keep it: .html, .csv, .json, .svg or .png")
    v = verb("export", export, "take an assistant home", "project")
    v.add_argument("--approach", default="trained")
    v.add_argument("--form", choices=("adapter", "merged"), default="merged")
    v.add_argument(
        "--push",
        metavar="REPOSITORY",
        help="also upload to the Hub; the token is read from HF_TOKEN or asked for",
    )
    v.add_argument("--public", action="store_true", help="make the repository public")
    v.add_argument("--anyway", action="store_true", help="also when its voice or training was found to cost facts")
    v = verb("runs", list_runs, "list the runs, or stop one")
    v.add_argument("project", nargs="?")
    v.add_argument("--stop", metavar="RUN", help="pause it: the same command that started it goes on")
    v.add_argument("--finish", metavar="RUN", help="end its learning now and keep what it has learnt")
    return parser


def _add_build_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--approach",
        action="append",
        choices=("instructions", "examples", "documents", "whole", "trained", "both"),
    )
    parser.add_argument("--effort", choices=("quick", "balanced", "thorough"), default="balanced")
