"""Text that would steer a model rather than inform a reader: orders, control tokens, letters nobody sees.

White text on white paper cannot be known here: what an importer read has no colour any more. Runs of characters without
width can, and whole sentences are hidden in them.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from studio.base.records import PLACES, Document, Example, Finding, Level, Place
from studio.health import places

TEMPLATE_TOKEN = re.compile(
    r"<\|[a-zA-Z_0-9]{2,40}\|>|<｜[^｜<>]{2,40}｜>|\[/?INST\]|\[/?(?:SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]"
    r"|<</?SYS>>|</?s>|<(?:start|end)_of_turn>|<\|?(?:bos|eos|pad|unk)\|?>|</?(?:tool_call|tool_response|think)>"
    r"|<extra_id_\d+>|<start_of_image>|^###\s*(?:Instruction|Response):",
    re.M,
)
TOKEN_HINTS = ("<", "[inst", "[/inst", "[system_", "[/system_", "[avail", "[/avail", "[tool", "[/tool", "###")
MINE = r"(?:all\s+|any\s+|of\s+|the\s+|your\s+|my\s+|these\s+|those\s+|every\w*\s+)*"
ORDERS = re.compile(
    rf"\b(?:ignore|disregard|forget|override|bypass)\s+{MINE}"
    r"(?:(?:previous|prior|above|earlier|system|preceding)\s+)+"
    r"(?:instructions?|prompts?|rules?|messages?|guidelines?|directions?|context)"
    rf"|\b(?:bypass|override|disable)\s+{MINE}(?:safety|content)\s+(?:guidelines?|filters?|rules|polic(?:y|ies))"
    rf"|\b(?:ignore|disregard|forget|override)\s+{MINE}(?:instructions?|rules|guidelines?|prompts?)"
    r"\s+(?:above|before|given\s+(?:above|before|to\s+you)|you\s+(?:were\s+given|have\s+received|received))"
    r"|\b(?:ignor[ae]|olvid[ae]|descart[ae]|desatiend[ae]|omit[ae]|obvi[ae]"
    r"|haz caso omiso de|hagan? caso omiso de|no hagas caso de)\w*\s+"
    r"(?:todas?\s+|las\s+|los\s+|tus\s+|sus\s+|cualquier\s+)*(?:instrucciones|indicaciones|[oó]rdenes|reglas|normas|directrices|mensajes)"
    r"\s+(?:anteriores|previas|previos|del\s+sistema|precedentes|recibidas|de\s+arriba|que\s+(?:te|le)\s+(?:han\s+)?d\w+)"
    r"|\b(?:reveal|print|show|repeat|output|display|leak)\s+(?:me\s+|us\s+|out\s+)?(?:your|the)\s+"
    r"(?:full\s+|hidden\s+|initial\s+|entire\s+)*(?:system\s+(?:prompt|message|instructions)|(?:hidden|initial)\s+prompt|prompt)\b"
    r"|\b(?:reveal|print|repeat|output|leak)\s+(?:me\s+)?your\s+(?:system\s+|hidden\s+)?instructions"
    r"|\b(?:revel[ae]|mu[eé]str[ae]|imprim[ae]|repit[ae]|filtr[ae])(?:me|nos)?\s+(?:tus?|sus?|el|las?)\s+"
    r"(?:prompt(?:\s+(?:del\s+)?sistema)?|(?:instrucciones|mensaje|indicaciones)\s+(?:del\s+sistema|ocult[ao]s?|iniciale?s?))"
    r"|\b(?:you\s+are\s+now|from\s+now\s+on\s+you\s+are|act\s+as|pretend\s+to\s+be)\s+(?:in\s+|an?\s+)?"
    r"(?:dan\b|developer\s+mode|jailbr\w*|unrestricted|evil|(?:ai|model|assistant)\s+without)"
    r"|\b(?:ahora\s+eres|a\s+partir\s+de\s+ahora\s+eres|act[uú]a\s+como|finge\s+ser)\s+(?:dan\b|un[ao]?\s+(?:ia|modelo|asistente)\s+sin)"
    r"|\b(?:new|updated)\s+system\s+(?:prompt|instructions?)\s*:|\bnuev[ao]s?\s+(?:instrucciones|prompt)\s+del?\s+sistema\s*:"
    r"|\b(?:note|attention|message|instructions?)\s+(?:to|for)\s+(?:the\s+|any\s+)?(?:ai|llm|language\s+model|chatbot)\b"
    r"|\b(?:nota|atenci[oó]n|mensaje|instrucciones)\s+para\s+(?:la\s+|el\s+|cualquier\s+)?(?:ia|llm|modelo\s+de\s+lenguaje)\b",
    re.I,
)
ORDERED = (
    *(
        "instruction",
        "prompt",
        "rules",
        "message",
        "guideline",
        "direction",
        "context",
        "developer mode",
        " dan",
        "jailbr",
    ),
    *("instruccion", "indicacion", "ordenes", "órdenes", "reglas", "normas", "directrices", "mensaje"),
    *(
        "you are now",
        "now on you",
        "act as",
        "pretend to",
        "ahora eres",
        "como dan",
        "finge ser",
        "attention",
        "atención",
    ),
    *("atencion", "nota para", "note to", "note for", "actúa como", "actua como"),
)
UNSEEN = "\u200b-\u200f\u2060-\u2064\u202a-\u202e\u2066-\u2069\ufeff\u00ad\U000e0000-\U000e007f"
HIDDEN = re.compile(rf"[{UNSEEN}]{{8,}}|[\U000e0020-\U000e007e]{{3,}}|[\u202d\u202e]")
UNSEEN_LETTER = re.compile(rf"[{UNSEEN}]")


def tokens(documents: Sequence[Document], examples: Sequence[Example]) -> list[Finding]:
    """Control tokens of chat models in plain text; kept as text, and made harmless where a model reads them."""
    return _matching("template_tokens", "note", TEMPLATE_TOKEN, documents, examples, TOKEN_HINTS, "neutralise_tokens")


def orders(documents: Sequence[Document], examples: Sequence[Example]) -> list[Finding]:
    """Text that addresses the model rather than the reader."""
    return _matching("text_with_orders", "warn", ORDERS, documents, examples, ORDERED, "drop_orders")


def ordering_spans(text: str) -> list[tuple[int, int]]:
    """Where a text orders the model about."""
    return [each.span() for each in ORDERS.finditer(text)]


def hidden(documents: Sequence[Document], examples: Sequence[Example]) -> list[Finding]:
    """Runs of characters without width: nobody sees them, a model reads them."""
    return _matching("text_hidden", "warn", HIDDEN, documents, examples, (), "fix_garbled")


def hidden_spans(text: str) -> list[tuple[int, int]]:
    """Where characters without width run on, or turn the direction of reading."""
    return [each.span() for each in HIDDEN.finditer(text)]


def _texts(documents: Sequence[Document], examples: Sequence[Example]) -> Iterator[tuple[str, Document | Example]]:
    yield from ((document.text, document) for document in documents)
    yield from ((message.content, example) for example in examples for message in example.messages)


def _matching(
    code: str,
    level: Level,
    pattern: re.Pattern[str],
    documents: Sequence[Document],
    examples: Sequence[Example],
    hints: Sequence[str],
    repair: str,
) -> list[Finding]:
    """Where the pattern occurs. A text that holds none of the `hints` cannot match and is not searched: ten times faster."""
    names: Counter[str] = Counter()
    shown: list[Place] = []
    first = ""
    for text, piece in _texts(documents, examples):
        if text.isascii() and not hints:
            continue
        lowered = text.lower()
        if hints and not any(hint in lowered for hint in hints):
            continue
        for each in pattern.finditer(text):
            name = piece.name if isinstance(piece, Document) else places.name_of(piece)
            names[name] += 1
            first = first or UNSEEN_LETTER.sub("", places.excerpt(each[0]))[:80]
            if len(shown) < PLACES:
                at = (
                    places.of_document(piece, *each.span())
                    if isinstance(piece, Document)
                    else places.of_example(piece, text, *each.span())
                )
                shown.append(at)
    if not names:
        return []
    return [
        Finding(
            code=code,
            level=level,
            count=names.total(),
            names=tuple(names),
            parameters={"example": first or "·"},
            places=tuple(shown),
            repairs=(repair,),
        )
    ]
