"""Where the assistants that search may look: some documents, a language, some days. Folded; empty is everywhere."""

import re
from typing import Any

import gradio as gr

from studio.base.errors import BadInput
from studio.base.project import Project
from studio.base.records import APPROACHES_THAT_SEARCH, LANGUAGES, Filter, Variant
from studio.web.shell import Shell

MOST_DOCUMENTS = 2_000
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def build(shell: Shell) -> tuple[Any, list[Any]]:
    """The fold, and its fields in the order in which `given` reads them."""
    t = shell.t
    with shell.fold("narrow.title", "narrow", visible=False, classes="fold narrow") as fold:
        documents = gr.Dropdown(
            [],
            multiselect=True,
            allow_custom_value=True,
            label=t("narrow.documents"),
            info=t("narrow.documents.more"),
            interactive=True,
            elem_id="narrow-documents",
        )
        with gr.Row(elem_classes="narrowrow"):
            languages = gr.CheckboxGroup(
                [(t(f"language.{code}"), code) for code in LANGUAGES], label=t("narrow.languages"), elem_classes="pills"
            )
            since = gr.Textbox(
                label=t("narrow.since"), max_length=10, max_lines=1, elem_classes="day", placeholder="2024-01-31"
            )
            until = gr.Textbox(
                label=t("narrow.until"), max_length=10, max_lines=1, elem_classes="day", placeholder="2024-12-31"
            )
    return fold, [documents, languages, since, until]


def look(project: Project, variants: list[Variant]) -> list[Any]:
    """The fold, open to projects that search; the documents and languages there are."""
    searches = any(variant.approach in APPROACHES_THAT_SEARCH for variant in variants)
    documents = project.store.documents() if searches else []
    choices = sorted((document.name, document.id) for document in documents)[:MOST_DOCUMENTS]
    return [gr.Accordion(visible=bool(choices)), gr.Dropdown(choices=choices, value=[]), [], "", ""]


def given(documents: list[str] | None, languages: list[str] | None, since: str | None, until: str | None) -> Filter:
    """The filter. Raises BadInput for what is no day."""
    days = [(day or "").strip() for day in (since, until)]
    wrong = next((day for day in days if day and not _DAY.fullmatch(day)), None)
    if wrong is not None:
        raise BadInput("day_wrong", name=wrong)
    return Filter(documents=tuple(documents or ()), languages=tuple(languages or ()), since=days[0], until=days[1])
