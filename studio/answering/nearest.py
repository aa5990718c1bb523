"""The past questions nearest to a new one, to show a model how such questions were answered.

Vectors of the examples' questions lie in `index/`, one file for each set of examples and embedder; they can
be deleted.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from studio.base.errors import Stopped
from studio.base.events import Emit, Progress, ShouldStop
from studio.base.project import Project
from studio.base.records import Example

if TYPE_CHECKING:
    import numpy as np

    from studio.engines import Engine

BATCH = 32


def prepare(project: Project, engine: "Engine", emit: Emit, should_stop: ShouldStop) -> int:
    """Embed the examples' questions ahead of the first question asked (Progress: done, of all); how many
    there are.

    Optional: `examples` does it when it was not done. Raises Stopped.
    """
    known = _shown(project)
    if known:
        _vectors(project.index, known, engine, emit, should_stop)
    return len(known)


def examples(project: Project, question: str, engine: "Engine", limit: int) -> tuple[Example, ...]:
    """The nearest examples by meaning, the nearest last: next to the question. Test examples are never
    shown.
    """
    known = _shown(project)
    if not known:
        return ()
    vectors = _vectors(project.index, known, engine, lambda event: None, lambda: False)
    order = (vectors @ engine.embed([question], "query")[0]).argsort()[::-1]
    chosen: dict[str, Example] = {}
    for position in order:
        chosen.setdefault(known[position].answer, known[position])  # the same answer twice teaches nothing
        if len(chosen) == limit:
            break
    return tuple(reversed(chosen.values()))


def _shown(project: Project) -> list[Example]:
    return [example for example in project.store.examples() if example.split != "test" and example.question]


def _vectors(
    folder: Path, known: Sequence[Example], engine: "Engine", emit: Emit, should_stop: ShouldStop
) -> "np.ndarray":
    import numpy as np

    embedder = engine.embedder()
    content = "\x1f".join([embedder.name, str(embedder.dim), *(example.question for example in known)])
    file = folder / f"examples-{hashlib.sha256(content.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}.npy"
    try:
        kept: np.ndarray = np.load(file, allow_pickle=False)
        if kept.shape == (len(known), embedder.dim):
            return kept
    except (OSError, ValueError):
        pass  # not made yet
    parts: list[np.ndarray] = []
    for at in range(0, len(known), BATCH):
        if should_stop():
            raise Stopped
        parts.append(engine.embed([example.question for example in known[at : at + BATCH]], "query"))
        emit(Progress(done=min(at + BATCH, len(known)), of=len(known)))
    made: np.ndarray = np.concatenate(parts)
    for old in folder.glob("examples-*.npy"):
        old.unlink(missing_ok=True)
    unfinished = file.with_suffix(".part.npy")
    np.save(unfinished, made)
    unfinished.replace(file)
    return made
