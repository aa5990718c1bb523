"""Tables that helpdesks export: a row a message, a row a ticket, in English and Spanish."""

from pathlib import Path

import pytest

from studio.base.records import Column, Finding, How, Layout, RowFault, Speaker
from studio.intake import importers
from studio.intake.chats import helpdesk
from studio.intake.reading import Reading
from studio.intake.tables.rows import Row
from tests.intake import makers

ORIGIN = makers.origin("tickets.csv")


def read(header: str, *rows: str, how: How | None = None) -> Reading | None:
    """Cells are parted by "|"; the first row is the second line of the file."""
    numbered = [Row(number, line.split("|")) for number, line in enumerate(rows, start=2)]
    return helpdesk.of_rows(header.split("|"), numbered, ORIGIN.model_copy(update={"how": how or How()}))


def pairs(reading: Reading | None) -> list[tuple[str, ...]]:
    assert reading is not None
    return [tuple(message.content for message in example.messages) for example in reading.examples]


ASKED, ANSWERED = "My pan arrived broken, can you replace it?", "We send a new one today."


@pytest.mark.parametrize(
    "table",
    [
        """
        Ticket ID|Author|Author role|Created at|Body
        7|Ana|end-user|2026-03-03T09:00:00Z
        7|Marta|agent|2026-03-03T10:00:00Z
        """,
        """
        Ticket Id|From Name|Direction|Sent At|Message
        7|Ana|Incoming|03/03/2026 09:00
        7|Marta|Outgoing|03/03/2026 10:00
        """,
        """
        Conversation ID|Sender|Sender type|Timestamp|Text
        7|Ana|contact|Mar 3, 2026 9:00 AM
        7|Marta|admin|Mar 3, 2026 10:00 AM
        """,
        """
        Request Id|Created Time|Author|Comment
        7|2026-03-03 09:00|Ana
        7|2026-03-03 10:00|Soporte Azada
        """,
        """
        N.º de ticket|Autor|Rol|Fecha|Mensaje
        7|Ana|Cliente|3/3/26 9:00
        7|Marta|Agente|3/3/26 10:00
        """,
        """
        ID del ticket|Remitente|Tipo de usuario|Fecha y hora|Comentario
        7|Ana|Usuario final|3 mar 2026 9:00
        7|Marta|Agente|3 mar 2026 10:00
        """,
        """
        Caso|Rol|Texto
        7|solicitante
        7|soporte
        """,
    ],
)
def test_rows_of_one_ticket_are_a_conversation(table: str) -> None:
    header, asked, answered = (line.strip() for line in table.strip().split("\n"))
    assert pairs(read(header, f"{asked}|{ASKED}", f"{answered}|{ANSWERED}")) == [(ASKED, ANSWERED)]


HEADER = "Ticket ID|Subject|Author|Role|Created at|Public|Body"


def test_every_row_is_read_or_named_with_its_reason() -> None:
    reading = read(
        HEADER,
        "8|Return|Bob|end-user|2026-03-04 12:00|true|And what does that cost?",
        f"7|Broken|Marta|agent|2026-03-03 10:00|true|<p>{ANSWERED}</p>",
        f"7|Broken|Ana|end-user|2026-03-03 09:00|true|{ASKED}",
        "7|Broken|Marta|agent|2026-03-03 09:30|false|She is difficult, be careful",
        "7|Broken|Zendesk|system|2026-03-03 11:00|true|Ticket closed by trigger",
        "7|Broken|Ana|end-user|2026-03-03 11:00|true|Thank you!",
        "8|Return|Marta|agent|2026-03-04 11:00|true|Within 30 days, yes.",
        "8|Return|Bob|end-user|2026-03-04 10:00|true|Can I return an apron?",
        "8|Return|Marta|agent|2026-03-04 13:00|true|The label is 3.95.",
        "9|Late|Eva|end-user|2026-03-05 13:00|true|Where is my order?",
        "9|Late|Eva|end-user|2026-03-05 13:00|true|",
        "9|Late|Eva",
        "||||||",
    )
    first = ("Can I return an apron?", "Within 30 days, yes.")
    assert pairs(reading) == [first, (*first, "And what does that cost?", "The label is 3.95."), (ASKED, ANSWERED)]
    assert reading is not None
    samples = (
        ("8", "7", "7"),
        ("Return", "Broken", "Broken"),
        ("Bob", "Marta", "Ana"),
        ("end-user", "agent", "end-user"),
        ("2026-03-04 12:00", "2026-03-03 10:00", "2026-03-03 09:00"),
        ("true", "true", "true"),
        ("And what does that cost?", f"<p>{ANSWERED}</p>", ASKED),
    )
    roles = {"Subject": "topic", "Body": "text"}
    assert reading.layout == Layout(
        columns=tuple(
            Column.model_validate({"name": name, "role": roles.get(name, "ignore"), "samples": cells})
            for name, cells in zip(HEADER.split("|"), samples, strict=True)
        ),
        speakers=(
            Speaker(name="Marta", messages=3, business=True),
            Speaker(name="Bob", messages=2),
            Speaker(name="Ana", messages=2),
            Speaker(name="Eva", messages=1),
        ),
        rows=12,
        read=7,
        refused_count=5,
        refused=(
            RowFault(row=5, code="internal"),
            RowFault(row=6, code="service"),
            RowFault(row=7, code="greeting"),
            RowFault(row=12, code="empty"),
            RowFault(row=13, code="cells"),
        ),
    )
    assert [section.heading for section in reading.documents[0].sections] == [
        "#8 Return · 2026-03-04 · Bob, Marta",
        "#7 Broken · 2026-03-03 · Ana, Marta",
        "#9 Late · 2026-03-05 · Eva",
    ]
    assert [finding.code for finding in reading.findings] == ["chat_read", "chat_left_out", "chat_unanswered"]


@pytest.mark.parametrize(
    "header",
    [
        "Ticket Id|Subject|Description|Resolution|Requester|Agent",
        "ID|Ticket name|Ticket description|Resolution notes|Contact|Ticket owner",
        "Número de caso|Asunto|Descripción|Solución|Cliente|Responsable",
    ],
)
def test_a_row_can_be_a_whole_ticket(header: str) -> None:
    reading = read(
        header,
        f"7|Broken pan|{ASKED}|{ANSWERED}|Ana|Marta",
        "8|Opening hours on Monday?||We are closed on Mondays.|Bob|Marta",
        "9|Late|Where is it?||Eva|Marta",
    )
    assert pairs(reading) == [
        (f"Broken pan\n{ASKED}", ANSWERED),
        ("Opening hours on Monday?", "We are closed on Mondays."),
    ]
    assert reading is not None
    assert reading.layout is not None
    layout = reading.layout
    assert (layout.rows, layout.read, layout.refused) == (3, 2, (RowFault(row=4, code="no_answer"),))
    assert [(speaker.name, speaker.business) for speaker in layout.speakers] == [
        ("Marta", True),
        ("Ana", False),
        ("Bob", False),
    ]
    assert [column.role for column in layout.columns] == ["ignore", "topic", "question", "answer", "ignore", "ignore"]


def test_what_a_reply_quotes_is_not_said_twice() -> None:
    reading = read(
        "Ticket ID|Author|Role|Message",
        f"7|Ana|customer|{ASKED}",
        f"7|Marta|agent|{ANSWERED}\n\nOn Tue, Mar 3, 2026 at 9:00 AM Ana <ana@a.example> wrote:\n> {ASKED}",
    )
    assert pairs(reading) == [(ASKED, ANSWERED)]


def test_states_are_no_answers_to_a_customer() -> None:
    rows = [f"{n}|Broken {n}|It does not work {n}|{'Fixed' if n % 2 else 'Done'}" for n in range(8)]
    assert read("Issue key|Summary|Description|Resolution", *rows) is None


@pytest.mark.parametrize(
    "header",
    [
        "Question|Answer",
        "Ticket|Label",
        "Ticket ID|Status|Message",
        "Name|Price|Description",
        "Pregunta|Respuesta|Tema",
    ],
)
def test_other_tables_are_no_helpdesks(header: str) -> None:
    assert not helpdesk.looks_like(header.split("|"))
    assert read(header, "|".join("abcdef"[: header.count("|") + 1])) is None


def test_what_the_person_said_of_the_columns_or_the_speakers_counts() -> None:
    rows = (
        "7|Ana|customer|Do you ship to Cork?",
        "7|Marta|agent|Yes, in two days.",
        "7|Ana|customer|Then the red one please",
    )
    assert read("Ticket ID|Author|Role|Message", *rows, how=How(columns=("ignore", "ignore", "ignore", "text"))) is None
    turned = read("Ticket ID|Author|Role|Message", *rows, how=How(business=("Ana",)))
    assert pairs(turned) == [("Yes, in two days.", "Then the red one please")]


def test_a_helpdesks_csv_is_read_as_conversations(tmp_path: Path) -> None:
    content = (
        "Ticket ID;Author;Role;Created at;Body\n"
        f'7;Ana;end-user;2026-03-03 09:00;"{ASKED}\n\nRegards"\n7;Marta;agent;2026-03-03 10:00;{ANSWERED}\n'
    )
    reading = importers.read(makers.written(tmp_path, "tickets.csv", content), ORIGIN)
    assert [document.kind for document in reading.documents] == ["helpdesk"]
    assert reading.findings[0] == Finding(
        code="chat_read",
        level="good",
        count=1,
        names=("tickets.csv",),
        parameters={"messages": 2, "business": "Marta", "hours": 336},
    )
    assert [example.row for example in reading.examples] == [2]
