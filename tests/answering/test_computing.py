"""Questions over tables: what is reckoned and how it is shown, and what is left to the documents."""

import sqlite3

import pytest

from studio import intake
from studio.answering import Done, Sources, ask, cells, computing, tables
from studio.answering.cells import Typed
from studio.base import project as projects
from studio.base.project import Project
from studio.base.records import Computed, Document, Variant
from studio.retrieval import build
from tests.answering.fakes import Parrot

STOCK = """Product;Category;Units;Unit price;Delivered
Oak shelf;Furniture;14;£64.50;03/05/2026
Walnut desk;Furniture;3;£1,240.00;11/05/2026
Wool blanket;Textiles;31;£89.00;14/05/2026
Cotton cushion;Textiles;75;£17.40;20/06/2026
Total;;123;;
"""
FACTURAS = """Cliente;Ciudad;Importe;Estado;Fecha
Talleres Uribe;Bilbao;1.234,50 €;Pagada;12/01/2026
Clínica Mar;Cádiz;2.980,00 €;Pendiente;03/02/2026
Hostal Ría;Bilbao;845,75 €;Pagada;15/02/2026
Imprenta Lince;Madrid;12.400,00 €;Pendiente;02/03/2026
"""
LIMITS = "Item | Cove | Harbour\nJewellery | €3,000 | €3,500\nCash | €600 | not covered\nBicycles | €1,200 | €1,250"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    tmp_path = tmp_path_factory.mktemp("projects")
    made = projects.create(tmp_path, "Shop", "en")
    for name, text in {"Stock-May.csv": STOCK, "Facturas-2026.csv": FACTURAS}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        intake.add(made, tmp_path / name)
    return made


@pytest.mark.parametrize(
    ("question", "text", "value", "count"),
    [
        ("How many products are there in the Furniture category?", "2 (Category is Furniture).", "2", 2),
        ("How many furniture products do we have?", "2 (Category is Furniture).", "2", 2),
        ("How many units of textiles are in stock?", "Units: 106 in total (Category is Textiles).", "106.0", 2),
        ("Which product is the cheapest?", "Cotton cushion: £17.40.", "17.4", 4),
        ("What is the most expensive furniture product?", "Walnut desk: £1,240.00.", "1240.0", 2),
        ("What are the two most expensive products?", "Walnut desk: £1,240.00; Wool blanket: £89.00.", "1240.0", 4),
        ("What is the average unit price?", "Unit price: £352.73 on average.", "352.725", 4),
        ("How many products cost less than £70?", "2 (Unit price is less than £70.00).", "2", 2),
        (
            "How many products were delivered in May 2026?",
            "3 (Delivered is between 2026-05-01 and 2026-05-31).",
            "3",
            3,
        ),
        ("How many categories are there?", "2: Furniture, Textiles.", "2", 4),
        ("¿Cuántas facturas hay pendientes?", "2 (Estado es Pendiente).", "2", 2),
        (
            "¿Cuál es el importe total de las facturas de Bilbao?",
            "Importe: 2.080,25 € en total (Ciudad es Bilbao).",
            "2080.25",
            2,
        ),
        ("¿Cuál es la factura más alta?", "Imprenta Lince: 12.400,00 €.", "12400.0", 4),
        ("¿Cuántas facturas hay de más de 1.000 €?", "3 (Importe es mayor que 1.000,00 €).", "3", 3),
        ("¿Cuántas facturas hay en febrero?", "2 (Fecha cae en el mes 02).", "2", 2),
    ],
)
def test_what_is_asked_of_a_table_is_reckoned_in_the_way_of_writing_of_the_question(
    project: Project, question: str, text: str, value: str, count: int
) -> None:
    found = computing.ask(project, question)
    assert found is not None
    assert (found.text, found.value, found.count) == (text, value, count)


@pytest.mark.parametrize(
    "question",
    [
        "How many days do I have to return a product?",  # days are no rows
        "What is the price of the oak shelf?",  # nothing to reckon
        "Is the oak shelf the cheapest product?",  # yes or no
        "What is the cheapest way to send a product?",  # a word that no table explains
        "How many products are not furniture?",
        "How many of my products arrived?",
        "Why is the walnut desk the most expensive product?",
        "What is the average price per category?",  # one value for each, not one
        "How many products have less than 10 kg?",  # a unit that no column has
        "How many?",
        "¿Cuántos años de garantía tienen los productos?",
        "¿Cuántas facturas tengo que pagar?",
        "¿Es la factura de Bilbao la más alta?",
        "¿Cómo pago el importe total?",
        "¿Cuántas facturas no están pagadas?",
        "",
        "total " * 200,
    ],
)
def test_what_only_looks_like_it_is_left_to_the_documents(project: Project, question: str) -> None:
    assert computing.ask(project, question) is None


def test_the_formula_and_the_rows_are_shown_and_a_sum_row_is_not_counted(project: Project) -> None:
    found = computing.ask(project, "What is the total number of units of the textiles?")
    assert found is not None
    stock = next(each for each in project.store.documents() if each.name == "Stock-May.csv")
    assert found == Computed(
        question="What is the total number of units of the textiles?",
        text="Units: 106 in total (Category is Textiles).",
        value="106.0",
        words="Sum of Units over 2 rows of “Stock-May.csv” where Category is Textiles",
        sql='SELECT SUM("Units") FROM "Stock-May.csv" WHERE "Category" = \'Textiles\' AND "Units" IS NOT NULL',
        document_id=stock.id,
        document="Stock-May.csv",
        columns=("Category", "Units"),
        count=2,
        rows=found.rows,
    )
    assert [(place.row, place.text.split(";")[0], place.source) for place in found.rows] == [
        (4, "Product: Wool blanket", "sources/Stock-May.csv"),
        (5, "Product: Cotton cushion", "sources/Stock-May.csv"),
    ]


def test_a_column_that_is_partly_words_is_not_reckoned_with() -> None:
    document = Document(id="d", name="Limits.pdf", kind="pdf", text=LIMITS, source="s", sha256="d", language="en")
    found = computing.over([document], "What is the average Cove?")
    assert found is not None
    assert (found.text, found.value, found.left_out) == ("Cove: €1,600 on average.", "1600.0", 0)
    assert computing.over([document], "What is the average Harbour?") is None  # a third of it is words


def test_two_tables_that_fit_alike_and_differ_are_not_chosen_between() -> None:
    one, other = (
        Document(
            id=n, name="List.csv", kind="csv", text=f"Name: A; Price: {n} €\nName: B; Price: 9 €", source=n, sha256=n
        )
        for n in ("3", "5")
    )
    assert computing.over([one], "What is the lowest price?") is not None
    assert computing.over([one, other], "What is the lowest price?") is None
    assert computing.over([one, one], "What is the lowest price?") is not None


@pytest.mark.parametrize(
    ("name", "written", "language", "made"),
    [
        ("Price", ("1.234,50 €", "99,90 €"), "en", Typed("number", (1234.5, 99.9), "€", 2)),
        ("Price", ("£1,234.50", "£99"), "es", Typed("number", (1234.5, 99.0), "£", 2)),
        ("Rent", ("950 €", "1.280 €"), "", Typed("number", (950.0, 1280.0), "€", 0)),  # was 1.28: nobody has milleuros
        ("Rent", ("$950", "$1,280"), "es", Typed("number", (950.0, 1280.0), "$", 0)),
        ("Length", ("1.234", "2.345"), "en", Typed("text", ("1.234", "2.345"))),  # may be either
        ("Area (m2)", ("68", "92"), "es", Typed("number", (68.0, 92.0), "m2", 0)),
        ("Fee", ("free", "4,90 €", "8,50 €"), "es", Typed("number", (0.0, 4.9, 8.5), "€", 2)),
        ("Weight", ("2 kg", "500 g"), "en", Typed("text", ("2 kg", "500 g"))),
        ("Time", ("2 to 3 days", "1 day"), "en", Typed("text", ("2 to 3 days", "1 day"))),
        ("Change", ("-5%", "+3 %"), "en", Typed("number", (-5.0, 3.0), "%", 0)),
        ("Day", ("03/05/2026", "28/05/2026"), "en", Typed("date", ("2026-05-03", "2026-05-28"))),
        ("Day", ("05/28/2026", "06/01/2026"), "en", Typed("date", ("2026-05-28", "2026-06-01"))),
        ("Día", ("3 de mayo de 2026", ""), "es", Typed("date", ("2026-05-03", None))),
        ("Day", ("2026-02-31", "2026-03-01"), "en", Typed("text", ("2026-02-31", "2026-03-01"))),
        ("Empty", ("", "-"), "en", Typed("text", (None, "-"))),
    ],
)
def test_a_column_is_numbers_with_one_unit_days_or_words(
    name: str, written: tuple[str, ...], language: str, made: Typed
) -> None:
    assert cells.typed(name, written, language) == made


def test_tables_are_read_back_out_of_what_intake_made(project: Project) -> None:
    stock, invoices = tables.of_project(project)
    assert stock.names == ("Product", "Category", "Units", "Unit price", "Delivered")
    assert [column.kind for column in stock.columns] == ["text", "text", "number", "number", "date"]
    assert len(stock.places) == 4
    text = next(each.text for each in project.store.documents() if each.name == "Facturas-2026.csv")
    assert [text[place.start : place.end] for place in invoices.places] == list(invoices.texts)
    document = Document(
        id="d", name="Limits.pdf", kind="pdf", text=f"Limits.\n\n{LIMITS}\n\nEnd.", source="s", sha256="d"
    )
    [limits] = tables.of_document(document)
    assert (limits.names, limits.cells[0]) == (("Item", "Cove", "Harbour"), ("Jewellery", "Cash", "Bicycles"))


def test_a_cell_with_a_colon_or_a_semicolon_stays_one_cell() -> None:
    text = "Name: A; Note: call: at 9; then wait; Price: 3\nName: B; Note: none; Price: 5"
    [found] = tables.of_document(Document(id="d", name="x.csv", kind="csv", text=text, source="s", sha256="d"))
    assert found.names == ("Name", "Note", "Price")
    assert found.cells[1] == ("call: at 9; then wait", "none")


def test_names_and_cells_that_look_like_sql_are_data() -> None:
    text = "Na\"me' --: A' OR 1=1; Price: 3\nNa\"me' --: B; Price: 5"
    found = computing.over(
        [Document(id="d", name='x"; DROP.csv', kind="csv", text=text, source="s", sha256="d")],
        "What is the lowest price?",
    )
    assert found is not None
    assert found.text == "A' OR 1=1: 3."


def test_once_it_is_loaded_a_table_can_only_be_read() -> None:
    [table] = tables.of_document(
        Document(id="d", name="x.csv", kind="csv", text="Name: A; Price: 3\nName: B; Price: 5", source="s", sha256="d")
    )
    with computing._Loaded(table, '"x"') as connection:
        for statement in ('DELETE FROM "x"', "ATTACH 'y.db' AS y", "CREATE TABLE z (a)", "PRAGMA writable_schema = 1"):
            with pytest.raises(sqlite3.DatabaseError):
                connection.execute(statement)


def test_an_assistant_that_searches_answers_from_the_table_before_it_quotes(project: Project) -> None:
    engine = Parrot()
    build(project, engine, lambda event: None, lambda: False)
    variant = Variant(id="v", approach="documents", model="smollm2-135m-instruct", quotes=True, passages=3)
    sources, last = ask(project, variant, "Which product is the cheapest?", engine)  # type: ignore[arg-type]
    assert isinstance(sources, Sources)
    assert isinstance(last, Done)
    assert last.answer.text == "Cotton cushion: £17.40 [1]."
    assert last.answer.computed is not None
    assert last.answer.passages == sources.passages
    assert sources.passages[0].chunk.text.startswith("Product: Cotton cushion")
    assert (last.answer.messages, engine.asked) == ((), [])
