"""Word documents beyond the plain ones of test_importers: notes, margins, templates, strict format, odd packages."""

from pathlib import Path

import pytest

from studio.intake import importers
from tests.intake import makers, paper

SPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
TIES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def text(file: Path) -> str:
    (document,) = importers.read(file, makers.origin(file.name)).documents
    return document.text


def run(words: str) -> str:
    return f"<w:r><w:t>{words}</w:t></w:r>"


def paragraph(words: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{run(words)}</w:p>"


def package(folder: Path, body: str, name: str = "a.docx", main: str = "word/document.xml", **parts: str) -> Path:
    """A document written by hand; `parts` are tied to it by their name (styles, footnotes, header, comments)."""
    ties = "".join(f'<Relationship Type="{TIES}/{kind}" Target="{kind}.xml"/>' for kind in parts)
    return paper.zipped(
        folder,
        name,
        {
            "[Content_Types].xml": f"<Types><Override PartName='/{main}' ContentType='application/vnd.openxmlformats-"
            "officedocument.wordprocessingml.document.main+xml'/></Types>",
            "_rels/.rels": f'<Relationships><Relationship Type="{TIES}/officeDocument" Target="/{main}"/></Relationships>',
            main: f"<w:document {SPACE}><w:body>{body}</w:body></w:document>",
            f"word/_rels/{Path(main).name}.rels": f"<Relationships>{ties}</Relationships>",
            **{f"word/{kind}.xml": f"<w:{kind} {SPACE}>{content}</w:{kind}>" for kind, content in parts.items()},
        },
    )


def test_notes_stand_under_their_paragraph_and_margins_at_the_end(tmp_path: Path) -> None:
    body = f'<w:p>{run("Body")}<w:r><w:footnoteReference w:id="2"/></w:r></w:p>' + paragraph("After")
    notes = f'<w:footnote w:id="2">{paragraph("The note")}</w:footnote>'
    file = package(tmp_path, body, footnotes=notes, header=paragraph("Acme Ltd"), footer=paragraph("7"))
    assert text(file) == "Body\n* The note\nAfter\n\nAcme Ltd"


def test_comments_and_everything_that_was_deleted_are_left_out(tmp_path: Path) -> None:
    deleted = (
        "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom>"
    )
    body = deleted + run("kept") + "<w:commentRangeStart w:id='1'/></w:p>"
    assert text(package(tmp_path, body, comments=f"<w:comment w:id='1'>{paragraph('remark')}</w:comment>")) == "kept"


def test_numbered_paragraphs_are_items_whatever_their_style(tmp_path: Path) -> None:
    numbered = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="3"/></w:numPr>'
    none = '<w:numPr><w:numId w:val="0"/></w:numPr>'
    assert text(package(tmp_path, paragraph("One", numbered) + paragraph("Two", none))) == "- One\nTwo"


def test_rows_and_cells_in_content_controls_and_tables_in_tables_lose_nothing(tmp_path: Path) -> None:
    def cell(words: str) -> str:
        return f"<w:tc>{words}</w:tc>"

    inner = f"<w:tbl><w:tr>{cell(paragraph('in'))}{cell(paragraph('side'))}</w:tr></w:tbl>"
    row = f"<w:sdt><w:sdtContent><w:tr>{cell(paragraph('12'))}{cell(inner + paragraph('x'))}</w:tr></w:sdtContent></w:sdt>"
    head = f"<w:tr>{cell(paragraph('Plan'))}{cell(paragraph('Price'))}</w:tr>"
    assert text(package(tmp_path, f"<w:tbl>{head}{row}</w:tbl>")) == "Plan: 12; Price: in side x"


def test_a_document_whose_main_part_has_another_name_is_read(tmp_path: Path) -> None:
    """Documents saved by Word in a browser hold word/document2.xml; they were taken for a plain archive."""
    assert text(package(tmp_path, paragraph("Hello"), main="word/document2.xml")) == "Hello"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("openxmlformats-officedocument.wordprocessingml.document.main", "ms-word.document.macroEnabled.main"),
        ("wordprocessingml.document.main", "wordprocessingml.template.main"),
    ],
)
def test_documents_with_macros_and_templates_are_read_too(tmp_path: Path, old: str, new: str) -> None:
    """The library refuses every content type but one, so .docm and .dotx were called damaged."""
    import zipfile

    plain = makers.docx(tmp_path)
    with zipfile.ZipFile(plain) as archive:
        types = archive.read("[Content_Types].xml").decode()
    assert old in types
    assert "Llame al seguro." in text(
        makers.with_part(plain, "a.docm", "[Content_Types].xml", types.replace(old, new).encode())
    )


def test_the_strict_format_is_read(tmp_path: Path) -> None:
    strict = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
    plain = makers.docx(tmp_path)
    xml = makers.document_xml(plain).replace(b"http://schemas.openxmlformats.org/wordprocessingml/2006/main", strict)
    assert "- Llame al seguro." in text(makers.with_part(plain, "strict.docx", "word/document.xml", xml))
