"""What Telegram's desktop program exports: one chat, a group, a whole account."""

import json
from pathlib import Path
from typing import Any

import pytest

from studio.base.records import How, Layout, RowFault, Speaker
from studio.intake import importers
from studio.intake.chats import telegram
from studio.intake.reading import Reading
from tests.intake import makers

ORIGIN = makers.origin("result.json")


def entry(id: int, who: str, words: Any, at: str = "2026-03-03T09:05:00", **more: Any) -> dict[str, Any]:
    account = "user" + str(sum(map(ord, who)))
    return {"id": id, "type": "message", "date": at, "from": who, "from_id": account, "text": words, **more}


def chat(name: str, *messages: Any, type: str = "personal_chat") -> dict[str, Any]:
    return {"name": name, "type": type, "id": 7, "messages": list(messages)}


def pairs(reading: Reading) -> list[tuple[str, ...]]:
    return [tuple(message.content for message in example.messages) for example in reading.examples]


SERVICE = {
    "id": 1,
    "type": "service",
    "date": "2026-03-03T09:00:00",
    "actor": "Lola",
    "action": "phone_call",
    "text": "",
}
ONE = chat(
    "Lola",
    SERVICE,
    entry(2, "Lola", "¿Hacen envíos?"),
    entry(
        3, "Marta", ["Sí, lo explica ", {"type": "text_link", "text": "esta página", "href": "https://a.example"}, "."]
    ),
    entry(4, "Lola", "", photo="(File not included)"),
    entry(5, "Lola", [{"type": "bold", "text": "¿Y esta "}, "sartén?"], photo="photos/1.jpg", at="2026-03-03T09:20:00"),
    entry(6, "Marta", "Cuesta 64,90 €", at="2026-03-03T09:21:00", edited="2026-03-03T09:22:00"),
    "nothing",
)


def test_one_chat_gives_its_questions_and_an_account_of_every_entry(tmp_path: Path) -> None:
    file = makers.written(tmp_path, "result.json", json.dumps(ONE))
    reading = importers.read(file, ORIGIN)
    first = ("¿Hacen envíos?", "Sí, lo explica esta página (https://a.example).")
    assert pairs(reading) == [first, (*first, "¿Y esta sartén?", "Cuesta 64,90 €")]
    assert reading.layout == Layout(
        speakers=(Speaker(name="Lola", messages=2), Speaker(name="Marta", messages=2, business=True)),
        rows=7,
        read=4,
        refused_count=3,
        refused=(RowFault(row=1, code="service"), RowFault(row=4, code="media"), RowFault(row=7, code="not_json")),
    )
    assert [(document.kind, document.sections[0].heading) for document in reading.documents] == [
        ("telegram", "2026-03-03 · Lola, Marta")
    ]


def test_the_owner_of_an_account_speaks_for_the_business_in_every_chat() -> None:
    owner = "Marta"
    account = {
        "personal_information": {"user_id": sum(map(ord, owner)), "first_name": owner},
        "contacts": {"list": [{"first_name": "Lola"}]},
        "chats": {
            "list": [
                chat("Lola", entry(2, "Lola", "¿Abren hoy?"), entry(3, owner, "Hasta las 8.")),
                chat("Proveedor", entry(2, owner, "When does it come?"), entry(3, "Tienda Norte", "On Tuesday.")),
            ]
        },
        "left_chats": {"list": [chat("Ana", entry(9, "Ana", "Are you open?"), entry(10, owner, "Until eight."))]},
    }
    reading = telegram.of_text(json.dumps(account), ORIGIN)
    assert reading is not None
    assert pairs(reading) == [("¿Abren hoy?", "Hasta las 8."), ("Are you open?", "Until eight.")]
    assert reading.layout is not None
    assert [speaker.name for speaker in reading.layout.speakers if speaker.business] == [owner]
    assert [section.heading.split(" · ")[0] for section in reading.documents[0].sections] == [
        "Lola",
        "Proveedor",
        "Ana",
    ]


def test_in_a_group_replies_find_their_question() -> None:
    group = chat(
        "Orders",
        entry(1, "Ana", "Do you ship to Cork?"),
        entry(2, "Bob", "Do you have pans?"),
        entry(3, "Shop", "Three are left.", reply_to_message_id=2),
        entry(4, "Shop", "We do, in two days.", reply_to_message_id=1),
        type="private_supergroup",
    )
    reading = telegram.of_text(json.dumps(group), ORIGIN)
    assert reading is not None
    assert pairs(reading) == [("Do you have pans?", "Three are left."), ("Do you ship to Cork?", "We do, in two days.")]


def test_two_people_of_one_name_and_one_who_left_stay_apart() -> None:
    group = chat(
        "Orders",
        entry(1, "Ana", "one"),
        {**entry(2, "Ana", "two"), "from_id": "user9"},
        {**entry(3, "x", "three"), "from": None, "from_id": "user8"},
        type="private_group",
    )
    reading = telegram.of_text(json.dumps(group), ORIGIN)
    assert reading is not None
    assert reading.layout is not None
    assert {speaker.name for speaker in reading.layout.speakers} == {"Ana (user272)", "Ana (user9)", "user8"}


def test_the_person_says_who_answers() -> None:
    reading = telegram.of_text(json.dumps(ONE), ORIGIN.model_copy(update={"how": How(business=("Lola",))}))
    assert reading is not None
    assert reading.layout is not None
    assert [speaker.name for speaker in reading.layout.speakers if speaker.business] == ["Lola"]


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        '{"messages": [{"role": "user", "content": "date"}]}',
        '{"messages": "date"}',
        '{"chats": {"list": 3}, "messages": [], "date": 1}',
        '{"messages": [], "date": "no end',
        "plain",
    ],
)
def test_other_json_is_none_of_telegrams(content: str) -> None:
    assert telegram.of_text(content, ORIGIN) is None
