"""Checks of texts, wherever they stand: nothing to read, garbled letters, languages, tokens and orders meant for a model."""

import re
from collections import Counter
from collections.abc import Sequence

from studio.base.records import Document, Example, Finding, Goal, Level
from studio.health import personal
from studio.intake import language

GARBLED_SHARE = 0.02
FEWEST_LETTERS = 0.45
MINORITY = 0.03
WORDS_A_PAGE = 400
MOJIBAKE = re.compile(r"Ã[\u0080-\u00bf¡-ÿ‚-›]|â€|Â[\u00a0-\u00bf]|[\ufffd\ue000-\uf8ff\u0080-\u009f]|\(cid:\d+\)")
TEMPLATE_TOKEN = re.compile(
    r"<\|[a-zA-Z_0-9]{2,40}\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>|<\|?(?:bos|eos|pad|unk)\|?>"
)
ORDERS = re.compile(
    r"(ignore|disregard|forget|override)\s+(all\s+|any\s+|the\s+|your\s+|my\s+)*(previous|prior|above|earlier|system)\s+"
    r"(instructions?|prompts?|rules?|messages?)"
    r"|(ignora|olvida|descarta|desatiende|haz caso omiso de)\w*\s+(todas?\s+|las\s+|tus\s+|cualquier\s+)*"
    r"(instrucciones|indicaciones|[oó]rdenes|reglas)(\s+(anteriores|previas|del sistema))"
    r"|(reveal|print|show|repeat)\s+(me\s+)?(your|the)\s+(system\s+)?(prompt|instructions)"
    r"|(revela|muestra|imprime|repite)\s+(tu|tus|el|las)\s+(prompt|instrucciones)( del sistema)?"
    r"|you are now (in )?(dan|developer mode|jailbr)|ahora eres (dan|un modelo sin)",
    re.I,
)
ORDERED = (
    *("instruction", "prompt", "rules", "message", "instruccion", "indicacion", "ordenes", "órdenes", "reglas"),
    *("you are now", "ahora eres"),
)
SERIOUS: frozenset[personal.Kind] = frozenset({"iban", "card", "id"})


def nothing(documents: Sequence[Document], examples: Sequence[Example], goal: Goal) -> list[Finding]:
    """No material at all stops everything; facts without documents are only half a plan."""
    if not documents and not examples:
        return [Finding(code="nothing_yet", level="stop", count=0)]
    if not documents and goal.facts_or_style != "style":
        return [Finding(code="documents_none", level="note", count=0)]
    return []


def unreadable(documents: Sequence[Document]) -> list[Finding]:
    """Documents without a word, and documents whose letters came out wrong."""
    empty = [d.name for d in documents if not any(letter.isalnum() for letter in d.text)]
    garbled = [d.name for d in documents if d.name not in empty and _is_garbled(d.text)]
    found = []
    if empty:
        level: Level = "stop" if len(empty) == len(documents) else "warn"
        found.append(Finding(code="documents_empty", level=level, count=len(empty), names=tuple(empty)))
    if garbled:
        found.append(Finding(code="documents_garbled", level="warn", count=len(garbled), names=tuple(garbled)))
    return found


def languages(documents: Sequence[Document], examples: Sequence[Example]) -> list[Finding]:
    """Both languages in one project. No fault, but a surprise to those who thought there was one."""
    spoken = Counter(language.of(f"{example.question} {example.answer}") for example in examples)
    written = Counter(document.language for document in documents)
    both = {each: spoken[each] + written[each] for each in ("en", "es")}
    fewer = min(both, key=lambda each: both[each])
    if both[fewer] == 0 or (not written[fewer] and spoken[fewer] < max(MINORITY * sum(spoken.values()), 3)):
        return []
    names = tuple(document.name for document in documents if document.language == fewer)
    return [Finding(code="languages_mixed", level="note", count=both[fewer], names=names, parameters=both)]


def tokens(documents: Sequence[Document], examples: Sequence[Example]) -> list[Finding]:
    """Control tokens of chat models in plain text; kept as text, and made harmless where a model reads them."""
    return _matching("template_tokens", "note", TEMPLATE_TOKEN, documents, examples, ("<", "[INST", "[/INST"))


def orders(documents: Sequence[Document], examples: Sequence[Example]) -> list[Finding]:
    """Text that addresses the model rather than the reader."""
    return _matching("text_with_orders", "warn", ORDERS, documents, examples, ORDERED)


def people(documents: Sequence[Document], examples: Sequence[Example]) -> list[Finding]:
    """Personal data by kind, different values counted once.

    What stands in the documents as an e-mail address or a phone number is mostly the company's own: a remark. The
    same in the examples would be learnt by heart: a warning, unless the documents give it too.
    """
    published = personal.values((document.text, document.language) for document in documents)
    learnt = personal.values((message.content, "") for example in examples for message in example.messages)
    found = []
    for kind in personal.KINDS:
        private = learnt[kind] - published[kind]
        every = learnt[kind] | published[kind]
        if every:
            level: Level = "warn" if private or kind in SERIOUS else "note"
            counts: dict[str, str | int | float] = {"examples": len(private), "documents": len(published[kind])}
            found.append(Finding(code=f"personal_{kind}", level=level, count=len(every), parameters=counts))
    return found


def ready(documents: Sequence[Document]) -> list[Finding]:
    """Good news: what can be searched, in documents, pages and words."""
    filled = [document for document in documents if document.text.strip()]
    if not filled:
        return []
    words = sum(len(document.text.split()) for document in filled)
    pages = sum(_pages(document) for document in filled)
    return [
        Finding(code="documents_ready", level="good", count=len(filled), parameters={"pages": pages, "words": words})
    ]


def _pages(document: Document) -> int:
    """Real pages where the file has them, otherwise what its words would fill."""
    numbered = {section.page for section in document.sections if section.page is not None}
    return len(numbered) or max(round(len(document.text.split()) / WORDS_A_PAGE), 1)


def _is_garbled(text: str) -> bool:
    visible = [letter for letter in text[:200_000] if not letter.isspace()]
    wrong = sum(len(each[0]) for each in MOJIBAKE.finditer(text[:200_000]))
    letters = sum(letter.isalnum() for letter in visible)
    return wrong > GARBLED_SHARE * len(visible) or (len(visible) > 200 and letters < FEWEST_LETTERS * len(visible))


def _matching(
    code: str,
    level: Level,
    pattern: re.Pattern[str],
    documents: Sequence[Document],
    examples: Sequence[Example],
    hints: Sequence[str],
) -> list[Finding]:
    """Where the pattern occurs. A text that holds none of the `hints` cannot match and is not searched: ten times faster."""
    first = ""
    names: Counter[str] = Counter()
    for name, text in (
        *((document.name, document.text) for document in documents),
        *((example.source.rsplit("/", 1)[-1], m.content) for example in examples for m in example.messages),
    ):
        lowered = text.lower()
        if not any(hint in text or hint in lowered for hint in hints):
            continue
        for each in pattern.finditer(text):
            first = first or each[0][:80]
            names[name] += 1
    if not names:
        return []
    return [Finding(code=code, level=level, count=names.total(), names=tuple(names), parameters={"example": first})]
