# ruff: noqa: E501 - markup is shown as it is
"""Presentations, OpenDocument texts, rich text and e-books: order, titles, tables and notes are kept."""

from pathlib import Path

import pytest

from studio.base.errors import Unreadable
from studio.intake import importers
from studio.intake.reading import Reading
from tests.intake import makers, paper


def read(file: Path) -> Reading:
    return importers.read(file, makers.origin(file.name))


def sections(file: Path) -> list[tuple[int | None, str, str]]:
    (document,) = read(file).documents
    return [(s.page, s.heading, document.text[s.start : s.end]) for s in document.sections]


def test_a_slide_is_a_page_with_its_title_table_group_chart_and_notes(tmp_path: Path) -> None:
    assert sections(paper.pptx(tmp_path)) == [
        (1, "Horario de la tienda", "Horario de la tienda\nAbrimos a las nueve\n- También los sábados"),
        (2, "Precios", "Precios\nPlan: Básico; Precio: 5 €\nPlan: Casa; Precio: 12 €\nTexto en un grupo"),
        (3, "", "2025; Ventas: 10\n2026; Ventas: 12.5\nNota del ponente"),
    ]


def test_a_show_is_read_like_a_presentation(tmp_path: Path) -> None:
    """The library opens shows (.ppsx) and templates only below its front door."""
    import zipfile

    plain = paper.pptx(tmp_path)
    with zipfile.ZipFile(plain) as archive:
        types = archive.read("[Content_Types].xml").replace(b"presentation.main+xml", b"slideshow.main+xml")
    assert len(sections(makers.with_part(plain, "show.ppsx", "[Content_Types].xml", types))) == 3


def test_an_open_document_keeps_order_lists_tables_notes_and_boxes(tmp_path: Path) -> None:
    table = "<table:table>{}</table:table>".format(
        "".join(
            "<table:table-row>"
            + "".join(f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in row)
            + "</table:table-row>"
            for row in (("Plan", "Precio"), ("Casa", "12 €"))
        )
    )
    note = "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>La nota</text:p></text:note-body></text:note>"
    body = (
        "<text:tracked-changes><text:changed-region><text:p>borrado</text:p></text:changed-region></text:tracked-changes>"
        "<text:h>Uno</text:h>"
        f"<text:p>Antes<text:s text:c='2'/>de<text:tab/>la{note} nota<office:annotation><text:p>no</text:p></office:annotation></text:p>"
        "<text:section><text:list><text:list-item><text:p>Punto</text:p></text:list-item></text:list></text:section>"
        f"<text:h>Dos</text:h>{table}"
        "<text:p><draw:frame><draw:text-box><text:p>En un cuadro</text:p></draw:text-box></draw:frame>Fin</text:p>"
    )
    assert sections(paper.odt(tmp_path, body)) == [
        (None, "Uno", "Uno\nAntes  de\tla nota\n* La nota\n- Punto"),
        (None, "Dos", "Dos\nPlan: Casa; Precio: 12 €\nFin\nEn un cuadro"),
    ]


def test_a_number_in_a_file_never_decides_how_much_memory_is_taken(tmp_path: Path) -> None:
    body = "<text:p>a<text:s text:c='999999999'/>b</text:p><table:table><table:table-row>"
    body += "<table:table-cell table:number-columns-repeated='999999999'><text:p>x</text:p></table:table-cell></table:table-row></table:table>"
    ((_, _, text),) = sections(paper.odt(tmp_path, body))
    assert len(text) < 1_000


def test_an_encrypted_open_document_asks_for_its_password_to_be_removed(tmp_path: Path) -> None:
    file = makers.with_part(
        paper.odt(tmp_path, "<text:p>x</text:p>"), "b.odt", "META-INF/manifest.xml", b"<m><encryption-data/></m>"
    )
    with pytest.raises(Unreadable, match="office_locked"):
        read(file)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (rb"{\rtf1\ansi\ansicpg1252 Ma\'f1ana \u8364?5\par}", "Mañana €5"),
        (rb"{\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8\'e2\'e5\'f2}", "Привет"),
        (rb"{\rtf1\mac Ma\'96ana}", "Mañana"),
        (
            rb"{\rtf1\ansi \trowd Plan\cell Price\cell\row \trowd Flat\cell 12\cell\row end}",
            "Plan: Flat; Price: 12\nend",
        ),
        (rb"{\rtf1\ansi A | B is no table\par}", "A | B is no table"),
        (rb"{\rtf1\ansi Text{\footnote The note} on\par}", "Text\n* The note on"),
        (rb"{\rtf1\ansi Before{\pict\wmetafile8 0102}{\*\generator x;} after}", "Before after"),
    ],
)
def test_rich_text_keeps_letters_tables_and_notes(tmp_path: Path, content: bytes, expected: str) -> None:
    (document,) = read(makers.written(tmp_path, "a.rtf", content)).documents
    assert document.text == expected


def test_rich_text_under_the_name_of_an_old_word_file_is_read(tmp_path: Path) -> None:
    (document,) = read(makers.written(tmp_path, "letter.doc", rb"{\rtf1\ansi Hello}")).documents
    assert (document.kind, document.text) == ("rtf", "Hello")


def test_a_book_is_read_in_its_own_order_by_chapter(tmp_path: Path) -> None:
    """Its pages name a document type, as the format demands; that once counted as an attack."""
    file = paper.epub(tmp_path, {"b.xhtml": "<h1>Dos</h1><p>Segundo</p>", "a.xhtml": "<h1>Uno</h1><p>Primero</p>"})
    assert sections(file) == [(None, "Uno", "Uno\nPrimero"), (None, "Dos", "Dos\nSegundo")]


@pytest.mark.parametrize(("path", "locked"), [("OEBPS/text/a.xhtml", True), ("OEBPS/font.otf", False)])
def test_only_encrypted_chapters_lock_a_book(tmp_path: Path, path: str, locked: bool) -> None:
    listed = f'<encryption><EncryptedData><CipherReference URI="{path}"/></EncryptedData></encryption>'
    file = paper.epub(tmp_path, {"a.xhtml": "<p>Uno</p>"}, more={"META-INF/encryption.xml": listed})
    if locked:
        with pytest.raises(Unreadable, match="epub_locked"):
            read(file)
    else:
        assert [text for *_, text in sections(file)] == ["Uno"]
