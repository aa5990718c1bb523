"""Sentences by key: `locales/<language>.json`. Only `web` and `cli` call this; rooms speak codes and parameters."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

from studio.base.errors import StudioError
from studio.base.records import Fault, Finding, Language, Parameter

LOCALES = Path(__file__).parent.parent / "locales"

Translate = Callable[..., str]


@cache
def table(language: Language) -> dict[str, str]:
    """Every key and its sentence. A key written twice is an error."""

    def once(pairs: list[tuple[str, str]]) -> dict[str, str]:
        seen = dict(pairs)
        if len(seen) != len(pairs):
            raise ValueError(f"a key stands twice in {language}.json")
        return seen

    sentences: dict[str, str] = json.loads(
        (LOCALES / f"{language}.json").read_text(encoding="utf-8"), object_pairs_hook=once
    )
    return sentences


def translator(language: Language) -> Translate:
    """`t(key, **parameters)`: the sentence with its parameters filled in; KeyError for an unknown key."""
    sentences = table(language)

    def t(key: str, **parameters: Parameter) -> str:
        sentence = sentences[key]
        return (
            sentence.format(**{name: number(value, language) for name, value in parameters.items()})
            if parameters
            else sentence
        )

    return t


def of_fault(fault: Fault | StudioError, t: Translate) -> str:
    """The sentence of an error: what happened, to which thing, and the next step."""
    return t(f"error.{fault.code}", **fault.parameters)


def of_finding(finding: Finding, t: Translate) -> tuple[str, str]:
    """Title and explanation of a finding."""
    names = ", ".join(finding.names[:3]) + (" …" if len(finding.names) > 3 else "")
    parameters = {"count": finding.count, "names": names, **finding.parameters}
    return t(f"finding.{finding.code}", **parameters), t(f"finding.{finding.code}.more", **parameters)


def number(value: Parameter, language: Language) -> str:
    """A number as people of that language write it: 1,284.5 or 1.284,5 (Spanish groups from five digits on)."""
    if isinstance(value, str):
        return value
    digits = 6 if 0 < abs(value) < 0.01 else 4 if abs(value) < 0.1 else 2  # a learning rate of 0.002 is not 0
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}".rstrip("0").rstrip(".")
    if language == "en":
        return text
    if abs(value) < 10_000:
        text = text.replace(",", "")
    return text.translate(str.maketrans(",.", ".,"))


def duration(seconds: float) -> str:
    """Minutes and seconds, or hours and minutes, as a clock shows them."""
    whole = max(int(seconds), 0)
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes}:{whole % 60:02d}"
