"""Whether answers are whole, whether there are enough of them, and in which language."""

import pytest

from studio import health
from studio.base.records import Example, Finding, Goal
from studio.health import answers, enough, languages
from tests.health.makers import document, example

STYLE = Goal(facts_or_style="style")
BOTH = Goal(facts_or_style="both")
SORT = Goal(kind="sort", facts_or_style="style")
WHOLE = "We look at every request within three working days and write to you as soon as it is decided."


def usual(count: int = 40) -> list[Example]:
    return [example(f"What about number {n}?", f"{WHOLE[:-1]}, number {n}.", n) for n in range(count)]


@pytest.mark.parametrize(
    "answer",
    [
        "You can send it back within thirty days, and we pay the",
        "Puede devolverlo en un plazo de treinta días y le pagamos el",
        "We deliver to the mainland (two days) and to the islands (five days, or",
        "Open the settings,",
        "Our offices are in Madrid, Valencia and",
        "Please type this:\n```\npip install x",
        "Como dice la norma, «el plazo será de",
        "Su pedido llegará en cinco días labora-",
        "We look at every request within three working days and write to you as soon as it is decid",
    ],
)
def test_an_answer_that_breaks_off_is_seen(answer: str) -> None:
    assert answers.truncated([*usual(), example("How?", answer, 99)]) == [example("How?", answer, 99)]


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        "Yes",
        "14 days",
        "Sí, de lunes a viernes de 9 a 18 h",
        "With pleasure :(",
        "a) by post\nb) by e-mail\nc) in the shop",
        "Here is the list:\n- one passport photograph of the person who applies for the card\n- one signed form",
        "Everything about it stands on our page, where you also find the forms: https://shop.example/forms",
        "Write to the people who look after this, they will be glad to help you: help@shop.example",
        "We are happy to help you with this, please come by whenever you like.\n\nKind regards,\nMarisa",
        "Run `pip install x` and then ```python x``` and you are done!",
        "That is fine (see “terms”).",
        "It was built in the years before the war and it was finished only much later, in the spring of 1952",
    ],
)
def test_a_whole_answer_is_left_in_peace(answer: str) -> None:
    assert answers.truncated([*usual(), example("How?", answer, 99)]) == []


def test_answers_cut_at_a_programs_limit_are_seen_together() -> None:
    words = "all the things that may be said about it and quite a few more besides these".split()  # noqa: SIM905
    long = [" ".join(words[n:] + words[:n]) * 12 for n in range(5)]
    cut = [example(f"Tell me {n}", text[:256], n) for n, text in enumerate(long)]
    assert answers.truncated(cut) == cut
    assert answers.truncated(cut[:2]) == [one for one in cut[:2] if one.answer.split()[-1] in answers.DANGLING]


def test_one_long_habit_without_full_stops_is_no_fault() -> None:
    bare = [example(f"What about {n}?", f"{WHOLE[:-1]} number {n} there", n) for n in range(40)]
    assert answers.truncated(bare) == []


def test_a_finding_of_cut_answers_shows_how_they_end_and_offers_to_drop_them() -> None:
    cut = example("How long?", "We look at it within three days, and we pay the", 99)
    [found] = [f for f in answers.form([*usual(), cut], STYLE) if f.code == "answers_truncated"]
    assert (found.level, found.count, found.repairs) == ("warn", 1, ("drop_truncated",))
    assert found.parameters["ending"] == "We look at it within three days, and we pay the"
    assert [(place.row, place.id) for place in found.places] == [(99, cut.id)]


def test_short_answers_among_long_ones_are_a_remark_unless_they_say_enough() -> None:
    short = [example("May I?", "Ask us", 91), example("Open?", "Yes.", 92), example("Price?", "14 €", 93)]
    assert answers.too_short([*usual(), *short]) == short[:1]
    assert answers.too_short(short * 10) == []  # short is what they are


def test_a_fact_to_be_known_by_heart_needs_several_wordings_and_it_is_said_why() -> None:
    asked = [
        example(f"Way {n} of asking for {fact}?", f"It is {fact}.", n) for fact in "abcdefghijklm" for n in range(5)
    ]
    assert [f.code for f in enough.enough(asked, BOTH)] == ["examples_ready"]
    [_, few] = enough.enough(asked[:-3], BOTH)
    assert (few.code, few.level, few.count, few.parameters) == (
        "wordings_few",
        "note",
        1,
        {"wordings": 5, "enough": 65, "missing": 3, "facts": 13, "measured": 87},
    )
    assert [f.code for f in enough.enough(asked[:-3], STYLE)] == ["examples_ready"]
    assert [f.code for f in enough.enough(asked[:-3], Goal(facts_or_style="facts"), documents=1)] == ["examples_ready"]


def test_to_sort_every_category_needs_its_examples() -> None:
    made = [example(f"Ticket {n} on {label}", label, n) for label in ("Claims", "Sales") for n in range(25)]
    assert enough.enough(made, SORT) == [
        Finding(code="categories_ready", level="good", count=50, parameters={"categories": 2})
    ]
    [few] = enough.enough([*made, *(example(f"New {n}", "Press", n) for n in range(3))], SORT)
    assert (few.code, few.names) == ("categories_few", ("Press",))
    assert few.parameters == {"each": 20, "enough": 60, "missing": 17, "example": "Press", "has": 3}
    assert [f.code for f in enough.enough(made[:25], SORT)] == ["categories_one"]


def test_what_is_held_back_for_the_test_is_not_counted() -> None:
    held = [example(f"Question {n}?", f"Answer {n}", n, split="test") for n in range(70)]
    assert [f.code for f in enough.enough(held, STYLE)] == ["examples_none"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Where is the office of the company and when does it open?", "en"),
        ("¿Dónde está la oficina y cuándo abren los sábados?", "es"),
        ("Où se trouve le bureau et quand est-ce que vous ouvrez le samedi pour les clients ?", "fr"),
        ("O escritório não está aberto aos sábados, mas você pode ligar para nós até às seis.", "pt"),
        ("Das Büro ist am Samstag nicht geöffnet, aber Sie können uns auch eine E-Mail schreiben.", "de"),
        ("L'ufficio non è aperto il sabato, ma può scriverci una mail con la sua richiesta per il rimborso.", "it"),
        ("Офис закрыт по субботам, напишите нам", "other"),
        ("Cove 138", ""),
    ],
)
def test_the_language_of_a_text(text: str, expected: str) -> None:
    assert languages.of(text) == expected


def test_material_in_another_language_than_the_project_is_a_warning() -> None:
    guide = document("We open at nine and close at six. The office is in the old town.")
    assert [f.code for f in languages.languages([guide], [], "es")] == ["language_not_es"]
    assert languages.languages([guide], [], "en") == []
    assert languages.languages([guide], []) == []


def test_a_french_document_and_a_crossed_answer_are_named() -> None:
    french = document(
        "Nous vous remercions de votre visite et nous sommes à votre disposition pour les questions.", "fr.txt"
    )
    crossed = example(
        "¿Cuánto tarda el envío a las islas y cuánto cuesta?", "It takes five days and the price is on the page."
    )
    found = {f.code: f for f in health.check([french], [crossed], [], STYLE, "es")}
    assert (found["languages_other"].names, found["languages_other"].parameters) == (
        ("fr.txt",),
        {"languages": "français"},
    )
    assert (found["answers_other_language"].level, found["answers_other_language"].count) == ("warn", 1)
