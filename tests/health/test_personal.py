"""What counts as personal data, what only looks like it, and what a company tells everybody itself."""

import importlib.util
import time
from pathlib import Path
from types import ModuleType

import pytest

from studio.base.records import Document
from studio.health import names, personal


def document(text: str, language: str = "es") -> Document:
    return Document(
        id=text[:20], name="a.txt", kind="txt", text=text, source="sources/a.txt", sha256="0", language=language
    )


def found(text: str, language: str) -> list[tuple[str, str]]:
    return [(each.kind, text[each.start : each.end]) for each in personal.find(text, language)]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("CIF ES-A58818501", "es", [("id", "ES-A58818501")]),
        ("dni 12.345.678 Z, nie x1234567l", "es", [("id", "12.345.678 Z"), ("id", "x1234567l")]),
        ("iban es91-2100-0418-4502-0005-1332", "es", [("iban", "es91-2100-0418-4502-0005-1332")]),
        (
            "ES91 2100 0418 4502 0005 1332 GB29 NWBK 6016 1331 9268 19",
            "es",
            [("iban", "ES91 2100 0418 4502 0005 1332"), ("iban", "GB29 NWBK 6016 1331 9268 19")],
        ),
        ("Mi cuenta es 2100 0418 45 0200051332", "es", [("iban", "2100 0418 45 0200051332")]),
        ("Amex 3782 822463 10005", "en", [("card", "3782 822463 10005")]),
        ("SSN 536-90-4399", "en", [("id", "536-90-4399")]),
        ("NI number QQ 12 34 56 C or AB 12 34 56 C", "en", [("id", "AB 12 34 56 C")]),
        ("Pasaporte nº AAB123456", "es", [("id", "AAB123456")]),
        ("Nº de la Seguridad Social 28/12345678/40", "es", [("id", "28/12345678/40")]),
        ("Ana Ruiz, 612 34 56 78", "es", [("name", "Ana Ruiz"), ("phone", "612 34 56 78")]),
        ("Emma Walsh | 212-736-5000", "en", [("name", "Emma Walsh"), ("phone", "212-736-5000")]),
        ("(+34) 612 345 678", "es", [("phone", "(+34) 612 345 678")]),
        ("Ring us: 07700 900123", "en", [("phone", "07700 900123")]),
        ("WhatsApp +52 55 5123 4567", "es", [("phone", "+52 55 5123 4567")]),
        ("la contraseña es Verano2024!", "es", [("secret", "Verano2024")]),
        ("Password: hunter2", "en", [("secret", "hunter2")]),
        ("clave wifi: Mariposa99", "es", [("secret", "Mariposa99")]),
        ("hf_" + "aB3" * 12, "en", [("secret", "hf_" + "aB3" * 12)]),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvAIBADANBg\n-----END PRIVATE KEY-----", "en", [("secret", "…")]),
        ("Vivo en C/ Mayor, 12, 28013 Madrid.", "es", [("address", "C/ Mayor, 12, 28013 Madrid")]),
        ("Avda. de la Constitución nº 3, 2º B", "es", [("address", "Avda. de la Constitución nº 3, 2º B")]),
        ("at 12 High Street, Leeds LS1 4DY today", "en", [("address", "12 High Street, Leeds LS1 4DY")]),
        (
            "742 Evergreen Terrace, Springfield, IL 62704",
            "en",
            [("address", "742 Evergreen Terrace, Springfield, IL 62704")],
        ),
        ("Estimada Sra. de la Fuente:", "es", [("name", "de la Fuente")]),
        ("Un saludo,\nCarmen Núñez\nVentas", "es", [("name", "Carmen Núñez")]),
        ("12/03/24, 10:15 - Javier Peña: hola", "es", [("name", "Javier Peña")]),
    ],
)
def test_personal_data_is_found_as_people_write_it(text: str, language: str, expected: list[tuple[str, str]]) -> None:
    expected = [(kind, text if written == "…" else written) for kind, written in expected]
    assert found(text, language) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Ref. 12345678Z del catálogo",
        "Número de pedido: 4111 1111 1111 1111",
        "IMEI 356938035643809",
        "IBAN ES67 5199 1740 9762 8096 0375 rechazado",
        "Llamé por el pedido 612345678 y nada",
        "Presupuesto de 612 345 678 euros",
        "Lectura: 612 345 678 m3",
        "The password is required",
        "Contraseña: ********",
        "la contraseña es obligatoria y la clave del éxito es vender",
        "read_pdf(password=`os.environ['KEY']`)",
        "Contraseña: [Clave 1]",
        "La plaza mayor tiene 3 bares y la calle 20",
        "The High Street Bank opens at 9",
        "Se llama El Porche y abre a diario",
        "Victoria Station, Santa Ana, San Juan y Virginia",
        "Dear Sir or Madam, Dear Customer, Hola a todos",
        "sk-learn-is-a-very-nice-library-for-you",
    ],
)
def test_what_only_looks_personal_is_left_in_peace(text: str) -> None:
    assert found(text, "es") == found(text, "en") == []


@pytest.mark.parametrize(
    ("spellings", "kind"),
    [
        (("tel. 600 123 456", "tel. +34600123456", "tel. 0034 600-12-34-56", "llama al 600.123.456"), "phone"),
        (("ANA@Tienda.es", "ana@tienda.es"), "email"),
        (("DNI 12.345.678-Z", "dni 12345678z", "NIF ES12345678Z"), "id"),
        (("ES91 2100 0418 4502 0005 1332", "es9121000418450200051332", "cuenta 2100-0418-45-0200051332"), "iban"),
        (("Sr. José García", "sr. no, Don José García", "D. Jose Garcia"), "name"),
    ],
)
def test_every_spelling_of_one_value_is_one_value(spellings: tuple[str, ...], kind: str) -> None:
    values = {each.value for text in spellings for each in personal.find(text, "es") if each.kind == kind}
    assert len(values) == 1


@pytest.mark.parametrize("kind", ["whatsapp", "telegram", "helpdesk", "eml"])
def test_what_is_said_in_a_conversation_is_not_published(kind: str) -> None:
    said = Document(
        id="1", name="chat", kind=kind, text="Mi correo es lola.huertas@example.com", source="s", sha256="1"
    )
    assert personal.published([said]) == frozenset()


def test_what_a_leaflet_gives_is_published_and_what_a_list_of_customers_holds_is_not() -> None:
    leaflet = document("Tienda Sol, CIF A58818501. Tel. 912 345 678, hola@sol.es. IBAN ES91 2100 0418 4502 0005 1332")
    customers = document("Ana Ruiz ana@gmail.com 12345678Z\nLuis Peña luis@yahoo.es X1234567L tel. 612 345 678")
    assert personal.published([leaflet, customers]) == {
        ("id", "A58818501"),
        ("phone", "+34912345678"),
        ("email", "hola@sol.es"),
    }


def test_first_names_stand_as_they_are_compared() -> None:
    assert {"jose", "begona", "emma"} <= names.first_names()


def bench() -> ModuleType:
    path = Path(__file__).parent.parent / "benchmarks" / "bench_personal.py"
    spec = importlib.util.spec_from_file_location("bench_personal", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("held", [False, True], ids=["seen", "held"])
def test_the_promised_shares_are_found_and_no_more(held: bool) -> None:
    made = bench()
    shares = made.table(made.score(made.ours, made.lines(7, held)))
    assert min(shares["check digits"]) >= 0.99
    assert min(shares["phone"]) >= 0.97
    assert min(shares["email"]) >= 0.97


def test_a_long_text_of_figures_and_capitals_takes_no_longer_than_a_long_text() -> None:
    awkward = ("12 " * 2_000, "A1" * 3_000, "Ana De La De La " * 400, "C/ " * 2_000, "1-" * 3_000, "a.b." * 2_000 + "@")
    for text in awkward:
        start = time.process_time()
        personal.find(text, "es")
        assert time.process_time() - start < 2, text[:20]
