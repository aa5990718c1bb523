"""Which importer reads which kind of file. Runs inside the reading process; see `child` for why."""

from collections.abc import Callable, Mapping
from pathlib import Path

from studio.base.errors import Unreadable
from studio.intake import conversations, kinds, pdf, sheets, tables, text, whatsapp, word
from studio.intake.reading import Origin, Reading

Importer = Callable[[Path, Origin], Reading]


def read(file: Path, origin: Origin) -> Reading:
    """What the file gives. Raises Unreadable with the file's name and, by its code, the remedy."""
    if file.stat().st_size == 0:
        raise Unreadable("file_empty", name=origin.name)
    return IMPORTERS[kinds.kind_of(file, origin.name)](file, origin)


def _prose(file: Path, origin: Origin) -> Reading:
    """A .txt may be a chat, a table of questions and answers, JSON, or what it seems: text."""
    content = text.text_of(file, origin)
    if whatsapp.is_chat(content):
        return whatsapp.of_text(content, origin)
    start = content.lstrip()[:1]
    if start in ("{", "[") and (found := conversations.of_text(content, origin)):
        return found
    return tables.questions_in(content, origin) or text.of_text(content, origin, markdown=False)


IMPORTERS: Mapping[str, Importer] = {
    "pdf": pdf.read,
    "docx": word.read,
    "xlsx": sheets.read,
    "xls": sheets.read,
    "csv": tables.read,
    "tsv": tables.read,
    "json": conversations.read,
    "jsonl": conversations.read,
    "md": text.read,
    "txt": _prose,
}
