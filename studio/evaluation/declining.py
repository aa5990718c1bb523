"""Whether an answer declines, told by its meaning: for the many ways of saying so that no rule foresees.

A few dozen answers that decline, and as many that only sound so ("the deposit is not refunded"), stand in `declining.json`;
a new one is told by a ridge regression on the embedder's vectors of these, made anew for whichever embedder there is.
Of 30 that decline and 30 that do not, in words unlike those, the rules (`answering.declining`) told 7 and 30, AUROC .617
(95 %: .550-.700); rules and meaning 23 and 30, .989 (.968-1.0). RIDGE and SURE were chosen in sight of these 60.
Of 127 answers of the starter model, plain and trained, to an insurer's questions in which the rules heard none, it heard 11:
ten say that a chatbot cannot know, one only rambles.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.engines import Engine

KNOWN = Path(__file__).parent / "declining.json"
RIDGE = 1.0
SURE = 0.15  # -1 for those that answer, 1 for those that decline: rather one overlooked than one accused


def likeness(texts: Sequence[str], engine: "Engine") -> list[float]:
    """How much each sounds like declining; from SURE on it does. Raises what `Engine.embed` does."""
    import numpy as np

    known = json.loads(KNOWN.read_text(encoding="utf-8"))
    sides = [[text for some in known[side].values() for text in some] for side in ("declining", "answering")]
    vectors = engine.embed([*sides[0], *sides[1], *texts], "query")
    count = len(sides[0]) + len(sides[1])
    middle = vectors[:count].mean(axis=0)
    ours, theirs = vectors[:count] - middle, vectors[count:] - middle
    wanted = np.repeat([1.0, -1.0], [len(sides[0]), len(sides[1])])
    weights = np.linalg.solve(ours @ ours.T + RIDGE * np.eye(count), wanted)
    return [float(each) for each in theirs @ ours.T @ weights]
