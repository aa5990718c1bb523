"""Who speaks for the business, which turns are a question with its answer, and what is left out and said."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from studio import intake
from studio.base import project
from studio.base.records import Finding, How, Layout, Place, RowFault, Speaker
from studio.intake.chats import small_talk, speaking, talks
from studio.intake.chats.talks import Turn
from tests.intake import makers

pytestmark = pytest.mark.usefixtures("read_here")

START = datetime(2026, 3, 3, 9)  # noqa: DTZ001
ORIGIN = makers.origin("_chat.txt")


def talk(*said: tuple[str, float, str]) -> list[Turn]:
    """Turns of (who, minutes after the start, words), one a row."""
    return [Turn(who, START + timedelta(minutes=at), words, row) for row, (who, at, words) in enumerate(said, start=1)]


def learnt(turns: list[Turn], how: How | None = None, kind: str = "whatsapp") -> list[tuple[str, ...]]:
    reading = talks.reading(turns, ORIGIN.model_copy(update={"how": how or How()}), kind)
    return [tuple(message.content for message in example.messages) for example in reading.examples]


# --- questions and answers -------------------------------------------------------------------------------------------


def test_a_chat_gives_questions_with_answers_a_text_to_search_and_an_account_of_every_message() -> None:
    turns = talk(
        ("Lola", 0, "Hola, buenos días!"),
        ("Romero", 1, "Buenos días Lola 🙂"),
        ("Lola", 2, "¿Hacen envíos\na Canarias?"),
        ("Lola", 3, "Es para un regalo"),
        ("Romero", 5, "Sí."),
        ("Romero", 5, "Tarda 5 días."),
        ("Lola", 6, "¿Y a Ceuta?"),
        ("Romero", 7, "También."),
        ("Lola", 8, "Muchas gracias!!"),
        ("Lola", 24 * 60 * 9, "¿Abren hoy?"),
        ("Romero", 24 * 60 * 17, "Ya no hace falta, supongo."),
    )
    reading = talks.reading(turns, ORIGIN, "whatsapp", [RowFault(row=20, code="media")])
    first = ("¿Hacen envíos\na Canarias?\nEs para un regalo", "Sí.\nTarda 5 días.")
    assert [(e.row, tuple(m.content for m in e.messages)) for e in reading.examples] == [
        (3, first),
        (7, (*first, "¿Y a Ceuta?", "También.")),
    ]
    assert [(document.kind, document.text) for document in reading.documents] == [
        (
            "whatsapp",
            "Lola: ¿Hacen envíos\na Canarias?\nLola: Es para un regalo\nRomero: Sí.\nRomero: Tarda 5 días.\n"
            "Lola: ¿Y a Ceuta?\nRomero: También.\n\nLola: ¿Abren hoy?\n\nRomero: Ya no hace falta, supongo.",
        )
    ]
    assert [section.heading for section in reading.documents[0].sections] == [
        "2026-03-03 · Lola, Romero",
        "2026-03-12 · Lola",
        "2026-03-20 · Romero",
    ]
    assert reading.layout == Layout(
        speakers=(Speaker(name="Lola", messages=6), Speaker(name="Romero", messages=5, business=True)),
        rows=12,
        read=8,
        refused_count=4,
        refused=(
            RowFault(row=1, code="greeting"),
            RowFault(row=2, code="greeting"),
            RowFault(row=9, code="greeting"),
            RowFault(row=20, code="media"),
        ),
    )
    names = ("_chat.txt",)
    assert reading.findings == (
        Finding(
            code="chat_read",
            level="good",
            count=2,
            names=names,
            parameters={"messages": 12, "business": "Romero", "hours": 24},
        ),
        Finding(
            code="chat_left_out",
            level="note",
            count=4,
            names=names,
            parameters={"media": 1, "greetings": 3, "service": 0},
        ),
        Finding(
            code="chat_unanswered",
            level="note",
            names=names,
            parameters={"hours": 24},
            places=(Place(name="_chat.txt", source="sources/_chat.txt", row=10),),
        ),
    )


def test_the_time_an_answer_may_take_is_the_persons_to_say() -> None:
    turns = talk(("Lola", 0, "¿Abren hoy?"), ("Tienda", 60 * 30, "Sí, hasta las 8."))
    assert learnt(turns) == []
    assert learnt(turns, How(hours=48)) == [("¿Abren hoy?", "Sí, hasta las 8.")]
    assert learnt(turns, kind="email") == [("¿Abren hoy?", "Sí, hasta las 8.")]


def test_a_chat_without_times_is_read_by_its_order() -> None:
    turns = [turn._replace(at=None) for turn in talk(("Lola", 0, "¿Abren hoy?"), ("Tienda", 1, "Sí, hasta las 8."))]
    assert learnt(turns) == [("¿Abren hoy?", "Sí, hasta las 8.")]


def test_times_with_and_without_a_zone_are_compared() -> None:
    asked, answered = talk(("Ana", 0, "Are you open?"), ("Shop", 30, "Until eight."))
    asked = asked._replace(at=datetime(2026, 3, 3, 11, tzinfo=timezone(timedelta(hours=2))))
    assert learnt([asked, answered], How(hours=0.6)) == [("Are you open?", "Until eight.")]


def test_a_question_asked_again_later_is_one_question_and_a_remark_before_it_is_not_part_of_it() -> None:
    assert learnt(
        talk(
            ("Ana", 0, "Ya he hecho el pedido"),
            ("Ana", 200, "When does it arrive?"),
            ("Ana", 400, "Is anybody reading this?"),
            ("Shop", 410, "Tomorrow before noon."),
        )
    ) == [("When does it arrive?\nIs anybody reading this?", "Tomorrow before noon.")]


@pytest.mark.parametrize(
    ("second", "keeps"),
    [
        ("And in blue?", True),
        ("¿Y en azul?", True),
        ("How long?", True),
        ("What does the delivery to the islands cost?", False),
        ("¿Cuánto cuesta el envío a las islas?", False),
    ],
)
def test_a_follow_up_keeps_what_it_follows(second: str, keeps: bool) -> None:
    first = ("Do you have the red apron?", "Yes, two of them.")
    turns = talk(("Ana", 0, first[0]), ("Shop", 1, first[1]), ("Ana", 2, second), ("Shop", 3, "One moment please, 4."))
    assert learnt(turns)[1] == (*(first if keeps else ()), second, "One moment please, 4.")


def test_what_a_customer_replies_to_the_businesss_own_question_is_understood_with_it() -> None:
    turns = talk(
        ("Ana", 0, "One branch arrived broken, what can I do?"),
        ("Shop", 1, "When was it delivered?"),
        ("Ana", 2, "It came this morning with the parcel"),
        ("Shop", 3, "Then we replace it."),
        ("Ana", 9000, "And in blue?"),
        ("Shop", 9001, "Blue is sold out."),
    )
    first = ("One branch arrived broken, what can I do?", "When was it delivered?")
    assert learnt(turns) == [
        first,
        (*first, "It came this morning with the parcel", "Then we replace it."),
        ("And in blue?", "Blue is sold out."),  # days later, nothing to follow
    ]


def test_a_bare_yes_counts_as_an_answer_and_as_a_reply_to_a_question() -> None:
    turns = talk(
        ("Ana", 0, "Can it go in the dishwasher?"),
        ("Shop", 1, "No"),
        ("Ana", 2, "ok"),
        ("Shop", 3, "Shall I keep one for you?"),
        ("Ana", 4, "Yes"),
        ("Shop", 5, "It waits at the counter."),
    )
    assert [pair[-2:] for pair in learnt(turns)] == [
        ("Can it go in the dishwasher?", "No\nShall I keep one for you?"),
        ("Yes", "It waits at the counter."),
    ]


# --- groups ----------------------------------------------------------------------------------------------------------


def test_in_a_group_an_answer_goes_to_the_one_it_replies_to_or_calls_by_name() -> None:
    turns = talk(
        ("Ana", 0, "Do you ship to Cork?"),
        ("Bob", 1, "Do you have pans?"),
        ("Shop", 2, "Bob, three are left."),
        ("Ana", 3, "It would be for Friday"),
        ("Shop", 4, "Yes, within two days."),
    )
    turns[4] = turns[4]._replace(to=1)
    assert learnt(turns, How(business=("Shop",))) == [
        ("Do you have pans?", "Bob, three are left."),
        ("Do you ship to Cork?\nIt would be for Friday", "Yes, within two days."),
    ]


def test_two_questions_in_one_go_that_are_replied_to_one_by_one_are_two_questions() -> None:
    turns = talk(
        ("Ana", 0, "Do you ship to Cork?"),
        ("Ana", 1, "It is for Friday"),
        ("Ana", 2, "Do you have pans?"),
        ("Shop", 3, "Yes, within two days."),
        ("Shop", 4, "Three are left."),
        ("Ana", 5, "What does the blue pan weigh?"),
        ("Shop", 6, "Five kilos."),
    )
    turns[3], turns[4] = turns[3]._replace(to=1), turns[4]._replace(to=3)
    turns[6] = turns[6]._replace(to=60)  # a picture that was sent with the question
    assert learnt(turns) == [
        ("Do you ship to Cork?\nIt is for Friday", "Yes, within two days."),
        ("Do you have pans?", "Three are left."),
        ("What does the blue pan weigh?", "Five kilos."),
    ]


def test_in_a_group_an_answer_that_could_be_to_either_teaches_nothing_and_is_counted() -> None:
    turns = talk(
        ("Ana", 0, "Do you ship to Cork?"),
        ("Bob", 1, "Do you have pans?"),
        ("Shop", 2, "Yes."),
        ("Ana", 3, "Are you open on Monday?"),
        ("Shop", 4, "From nine to six."),
        ("Bob", 5, "I went there yesterday by bus"),
        ("Shop", 6, "New opening hours from May."),
    )
    reading = talks.reading(turns, ORIGIN, "whatsapp")
    assert [(e.question, e.answer) for e in reading.examples] == [("Are you open on Monday?", "From nine to six.")]
    assert reading.findings[-1] == Finding(
        code="chat_crossed",
        level="note",
        count=2,
        names=("_chat.txt",),
        parameters={"hours": 24},
        places=tuple(Place(name="_chat.txt", source="sources/_chat.txt", row=row) for row in (1, 2)),
    )


# --- who speaks for the business -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asks", "answers", "customers"),
    [
        ("Ana", "Tienda Sol", ()),
        ("Ana", "Marta", ()),
        ("Ana", "Marta", ("Ana",)),
        ("Ana", "Harbour Insurance", ("Harbour Insurance",)),
        ("+34 600 12 34 56", "Soporte técnico", ()),
        ("ana@gmail.com", "info@azada.example", ()),
        ("Ana", "Azada S.L.", ()),
    ],
)
def test_in_a_chat_of_two_the_one_who_answers_speaks_for_the_business(
    asks: str, answers: str, customers: tuple[str, ...]
) -> None:
    turns = talk(
        *((who, n, f"¿Tienen {n}?" if who == asks else f"Quedan {n}.") for n in range(6) for who in (asks, answers))
    )
    assert speaking.business([turns], customers=customers) == {answers}


def test_a_company_that_only_asks_is_a_customer_of_the_one_who_answers_in_every_conversation() -> None:
    threads = [
        talk((customer, 0, "When does our order arrive?"), (agent, 5, "On Tuesday, with the usual carrier."))
        for customer, agent in (
            ("Ferretería López S.L.", "Marta"),
            ("Hotel Mar", "Marta"),
            ("Ana", "Marta"),
            ("Bob", "Luis"),
            ("Eva", "Luis"),
            ("Taller Sanz", "Luis"),
            ("Iker", "Luis"),
        )
    ]
    assert speaking.business(threads) == {"Marta", "Luis"}


def test_several_people_of_one_company_speak_for_it() -> None:
    said = [
        ("ana@gmail.com", 0, "¿Abren el lunes?"),
        ("marta@azada.example", 1, "Sí, de 9 a 18."),
        ("ana@gmail.com", 2, "¿Y el martes?"),
        ("luis@azada.example", 3, "También."),
        ("bob@gmail.com", 4, "¿Hacen envíos?"),
        ("marta@azada.example", 5, "Sí, a toda España."),
    ]
    assert speaking.business([talk(*said)]) == {"marta@azada.example", "luis@azada.example"}


def test_what_the_person_says_comes_before_what_the_file_tells_and_before_every_guess() -> None:
    turns = talk(("Ana", 0, "Do you ship?"), ("Shop", 1, "Yes, we do."), ("Bob", 2, "Fine."))
    assert speaking.business([turns], said=("  ANA ",), told=("Bob",)) == {"Ana"}
    assert speaking.business([turns], said=("Nobody",), told=("Bob",)) == {"Bob"}
    assert speaking.business([turns]) == {"Shop"}
    assert speaking.business([]) == frozenset()


def test_a_name_the_person_gave_that_nobody_has_is_said() -> None:
    reading = talks.reading(
        talk(("Ana", 0, "Do you ship?"), ("Shop", 1, "Yes, we do.")),
        ORIGIN.model_copy(update={"how": How(business=("Nobody",))}),
        "whatsapp",
    )
    assert (
        Finding(code="chat_speaker_missing", level="warn", names=("_chat.txt",), parameters={"speakers": "Nobody"})
        in reading.findings
    )


def test_reading_a_chat_again_with_another_speaker_turns_the_roles_around(tmp_path: Path) -> None:
    shop = project.create(tmp_path / "projects", "Shop")
    content = "".join(
        f"12/3/24, 9:{n:02} - {who}: {words}\n"
        for n, (who, words) in enumerate(
            [
                ("Ana", "Do you ship to Cork?"),
                ("Luis", "We do, in two days."),
                ("Ana", "Then I want the red pan, please"),
            ]
        )
    )
    added = intake.add(shop, makers.written(tmp_path, "_chat.txt", content))
    assert [(e.question, e.answer) for e in shop.store.examples()] == [("Do you ship to Cork?", "We do, in two days.")]
    intake.read_again(shop, added.source, How(business=("Ana",)))
    again = shop.store.source(added.source)
    assert again is not None
    assert again.layout is not None
    assert again.layout.speakers == (
        Speaker(name="Ana", messages=2, business=True),
        Speaker(name="Luis", messages=1),
    )
    assert [(e.question, e.answer) for e in shop.store.examples()] == [
        ("We do, in two days.", "Then I want the red pan, please")
    ]


# --- threads ---------------------------------------------------------------------------------------------------------


def test_a_thread_is_about_one_thing_and_every_answer_knows_what_went_before() -> None:
    threads = [
        talk(("Ana", 0, "My parcel has not arrived"), ("Marta", 60 * 30, "Which order number?")),
        [],
        talk(
            ("Bob", 0, "I want to return an apron"),
            ("Marta", 60, "Here is the label."),
            ("Eva", 60 * 90, "I work with Bob, the label does not open"),
            ("Marta", 60 * 91, "I have sent it as a PDF."),
        ),
    ]
    reading = talks.threads_reading(threads, ORIGIN, "helpdesk", titles=("Late parcel", "", "Return"))
    first = ("I want to return an apron", "Here is the label.")
    assert [tuple(message.content for message in example.messages) for example in reading.examples] == [
        ("My parcel has not arrived", "Which order number?"),
        first,
        (*first, "I work with Bob, the label does not open", "I have sent it as a PDF."),
    ]
    assert [section.heading for section in reading.documents[0].sections] == [
        "Late parcel · 2026-03-03 · Ana, Marta",
        "Return · 2026-03-03 · Bob, Marta, Eva",
    ]


def test_of_many_customers_those_who_say_most_are_shown_and_whoever_speaks_for_the_business() -> None:
    threads = [
        talk(
            (f"Customer {n}", 0, "Where is my order?"), ("Marta", 1, "On its way."), (f"Customer {n}", 2, "Which day?")
        )
        for n in range(300)
    ]
    threads.append(talk(("Customer 7", 0, "Where is my order?"), ("luis@soporte.example", 1, "On its way.")))
    how = How(business=("Marta", "luis@soporte.example"))
    reading = talks.threads_reading(threads, ORIGIN.model_copy(update={"how": how}), "helpdesk")
    assert reading.layout is not None
    assert len(reading.layout.speakers) == talks.SPEAKERS + 1
    assert reading.layout.speakers[0] == Speaker(name="Marta", messages=300, business=True)
    assert reading.layout.speakers[-1] == Speaker(name="luis@soporte.example", messages=1, business=True)


# --- small talk ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        *("Hola, buenos días!", "Buenas tardes, ¿qué tal?", "Muchas gracias!!", "De nada, un saludo", "ok", "Vale 👍"),
        *("👍👍", "🙏", "jajaja", "Perfecto, mil gracias", "Hasta luego", "Que tenga un buen día", "Claro que sí"),
        *(
            "Good morning!",
            "Thank you so much 😊",
            "Great, thanks. Bye!",
            "You're welcome",
            "No problem",
            "haha",
            "...",
        ),
        *("Buenos días, Lola. ¿En qué le ayudo?", "How can I help you?", "One moment please", "sí, gracias"[:2]),
    ],
)
def test_greetings_thanks_and_smileys_say_nothing(words: str) -> None:
    assert small_talk.says_nothing(words, {"lola"})


@pytest.mark.parametrize(
    ("words", "asks"),
    [
        ("¿Abren hoy?", True),
        ("cuanto cuesta la sarten", True),
        ("me gustaría reservar mesa", True),
        ("do you ship to Cork", True),
        ("Me lo llevo. Hasta el sábado!", False),
        ("Por la mañana", False),
        ("I'll take it", False),
    ],
)
def test_a_question_is_known_without_its_mark(words: str, asks: bool) -> None:
    assert small_talk.asks(words) == asks


@pytest.mark.parametrize(
    "words",
    [
        *("Jajaja. ¿Cuánto es?", "Sí, a las dos", "no, la otra", "ok, mañana a las 9", "Is it nice?", "12", "64,90 €"),
        *("Gracias, ¿y el envío?", "Buenas, ¿tienen pan?", "Hello, are you open?", "Of course.", "https://x.example"),
    ],
)
def test_a_greeting_with_something_in_it_says_something(words: str) -> None:
    assert not small_talk.says_nothing(words)
