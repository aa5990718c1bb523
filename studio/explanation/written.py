"""An explanation as a table for a spreadsheet: a row a part, in codes and nats. Words nothing."""

import csv
import io

from studio.base.records import Explanation
from studio.explanation.reading import shares

HEAD = ("game", "detail", "inside", "part", "value", "share", "error", "without", "lime", "base", "full", "method")
_CALCULATES = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a text that begins so


def table(explanation: Explanation) -> str:
    """CSV with a byte order mark, so that spreadsheets read accents; the last columns are the sentences of the answer."""
    written = io.StringIO()
    rows = csv.writer(written)
    sentences = max((len(game.full_by_sentence) for game in explanation.games), default=0)
    rows.writerow([*HEAD, *(f"sentence_{n + 1}" for n in range(sentences))])
    for game in explanation.games:
        inside = "" if game.inside is None else game.inside + 1
        for unit, share in zip(game.units, shares(game), strict=True):
            numbers = [unit.value, share, unit.error, unit.without, unit.lime, game.base, game.full]
            said = ["" if number is None else f"{number:.6g}" for number in numbers]
            by_sentence = [f"{value:.6g}" for value in unit.by_sentence]
            rows.writerow([game.kind, game.detail, inside, _text(unit.text), *said, game.method, *by_sentence])
    return "\ufeff" + written.getvalue()


def _text(text: str) -> str:
    flat = " ".join(text.split())
    return f"'{flat}" if flat.startswith(_CALCULATES) else flat
