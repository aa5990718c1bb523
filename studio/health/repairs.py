"""What can be done about a finding: pure functions from the material to the changes that mend it.

Each takes exactly what its finding counted, by the same detector. Nothing is stored here and no original is touched;
`mending` applies the changes and takes them back.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from studio.base.records import Change, Example
from studio.health import answers, masking, steering
from studio.health import documents as texts
from studio.health import examples as pairs
from studio.health.material import Material, Moved, Piece, Repairer, replace, rewritten, taken_out

__all__ = ["REPAIRS", "Material", "Repairer"]

SENTENCE_ENDS = re.compile(r"[.!?…][\"'»”)]*\s+|\n+")


def drop_empty(material: Material) -> list[Change]:
    """Take out documents, examples and questions without a word."""
    return taken_out(
        [
            *(each for each in material.documents if not pairs.has_words(each.text)),
            *pairs.empty(material.examples),
            *(each for each in material.questions if not pairs.has_words(each.question)),
        ]
    )


def drop_duplicates(material: Material) -> list[Change]:
    """Of documents and of examples that say the same word for word the first one stays."""
    documents = [copy for _, copy in texts.copies(material.documents)]
    return taken_out([*documents, *_until_gone(pairs.copies, material.examples)])


def drop_near_duplicates(material: Material) -> list[Change]:
    """Of examples that say nearly the same the first one stays."""
    return taken_out(_until_gone(pairs.near_copies, material.examples))


def keep_newest_answer(material: Material) -> list[Change]:
    """Of the answers that dispute with each other the newest stays, and the older ones that agree with it.

    Newer is what stands later: further down in its file, or in a file that was brought in later.
    """
    return taken_out(_until_gone(_outdated, material.examples))


def drop_leaks(material: Material) -> list[Change]:
    """Take out examples to learn from that give a test question away. The test stays whole."""

    def leaking(examples: Sequence[Example]) -> list[Example]:
        return pairs.leaking(*pairs.tested(examples, material.questions))

    return taken_out(_until_gone(leaking, material.examples))


def drop_truncated(material: Material) -> list[Change]:
    """Take out examples whose answer breaks off."""
    return taken_out(_until_gone(answers.truncated, material.examples))


def fix_garbled(material: Material) -> list[Change]:
    """Mend letters that came out wrong ("Ã±" for "ñ") and remove those nobody sees; documents that stay unreadable go."""
    changes = rewritten(material, _mended, lambda text: "")
    after = {change.id: change for change in changes if change.kind == "document"}
    lost: list[Piece] = []
    for document in material.documents:
        change = after.get(document.id)
        now = type(document).model_validate_json(change.after) if change and change.after else document
        if texts.is_garbled(now.text):
            lost.append(document)
    gone = {document.id for document in lost}
    return [*(each for each in changes if each.kind != "document" or each.id not in gone), *taken_out(lost)]


def neutralise_tokens(material: Material) -> list[Change]:
    """Write a blank into control tokens of chat models: "<|im_end|>" becomes "< |im_end|>", which is only text."""
    return rewritten(material, _harmless, lambda text: "")


def drop_orders(material: Material) -> list[Change]:
    """Take out examples that address the model, and of documents the sentences that do.

    A document of which nothing is left is taken out whole.
    """
    examples = [each for each in material.examples if any(steering.ordering_spans(m.content) for m in each.messages)]
    cut = rewritten(material._replace(examples=(), questions=()), _without_orders, lambda text: "")
    empty = [
        document
        for document in material.documents
        if steering.ordering_spans(document.text) and not pairs.has_words(_without_orders(document.text, "").text)
    ]
    gone = {document.id for document in empty}
    return [*(each for each in cut if each.id not in gone), *taken_out([*empty, *examples])]


def _until_gone(found: Callable[[Sequence[Example]], list[Example]], examples: Sequence[Example]) -> list[Example]:
    """What has to go until the detector finds nothing more: without the first ones others may be seen."""
    gone: dict[str, Example] = {}
    left = list(examples)
    while again := found(left):
        gone |= {each.id: each for each in again}
        left = [each for each in left if each.id not in gone]
    return [each for each in examples if each.id in gone]


def _outdated(examples: Sequence[Example]) -> list[Example]:
    """Of each question in dispute, the examples that dispute with a newer one; when none does by itself, all older ones."""
    old: list[Example] = []
    for same in pairs.disputes(examples):
        kept: list[Example] = []
        for example in reversed(same):
            if not any(pairs.disputes([example, newer]) for newer in kept):
                kept.append(example)
        stay = {each.id for each in (kept if len(kept) < len(same) else kept[:1])}
        old += [each for each in same if each.id not in stay]
    return old


def _mended(text: str, language: str) -> Moved:
    """Line by line, so that one bad paste does not decide for the rest."""
    if text.isascii():
        return Moved(text)
    from ftfy import fix_encoding

    stretches: list[tuple[int, int, str]] = []
    for line in re.finditer(r"[^\n]+", text):
        right = fix_encoding(line[0]) if texts.MOJIBAKE.search(line[0]) else line[0]
        for start, end in reversed(steering.hidden_spans(right)):
            right = right[:start] + right[end:]
        if right != line[0]:
            stretches.append(_narrowed(line[0], right, line.start()))
    return replace(text, stretches)


def _narrowed(old: str, new: str, at: int) -> tuple[int, int, str]:
    """The stretch in which the two differ, so that what points at the rest of the line stays where it is."""
    first = _same_start(old, new)
    last = _same_start(old[first:][::-1], new[first:][::-1])
    return at + first, at + len(old) - last, new[first : len(new) - last]


def _same_start(a: str, b: str) -> int:
    return next((n for n, (one, other) in enumerate(zip(a, b, strict=False)) if one != other), min(len(a), len(b)))


def _harmless(text: str, language: str) -> Moved:
    return replace(text, [(each.start() + 1, each.start() + 1, " ") for each in steering.TEMPLATE_TOKEN.finditer(text)])


def _without_orders(text: str, language: str) -> Moved:
    if not steering.ordering_spans(text):
        return Moved(text)
    ends = [0, *(each.end() for each in SENTENCE_ENDS.finditer(text)), len(text)]
    stretches: list[tuple[int, int, str]] = []
    for first, last in steering.ordering_spans(text):
        start, end = ends[bisect_right(ends, first) - 1], ends[bisect_left(ends, last)]
        if stretches and start < stretches[-1][1]:
            start, end = stretches[-1][0], max(end, stretches.pop()[1])
        stretches.append((start, end, ""))
    return replace(text, stretches)


REPAIRS: Mapping[str, Repairer] = MappingProxyType(
    {
        "drop_empty": drop_empty,
        "drop_duplicates": drop_duplicates,
        "drop_near_duplicates": drop_near_duplicates,
        "keep_newest_answer": keep_newest_answer,
        "drop_leaks": drop_leaks,
        "drop_truncated": drop_truncated,
        "fix_garbled": fix_garbled,
        "mask_personal": masking.private_data,
        "mask_everything": masking.all_data,
        "neutralise_tokens": neutralise_tokens,
        "drop_orders": drop_orders,
    }
)
