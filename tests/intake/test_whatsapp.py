"""Exported chats of every form: each message with its time, speaker and line, and what is no message told apart."""

import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from studio import intake
from studio.base.records import Layout, RowFault, Speaker
from studio.intake import importers
from studio.intake.chats import whatsapp
from tests.intake import makers, whatsapp_writer

pytestmark = pytest.mark.usefixtures("read_here")

FORMS = whatsapp_writer.FORMS


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_export_gives_every_message_with_its_time_and_speaker(form: str) -> None:
    content, expected = whatsapp_writer.written(FORMS[form])
    content = content.replace("\r\n", "\n")
    assert whatsapp.is_chat(content)
    assert whatsapp.parse(content) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("form", ["Android es-ES", "Android en, Windows line ends", "iOS en-US"])
def test_whatever_the_letters_are_written_in(tmp_path: Path, form: str, encoding: str) -> None:
    content, expected = whatsapp_writer.written(FORMS[form])
    file = makers.written(tmp_path, "_chat.txt", content, encoding)
    reading = importers.read(file, makers.origin("_chat.txt"))
    texts = [said for said in expected if said.kind == "text"]
    assert reading.layout is not None
    assert (reading.layout.rows, reading.layout.read) == (len(expected), len(texts))
    assert all(f"{said.who}: {said.text}" in reading.documents[0].text for said in texts)
    assert reading.layout.refused == tuple(
        RowFault(row=said.line, code=said.kind) for said in expected if said.kind != "text"
    )


@pytest.mark.parametrize(
    ("dates", "first"),
    [
        (("13/3/24", "14/3/24"), (13, 3)),
        (("3/13/24", "3/14/24"), (13, 3)),
        (("3/4/24", "4/1/24", "4/9/24"), (4, 3)),  # in the other order time goes back
        (("4/3/24", "1/4/24", "9/4/24"), (4, 3)),
        (("5/1/24", "5/2/24", "5/3/24"), (1, 5)),  # three days rather than three months
        (("1/5/24", "2/5/24", "3/5/24"), (1, 5)),
        (("3/4/24", "3/4/24"), (3, 4)),
    ],
)
def test_the_chat_itself_tells_day_from_month(dates: tuple[str, ...], first: tuple[int, int]) -> None:
    said = whatsapp.parse("".join(f"{date}, 10:00 - Ana: {date}\n" for date in dates))
    assert (said[0].at.day, said[0].at.month, len(said)) == (*first, len(dates))


def test_only_americans_write_am_and_pm_in_capitals() -> None:
    american, spanish = (f"3/4/24, 9:05 {half} - Ana: x\n" for half in ("PM", "p. m."))
    assert whatsapp.parse(american)[0].at == datetime(2024, 3, 4, 21, 5)  # noqa: DTZ001
    assert whatsapp.parse(spanish)[0].at == datetime(2024, 4, 3, 21, 5)  # noqa: DTZ001


@pytest.mark.parametrize(
    "inside",
    [
        "mi cita es el\n12/3 a las 9:05 - confirmado",
        "así lo dice:\n99/99/24, 9:05 - Ana: no hay tal día",
        "el 12/3/24 9:05: la cita",
        "en el otro grupo:\n[12/3/24, 9:05:33] Luis: ¿Abren hoy?",
    ],
)
def test_a_message_that_holds_what_looks_like_a_head_stays_whole(inside: str) -> None:
    before = "".join(f"12/3/24, 9:{n:02} - Ana: mensaje {n}\n" for n in range(30))
    said = whatsapp.parse(f"{before}12/3/24, 9:40 - Ana: {inside}\n12/3/24, 9:41 - Luis: vale\n")
    assert [message.text for message in said[30:]] == [inside, "vale"]


def test_what_was_written_under_a_picture_is_kept() -> None:
    said = whatsapp.parse(
        "[12/3/24, 9:05:00] Ana: Se ha roto así\u200e <adjunto: 00000012-PHOTO.jpg>\n"
        "[12/3/24, 9:05:01] Ana: ¿Lo cambian?\n\u200e<adjunto: 00000013-PHOTO.jpg>\n"
        "[12/3/24, 9:05:02] Ana: IMG-20240312-WA0003.jpg (archivo adjunto)\nfoto del producto\n"
        "[12/3/24, 9:05:03] Ana: <Multimedia omitido>\n¿Este modelo?\n"
    )
    assert [(message.kind, message.text) for message in said] == [
        ("text", "Se ha roto así"),
        ("text", "¿Lo cambian?"),
        ("text", "foto del producto"),
        ("text", "¿Este modelo?"),
    ]


def test_a_name_with_a_colon_is_told_from_somebody_who_begins_every_message_alike() -> None:
    content = "".join(
        f"12/3/24, 9:{n:02} - Ana: Nota: cosa {n}\n12/3/24, 9:{n:02} - Taller: Luis: vale {n}\n" for n in range(5)
    )
    assert {said.who for said in whatsapp.parse(content)} == {"Ana", "Taller"}  # nothing tells them apart
    content += "12/3/24, 9:30 - Taller: Luis: <Multimedia omitido>\n"
    assert {said.who for said in whatsapp.parse(content)} == {"Ana", "Taller: Luis"}


def test_words_of_the_service_inside_a_message_are_the_speakers_own() -> None:
    content = (
        "12/3/24, 9:05 - Ana: Luis left\n12/3/24, 9:06 - Luis: I changed the order, security code 123\n"
        "12/3/24, 9:07 - Ana: Llamada a las 9, ¿vale?\n12/3/24, 9:08 - Ana cambió el nombre del grupo a «Hoy: mesa 4»\n"
    )
    assert [(said.who, said.kind) for said in whatsapp.parse(content)] == [
        ("Ana", "text"),
        ("Luis", "text"),
        ("Ana", "text"),
        ("", "service"),
    ]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Chat de WhatsApp con Lola Huertas.txt", "Lola Huertas"),
        ("WhatsApp Chat with Orla (1).txt", "Orla"),
        ("WhatsApp Chat - Orla.zip", "Orla"),
        ("Conversación de WhatsApp con +34 600 12 34 56.txt", "+34 600 12 34 56"),
        ("Conversa do WhatsApp com João.txt", "João"),
        ("_chat.txt", ""),
        ("notes.txt", ""),
    ],
)
def test_the_name_of_the_file_says_whom_the_chat_is_with(name: str, other: str) -> None:
    assert whatsapp.title(name) == other


def test_the_archive_a_phone_sends_is_read_as_the_chat_in_it(tmp_path: Path) -> None:
    path = tmp_path / "WhatsApp Chat - Harbour Insurance.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "_chat.txt", "[12/3/24, 9:05:33] Ana: Am I insured abroad?\n[12/3/24, 9:06:00] Luis: Yes, you are.\n"
        )
        archive.writestr("00000012-PHOTO.jpg", b"\xff\xd8\xff")
    reading = intake.read(path)
    assert [(document.name, document.kind) for document in reading.documents] == [(path.name, "whatsapp")]
    assert [(example.question, example.answer) for example in reading.examples] == [
        ("Am I insured abroad?", "Yes, you are.")
    ]


def test_an_ordinary_text_with_dates_is_no_chat() -> None:
    assert not whatsapp.is_chat("12/3/24, 9:05 - meeting\nNotes: we talked.\nNothing: else.\n")


def test_a_chat_of_pictures_alone_is_said_to_teach_nothing(tmp_path: Path) -> None:
    file = makers.written(
        tmp_path, "_chat.txt", "12/3/24, 9:05 - Ana: <Media omitted>\n12/3/24, 9:06 - Luis: <Media omitted>\n"
    )
    reading = importers.read(file, makers.origin("_chat.txt"))
    assert [finding.code for finding in reading.findings] == ["chat_without_answers", "chat_left_out"]
    assert reading.layout == Layout(
        rows=2,
        refused_count=2,
        refused=(RowFault(row=1, code="media"), RowFault(row=2, code="media")),
    )


def test_two_speakers_and_how_much_they_said(tmp_path: Path) -> None:
    content, _ = whatsapp_writer.written(FORMS["iOS es-ES"])
    file = makers.written(tmp_path, "_chat.txt", content)
    reading = importers.read(file, makers.origin("_chat.txt"))
    assert reading.layout is not None
    assert Speaker(name="Taller: Pepe", messages=2, business=True) in reading.layout.speakers
