# ruff: noqa: E501, DTZ001 - mails are shown as they are; turns carry times without a zone
"""Mails and mailboxes: who said what to whom, what is only quoted, and the attachments."""

from datetime import datetime
from pathlib import Path

import pytest

from studio.base.errors import Unreadable
from studio.intake import importers
from studio.intake.chats.turns import Turn
from studio.intake.mails import mail, replies, threads
from studio.intake.mails.replies import Part
from studio.intake.papers import packed_rtf
from studio.intake.reading import Reading
from tests.intake import inside, letters, makers

QUESTION = "¿Cuándo sale mi pedido?"
SHOP = "Tienda Sol <tienda@sol.example>"
ANA = "Ana Ruiz <ana@example.org>"


def read(file: Path) -> Reading:
    return importers.read(file, makers.origin(file.name))


def texts(reading: Reading) -> list[tuple[str, list[str]]]:
    return [(d.name, [d.text[s.start : s.end] for s in d.sections]) for d in reading.documents]


def test_a_mail_says_who_wrote_to_whom_when_and_about_what(tmp_path: Path) -> None:
    file = letters.eml(tmp_path, letters.mail("Hola:\n\nGracias.\n\n-- \nAna Ruiz\nCalle Mayor 1"))
    assert texts(read(file)) == [
        ("mail.eml", [f"Pedido 123\n{ANA} → {SHOP} · 2026-03-02 10:14\n\nHola:\n\nGracias.", "Ana Ruiz\nCalle Mayor 1"])
    ]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Sí.\n\nOn Mon, Mar 2, 2026 at 9:00 AM Pepe Gil <p@x.es> wrote:\n> ¿Abren?", ("Sí.", "Pepe Gil <p@x.es>", "¿Abren?")),
        ("Sí.\n\nEl lun, 2 mar 2026 a las 9:00, Pepe Gil (<p@x.es>) escribió:\n\n> ¿Abren?", ("Sí.", "Pepe Gil <p@x.es>", "¿Abren?")),
        ("Sí.\nEl lunes, 2 de marzo de 2026, 9:00:11 CET,\nPepe Gil <p@x.es>\nescribió:\n> ¿Abren?", ("Sí.", "Pepe Gil <p@x.es>", "¿Abren?")),
        ("Sí.\n\n-----Original Message-----\nFrom: Pepe Gil\nSent: Monday\nTo: Shop\nSubject: Hours\n\n¿Abren?", ("Sí.", "Pepe Gil", "¿Abren?")),
        ("Sí.\n\n________________________________\nDe: Pepe Gil <p@x.es>\nEnviado: lunes\nPara: Tienda\nAsunto: Horas\n\n¿Abren?", ("Sí.", "Pepe Gil <p@x.es>", "¿Abren?")),
        ("Sí.\n\nDe: Pepe Gil [mailto:p@x.es]\nEnviado el: lunes\nPara: Tienda\nAsunto: Horas\n\n¿Abren?", ("Sí.", "Pepe Gil [mailto:p@x.es]", "¿Abren?")),
        ("On Mon, Mar 2, 2026 Pepe Gil <p@x.es> wrote:\n> ¿Abren?\n\nSí.", ("Sí.", "Pepe Gil <p@x.es>", "¿Abren?")),
        ("Sí.\n> ¿Abren?\n", ("Sí.", "?", "¿Abren?")),
        ("Sí.\nSent from my iPhone\n\nOn 2 Mar 2026, at 9:00, Pepe Gil <p@x.es> wrote:\n\n> ¿Abren?\n> \n> Enviado desde mi iPhone", ("Sí.", "Pepe Gil <p@x.es>", "¿Abren?")),
    ],
)  # fmt: skip
def test_what_is_only_quoted_is_told_from_what_is_new(text: str, parts: tuple[str, str, str]) -> None:
    first, second = replies.parts(text)
    assert (first.text, second.who, second.text) == parts


@pytest.mark.parametrize(
    "text",
    [
        "From: the team\nWe wish you a good year.",
        "El pedido que hice el lunes no ha llegado:\n- mesa\n- silla",
        "> ¿Abren el lunes?\nSí.\n> ¿Y el martes?\nNo.",
        "On Monday I wrote:\nnothing",
    ],
)
def test_what_only_looks_like_a_quotation_stays(text: str) -> None:
    assert replies.parts(text)[0].text == text or len(replies.parts(text)) == 1


def test_quotations_in_quotations_are_told_apart() -> None:
    text = "c\n\nOn Tue, Mar 3, 2026 at 9:00 AM B <b@x.es> wrote:\n> b\n>\n> On Mon, Mar 2, 2026 at 9:00 AM A <a@x.es> wrote:\n>> a"
    assert replies.parts(text) == [Part("", "c"), Part("B <b@x.es>", "b"), Part("A <a@x.es>", "a")]


def test_a_page_without_a_plain_form_is_read_with_its_quotations(tmp_path: Path) -> None:
    html = (
        "<html><div style='display:none'>preview</div><p>Sale hoy.</p><p>El lun, 2 mar 2026 a las 9:00, Pepe (&lt;p@x.es&gt;) "
        f"escribió:</p><blockquote><p>{QUESTION}</p></blockquote></html>"
    )
    reading = read(letters.eml(tmp_path, letters.mail(html=html, sender=SHOP)))
    assert [(e.question, e.answer) for e in reading.examples] == [(QUESTION, "Sale hoy.")]
    assert texts(reading)[0][1][1] == f"Pepe <p@x.es>:\n\n{QUESTION}"


def test_letters_a_mail_is_wrong_about_are_read(tmp_path: Path) -> None:
    raw = b"From: a@x.es\nSubject: =?utf-8?q?A=C3=B1o?=\nContent-Type: text/plain; charset=utf-8\n\nMa\xf1ana s\xed, se\xf1ora.\n"
    assert texts(read(makers.written(tmp_path, "a.eml", raw)))[0][1] == ["Año\na@x.es\n\nMañana sí, señora."]


@pytest.mark.parametrize(
    "raw",
    [
        b"From: a@x.es\nSubject: x\nDate: nonsense\nContent-Type: text/plain; charset=klingon\n\nText\n",
        b"From: a@x.es\nSubject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nText\n",
        b"From: a@x.es\nSubject: x\nContent-Transfer-Encoding: base64\n\nVGV4dAo",
        b"From: =?utf-8?b?broken\nSubject: x\nMIME-Version: 1.0\nContent-Type: multipart/alternative\n\nText\n",
    ],
)
def test_mails_that_break_the_rules_are_read_as_far_as_they_go(tmp_path: Path, raw: bytes) -> None:
    assert "Text" in read(makers.written(tmp_path, "a.eml", raw)).documents[0].text


def test_attachments_are_documents_of_their_own_and_the_others_are_named(tmp_path: Path) -> None:
    logo = letters.mail(
        "Vea la oferta.",
        files={"../ofer\u202eta.csv": b"question,answer\nA?,B\n", "winmail.dat": b"\x78\x9f>\x22\x00\x01" * 99},
    )
    logo.add_attachment(makers.png(3, 3), maintype="image", subtype="png", cid="<logo>", filename="logo.png")
    logo.add_attachment(letters.mail("Dentro.", subject="El otro"))
    reading = inside.read(letters.eml(tmp_path, logo))
    assert [d.name for d in reading.documents] == ["mail.eml", "mail.eml/El otro.eml"]
    assert [(e.question, e.answer) for e in reading.examples] == [("A?", "B")]
    codes = {f.code: f.names for f in reading.findings}
    assert codes["members_read"] == ("mail.eml",)
    assert codes["examples_read"] == ("mail.eml/oferta.csv",)
    assert codes["members_unknown"] == ("mail.eml/winmail.dat",)


def box(tmp_path: Path) -> Path:
    answer = f"Mañana.\n\nOn Mon, Mar 2, 2026 at 10:14 AM Ana Ruiz <ana@example.org> wrote:\n> {QUESTION}"
    return letters.mbox(
        tmp_path,
        [
            letters.mail(QUESTION, id="1@x"),
            letters.mail("¿Tienen mesas?", "Mesas", "Eva <eva@example.org>", id="9@x"),
            letters.mail(answer, "Re: Pedido 123", SHOP, ANA, "Mon, 02 Mar 2026 12:14:00 +0000", id="2@x", reply_to="1@x"),
            letters.mail("Sí, tres.", "RE: Mesas", SHOP, "Eva <eva@example.org>", "Tue, 03 Mar 2026 09:00:00 +0100"),
        ],
    )  # fmt: skip


def test_a_mailbox_is_a_document_a_thread_and_gives_what_was_asked_and_answered(tmp_path: Path) -> None:
    reading = read(box(tmp_path))
    assert texts(reading) == [
        (
            "box.mbox/Pedido 123",
            [
                f"Pedido 123\n{ANA} → {SHOP} · 2026-03-02 10:14\n\n{QUESTION}",
                f"Re: Pedido 123\n{SHOP} → {ANA} · 2026-03-02 12:14\n\nMañana.",
            ],
        ),
        (
            "box.mbox/Mesas",
            [
                f"Mesas\nEva <eva@example.org> → {SHOP} · 2026-03-02 10:14\n\n¿Tienen mesas?",
                f"RE: Mesas\n{SHOP} → Eva <eva@example.org> · 2026-03-03 09:00\n\nSí, tres.",
            ],
        ),
    ]
    assert len({d.id for d in reading.documents}) == 2
    assert [(e.question, e.answer) for e in reading.examples] == [
        (QUESTION, "Mañana."),
        ("¿Tienen mesas?", "Sí, tres."),
    ]


def test_turns_are_the_new_words_of_each_mail_in_the_order_they_were_sent(tmp_path: Path) -> None:
    first, second = threads.of(list(mail._letters(box(tmp_path))))
    assert mail.turns(first) == [
        Turn(ANA, datetime(2026, 3, 2, 9, 14), QUESTION, 1),
        Turn(SHOP, datetime(2026, 3, 2, 12, 14), "Mañana.", 3),
    ]
    assert [turn.row for turn in mail.turns(second)] == [2, 4]


def test_a_question_that_is_only_quoted_is_a_turn_of_whoever_wrote_it(tmp_path: Path) -> None:
    text = f"Mañana.\n\nOn Mon, Mar 2, 2026 at 10:14 AM Ana Ruiz <ana@example.org> wrote:\n> {QUESTION}"
    file = letters.mbox(tmp_path, [letters.mail(text, sender=SHOP, to=ANA)])
    assert mail.turns(list(mail._letters(file))) == [
        Turn(ANA, None, QUESTION, 1),
        Turn(SHOP, datetime(2026, 3, 2, 9, 14), "Mañana.", 1),
    ]


def test_attachments_of_a_mailbox_are_named_by_their_mail(tmp_path: Path) -> None:
    file = letters.mbox(
        tmp_path, [letters.mail("Uno"), letters.mail("Dos", "Otro", files={"o.txt": b"El precio es 5 euros"})]
    )
    reading = inside.read(file)
    assert [d.name for d in reading.documents] == ["box.mbox/Pedido 123", "box.mbox/Otro", "box.mbox/2/o.txt"]


def test_a_broken_mailbox_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="file_damaged"):
        read(makers.written(tmp_path, "a.mbox", "just some text\n"))


def test_an_outlook_mail_is_read_with_what_is_attached(tmp_path: Path) -> None:
    file = letters.msg(
        tmp_path,
        **{
            "0037": "Oferta",
            "0C1A": "Ana",
            "5D01": "ana@x.es",
            "0E04": "Tienda; Pepe",
            "1000": "Hola, ¿abren?\r\n" + "más " * 2000,
        },
    )
    reading = inside.read(file)
    assert [d.name for d in reading.documents] == ["mail.msg", "mail.msg/Inner mail.eml"]
    assert reading.documents[0].text.startswith(
        "Oferta\nAna <ana@x.es> → Tienda, Pepe · 2026-03-03 05:14\n\nHola, ¿abren?\nmás"
    )
    assert (reading.documents[0].kind, len(reading.examples)) == ("msg", 1)


@pytest.mark.parametrize(
    ("html", "rtf"),
    [
        (b"<html><p>Ma\xf1ana s\xed</p></html>", b""),
        (b"", b"\x20\x00\x00\x00\x12\x00\x00\x00MELA\x00\x00\x00\x00{\\rtf1 Ma\\'f1ana s\\'ed}"),
    ],
)
def test_an_outlook_mail_without_plain_text_is_read_from_its_other_form(
    tmp_path: Path, html: bytes, rtf: bytes
) -> None:
    tree = dict(letters.outlook({"0037": "x"}))
    tree |= (
        {"__substg1.0_10130102": html}
        if html
        else {"__substg1.0_10090102": rtf.replace(b"\x12\x00\x00\x00", b"\xff\x00\x00\x00")}
    )
    assert read(letters.ole(tmp_path, "a.msg", tree)).documents[0].text.endswith("Mañana sí")


def test_packed_rich_text_is_unpacked_as_its_specification_shows() -> None:
    """The example of [MS-OXRTFCP] 4.1."""
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert packed_rtf.unpacked(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


def test_the_same_subject_a_year_later_is_another_thread(tmp_path: Path) -> None:
    mails = [
        letters.mail("Uno", "Factura", id="1@x"),
        letters.mail("Dos", "Re: Factura", SHOP, date="Wed, 03 Mar 2027 10:14:00 +0100", id="2@x"),
        letters.mail("Tres", "RV: Re: Factura", SHOP, date="Fri, 06 Mar 2026 10:14:00 +0100", id="3@x"),
    ]
    found = threads.of(list(mail._letters(letters.mbox(tmp_path, mails))))
    assert [[letter.row for letter in thread] for thread in found] == [[1, 3], [2]]


def test_a_mail_alone_is_no_conversation(tmp_path: Path) -> None:
    reading = read(letters.eml(tmp_path, letters.mail("Hola")))
    assert (reading.examples, reading.findings, reading.layout) == ((), (), None)


def test_what_is_called_eml_and_is_none_is_read_as_text(tmp_path: Path) -> None:
    assert (
        read(makers.written(tmp_path, "a.eml", "Hello there\nJust text\n")).documents[0].text
        == "Hello there\nJust text"
    )


def test_a_text_with_colons_is_not_taken_for_a_mail(tmp_path: Path) -> None:
    (document,) = read(makers.written(tmp_path, "a.txt", "Subject: hours\nFrom: nine\nTo: six\n")).documents
    assert document.kind == "txt"
