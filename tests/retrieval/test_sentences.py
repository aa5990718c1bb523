import pytest

from studio.retrieval import sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("El Sr. López llamó. Volverá mañana.", ["El Sr. López llamó.", "Volverá mañana."]),
        ("Según el art. 5 se paga. Fin.", ["Según el art. 5 se paga.", "Fin."]),
        ("Vale hasta 2024. El precio sube.", ["Vale hasta 2024.", "El precio sube."]),
        ("Cuesta 3.500,50 € al año. ¿Es caro?", ["Cuesta 3.500,50 € al año.", "¿Es caro?"]),
        ("See clause No. 4 of it. Then sign.", ["See clause No. 4 of it.", "Then sign."]),
        ("Is it covered? No. We do not pay.", ["Is it covered?", "No.", "We do not pay."]),
        ("Llegó a la reunión. Después habló.", ["Llegó a la reunión.", "Después habló."]),
        ("It costs €1,800.50 e.g. in Spain. Call us!", ["It costs €1,800.50 e.g. in Spain.", "Call us!"]),
        ("Write to J. Pérez today. Thanks.", ["Write to J. Pérez today.", "Thanks."]),
        (
            "Vaya a https://tienda.es/ayuda.html?id=3. Luego llame.",
            ["Vaya a https://tienda.es/ayuda.html?id=3.", "Luego llame."],
        ),
        ("Viven en EE. UU. desde 2020. Luego, no.", ["Viven en EE. UU. desde 2020.", "Luego, no."]),
        ("Abre a las 9 a. m. Cierra a las 8 p. m. Fin.", ["Abre a las 9 a. m.", "Cierra a las 8 p. m.", "Fin."]),
        ("We open at 9 a.m. and close at 5 p.m. Call us.", ["We open at 9 a.m. and close at 5 p.m.", "Call us."]),
        ("The U.S. Government pays. Done.", ["The U.S. Government pays.", "Done."]),
        ("La L.O. 3/2018 rige. Fin.", ["La L.O. 3/2018 rige.", "Fin."]),
        ("Vence el 31 dic. 2024. Plazo mín. 3 días.", ["Vence el 31 dic. 2024.", "Plazo mín. 3 días."]),
        ("It ends on Dec. 31. Then it renews.", ["It ends on Dec. 31.", "Then it renews."]),
        ("Espere... Llegará. No sé… quizá.", ["Espere...", "Llegará.", "No sé… quizá."]),
        ("D. José y Dña. Ana firman. Fdo. Luis.", ["D. José y Dña. Ana firman.", "Fdo. Luis."]),
        ("Mide 3.14 m. Versión 2.0. Mejor.", ["Mide 3.14 m. Versión 2.0.", "Mejor."]),
        ("1. About you\nWe ask little.", ["1. About you", "We ask little."]),
        ("Esperamos… Y llegó «la luz.» Después, nada.", ["Esperamos…", "Y llegó «la luz.»", "Después, nada."]),
        ("", []),
        (" \n ", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert sentences.split(text) == expected


def test_a_wrapped_line_goes_on_and_a_list_item_does_not() -> None:
    wrapped = (
        "If your home cannot be lived in after a covered loss, we pay for somewhere else to live for up to\n12 months."
    )
    assert sentences.split(wrapped) == [wrapped]
    assert sentences.split("- Photos\n- Receipts") == ["- Photos", "- Receipts"]


def test_offsets_lead_back_into_the_text() -> None:
    text = "  Uno.  Dos.\n\nTres. "
    assert [text[start:end] for start, end in sentences.spans(text)] == ["Uno.", "Dos.", "Tres."]
    assert [text[start:end] for start, end in sentences.spans(text, 8, 13)] == ["Dos."]
