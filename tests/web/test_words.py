"""Every sentence the pages ask for exists in both languages, in words that business people use."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.base import words
from studio.base.records import LANGUAGES

WEB = Path(words.__file__).parent.parent / "web"
ASKED = re.compile(r"""(?:\bt|\.t|\.count)\(\s*f?["']([^"']+)["']""")


def asked() -> Iterator[tuple[str, str]]:
    for file in sorted([*WEB.rglob("*.py"), *WEB.rglob("*.html")]):
        for key in ASKED.findall(file.read_text(encoding="utf-8")):
            yield file.name, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_a_page_asks_for_exists(language: words.Language) -> None:
    """A key with a part filled in later (`approach.{approach}`) must have at least one sentence that fits."""
    known = words.table(language)
    for file, key in asked():
        pattern = re.compile(re.sub(r"\\\{[^}]*\\\}", "[^ ]+", re.escape(key)) + (".*" if key.endswith(".") else ""))
        assert any(pattern.fullmatch(each) for each in known), f"{file}: {key}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_uses_words_of_the_trade_outside_the_folded_details(language: words.Language) -> None:
    trade = re.compile(
        r"\b(tokens?|epochs?|épocas?|embeddings?|LoRA|RAG|fine-?tun\w*|prompts?|hyperparameters?)\b", re.IGNORECASE
    )
    allowed = ("reason.training", "recipe.", "cli.", "error.", "note.", "finding.", "launch.")
    found = {
        key: text for key, text in words.table(language).items() if trade.search(text) and not key.startswith(allowed)
    }
    assert found == {}
