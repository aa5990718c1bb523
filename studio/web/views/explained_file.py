"""An explanation as one page to keep: everything in it, in every language the studio speaks, and nothing fetched."""

from collections.abc import Sequence

from studio import explanation as reading
from studio.base.records import Answer, Explanation, Variant
from studio.comparison import certificate
from studio.web.views import explanation as views
from studio.web.voice import Voice


def page(explanation: Explanation, answer: Answer, variant: Variant, voices: Sequence[Voice]) -> str:
    """The page, the first voice's language on top."""
    return voices[0].html(
        "why_file.html",
        question=explanation.question,
        answer=explanation.answer,
        style=certificate.STYLE.read_text(encoding="utf-8"),
        languages=[_section(explanation, answer, variant, voice) for voice in voices],
    )


def _section(explanation: Explanation, answer: Answer, variant: Variant, voice: Voice) -> dict[str, object]:
    shown = views.Why.of(explanation, "")
    heads = {
        "question": "why.file.question",
        "answer": "why.file.answer",
        "shift": "why.shift.title",
        "lessons": "why.lessons.title",
        "note": "why.lessons.note",
        "nats": "why.table.note",
        "used": "why.used_not_true",
    }
    return {
        "lang": voice.language,
        "title": voice.t("why.title"),
        "name": f"{voice.approach(variant.approach)} ({variant.model})",
        "when": voice.date(explanation.created),
        "heads": {name: voice.t(key) for name, key in heads.items()},
        "says": views.sentence(explanation.games, answer, voice),
        "tables": [
            views.table(game, answer, voice)
            | {"small": views.checked(game, answer, voice), "bars": [100 * share for share in reading.shares(game)]}
            for game in explanation.games
        ],
        "shift": views.shifted(shown, voice),
        "lessons": [(each, voice.percent(each.similarity)) for each in explanation.lessons],
    }
