"""What an answer rests on, shown or kept as a file: a page, a table, data, or a chart drawn by shap."""

import argparse
from pathlib import Path
from typing import Literal

from studio.base.errors import BadInput, NotFound
from studio.base.project import Project
from studio.base.records import LANGUAGES, Answer, Explanation
from studio.cli.session import Session, Verb, finish

FORMS = (".html", ".csv", ".json", ".svg", ".png")
SHOWN_PARTS = 8


def explain(session: Session, given: argparse.Namespace) -> None:
    project = session.open(given.project)
    answer = project.answer(given.answer) if given.answer else project.store.newest(Answer)
    if answer is None:
        raise NotFound("answer_missing", name="")
    inside = given.inside - 1 if given.inside else None
    explanation = explained(session, project, answer, "words" if given.words else "phrases", inside)
    if given.to:
        keep(session, project, answer, explanation, Path(given.to).expanduser())
    session.give(explanation, text(session, answer, explanation))


def explained(
    session: Session,
    project: Project,
    answer: Answer,
    detail: Literal["phrases", "words"] = "phrases",
    inside: int | None = None,
) -> Explanation:
    from studio import orders

    finish(session, lambda held: orders.explain(project, held, answer, detail, inside))
    found = project.explanation(answer.id)
    assert found is not None  # the run has just put it there
    return found


def text(session: Session, answer: Answer, explanation: Explanation) -> str:
    """The parts that counted most, each with its share of everything that counted, which way it pulled and what would be
    lost without it; then whether all adds up, what a second method says, and what training changed.
    """
    from studio.explanation import shares
    from studio.web.views import explanation as views
    from studio.web.voice import Voice

    voice, lines = Voice(session.settings.language), []
    for game in explanation.games:
        lines.append(session.t(f"game.{game.kind}"))
        parts = sorted(zip(shares(game), game.units, strict=True), key=lambda part: -abs(part[0]))
        for share, unit in parts[:SHOWN_PARTS]:
            sign, bar = "+" if unit.value >= 0 else "-", "#" * round(20 * abs(share))
            lines.append(f"  {sign} {abs(share):>4.0%} {bar:<20} " + " ".join(unit.text.split())[:70])
            lines += [f"         {without}" for without in [views.lost(unit, game, voice)] if without]
        lines.append(f"  {views.checked(game, answer, voice)}")
    changed = views.shifted(views.Why.of(explanation, project=""), voice)
    return "\n".join([*lines, *([str(changed["says"])] if changed else [])])


def keep(session: Session, project: Project, answer: Answer, found: Explanation, path: Path) -> None:
    """Write it in the form that the file's name ends with; a chart shows what was asked last.

    Raises BadInput("explanation_form"), and of a chart what `pictures.draw` does.
    """
    if path.suffix.lower() not in FORMS:
        raise BadInput("explanation_form", name=path.name, forms=", ".join(FORMS))
    path.write_bytes(_made(session, project, answer, found, path.suffix.lower()))


def _made(session: Session, project: Project, answer: Answer, found: Explanation, form: str) -> bytes:
    from studio.explanation import pictures, written

    if form == ".csv":
        return written.table(found).encode()
    if form == ".json":
        return found.model_dump_json(indent=2).encode()
    if form == ".html":
        from studio.web.views import explained_file
        from studio.web.voice import Voice

        ordered = sorted(LANGUAGES, key=lambda language: language != session.settings.language)
        voices = [Voice(language) for language in ordered]
        return explained_file.page(found, answer, project.variant(answer.variant), voices).encode()
    return pictures.draw(found.games[-1], "waterfall", "svg" if form == ".svg" else "png")


def arguments(verb: Verb) -> None:
    v = verb("explain", explain, "say what an answer rests on", "project")
    v.add_argument("--answer", help="id of the answer (default: the last one)")
    v.add_argument("--words", action="store_true", help="word by word instead of by phrases")
    v.add_argument("--inside", type=int, metavar="N", help="the sentences of the passage found in this place")
    v.add_argument("--to", metavar="FILE", help="also keep it: .html, .csv, .json, .svg or .png")
