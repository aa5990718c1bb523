"""Foreign failures that the person can do something about, as errors of ours. Everything else stays what it is."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from studio.base.errors import NotPossibleHere, OutOfMemory, StudioError, Unreadable
from studio.base.recipes import TrainingRecipe

_OF_MEMORY = (
    "out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory", "cublas_status_alloc_failed",
)  # fmt: skip
_OF_TOOLS = "failed to find c compiler"  # kernels for cards are compiled where they run


@contextlib.contextmanager
def translated(recipe: TrainingRecipe, weights: Path) -> Iterator[None]:
    """Raises OutOfMemory("training_out_of_memory"), NotPossibleHere("training_disk_full", "training_engine_missing") and
    Unreadable("weights_damaged") of the `weights` that are read, in place of what the libraries raise.
    """
    try:
        yield
    except StudioError:
        raise
    except (ImportError, NotImplementedError) as error:  # Unsloth raises the second where it finds nothing to run on
        raise NotPossibleHere("training_engine_missing") from error
    except MemoryError as error:
        raise OutOfMemory("training_out_of_memory", batch=recipe.batch) from error
    except (RuntimeError, OSError) as error:
        text = str(error).lower()
        if any(sign in text for sign in _OF_MEMORY):  # torch.cuda.OutOfMemoryError is a RuntimeError too
            raise OutOfMemory("training_out_of_memory", batch=recipe.batch) from error
        if _OF_TOOLS in text:
            raise NotPossibleHere("training_engine_missing") from error
        if getattr(error, "errno", None) == errno.ENOSPC or "no space left" in text:
            raise NotPossibleHere("training_disk_full") from error
        raise
    except Exception as error:
        if type(error).__name__ == "SafetensorError":  # of a library that is not loaded here
            raise Unreadable("weights_damaged", name=weights.name) from error
        raise
