"""The packing Outlook uses for rich text in its mails ([MS-OXRTFCP]): a dictionary that begins with usual words."""

import struct

from studio.base.errors import Unreadable

BEGINNING = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans "
    b"SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab"
    b"\\tx"
)
SIZE = 4096
PACKED, PLAIN = 0x75465A4C, 0x414C454D
LARGEST = 60 << 20


def unpacked(content: bytes) -> bytes:
    """The rich text. Raises Unreadable("file_damaged")."""
    if len(content) < 16:
        raise Unreadable("file_damaged", name="rtf")
    _, size, kind, _ = struct.unpack_from("<IIII", content)
    if kind == PLAIN:
        return content[16 : 16 + size]
    if kind != PACKED or size > LARGEST:
        raise Unreadable("file_damaged", name="rtf")
    return _unpack(content, size)


def _unpack(content: bytes, size: int) -> bytes:
    words = bytearray(BEGINNING.ljust(SIZE, b"\x00"))
    at, here, out = 16, len(BEGINNING), bytearray()
    while at < len(content) and len(out) < size:
        control, at = content[at], at + 1
        for bit in range(8):
            if control >> bit & 1:
                if at + 2 > len(content):
                    return bytes(out)
                token, at = content[at] << 8 | content[at + 1], at + 2
                start, length = token >> 4, (token & 0xF) + 2
                if start == here:  # the end is marked by a reference to nothing
                    return bytes(out)
                for step in range(length):
                    letter = words[(start + step) % SIZE]
                    out.append(letter)
                    words[here], here = letter, (here + 1) % SIZE
            else:
                if at >= len(content):
                    return bytes(out)
                letter, at = content[at], at + 1
                out.append(letter)
                words[here], here = letter, (here + 1) % SIZE
    return bytes(out)
