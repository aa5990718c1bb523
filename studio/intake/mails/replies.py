"""What is new in a mail, and what is only quoted under it: the mails before, and the signature.

Programs announce the mail they quote in their language ("El lunes … escribió:", "-----Original Message-----", a block of
"From / Sent / To"); the lines themselves may begin with ">". English, Spanish and the usual neighbours are known.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

WROTE = re.compile(
    r"^\s*(?:on|el|le|am|il|em|op)\b.{4,200}?\b(?:wrote|escribi[oó]|a écrit|schrieb|ha scritto|escreveu|schreef)\s*:?\s*$"
    r"|^\s*\d{4}[-/.]\d{1,2}[-/.]\d{1,2}.{3,160}?[<(]?[^\s<>@]+@[^\s<>]+[>)]?\s*:\s*$"
    r"|^\s*.{2,120}\b(?:wrote|escribi[oó])\s*(?:on|el)\b.{4,80}:\s*$",
    re.I | re.S,
)
WROTE_STARTS = re.compile(r"^\s*(?:on|el|le|am|il|em|op)\b.{6,}", re.I)
DATED = re.compile(r"\d")
RULE = re.compile(
    r"^\s*-{2,}\s*(?:original message|mensaje original|message d'origine|urspr[uü]ngliche nachricht|messaggio originale"
    r"|mensagem original|forwarded message|mensaje reenviado|mensaje remitido)\s*-{2,}\s*$"
    r"|^\s*(?:begin forwarded message|inicio del mensaje reenviado|comienzo del mensaje reenviado)\s*:\s*$",
    re.I,
)
LINE = re.compile(r"^\s*_{10,}\s*$")
FROM = re.compile(r"^\s*\*?(?:from|de|von|da)\s*:\*?\s*(?P<who>\S.*)$", re.I)
FIELD = re.compile(
    r"^\s*\*?(?:sent|date|to|cc|subject|enviado(?: el)?|fecha|para|cc|asunto|gesendet|an|betreff|envoy[eé]|[aà]|objet"
    r"|reply-to|responder a)\s*:\*?",
    re.I,
)
SIGNED = re.compile(r"^--\s?$")
SENT_FROM = re.compile(
    r"^\s*(?:sent from my\b|sent from (?:outlook|mail|yahoo|gmail)|get outlook for|enviado desde (?:mi|el)\b|obtener outlook"
    r"|enviado desde (?:outlook|correo|yahoo|gmail)|von meinem .* gesendet)",
    re.I,
)
ADDRESS = re.compile(r"[^\s<>\"'()\[\]:;,]+@[\w-]+(?:\.[\w-]+)+")
MARK = re.compile(r"^\s?> ?")
QUOTED = re.compile(r"^\s?>+ ?")
LONGEST_SIGNATURE = 15
DEEPEST = 30


class Part(NamedTuple):
    """One mail within a mail. `who` is as the program announces it ("Ana <ana@x.es>"), "" for the mail itself."""

    who: str
    text: str
    signature: str = ""


def parts(text: str) -> list[Part]:
    """The mail itself and then the ones quoted under it, the newest first."""
    found: list[Part] = []
    who, lines = "", text.replace("\r", "").split("\n")
    while len(found) < DEEPEST:
        at = _quotation(lines)
        if at is None:
            break
        start, end, announced = at
        under, quoted = _apart(lines[end:])
        found.append(_part(who, [*lines[:start], *under]))
        who, lines = announced or "?", quoted
    found.append(_part(who, lines))
    return [part for number, part in enumerate(found) if number == 0 or part.text]


def address(announced: str) -> str:
    """The address somebody is announced with, or ""."""
    found = ADDRESS.search(announced)
    return found[0].lower() if found else ""


def _part(who: str, lines: Sequence[str]) -> Part:
    text, signature = _signed(list(lines))
    return Part(who, "\n".join(text).strip(), "\n".join(signature).strip())


def _quotation(lines: Sequence[str]) -> tuple[int, int, str] | None:
    """Where the first quoted mail begins: the line of its announcement, the line of its text, and who wrote it.

    Answers written between the quoted lines are no history: quoted lines that are not announced at all, with new text
    under them, stay where they are.
    """
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        if RULE.match(line) or LINE.match(line):
            after = _skip_blank(lines, number + 1)
            if block := _block(lines, after):
                return number, block[0], block[1]
            if RULE.match(line):
                return number, after, ""
            continue
        if block := _block(lines, number):
            return number, block[0], block[1]
        for span in (1, 2, 3):  # a long announcement is wrapped
            said = " ".join(lines[number : number + span])
            if span > 1 and not WROTE_STARTS.match(line):
                break
            if WROTE.match(said) and (DATED.search(said) or address(said)):
                return number, number + span, _who(said)
        if line.startswith(">") and _only_quoted(lines[number:]):
            return number, number, ""
    return None


def _block(lines: Sequence[str], start: int) -> tuple[int, str] | None:
    """A block "From: … Sent: … To: …": the line after it and who wrote."""
    found = FROM.match(_unquoted(lines[start])) if start < len(lines) else None
    if found is None:
        return None
    end, fields = start + 1, 0
    while end < len(lines) and (line := _unquoted(lines[end])).strip():
        if not FIELD.match(line) and fields == 0:
            return None
        fields += bool(FIELD.match(line))
        if not FIELD.match(line) and not line.startswith((" ", "\t")) and ":" not in line and "@" not in line:
            break
        end += 1
    return (end, found["who"].strip().strip("*").strip()) if fields >= 2 else None


def _who(said: str) -> str:
    """ "El lun, 2 mar 2026 a las 10:14, Ana Ruiz (<ana@x.es>) escribió:" -> "Ana Ruiz <ana@x.es>"."""
    bare = re.sub(
        r"\s*\b(?:wrote|escribi[oó]|a écrit|schrieb|ha scritto|escreveu|schreef)\b.*$", "", said, flags=re.I | re.S
    )
    at = address(bare)
    before = ADDRESS.split(bare)[0] if at else bare
    name = re.split(r"\d{1,2}[:.]\d{2}(?::\d{2})?(?:\s*[ap]\.?\s?m\.?)?|,\s|\d{4}", before, flags=re.I)[-1]
    name = re.sub(r"[<(\[\"]|mailto:|\bUTC\b|\bGMT\b|[+-]\d{4}", "", name).strip(" ,;:\"'")
    name = name if any(letter.isalpha() for letter in name) and len(name) < 80 else ""
    return f"{name} <{at}>".strip() if at else name


def _apart(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """What follows an announcement: new text under or between the quoted lines, and those without one level of marks.

    Where no line is marked, all of it is quoted: that is how Outlook does it.
    """
    first = next((line for line in lines if line.strip()), "")
    if not MARK.match(first):
        return [], list(lines)
    new = [line for line in lines if not MARK.match(line)]
    return new, [MARK.sub("", line) for line in lines if MARK.match(line)]


def _only_quoted(lines: Sequence[str]) -> bool:
    """Quoted to the end, but for a signature: nobody has answered between these lines."""
    text, _ = _signed(list(lines))
    return all(not line.strip() or MARK.match(line) for line in text)


def _unquoted(line: str) -> str:
    return QUOTED.sub("", line)


def _skip_blank(lines: Sequence[str], start: int) -> int:
    return next((number for number in range(start, len(lines)) if lines[number].strip()), len(lines))


def _signed(lines: list[str]) -> tuple[list[str], list[str]]:
    """The text, and the signature under it: after "-- ", or the line a telephone adds."""
    for number in range(len(lines) - 1, -1, -1):
        if SIGNED.match(lines[number]) and len(lines) - number <= LONGEST_SIGNATURE + 1:
            return lines[:number], lines[number + 1 :]
    kept = [line for line in lines if not SENT_FROM.match(line)]
    return kept, [line for line in lines if SENT_FROM.match(line)]
