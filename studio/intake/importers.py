"""Which importer reads which kind of file. Runs inside the reading process; see `child` for why."""

from collections.abc import Callable, Mapping
from pathlib import Path

from studio.base.errors import Unreadable
from studio.intake import archives, kinds
from studio.intake.chats import telegram, whatsapp
from studio.intake.mails import mail, outlook
from studio.intake.pages import ocr, pdf
from studio.intake.papers import epub, open_document, rich_text, slides, text, web_page, word
from studio.intake.reading import Origin, Reading
from studio.intake.tables import conversations, sheets
from studio.intake.tables import delimited as tables

Importer = Callable[[Path, Origin], Reading]


def read(file: Path, origin: Origin) -> Reading:
    """What the file gives. Raises Unreadable with the file's name and, by its code, the remedy."""
    if file.stat().st_size == 0:
        raise Unreadable("file_empty", name=origin.name)
    return IMPORTERS[kinds.kind_of(file, _named(origin))](file, origin)


def _named(origin: Origin) -> str:
    """A chat alone in its archive goes by the archive's name, which says nothing about what the chat is."""
    return origin.name.removesuffix(".zip") if origin.depth else origin.name


def _prose(file: Path, origin: Origin) -> Reading:
    """A .txt may be a chat, a table of questions and answers, JSON, or what it seems: text."""
    content = text.text_of(file, origin)
    if whatsapp.is_chat(content):
        return whatsapp.of_text(content, origin)
    if content.lstrip().startswith(("{", "[", conversations.MARK)) and (
        found := conversations.of_text(content, origin)
    ):
        return found
    return tables.questions_in(content, origin) or text.of_text(content, origin, markdown=False)


def _json(file: Path, origin: Origin) -> Reading:
    """JSON may be a chat that Telegram exported, or what training data comes in."""
    return telegram.of_text(text.text_of(file, origin), origin) or conversations.read(file, origin)


IMPORTERS: Mapping[str, Importer] = {
    "zip": archives.read,
    "eml": mail.read,
    "msg": outlook.read,
    "mbox": mail.read_box,
    "html": web_page.read,
    "epub": epub.read,
    "pptx": slides.read,
    "odt": open_document.read,
    "rtf": rich_text.read,
    "pdf": pdf.read,
    **dict.fromkeys(sorted(kinds.PICTURES), ocr.read),
    "docx": word.read,
    "xlsx": sheets.read,
    "xls": sheets.read,
    "ods": sheets.read,
    "csv": tables.read,
    "tsv": tables.read,
    "json": _json,
    "jsonl": conversations.read,
    "md": text.read,
    "txt": _prose,
}
