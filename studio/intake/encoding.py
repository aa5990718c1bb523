"""Bytes to text, whatever program wrote them: UTF-8 and UTF-16 with or without a mark, Windows, old Mac and DOS letters.

Nothing is ever dropped or replaced in silence: a stray byte in UTF-8 is read as the Windows letter it almost always is.
"""

import codecs
import re
import unicodedata
from typing import NamedTuple

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
OLD_PAGES = ("cp1252", "mac_roman", "cp850")  # the most likely first: a tie goes to it
MIXED = "utf-8 + cp1252"
LIKELY = frozenset("áéíóúüñÁÉÍÓÚÜÑ¿¡çÇàèòïäöŒœ€£ºª°«»–—’‘“”…·½²³©®™•\u00a0")


UNDEFINED = (0x81, 0x8D, 0x8F, 0x90, 0x9D)  # bytes that cp1252 has no letter for; programs keep them as they are
_BYTE = {bytes([n]).decode("cp1252") if n not in UNDEFINED else chr(n): n for n in range(0x80, 0x100)}
_TRAIL = "".join(re.escape(letter) for letter, n in _BYTE.items() if n < 0xC0)
_LEADS = frozenset(map(chr, range(0xC2, 0xF1)))
_TRAILS = frozenset(letter for letter, n in _BYTE.items() if n < 0xC0)
_STRAY = re.compile("[\udc80-\udcff]")
_FOREIGN = re.compile("[^\x00-\x7f]")
_GARBLED = re.compile(f"[\u00c2-\u00df][{_TRAIL}]|[\u00e0-\u00ef][{_TRAIL}]{{2}}|\u00f0[{_TRAIL}]{{3}}")


class Decoded(NamedTuple):
    """The text, the encoding it was written in, and the lines (from 1) in which something was mended: `nul`, `letters`
    (foreign bytes in UTF-8) or `garbled` (UTF-8 that had been taken for Windows letters).
    """

    text: str
    encoding: str
    mended: dict[int, str]


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


def lines_of(data: bytes) -> Decoded | None:
    """The same for a text in rows: what had to be mended is named by its line, and garbled letters are put right."""
    found = text_of(data)
    if found is None:
        return None
    text, encoding = found
    mended: dict[int, str] = {}
    if b"\x00" in data and not encoding.startswith("utf-16") and encoding != "utf-32":
        lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        mended |= {number: "nul" for number, line in enumerate(lines, start=1) if b"\x00" in line}
    if encoding == MIXED:
        lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        mended |= {number: "letters" for number, line in enumerate(lines, start=1) if not _is_utf8(line)}
    letters = set(text)  # most texts hold no letter that garbled ones begin with, and then need no second look
    if letters & _LEADS and letters & _TRAILS and _GARBLED.search(text):
        whole = [(line, ungarbled(line)) for line in text.split("\n")]
        mended |= {number: "garbled" for number, (line, better) in enumerate(whole, start=1) if line != better}
        text = unicodedata.normalize("NFC", "\n".join(better for _, better in whole))
    return Decoded(text, encoding, mended)


def ungarbled(text: str) -> str:
    """Letters that were written as UTF-8 and read as Windows letters: "direcciÃ³n" is "dirección"."""
    return _GARBLED.sub(_letter, text)


def _letter(found: re.Match[str]) -> str:
    try:
        return bytes(_BYTE[letter] for letter in found[0]).decode("utf-8")
    except (UnicodeDecodeError, KeyError):
        return found[0]


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


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
    stray = len(_STRAY.findall(text))
    good = len(_FOREIGN.findall(text)) - stray
    if good < 2 * stray:
        return None
    return _STRAY.sub(lambda letter: _windows(letter[0]), text), MIXED


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
