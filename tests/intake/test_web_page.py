"""Saved web pages: what they are about is kept, menus are not, and nothing is fetched."""

import codecs
from pathlib import Path

import pytest

from studio.base.errors import Unreadable
from studio.intake import importers
from studio.intake.papers import markup
from tests.intake import makers

PAGE = """<!DOCTYPE html><html lang="es"><head><meta charset="{charset}"><title>Ayuda</title><style>.x{{}}</style>
<script>var s="SCRIPT"; fetch("http://evil.example/")</script><meta http-equiv="refresh" content="0;url=http://evil.example/">
<link rel="stylesheet" href="http://evil.example/x.css"></head><body>
<nav><a href="/">Inicio</a></nav><main><h1>Preguntas</h1><p>Aquí respondemos a lo que nos preguntan en la tienda.</p>
<details><summary>¿Cuánto tarda?</summary><p>Dos días.</p></details><h2>Precios</h2>
<table><tr><th>Plan</th><th>Precio</th></tr><tr><td>Básico</td><td>5 €</td></tr></table><ul><li>Uno</li></ul>
<iframe src="http://evil.example/"></iframe></main><footer>© Tienda</footer></body></html>"""


def sections(file: Path) -> list[tuple[str, str]]:
    (document,) = importers.read(file, makers.origin(file.name)).documents
    return [(s.heading, document.text[s.start : s.end]) for s in document.sections]


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-15", "windows-1252"])
def test_a_page_keeps_questions_and_tables_and_loses_menus(tmp_path: Path, charset: str) -> None:
    file = makers.written(tmp_path, "a.html", PAGE.format(charset=charset), charset)
    assert sections(file) == [
        ("Preguntas", "Preguntas\nAquí respondemos a lo que nos preguntan en la tienda."),
        ("¿Cuánto tarda?", "¿Cuánto tarda?\nDos días."),
        ("Precios", "Precios\nPlan: Básico; Precio: 5 €\n- Uno"),
    ]


def test_a_page_that_is_wrong_about_its_letters_is_read_all_the_same(tmp_path: Path) -> None:
    file = makers.written(tmp_path, "a.htm", "<html><meta charset='utf-8'><p>Mañana sí</p></html>", "cp1252")
    assert sections(file) == [("", "Mañana sí")]


def test_a_page_in_utf16_is_a_page(tmp_path: Path) -> None:
    file = makers.written(
        tmp_path, "a.html", codecs.BOM_UTF16_LE + "<html><body><p>Año</p></body></html>".encode("utf-16-le")
    )
    assert sections(file) == [("", "Año")]


def test_what_is_named_like_a_menu_is_one_only_when_it_holds_links(tmp_path: Path) -> None:
    page = (
        "<div class='main-menu'><a href='/'>Inicio</a> <a href='/c'>Carta</a></div><div id='cookie-bar'>Usamos cookies</div>"
        "<header><h1>Bar Sol</h1></header><div class='menu'><p>Sopa 4 €</p><p>Arroz 9 €</p></div>"
        "<h2><button aria-expanded='false'>¿Abren?</button></h2><div style='display:none'>Sí, a diario.</div>"
        "<button>Reservar</button><form><p>Todo en un formulario</p></form>"
    )
    assert sections(makers.written(tmp_path, "a.html", f"<!doctype html><body>{page}")) == [
        ("Bar Sol", "Bar Sol\nSopa 4 €\nArroz 9 €"),
        ("¿Abren?", "¿Abren?\nSí, a diario.\nTodo en un formulario"),
    ]


def test_a_list_of_links_is_kept_row_by_row(tmp_path: Path) -> None:
    links = "".join(
        f"<div><a href='/{n}'>Producto número {n} de la lista</a> <span>{n},90 €</span></div>" for n in range(60)
    )
    file = makers.written(tmp_path, "list.html", f"<!doctype html><html><body><div id='x'>{links}</div></body></html>")
    text = "\n".join(part for _, part in sections(file))
    assert all(f"Producto número {n} de" in text and f"{n},90 €" in text for n in range(60))


def test_a_page_without_words_is_said_to_have_none(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="file_no_text"):
        importers.read(
            makers.written(tmp_path, "a.html", "<html><body><img src='x'></body></html>"), makers.origin("a.html")
        )


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>a<br>b</p>c", ["a", "b", "c"]),
        ("<table><tr><td>in <table><tr><td>x</td><td>y</td></tr></table></td><td>2</td></tr></table>", ["in x y; 2"]),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>c", ["> a", "> > b", "c"]),
        ("<p style='display: none'>tracking</p><p>seen</p>", ["seen"]),
        ("<ul><li>a<ul><li>b</li></ul></li></ul>", ["- a", "- b"]),
        ("<pre>a  b\n  c</pre>", ["a  b", "  c"]),
        ("<div>" * 10_000 + "deep", ["deep"]),  # the parser takes the square of it
    ],
)
def test_markup_becomes_lines(html: str, expected: list[str]) -> None:
    assert [line.text for line in markup.lines(html, quotes=True)] == expected
