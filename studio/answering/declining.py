"""Whether an answer says that it does not know: the one place that decides it, for answers and for their grades.

Only the first person ("I do not know") or the material ("the documents do not say") count: that something is not on an
invoice or in a policy may well be the answer. What stands under an "if" is not said at all.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

PATTERNS = Path(__file__).parent / "declining.json"


def declines(text: str) -> bool:
    """Whether the answer says that it does not know, in English or Spanish."""
    known = _patterns()
    plain = " ".join(text.lower().replace("’", "'").split())
    return bool(known.phrases.search(known.conditional.sub(" ", plain)))


class _Patterns(NamedTuple):
    conditional: re.Pattern[str]
    phrases: re.Pattern[str]


@cache
def _patterns() -> _Patterns:
    written = json.loads(PATTERNS.read_text(encoding="utf-8"))
    phrases = [
        phrase.replace("{source}", written["source"][code]).replace("{said}", written["said"][code])
        for code in ("en", "es")
        for phrase in written[code]
    ]
    return _Patterns(re.compile(written["conditional"]), re.compile("|".join(phrases)))
