"""Exported chats of every form, and what is learnt from them."""

from pathlib import Path

import pytest

from studio.base.records import Finding
from studio.intake import importers, whatsapp
from tests.intake import makers

FORMS = {
    "Android es 24 h": (
        "12/3/24, 9:05 - Los mensajes y las llamadas están cifrados de extremo a extremo. Nadie puede leerlos.\n"
        "12/3/24, 9:05 - Ana Muñoz: ¿Tenéis sartenes?\n12/3/24, 9:07 - Tienda Sol: Sí: quedan 3\ny llegan más\n"
        "13/3/24, 9:08 - Tienda Sol: <Multimedia omitido>\n",
        [("", "system"), ("Ana Muñoz", "text"), ("Tienda Sol", "text"), ("Tienda Sol", "media")],
        "2024-03-12T09:07:00",
    ),
    "Android es 12 h": (
        "12/3/2024 9:05 p. m. - Ana: ¿Tenéis sartenes?\n12/3/2024 9:06 p. m. - Tienda: Se eliminó este mensaje.\n"
        "13/3/2024 12:00 a. m. - Tienda: Sí\n",
        [("Ana", "text"), ("Tienda", "deleted"), ("Tienda", "text")],
        "2024-03-13T00:00:00",
    ),
    "Android es-MX": (
        "05/11/23, 7:45\u202fp.\u202fm. - Juan: ¿Precio?\n15/11/23, 8:01\u202fa.\u202fm. - Tienda: Son $1,200: barato\n"
        "15/11/23, 8:01\u202fa.\u202fm. - Tienda: IMG-20231115-WA0003.jpg (archivo adjunto)\n",
        [("Juan", "text"), ("Tienda", "text"), ("Tienda", "media")],
        "2023-11-15T08:01:00",
    ),
    "iOS es": (
        "\u200e[12/3/24, 9:05:33] Tienda Sol: \u200eLos mensajes y las llamadas están cifrados de extremo a extremo.\n"
        "[12/3/24, 9:05:40] ~\u202fAna: ¿Abren hoy?\n\u200e[12/3/24, 9:06:01] Ana: \u200eimagen omitida\n"
        "[13/3/24, 0:00:59] Tienda Sol: Sí, hasta las 8 \u200e<Se editó este mensaje.>\n",
        [("Tienda Sol", "system"), ("Ana", "text"), ("Ana", "media"), ("Tienda Sol", "text")],
        "2024-03-13T00:00:59",
    ),
    "iOS en-US": (
        "[3/12/24, 9:05:33\u202fPM] Ann: Do you ship?\n[3/13/24, 12:01:02\u202fAM] Garden Shop: Yes: in 2 days\n",
        [("Ann", "text"), ("Garden Shop", "text")],
        "2024-03-13T00:01:02",
    ),
    "Android en-US": (
        "3/12/24, 9:05\u202fPM - Messages and calls are end-to-end encrypted.\n3/12/24, 9:06\u202fPM - Ann: Do you ship?\n"
        "3/25/24, 9:07\u202fPM - Shop: <Media omitted>\n3/25/24, 9:08\u202fPM - Shop: Yes\n",
        [("", "system"), ("Ann", "text"), ("Shop", "media"), ("Shop", "text")],
        "2024-03-25T21:08:00",
    ),
    "Android en-GB": (
        '12/03/2024, 21:05 - Ann created group "Orders"\n12/03/2024, 21:06 - Ann: Do you ship?\n'
        "14/03/2024, 09:00 - Shop: Yes\n14/03/2024, 09:00 - Bob left\n",
        [("", "system"), ("Ann", "text"), ("Shop", "text"), ("", "system")],
        "2024-03-14T09:00:00",
    ),
    "dots": (
        "[12.03.24, 09:05:33] Ana: Hallo?\n[13.03.24, 09:05:33] Shop: Ja\n",
        [("Ana", "text"), ("Shop", "text")],
        "2024-03-13T09:05:33",
    ),
    "ISO": (
        "2024-03-12, 21:05 - Ann: hi?\n2024-03-12 21:06 - Shop: no comma\n",
        [("Ann", "text"), ("Shop", "text")],
        "2024-03-12T21:06:00",
    ),
    "month first by order": (
        "3/4/24, 10:00 - A: x?\n4/1/24, 10:00 - Shop: y\n4/9/24, 10:00 - A: z\n",
        [("A", "text"), ("Shop", "text"), ("A", "text")],
        "2024-04-01T10:00:00",
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_export_parses_with_every_message_and_speaker(form: str) -> None:
    content, expected, time = FORMS[form]
    said = whatsapp.parse(content)
    assert whatsapp.is_chat(content)
    assert [(message.who, message.kind) for message in said] == expected
    answer = [m for m in said if m.kind == "text" and ("Shop" in m.who or "Tienda" in m.who)][-1]
    assert answer.at.isoformat() == time


def test_questions_and_answers_are_mined_and_never_a_document(tmp_path: Path) -> None:
    content = (
        "12/3/24, 9:05 - Los mensajes y las llamadas están cifrados de extremo a extremo.\n"
        "12/3/24, 9:05 - Lola: Hola, buenos días!\n"
        "12/3/24, 9:06 - Romero: Buenos días 🙂\n"
        "12/3/24, 9:07 - Lola: ¿Hacen envíos\na Canarias?\n"
        "12/3/24, 9:08 - Lola: Es para un regalo\n"
        "12/3/24, 9:10 - Romero: Sí.\n"
        "12/3/24, 9:10 - Romero: Tarda 5 días.\n"
        "12/3/24, 9:11 - Lola: ¿Y a Ceuta?\n"
        "12/3/24, 9:12 - Romero: También.\n"
        "12/3/24, 9:12 - Romero: <Multimedia omitido>\n"
        "12/3/24, 9:13 - Lola: Muchas gracias!!\n"
        "20/3/24, 9:13 - Lola: ¿Abren hoy?\n"
        "28/3/24, 9:13 - Romero: Ya no hace falta, supongo.\n"
    )
    reading = importers.read(
        makers.written(tmp_path, "Chat de WhatsApp con Lola.txt", content),
        makers.origin("Chat de WhatsApp con Lola.txt"),
    )
    first = ("¿Hacen envíos\na Canarias?\nEs para un regalo", "Sí.\nTarda 5 días.")
    assert reading.documents == ()
    assert [(e.row, tuple(m.content for m in e.messages)) for e in reading.examples] == [
        (4, first),
        (9, (*first, "¿Y a Ceuta?", "También.")),
    ]
    assert reading.findings == (
        Finding(
            code="chat_read",
            level="good",
            count=2,
            names=("Chat de WhatsApp con Lola.txt",),
            parameters={"messages": 13, "business": "Romero"},
        ),
        Finding(
            code="chat_left_out",
            level="note",
            count=5,
            names=("Chat de WhatsApp con Lola.txt",),
            parameters={"media": 1, "greetings": 3, "service": 1},
        ),
    )


@pytest.mark.parametrize(
    ("name", "speakers", "business"),
    [
        ("_chat.txt", ("Ana", "Tienda Sol"), "Tienda Sol"),
        ("WhatsApp Chat with Ana.txt", ("Ana", "Marta"), "Marta"),
        ("WhatsApp Chat with Harbour Insurance.txt", ("Ana", "Harbour Insurance"), "Harbour Insurance"),
        ("_chat.txt", ("Ana", "Marta"), "Marta"),
    ],
)
def test_who_speaks_for_the_business_is_guessed(name: str, speakers: tuple[str, str], business: str) -> None:
    asks, answers = speakers
    content = "".join(
        f"12/3/24, 9:0{n} - {asks}: ¿Tienen {n}?\n12/3/24, 9:0{n} - {answers}: Quedan {n}.\n" for n in range(3)
    )
    assert whatsapp.who_answers(whatsapp.parse(content), name) == business


def test_a_message_that_looks_like_a_date_stays_in_its_message() -> None:
    said = whatsapp.parse("12/3/24, 9:05 - Ana: mi cita es el\n12/3 a las 9:05 - confirmado\n")
    assert [message.text for message in said] == ["mi cita es el\n12/3 a las 9:05 - confirmado"]


def test_an_ordinary_text_with_dates_is_no_chat() -> None:
    assert not whatsapp.is_chat("12/3/24, 9:05 - meeting\nNotes: we talked.\nNothing: else.\n")
