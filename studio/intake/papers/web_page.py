"""Saved web pages: what the page says, without its menus; one section a heading. Nothing in it is ever fetched.

Everything that is no menu is kept: programs that look for "the article" in a page drop rows of lists and short answers.
"""

from collections.abc import Iterable
from pathlib import Path

from studio.base.errors import Unreadable
from studio.intake.papers import markup
from studio.intake.papers.markup import Line
from studio.intake.reading import Draft, Origin, Reading

ENOUGH = 0.3  # of the words; a page that would lose more than the rest is made of what we take for menus


def read(file: Path, origin: Origin) -> Reading:
    """Raises Unreadable: file_damaged when the bytes are no text, file_no_text when there is nothing to read."""
    html = markup.text_of(file.read_bytes())
    if html is None:
        raise Unreadable("file_damaged", name=origin.name)
    return of_html(html, origin)


def of_html(html: str, origin: Origin) -> Reading:
    """The page as a document. Raises Unreadable("file_no_text")."""
    everything = markup.lines(html)
    found = markup.lines(html, furniture=False)
    draft = Draft()
    written(found if _words(found) >= ENOUGH * _words(everything) else everything, draft, markup.title(html))
    documents = draft.documents(origin, "html")
    if not documents:
        raise Unreadable("file_no_text", name=origin.name)
    return Reading(documents=documents)


def written(lines: Iterable[Line], draft: Draft, heading: str = "", page: int | None = None) -> None:
    """Write the lines, a section for each heading; headings with nothing between them begin one section together."""
    held: list[str] = []
    only_titles = True
    for line in lines:
        if line.heading and not only_titles:
            draft.add("\n".join(held), heading=heading, page=page)
            held = []
        heading, only_titles = (line.text, True) if line.heading else (heading, only_titles and not held)
        if not line.heading:
            only_titles = False
        held.append(line.text)
    draft.add("\n".join(held), heading=heading, page=page)


def _words(lines: Iterable[Line]) -> int:
    return sum(len(line.text.split()) for line in lines)
