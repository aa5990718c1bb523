"""Exported WhatsApp chats, Android and iOS, English and Spanish: what customers asked and what the business answered.

One pattern reads every form of the line head; whether day or month comes first is found in the chat itself. Who
answers is guessed and said. Greetings, pictures and the service's own lines teach nothing and are counted, not kept.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

from studio.base.records import Example, Finding, Message
from studio.intake import text
from studio.intake.reading import Origin, Reading, example, turn

Kind = Literal["text", "media", "system", "deleted"]

INVISIBLE = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"))
SPACES = str.maketrans(dict.fromkeys("\u202f\u00a0\u2007\u2009", " "))
HEAD = re.compile(
    r"^\[?(?P<a>\d{1,4})[./\-](?P<b>\d{1,2})[./\-](?P<c>\d{2,4}),?\s+(?:a las |at )?"
    r"(?P<h>\d{1,2})[:.](?P<m>\d{2})(?:[:.](?P<s>\d{2}))?(?:\s?(?P<half>[AaPp]\.?\s?[Mm]\.?))?(?:\s?h(?:rs)?\.?)?"
    r"\s*(?:\]\s*|\s[-–—]\s)(?P<rest>.*)$"
)
SPEAKER = re.compile(r"^(?P<who>[^:\n]{1,80}?):(?:\s(?P<said>.*))?$", re.S)
MEDIA = re.compile(
    r"^(<\s*(multimedia omitido|archivo omitido|archivo multimedia omitido|media omitted)\s*>"
    r"|(imagen|foto|v[ií]deo|audio|sticker|gif|documento|tarjeta de contacto|videomensaje|image|photo|video|document"
    r"|contact card|video note) (omitid[oa]|omitted)"
    r"|.*\((archivo adjunto|file attached)\)|.*<\s*(adjunto|attached)\s*:.*>"
    r"|(ubicaci[oó]n|location): https?://\S+|null)\s*$",
    re.I,
)
DELETED = re.compile(
    r"^(se elimin[oó] este mensaje|eliminaste este mensaje|este mensaje fue eliminado|this message was deleted"
    r"|you deleted this message)\.?$",
    re.I,
)
EDITED = re.compile(r"\s*<\s*(se edit[oó] este mensaje|this message was edited|editado|edited)\.?\s*>\s*$", re.I)
SYSTEM = re.compile(
    r"(cifrad[oa]s de extremo a extremo|end-to-end encrypted|cre[oó] (el|este) grupo|created (this )?group"
    r"|añadi[oó] a |se uni[oó]|\badded\b|\bleft$|sali[oó] del grupo|cambi[oó] (el|su|la) |changed (the|this|their) "
    r"|c[oó]digo de seguridad|security code|llamada (de voz|de v[ií]deo|perdida)|missed (voice|video) call"
    r"|cuenta de empresa|business account)",
    re.I,
)
CALL = re.compile(r"^(missed )?(voice|video) call\b|^(video)?llamada( de (voz|v[ií]deo))?( perdida)?\b", re.I)
TITLE = re.compile(
    r"^(?:chat de whatsapp con|whatsapp chat with|whatsapp chat -|conversaci[oó]n de whatsapp con)\s+(.+)$",
    re.I,
)
GREETING = re.compile(
    r"^(?:(?:muy |muchas |many |thank |thanks |good |buen[oa]s? |hasta |mil |so |very |a ti |y |and |a |que tenga |have )*"
    r"(?:hola+|buenas|buenos|d[ií]as?|tardes|noches|gracias|vale|ok(?:ay|i|ey)?|perfecto|genial|estupendo|adi[oó]s|luego"
    r"|saludos|de nada|s[ií]|no|hi+|hello|hey|morning|afternoon|evening|night|thanks?|you|much|great|perfect|bye"
    r"|cheers|welcome|sure|yes|lovely|nice|un|saludo|ti|usted|pronto|all|again|see|soon|tal|qu[eé])[\s,.!¡¿?]*)+$",
    re.I,
)
BUSINESS = re.compile(
    r"\b(tienda|shop|store|support|soporte|atenci[oó]n|clientes?|service|servicio|ventas|sales|empresa|office|oficina"
    r"|s\.?l\.?u?|s\.?a\.?|ltd|inc|gmbh|help|ayuda|desk|insurance|seguros|bakery|panader[ií]a)\b",
    re.I,
)
ANSWERS = re.compile(r"\b(s[ií]|no|yes|sure)\b", re.I)
FOLLOWS = re.compile(r"^[¿\s]*(y|and|e)\b", re.I)
ANSWER_WITHIN = timedelta(hours=24)
SAME_TURN_WITHIN = timedelta(hours=2)
HEADS_NEEDED = 2


class Said(NamedTuple):
    """A message as exported; `who` is "" for the service's own lines, `line` where it begins in the file."""

    line: int
    at: datetime
    who: str
    text: str
    kind: Kind


class Turn(NamedTuple):
    """What one side said in one go."""

    line: int
    start: datetime
    end: datetime
    business: bool
    text: str


def is_chat(content: str) -> bool:
    """Whether the first lines carry the dates and names an export has."""
    lines = [line for line in content[:20_000].split("\n")[:60] if line.strip()]
    heads = [found for line in lines if (found := HEAD.match(_visible(line)))]
    speaking = sum(bool(SPEAKER.match(head["rest"])) for head in heads)
    return len(heads) >= HEADS_NEEDED and speaking >= HEADS_NEEDED and len(heads) >= 0.2 * len(lines)


def read(file: Path, origin: Origin) -> Reading:
    return of_text(text.text_of(file, origin), origin)


def of_text(content: str, origin: Origin) -> Reading:
    """The questions customers asked and the business answered within a day; never a document."""
    said = parse(content)
    business = who_answers(said, origin.name)
    turns = list(_turns([message for message in said if message.kind == "text"], business))
    made = tuple(_examples(turns, origin))
    kinds = Counter(message.kind for message in said)
    greetings = sum(message.kind == "text" and _says_nothing(message, business) for message in said)
    read = Finding(
        code="chat_read" if made else "chat_without_answers",
        level="good" if made else "warn",
        count=len(made),
        names=(origin.name,),
        parameters={"messages": len(said), "business": business},
    )
    left_out = kinds["media"] + kinds["system"] + kinds["deleted"] + greetings
    noted = Finding(
        code="chat_left_out",
        level="note",
        count=left_out,
        names=(origin.name,),
        parameters={
            "media": kinds["media"],
            "greetings": greetings,
            "service": kinds["system"] + kinds["deleted"],
        },
    )
    return Reading(examples=made, findings=(read, noted) if left_out else (read,))


def parse(content: str) -> list[Said]:
    """Every message with its time and speaker; lines without a head go on the message before."""
    heads: list[tuple[int, re.Match[str], list[str]]] = []
    for number, raw in enumerate(content.split("\n"), start=1):
        line = _visible(raw)
        found = HEAD.match(line)
        if found:
            heads.append((number, found, [found["rest"]]))
        elif heads:
            heads[-1][2].append(line)
    day_first = _day_first([head for _, head, _ in heads])
    said = []
    for number, head, lines in heads:
        at = _time(head, day_first)
        if at is not None:
            said.append(_message(number, at, "\n".join(lines).strip()))
    return said


def who_answers(said: Sequence[Said], name: str = "") -> str:
    """The speaker who stands for the business: named like one, not the one the file is named after, answering most."""
    speakers = Counter(message.who for message in said if message.who and message.kind != "system")
    if not speakers:
        return ""
    replies: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    spoken = [message for message in said if message.who and message.kind == "text"]
    for before, after in itertools.pairwise(spoken):
        asks = "?" in before.text
        asked[before.who] += asks
        if before.who != after.who and asks:
            replies[after.who] += 1
    title = TITLE.match(Path(name).stem)
    other = title[1].strip().lower() if title else ""

    def weight(who: str) -> tuple[bool, float, int]:
        share = (replies[who] + 1) / (replies[who] + asked[who] + 2)
        return bool(BUSINESS.search(who)), share - (0.2 if who.lower() == other else 0.0), replies[who]

    return max(speakers, key=weight)


def _visible(line: str) -> str:
    return line.translate(INVISIBLE).translate(SPACES).rstrip()


def _day_first(heads: Sequence[re.Match[str]]) -> bool:
    """A number above twelve decides; else the order in which time goes forward; else day first, as most of the world."""
    if any(int(head["a"]) > 12 for head in heads if len(head["a"]) < 4):
        return True
    if any(int(head["b"]) > 12 for head in heads):
        return False

    def backwards(day_first: bool) -> int:
        times = [time for head in heads if (time := _time(head, day_first))]
        return sum(after < before for before, after in itertools.pairwise(times))

    return backwards(True) <= backwards(False)


def _time(head: re.Match[str], day_first: bool) -> datetime | None:
    a, b, c = int(head["a"]), int(head["b"]), int(head["c"])
    if len(head["a"]) == 4:
        year, month, day = a, b, c
    else:
        day, month, year = (a, b, c) if day_first else (b, a, c)
    half = (head["half"] or "").lower().replace(".", "").replace(" ", "")
    hour = int(head["h"]) % 12 + 12 * (half == "pm") if half else int(head["h"])
    year += 2000 if year < 100 else 0
    try:  # an export names no time zone, and only differences matter
        return datetime(year, month, day, hour, int(head["m"]), int(head["s"] or 0))  # noqa: DTZ001
    except ValueError:
        return None


def _message(line: int, at: datetime, rest: str) -> Said:
    found = SPEAKER.match(rest)
    first = rest.split("\n", 1)[0]
    if found is None or (SYSTEM.search(found["who"]) and not found["said"]):
        return Said(line, at, "", rest, "system")
    who = found["who"].strip().lstrip("~").strip()
    words = EDITED.sub("", (found["said"] or "").strip()).strip()
    kind: Kind = "text"
    if not words or MEDIA.match(words.split("\n", 1)[0].strip()):
        kind = "media"
    elif DELETED.match(words):
        kind = "deleted"
    elif CALL.match(words) or (("cifrad" in first or "encrypted" in first) and SYSTEM.search(first)):
        kind = "system"
    return Said(line, at, who, words, kind)


def _turns(said: Sequence[Said], business: str) -> Iterator[Turn]:
    """Messages of one side in a row, put together; greetings alone say nothing and are skipped."""
    held: list[Said] = []
    for message in said:
        if _says_nothing(message, business):
            continue
        ours = message.who == business
        same = held and (held[-1].who == business) == ours and (ours or held[-1].who == message.who)
        if not same or message.at - held[-1].at > SAME_TURN_WITHIN:
            if held:
                yield _turn(held, business)
            held = []
        held.append(message)
    if held:
        yield _turn(held, business)


def _turn(held: Sequence[Said], business: str) -> Turn:
    words = "\n".join(message.text for message in held)
    return Turn(held[0].line, held[0].at, held[-1].at, held[0].who == business, words)


def _examples(turns: Sequence[Turn], origin: Origin) -> Iterator[Example]:
    """A question and the answer next to it; one that only makes sense after the pair before ("And in blue?") keeps it."""
    before: tuple[Message, ...] = ()
    ended: datetime | None = None
    for asked, answered in itertools.pairwise(turns):
        if asked.business or not answered.business or answered.start - asked.end > ANSWER_WITHIN:
            continue
        pair = turn(asked.text, answered.text)
        recent = ended is not None and asked.start - ended <= SAME_TURN_WITHIN
        history = before if recent and FOLLOWS.match(asked.text) else ()
        yield example(origin, asked.line, (*history, *pair))
        before, ended = pair, answered.end


def _says_nothing(message: Said, business: str) -> bool:
    """A greeting, thanks, a smiley. A bare yes or no of the business is an answer."""
    return _is_greeting(message.text) and not (message.who == business and ANSWERS.search(message.text))


def _is_greeting(words: str) -> bool:
    letters = re.sub(r"[^\w\s,.!¡¿?]", "", words).strip()
    return len(words) < 60 and (not any(letter.isalnum() for letter in letters) or bool(GREETING.match(letters)))
