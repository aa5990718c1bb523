"""An explanation without a browser, kept as a file: a page, a table, data, or a chart drawn by shap."""

from pathlib import Path

from studio.base.errors import BadInput
from studio.base.project import Project
from studio.base.records import LANGUAGES, Answer, Explanation
from studio.cli import Session

FORMS = (".html", ".csv", ".json", ".svg", ".png")


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
