"""Show a passage where it stands: the page as a picture and the rectangles that cover the passage on it.

Nothing of this is stored: it is looked up in the original when somebody asks, in a process with limits, as reading is.
"""

import base64
from pathlib import Path

from studio.intake import child
from studio.intake.pages.looking import Highlight, Look

NARROWEST, WIDEST = 50, 4_000  # pixels

__all__ = ["Highlight", "find", "picture"]


def find(file: Path, page: int, text: str, password: str = "") -> Highlight:
    """Where `text`, a passage that was read from this page (the first is 1), stands on it.

    A scanned page is recognised again, which takes seconds. Raises Unreadable: page_missing, page_damaged,
    pdf_password_needed, pdf_password_wrong, file_damaged, and what `child.read` raises when a limit was met.
    """
    look = Look(verb="find", name=file.name, page=page, text=text, password=password)
    return Highlight.model_validate_json(child.ask(file, look.model_dump_json(), file.name))


def picture(file: Path, page: int, width_px: int, password: str = "") -> bytes:
    """The page as a PNG that is `width_px` wide. Raises Unreadable as `find` does."""
    width = min(max(width_px, NARROWEST), WIDEST)
    look = Look(verb="picture", name=file.name, page=page, width=width, password=password)
    return base64.b64decode(child.ask(file, look.model_dump_json(), file.name))
