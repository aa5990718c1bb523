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
