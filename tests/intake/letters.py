"""Mails, mailboxes and Outlook files, made on the spot."""

import struct
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path

END, FREE, FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
Tree = Mapping[str, "bytes | Tree"]


def mail(
    text: str = "",
    subject: str = "Pedido 123",
    sender: str = "Ana Ruiz <ana@example.org>",
    to: str = "Tienda Sol <tienda@sol.example>",
    date: str = "Mon, 02 Mar 2026 10:14:00 +0100",
    *,
    id: str = "",
    reply_to: str = "",
    html: str = "",
    files: Mapping[str, bytes] | None = None,
) -> EmailMessage:
    made = EmailMessage()
    made["Subject"], made["From"], made["To"], made["Date"] = subject, sender, to, date
    if id:
        made["Message-ID"] = f"<{id}>"
    if reply_to:
        made["In-Reply-To"] = made["References"] = f"<{reply_to}>"
    if text:
        made.set_content(text)
    if html and text:
        made.add_alternative(html, subtype="html")
    elif html:
        made.set_content(html, subtype="html")
    for name, content in (files or {}).items():
        made.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return made


def eml(folder: Path, message: EmailMessage, name: str = "mail.eml") -> Path:
    (folder / name).write_bytes(message.as_bytes())
    return folder / name


def mbox(folder: Path, messages: Sequence[EmailMessage], name: str = "box.mbox") -> Path:
    mails = [b"From ana@example.org Mon Mar  2 10:14:00 2026\n" + message.as_bytes() + b"\n" for message in messages]
    (folder / name).write_bytes(b"".join(mails))
    return folder / name


def msg(folder: Path, name: str = "mail.msg", **texts: str) -> Path:
    """An Outlook mail with a text file and another mail attached."""
    return ole(
        folder,
        name,
        outlook(
            texts,
            files={"preise.csv": b"question,answer\nOpen?,Yes\n"},
            inner={"0037": "Inner mail", "1000": "Inside."},
        ),
    )


def outlook(
    texts: Mapping[str, str], files: Mapping[str, bytes] | None = None, inner: Mapping[str, str] | None = None
) -> Tree:
    """The storages of a mail: texts by the number of their property."""
    number, made = 0, {f"__substg1.0_{n}001F": text.encode("utf-16-le") for n, text in texts.items()}
    tree: dict[str, bytes | Tree] = {**made}
    ticks = struct.pack("<IIQ", 0x00390040, 6, 134_169_884_400_000_000)
    tree["__properties_version1.0"] = bytes(32) + ticks
    for number, (name, content) in enumerate((files or {}).items()):
        tree[f"__attach_version1.0_#{number:08X}"] = {
            "__properties_version1.0": bytes(8),
            "__substg1.0_37010102": content,
            "__substg1.0_3707001F": name.encode("utf-16-le"),
        }
    if inner:
        nested = {**outlook(inner), "__properties_version1.0": bytes(24) + ticks}
        tree[f"__attach_version1.0_#{number + 1:08X}"] = {
            "__properties_version1.0": bytes(8),
            "__substg1.0_3701000D": nested,
        }
    return tree


def ole(folder: Path, name: str, tree: Tree) -> Path:
    """A compound file of 512-byte sectors with that tree of storages and streams."""
    entries: list[list[object]] = [["Root Entry", 5, FREE, b""]]  # name, kind, child, content
    right: list[int] = [FREE]

    def place(branch: Tree) -> int:
        first = last = FREE
        for key, value in sorted(branch.items(), key=lambda item: (len(item[0]), item[0].upper())):
            at = len(entries)
            entries.append(
                [key, 2 if isinstance(value, bytes) else 1, FREE, value if isinstance(value, bytes) else b""]
            )
            right.append(FREE)
            if last == FREE:
                first = at
            else:
                right[last] = at
            last = at
            if not isinstance(value, bytes):
                entries[at][2] = place(value)
        return first

    entries[0][2] = place(tree)
    mini, minifat, fat, sectors = bytearray(), [], [], []
    starts: dict[int, int] = {}

    def store(content: bytes) -> int:
        count = -(-len(content) // 512)
        start = len(sectors)
        for step in range(count):
            sectors.append(content[step * 512 : step * 512 + 512].ljust(512, b"\x00"))
            fat.append(start + step + 1 if step + 1 < count else END)
        return start if count else END

    for at, (_, kind, _, content) in enumerate(entries):
        if kind != 2:
            continue
        if len(content) >= 4096:  # type: ignore[arg-type]
            starts[at] = store(content)  # type: ignore[arg-type]
        else:
            count = -(-len(content) // 64)  # type: ignore[arg-type]
            starts[at] = len(minifat) if count else END
            minifat += [len(minifat) + step + 1 for step in range(count - 1)] + [END] * (count > 0)
            mini += content.ljust(count * 64, b"\x00")  # type: ignore[union-attr]
    mini_start = store(bytes(mini))
    minifat_start = store(struct.pack(f"<{len(minifat)}I", *minifat)) if minifat else END
    directory = b""
    for at, (key, kind, child, content) in enumerate(entries):
        raw = str(key).encode("utf-16-le") + b"\x00\x00"
        size = len(mini) if at == 0 else len(content)  # type: ignore[arg-type]
        start = mini_start if at == 0 else starts.get(at, 0)
        directory += raw.ljust(64, b"\x00") + struct.pack("<HBBIII", len(raw), kind, 1, FREE, right[at], child)
        directory += bytes(36) + struct.pack("<IQ", start, size)
    directory_start = store(directory)
    fat_start = len(sectors)
    fat_count = 1
    while (len(sectors) + fat_count) > fat_count * 128:
        fat_count += 1
    fat += [FAT] * fat_count
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(fat_count * 512, b"\xff")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack(
        "<HHHHH6xIIIIIIIII",
        62,
        3,
        0xFFFE,
        9,
        6,
        0,
        fat_count,
        directory_start,
        0,
        4096,
        minifat_start,
        len(minifat) and -(-len(minifat) // 128),
        END,
        0,
    )
    header += struct.pack("<109I", *(fat_start + n if n < fat_count else FREE for n in range(109)))
    (folder / name).write_bytes(header + b"".join(sectors) + table)
    return folder / name
