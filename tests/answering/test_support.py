from pathlib import Path

import pytest
import yaml

from studio.answering import support
from studio.answering.figures import figures, names
from studio.base.records import Answer, Chunk, Citation, Passage, Support

Cases = list[tuple[str, str, str]]
STATES = {"s": "supported", "u": "unsupported", "c": "contradicting"}


def passage(text: str, name: str = "Policy.pdf") -> Passage:
    chunk = Chunk(id=text[:9], document_id=name, document=name, text=text, start=0, end=len(text))
    return Passage(chunk=chunk, score=1.0, similarity=0.9)


def answer(text: str, *passages: str, quoted: bool = False) -> Answer:
    found = tuple(map(passage, passages))
    citations = tuple(Citation(number=n + 1, passage=n) for n in range(len(found)))
    return Answer(variant="v", question="?", text=text, passages=found, citations=citations, quoted=quoted)


def states(made: tuple[Support, ...]) -> list[str]:
    return [mark.state for mark in made]


def cases(file: str) -> Cases:
    written = yaml.safe_load((Path(__file__).parent / file).read_text(encoding="utf-8"))
    return [(each["passage"], text, STATES[mark]) for each in written for mark, text in each["sentences"]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.800 €", "€1,800"),
        ("1800 euros", "mil ochocientos euros"),
        ("€1,800", "eighteen hundred euros"),
        ("3,50 €", "€3.5"),
        ("3 de mayo de 2026", "3 May 2026"),
        ("May 3rd, 2026", "2026-05-03"),
        ("03/05/2026", "3 May 2026"),
        ("thirty days", "30 días"),
        ("treinta días", "30 days"),
        ("three years", "treinta y seis meses"),
        ("one week", "siete días"),
        ("un día", "24 hours"),
        ("twenty-five percent", "25 %"),
        ("25 por ciento", "25%"),
        ("6 millones de euros", "6.000.000 €"),
        ("1.5 million dollars", "$1,500,000"),
        ("two hundred and five people", "205 personas"),
        ("5:30 pm", "17:30"),
        ("963 555 012", "963555012"),
        ("entre 5 y 7 días laborables", "5-7 working days"),
        ("on Mondays", "los lunes"),
        ("mayo de 2026", "May 2026"),
    ],
)
def test_a_figure_is_one_whatever_the_language_and_the_way_of_writing(one: str, other: str) -> None:
    values = [[(f.kind, f.low, f.high) for f in figures(text)] for text in (one, other)]
    assert values[0] == values[1] != []


@pytest.mark.parametrize("text", ["once a month", "one of us", "tanto por ciento", "y tú", "a number", "por ciento"])
def test_words_that_are_no_figures_are_none(text: str) -> None:
    assert figures(text) == ()


def test_figures_stand_where_the_text_has_them() -> None:
    text = "Desde hace treinta y cinco años cuesta mil doscientos euros, y no 6 millones."
    assert [text[f.start : f.end] for f in figures(text)] == [
        "treinta y cinco años",
        "mil doscientos euros",
        "6 millones",
    ]


def test_names_are_what_has_a_capital_inside_a_sentence_codes_and_addresses() -> None:
    text = "Write to Maria Delgado at help@vale.com about ES-4711. In May she is in Leeds. ParcelForce brings it."
    assert [name.text for name in names(text)] == [
        "Maria", "Delgado", "help@vale.com", "ES-4711", "Leeds", "ParcelForce",
    ]  # fmt: skip


@pytest.mark.parametrize(("file", "share"), [("support_cases.yaml", 0.97), ("support_held.yaml", 0.92)])
def test_the_three_marks_are_right_for_nearly_every_sentence_of_the_bilingual_set(file: str, share: float) -> None:
    every = cases(file)
    right = [states(support.check(answer(text, source))) == [wanted] for source, text, wanted in every]
    assert sum(right) >= share * len(every)


def test_a_mark_says_which_sentence_which_passage_and_what_is_missing() -> None:
    text = "The excess is €250 [1]. Ask Maria Delgado. Thank you! Is that all?"
    found = support.check(answer(text, "The excess is €150.", "The garden is open."))
    assert found == (
        Support(start=0, end=23, state="contradicting", passage=0, missing=("€250",)),
        Support(start=24, end=42, state="unsupported", passage=0, missing=("Maria", "Delgado")),
        Support(start=43, end=53, state="unsupported", passage=0, missing=()),
    )


def test_a_sentence_is_held_against_the_passage_it_cites_and_not_against_another() -> None:
    passages = ("Water damage costs €150.", "Fire damage costs €250.")
    assert states(support.check(answer("Fire damage costs €250 [2].", *passages))) == ["supported"]
    assert states(support.check(answer("Fire damage costs €250 [1].", *passages))) != ["supported"]
    assert states(support.check(answer("Fire damage costs €250.", *passages))) == ["supported"]


def test_without_passages_there_is_nothing_to_compare_with() -> None:
    assert support.check(answer("It costs €5.")) == ()


def test_what_is_quoted_is_supported_as_long_as_it_stands_there() -> None:
    source = "No se\nadmiten devoluciones de plantas, salvo que lleguen dañadas. Cuesta 3,95 €."
    quoted = "No se admiten devoluciones de plantas, salvo que lleguen dañadas [1]."
    assert states(support.check(answer(quoted, source, quoted=True))) == ["supported"]


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("Damage by frost is covered.", "Damage by frost is not covered."),
        ("Los golpes están incluidos.", "Los golpes están excluidos."),
        ("You cannot bring dogs.", "You can bring dogs."),
        ("Dogs aren't allowed.", "Los perros están permitidos. Dogs are allowed."),
    ],
)
def test_the_opposite_contradicts(text: str, source: str) -> None:
    assert states(support.check(answer(text, source))) == ["contradicting"]


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("Frost damage is excluded.", "Frost damage is not included."),
        ("Payment is made by bank transfer.", "Payment is made by bank transfer, never in cash."),
        ("No se paga en metálico.", "El pago nunca se hace en metálico."),
        ("We pay no more than 1,200 euros.", "Broken windows are paid up to 1,200 euros."),
        ("Wait until the numbness has gone.", "Do not eat hot things until the numbness has gone."),
        ("No más de 30 días después de la compra.", "Se devuelve en los 30 días después de la compra."),
    ],
)
def test_saying_no_in_other_words_does_not_contradict(text: str, source: str) -> None:
    assert states(support.check(answer(text, source))) == ["supported"]


def test_an_answer_contradicts_its_source_when_its_main_fact_does() -> None:
    source = "The excess is €150. Claims are answered in two days."
    wrong = answer("Certainly. The excess is €250. Claims are answered in two days.", source)
    aside = answer("The excess is €150. Claims are answered in nine days.", source)
    marked = [each.model_copy(update={"support": support.check(each)}) for each in (wrong, aside)]
    assert [support.contradicted(each) for each in marked] == [True, False]


def test_a_text_of_signs_and_a_very_long_one_are_checked_without_a_fault() -> None:
    for text in ("€€€ 1.2.3 €", "٣ apples", "1" * 400, "mil " * 200, "[99]", "a [1][2][3]", "99/99/9999"):
        support.check(answer(text, "The excess is €150.", "1.2.3"))


@pytest.mark.parametrize("said", ["Not in full.", "Not in full [1].", "not covered", "Up to 3 days."])
def test_what_stands_there_word_for_word_is_supported(said: str) -> None:
    source = "Do we pay? Not in full. Bicycles are not covered. Up to 3 days."
    assert set(states(support.check(answer(said, source)))) == {"supported"}


@pytest.mark.parametrize(
    ("said", "state"), [("2 hours.", "supported"), ("Two hours.", "supported"), ("Un 20 %.", "unsupported")]
)
def test_a_bare_figure_is_supported_where_it_stands(said: str, state: str) -> None:
    assert states(support.check(answer(said, "The numbness goes after 2 hours."))) == [state]


def test_a_part_of_a_number_does_not_stand_there() -> None:
    assert states(support.check(answer("3 days.", "Within 13 days."))) != ["supported"]


def test_a_no_that_answers_the_question_denies_nothing_by_itself() -> None:
    source = "Los daños por moho no están cubiertos."
    assert states(support.check(answer("No, los daños por moho no están cubiertos.", source))) == ["supported"]
    assert states(support.check(answer("Sí, los daños por moho están cubiertos.", source))) == ["contradicting"]
