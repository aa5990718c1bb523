"""The model card: what the assistant is for, how it was made and how good it is, in the language of the project.

The facts come in, the text lies in `card.<language>.md.jinja`. Free text of the person is shortened, freed from
addresses and numbers of people, and cannot become a heading or a tag.
"""

import html
import re
from functools import cache
from pathlib import Path
from typing import Any, Literal

from studio import __version__
from studio.base import words
from studio.base.project import Card
from studio.base.records import Language, Parameter, Record, Variant
from studio.engines import Model
from studio.evaluation.character import Character
from studio.export.facts import Material, Tested
from studio.export.licensing import Terms
from studio.export.private import redact

HERE = Path(__file__).parent
LONGEST_GOAL = 600


class Description(Record):
    """All a card says. `changed`: the weights are not those of the base model; `training` tells how that came about.

    `system` is the message sent before a question, "" where there is none.
    """

    project: Card
    variant: Variant
    model: Model
    form: Literal["adapter", "merged"]
    names: tuple[str, ...]
    languages: tuple[str, ...]
    terms: Terms
    changed: bool
    training: dict[str, Any] | None
    tested: Tested | None
    material: Material
    system: str
    date: str
    character: Character | None = None


def render(description: Description) -> str:
    """README.md: metadata the Hub reads, then the text."""
    from huggingface_hub import ModelCardData

    language = description.project.language
    template = _environment().get_template(f"card.{language}.md.jinja")
    text = template.render(
        **{name: getattr(description, name) for name in Description.model_fields},
        title=_literal(redact(description.project.name)),
        goal=_quoted(description.project.goal.text),
        number=lambda value: _number(value, language),
        percent=lambda value: _number(round(100 * value), language),
        version=__version__,
    )
    return f"---\n{ModelCardData(**_metadata(description)).to_yaml()}\n---\n\n{text.strip()}\n"


def _metadata(d: Description) -> dict[str, Any]:
    made = d.changed
    relation = ("adapter" if d.form == "adapter" else "finetune") if made else None
    terms = d.terms
    custom = {"license_name": terms.name, "license_link": terms.link} if terms.identifier == "other" else {}
    return {
        "language": list(d.languages),
        "license": terms.identifier,
        **custom,
        "base_model": d.model.hub_id or d.model.name,
        **({"base_model_relation": relation} if relation else {}),
        "library_name": "peft" if d.form == "adapter" else "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["amedida", *(("unsloth", "lora", "sft") if made else ()), "conversational", d.variant.approach],
    }


def _quoted(text: str) -> str:
    """Free text as a quotation, line by line."""
    short = redact(text.strip())[:LONGEST_GOAL]
    return "\n".join(f"> {_literal(line.strip())}" for line in short.splitlines() if line.strip())


def _literal(text: str) -> str:
    """Text in which nothing is markup: no heading, no link, no picture, no tag."""
    return re.sub(r"([\\`*_\[\]#|!~])", r"\\\1", html.escape(text, quote=False))


def _number(value: Parameter, language: Language) -> str:
    if isinstance(value, float) and value and abs(value) < 0.01:
        return f"{value:.1e}".replace("e-0", "e-")
    return words.number(value, language)


@cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(  # noqa: S701  Markdown, not HTML; free text is escaped above
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
