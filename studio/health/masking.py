"""Personal data replaced by placeholders: the same person or number is "[Phone 2]" ("[Teléfono 2]") wherever it stands.

What is behind a placeholder is kept in the studio's private folder, where only the owner of this machine's account can
read it. In the project it stands in the originals alone, which are never touched and never leave with an assistant.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from studio.base import files
from studio.base.project import Project
from studio.base.records import Change, Record
from studio.health import names, personal
from studio.health.material import Material, Moved, replace, rewritten
from studio.health.phones import PHONE
from studio.health.spots import Found, Kind, Stretches
from studio.intake import language

VAULT = "masked.json"
FEWEST_DIGITS = 8  # of a known number, for it to be recognised without its country
FEWEST_LETTERS = 6  # of a known secret, for it to be hidden wherever it stands


class _Vault(Record):
    """`numbers`: the number of each value; `hidden`: what stood behind each placeholder, as it was first written."""

    numbers: dict[str, int] = Field(default={})
    hidden: dict[str, str] = Field(default={})


class Masked(NamedTuple):
    """What masking changes; the number of each value ("phone +34…": 2); what is hidden ("phone 2": as it was written)."""

    changes: list[Change]
    numbers: dict[str, int]
    hidden: dict[str, str]


def private_data(material: Material) -> list[Change]:
    """Hide what is private; what the company publishes itself (`personal.published`) stays."""
    return mask(material).changes


def all_data(material: Material) -> list[Change]:
    """Hide everything, the company's own contact data too."""
    return mask(material, everything=True).changes


def mask(material: Material, *, everything: bool = False) -> Masked:
    """Placeholders for the personal data in documents, examples and questions.

    Numbers given out before (`material.known`) are used again. A telephone number, a full name or a password that was
    recognised in one place is hidden in all others too, also where nothing announces it.
    """
    looked: dict[tuple[str, str], list[Found]] = {}

    def look(text: str, spoken: str) -> Moved:
        if (text, spoken) not in looked:
            looked[text, spoken] = personal.find(text, spoken)
        return Moved(text)

    rewritten(material, look, language.of)
    open_to_all = [] if everything else [each for each in material.documents if personal.publishes(each)]
    told = personal.told(looked[each.text, each.language] for each in open_to_all)
    hider = _Hider(material, looked, told)
    return Masked(rewritten(material, hider.hide, language.of), hider.numbers, hider.hidden)


def reveal(text: str, project: Project, private: Path) -> str:
    """The text with what stood behind its placeholders, as it was first written. For the owner's eyes only."""
    hidden = _read(project, private).hidden

    def back(each: re.Match[str]) -> str:
        return hidden.get(f"{_kinds()[each[1]]} {each[2]}", each[0])

    return _placeholder().sub(back, text)


def known(project: Project, private: Path) -> dict[str, int]:
    """The numbers that were given out in this project before."""
    return _read(project, private).numbers


def keep(project: Project, private: Path, masked: Masked) -> None:
    """Add what is about to be hidden to the vault. The vault's folder is there already."""
    before = _read(project, private)
    both = _Vault(numbers=before.numbers | masked.numbers, hidden=masked.hidden | before.hidden)
    files.write_atomically(vault(project, private), both.model_dump_json())  # which makes files of mode 0600


def vault(project: Project, private: Path) -> Path:
    """The file that knows what is behind the project's placeholders."""
    return private / "undo" / project.id / VAULT


class _Hider:
    """Gives out placeholders while texts go by, in the order in which they do."""

    def __init__(self, material: Material, looked: dict[tuple[str, str], list[Found]], told: frozenset[object]) -> None:
        every = {(each.kind, each.value) for found in looked.values() for each in found}
        given = {tuple(key.split(" ", 1)) for key in material.known}
        self._person = _people(value for kind, value in every | given if kind == "name")
        self._told = told | {(kind, value) for kind, value in every if (kind, self._person.get(value, value)) in told}
        private = {(kind, value) for kind, value in every | given if (kind, value) not in self._told}
        self._looked = looked
        self._phones = {value[-FEWEST_DIGITS:]: value for kind, value in private if kind == "phone"}
        self._names = {value for kind, value in private if kind == "name" and " " in value}
        self._secrets = {value for kind, value in every if kind == "secret" and len(value) >= FEWEST_LETTERS}
        self.numbers = dict(material.known)
        self.hidden: dict[str, str] = {}
        self._last = _last_numbers(text for text, _ in looked)
        for key, number in material.known.items():
            kind = key.split(" ", 1)[0]
            self._last[kind] = max(self._last[kind], number)

    def hide(self, text: str, spoken: str) -> Moved:
        """The text with its placeholders. What is only seen once its neighbour is hidden is hidden too."""
        moved, found = Moved(text), self._looked.get((text, spoken), [])
        while spots := self._spots(moved.text, found):
            stretches = [(each.start, each.end, self._placeholder(each, moved.text, spoken)) for each in spots]
            moved = replace(moved.text, stretches)._replace(earlier=moved)
            found = personal.find(moved.text, spoken)
        return moved

    def _spots(self, text: str, found: Iterable[Found]) -> list[Found]:
        free = Stretches()
        found = [each for each in found if free.take(each.start, each.end)]
        again = [each for each in self._again(text) if free.take(each.start, each.end)]
        return sorted(
            [*(each for each in found if (each.kind, each.value) not in self._told), *again],
            key=lambda each: each.start,
        )

    def _again(self, text: str) -> Iterator[Found]:
        """What was recognised elsewhere and stands here without anything to tell it by."""
        if self._phones:
            for each in PHONE.finditer(text):
                digits = re.sub(r"\D", "", each[0])
                value = self._phones.get(digits[-FEWEST_DIGITS:], "")
                if value.endswith(digits.removeprefix("00")):
                    yield Found("phone", value, each.start(), each.end())
        if self._names:
            for each in names.CAPITALS.finditer(text):
                yield from self._named(each)
        for secret in self._secrets:
            at = text.find(secret)
            while at >= 0:
                yield Found("secret", secret, at, at + len(secret))
                at = text.find(secret, at + len(secret))

    def _named(self, each: re.Match[str]) -> Iterator[Found]:
        words = [*re.finditer(r"\S+", each[0])]
        for length in range(len(words), 1, -1):
            for first in range(len(words) - length + 1):
                start, end = words[first].start(), words[first + length - 1].end()
                value = names.plain(each[0][start:end])
                if value in self._names:
                    yield Found("name", value, each.start() + start, each.start() + end)
                    return

    def _placeholder(self, found: Found, text: str, spoken: str) -> str:
        value = self._person.get(found.value, found.value) if found.kind == "name" else found.value
        key = f"{found.kind} {value}"
        if key not in self.numbers:
            self._last[found.kind] += 1
            self.numbers[key] = self._last[found.kind]
        number = self.numbers[key]
        self.hidden.setdefault(f"{found.kind} {number}", text[found.start : found.end])
        return f"[{_words()['es' if spoken == 'es' else 'en'][found.kind]} {number}]"


def _people(values: Iterable[str]) -> dict[str, str]:
    """The fullest form of each name, where there is only one: "garcia" is "juan garcia" as long as no other García is."""
    every = set(values)
    holding: dict[str, set[str]] = defaultdict(set)
    for value in every:
        for word in value.split():
            holding[word].add(value)
    fullest: dict[str, str] = {}
    for value in every:
        longer = set.intersection(*(holding[word] for word in value.split())) - {value} if value else set()
        top = [name for name in longer if not any(set(name.split()) < set(other.split()) for other in longer)]
        if len(top) == 1:
            fullest[value] = top[0]
    return fullest


def _last_numbers(texts: Iterable[str]) -> Counter[str]:
    """The highest number of each kind among placeholders that stand in the texts already."""
    last = Counter[str]()
    for text in texts:
        if "[" in text:
            for each in _placeholder().finditer(text):
                kind = _kinds()[each[1]]
                last[kind] = max(last[kind], int(each[2]))
    return last


def _read(project: Project, private: Path) -> _Vault:
    return _Vault.model_validate(files.read_json(vault(project, private)) or {})


@cache
def _words() -> dict[str, dict[Kind, str]]:
    words: dict[str, dict[Kind, str]] = json.loads(
        Path(__file__).with_name("placeholders.json").read_text(encoding="utf-8")
    )
    return words


@cache
def _kinds() -> dict[str, Kind]:
    return {word: kind for words in _words().values() for kind, word in words.items()}


@cache
def _placeholder() -> re.Pattern[str]:
    return re.compile(rf"\[({'|'.join(map(re.escape, _kinds()))}) (\d{{1,9}})\]")
