"""Plain text and Markdown: one section a heading, or one in all."""

import re
from pathlib import Path

from studio.base.errors import Unreadable
from studio.intake import encoding
from studio.intake.reading import Draft, Origin, Reading

HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$")
FENCE = re.compile(r"^(```|~~~)")
TOO_LONG = 200_000  # a "line" this long is cut into sections so that nothing downstream holds it whole


def read(file: Path, origin: Origin) -> Reading:
    """Raises Unreadable("file_damaged") when the bytes are no text in any encoding, "file_no_text" when it is blank."""
    return of_text(text_of(file, origin), origin, Path(origin.name).suffix.lower() in (".md", ".markdown"))


def text_of(file: Path, origin: Origin) -> str:
    decoded = encoding.text_of(file.read_bytes())
    if decoded is None:
        raise Unreadable("file_damaged", name=origin.name)
    return decoded[0]


def of_text(text: str, origin: Origin, markdown: bool) -> Reading:
    draft = Draft()
    lines: list[str] = []
    heading, fenced = "", False

    def finish() -> None:
        whole = "\n".join(lines).strip("\n")
        for start in range(0, len(whole), TOO_LONG):
            draft.add(whole[start : start + TOO_LONG], heading=heading, gap="\n\n" if start == 0 else "")
        lines.clear()

    for line in text.split("\n"):
        fenced ^= bool(FENCE.match(line))
        found = HEADING.match(line) if markdown and not fenced else None
        if found:
            finish()
            heading = found[1]
        lines.append(line.rstrip())
    finish()
    documents = draft.documents(origin, "md" if markdown else "txt")
    if not documents:
        raise Unreadable("file_no_text", name=origin.name)
    return Reading(documents=documents)
