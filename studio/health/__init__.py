"""Look the material over before anything is built from it.

Pure functions: documents, examples and test questions in, findings out; a code, how serious, how many, which. Nothing
is repaired, stored or worded here.
"""

from collections.abc import Sequence

from studio.base.records import Document, Example, Finding, Goal, Level, Question
from studio.health import documents as texts
from studio.health import examples as pairs

SEVERITY: tuple[Level, ...] = ("stop", "warn", "note", "good")

__all__ = ["SEVERITY", "check"]


def check(
    documents: Sequence[Document], examples: Sequence[Example], questions: Sequence[Question], goal: Goal
) -> list[Finding]:
    """Every finding of every check: what stops the build first, then warnings, remarks and good news."""
    found = [
        *texts.nothing(documents, examples, goal),
        *texts.unreadable(documents),
        *pairs.enough(examples, goal),
        *pairs.contradictions(examples),
        *pairs.duplicates(examples),
        *pairs.gaps(examples),
        *pairs.leaks([example for example in examples if example.split != "test"], questions),
        *texts.people(documents, examples),
        *texts.orders(documents, examples),
        *texts.tokens(documents, examples),
        *texts.languages(documents, examples),
        *pairs.near_duplicates(examples),
        *texts.ready(documents),
    ]
    return sorted(found, key=lambda finding: SEVERITY.index(finding.level))
