"""A game drawn by shap's own plots, as SVG or PNG, for those who know them: `python -m studio.explanation.pictures`.

Drawn in a process of its own: shap and its plotting library take seconds and memory that a web server does not have to keep.
The picture arrives on standard output; what to draw comes as JSON on standard input.
"""

import io
import json
import subprocess
import sys
from typing import Literal

from studio.base.errors import BadInput, Unavailable
from studio.base.records import Game
from studio.explanation.games import shap_explanation

Form = Literal["svg", "png"]
Plot = Literal["waterfall", "bar"]

SECONDS = 60.0
MOST = 14  # bars; the rest is one
LONGEST = 42  # characters of a label


def draw(game: Game, plot: Plot, form: Form, sentence: int | None = None) -> bytes:
    """The picture of the whole answer or of one of its sentences. Raises BadInput("nothing_to_draw") and
    Unavailable("not_drawn")."""
    if not game.units or (sentence is not None and not 0 <= sentence < len(game.full_by_sentence)):
        raise BadInput("nothing_to_draw")
    asked = json.dumps({"game": game.model_dump(), "plot": plot, "form": form, "sentence": sentence})
    command = [sys.executable, "-P", "-m", "studio.explanation.pictures"]
    try:
        made = subprocess.run(command, input=asked.encode(), capture_output=True, timeout=SECONDS, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        raise Unavailable("not_drawn") from error
    return made.stdout


def drawn(game: Game, plot: Plot, form: Form, sentence: int | None) -> bytes:
    """The same in this process."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.fonttype"] = "none"  # text stays text: searchable, and a third of the size
    from matplotlib import pyplot

    from studio.explanation.estimating import library

    shap = library()
    explained = shap_explanation(game, sentence)
    names = [_label(at, unit.text) for at, unit in enumerate(game.units, start=1)]
    explained = shap.Explanation(explained.values, explained.base_values, feature_names=names)
    getattr(shap.plots, plot)(explained, max_display=MOST, show=False)
    picture = io.BytesIO()
    pyplot.savefig(picture, format=form, dpi=144, bbox_inches="tight", facecolor="white")
    pyplot.close("all")
    return picture.getvalue()


def _label(number: int, text: str) -> str:
    """Short, told apart by its number, and without what the plotting library would read as a formula."""
    short = " ".join(text.split())
    short = short if len(short) <= LONGEST else short[: LONGEST - 1].rstrip() + "…"
    return f"{number} · {short}".replace("$", r"\$")


def main() -> None:
    asked = json.load(sys.stdin)
    sys.stdout.buffer.write(drawn(Game(**asked["game"]), asked["plot"], asked["form"], asked["sentence"]))


if __name__ == "__main__":
    main()
