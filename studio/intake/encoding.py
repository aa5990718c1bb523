"""Bytes to text, whatever program wrote them: UTF-8 and UTF-16 with or without a mark, Windows, old Mac and DOS letters.

Nothing is ever dropped or replaced in silence: a stray byte in UTF-8 is read as the Windows letter it almost always is.
"""

import codecs
import unicodedata

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
OLD_PAGES = ("cp1252", "mac_roman", "cp850")  # the most likely first: a tie goes to it
LIKELY = frozenset("áéíóúüñÁÉÍÓÚÜÑ¿¡çÇàèòïäöŒœ€£ºª°«»–—’‘“”…·½²³©®™•\u00a0")


def text_of(data: bytes) -> tuple[str, str] | None:
    """The text and the encoding it was written in, in NFC and with plain line ends; None when these bytes are no text."""
    decoded = _decoded(data)
    if decoded is None:
        return None
    text, encoding = decoded
    text = text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")
    controls = sum(text.count(chr(code)) for code in range(32) if chr(code) not in "\t\n\f\v\x1a\x1b")
    if controls > len(text) / 200:
        return None
    return unicodedata.normalize("NFC", text), encoding


def _decoded(data: bytes) -> tuple[str, str] | None:
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace"), encoding
    wide = _unmarked_utf16(data)
    if wide:
        return data.decode(wide, "replace"), wide
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return _mended(data) or _old(data)


def _unmarked_utf16(data: bytes) -> str:
    start = data[:4000]
    if len(start) < 4:
        return ""
    half = len(start) // 2
    if start[1::2].count(0) > 0.6 * half and start[::2].count(0) < 0.1 * half:
        return "utf-16-le"
    if start[::2].count(0) > 0.6 * half and start[1::2].count(0) < 0.1 * half:
        return "utf-16-be"
    return ""


def _mended(data: bytes) -> tuple[str, str] | None:
    """UTF-8 with a few foreign bytes in it (two exports pasted together)."""
    text = data.decode("utf-8", "surrogateescape")
    stray = sum("\udc80" <= letter <= "\udcff" for letter in text)
    good = sum(letter > "\x7f" for letter in text) - stray
    if good < 2 * stray:
        return None
    letters = (_windows(letter) if "\udc80" <= letter <= "\udcff" else letter for letter in text)
    return "".join(letters), "utf-8 + cp1252"


def _windows(stray: str) -> str:
    byte = bytes([ord(stray) - 0xDC00])
    try:
        return byte.decode("cp1252")
    except UnicodeDecodeError:
        return "\ufffd"


def _old(data: bytes) -> tuple[str, str] | None:
    """The code page under which the foreign letters are the ones people write in English and Spanish."""
    best: tuple[float, str, str] | None = None
    for page in OLD_PAGES:
        try:
            text = data.decode(page)
        except UnicodeDecodeError:
            continue
        foreign = [letter for letter in text[:200_000] if letter > "\x7f"]
        score = sum(1 if letter in LIKELY else -1 for letter in foreign)
        if best is None or score > best[0]:
            best = (score, text, page)
    return (best[1], best[2]) if best else None
