"""All checks, one after the other."""

from collections.abc import Sequence

from studio.base.records import Document, Example, Finding, Goal, Language, Level, Question
from studio.health import answers, enough, facts, groups, languages, people, steering
from studio.health import documents as texts
from studio.health import examples as pairs

SEVERITY: tuple[Level, ...] = ("stop", "warn", "note", "good")


def check(
    documents: Sequence[Document],
    examples: Sequence[Example],
    questions: Sequence[Question],
    goal: Goal,
    language: Language | None = None,
    lists: groups.Lists | None = None,
) -> list[Finding]:
    """Every finding of every check: what stops the build first, then warnings, remarks and good news.

    `language` is the one the project speaks, `lists` the words by which groups of people are told.
    """
    learnt, asked = pairs.tested(examples, questions)
    known = pairs.alike(examples)
    filled = [document for document in documents if document.text.strip()]
    return ordered(
        [
            *texts.nothing(documents, examples, goal),
            *texts.unreadable(documents),
            *enough.enough(examples, goal, len(filled), known),
            *pairs.contradictions(examples),
            *facts.conflicts(documents, examples),
            *pairs.duplicates(examples, known),
            *texts.repeated(documents),
            *pairs.gaps(examples),
            *answers.form(examples, goal),
            *pairs.leaks(learnt, asked),
            *people.people(documents, examples),
            *steering.orders(documents, examples),
            *steering.hidden(documents, examples),
            *steering.tokens(documents, examples),
            *languages.languages(documents, examples, language),
            *facts.stale(documents),
            *pairs.near_duplicates(examples, known),
            *groups.one_sided(documents, examples, lists),
            *texts.ready(documents),
        ]
    )


def ordered(found: Sequence[Finding]) -> list[Finding]:
    """The serious first."""
    return sorted(found, key=lambda finding: SEVERITY.index(finding.level))
