"""Make the office files of the templates from the YAML beside them.

    python tests/tools/make_templates.py [templates-folder]

`documents.<language>.yaml` holds what the documents say and `facts.<language>.yaml` what people ask. For each
language, in this order: the policy (PDF), the guide (DOCX), the price table (XLSX), the past questions (CSV),
the test questions (JSONL). No sentence of a template lives here; the same YAML gives the same bytes.
"""

import csv
import datetime
import io
import json
import random
import re
import sys
import zipfile
from pathlib import Path

import yaml
from docx import Document
from docx.shared import Pt, RGBColor
from fpdf import FPDF, FontFace
from openpyxl import Workbook
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter

TEMPLATES = Path(__file__).parents[2] / "templates"
NUMBER_FORMATS = {"text": "General", "money": "#,##0.00", "whole": "0", "percent": "0%", "date": "yyyy-mm-dd"}


def make(templates: Path) -> list[Path]:
    """Write every file of every language that has its two YAML files; return what was written."""
    written = []
    for path in sorted(templates.glob("*/documents.*.yaml")):
        language = path.suffixes[0][1:]
        content = yaml.safe_load(path.read_text("utf-8"))
        asked = yaml.safe_load(path.with_name(f"facts.{language}.yaml").read_text("utf-8"))
        folder = path.parent / language
        sources = folder / "sources"
        sources.mkdir(parents=True, exist_ok=True)
        files = {
            sources / content["policy"]["file"]: pdf(content),
            sources / content["guide"]["file"]: docx(content),
            sources / content["prices"]["file"]: xlsx(content),
            sources / content["faq"]["file"]: past_questions(content, asked),
            folder / "questions.jsonl": test_questions(content, asked),
        }
        for file, data in files.items():
            file.write_bytes(data)
        written += files
    return written


def pdf(content: dict) -> bytes:
    page = _Policy(content)
    policy = content["policy"]
    page.add_page()
    page.set_fill_color(*content["colour"])
    page.rect(0, 0, page.w, 74, style="F")
    page.set_text_color(255)
    page.set_xy(page.l_margin, 16)
    _line(page, content["company"], 12, style="B", gap=12)
    _line(page, policy["title"], 30, style="B", gap=4)
    _line(page, policy["subtitle"], 13, gap=2)
    _line(page, policy["edition"], 10)
    page.set_y(86)
    for kind, body in _blocks(policy["blocks"]):
        _pdf_block(page, kind, body)
    return bytes(page.output())


class _Policy(FPDF):
    """A4, the core Helvetica, and on each page but the first the company above and the page number below."""

    def __init__(self, content: dict) -> None:
        super().__init__(format="A4")
        self.content = content
        self.core_fonts_encoding = "windows-1252"  # Latin-1, fpdf2's own choice, has no euro sign
        self.set_margins(24, 22)
        self.set_auto_page_break(True, margin=24)
        self.set_title(content["policy"]["title"])
        self.set_author(content["company"])
        self.set_creation_date(_date(content))

    def header(self) -> None:
        if self.page_no() > 1:
            self.set_y(10)
            self.set_text_color(*self.content["colour"])
            _line(self, f"{self.content['company']} · {self.content['policy']['title']}", 9)
            self.set_draw_color(*self.content["colour"])
            self.line(self.l_margin, 16.5, self.w - self.r_margin, 16.5)
            self.set_y(24)

    def footer(self) -> None:
        self.set_y(-15)
        self.set_font("Helvetica", size=9)
        self.set_text_color(110)
        self.cell(0, 6, f"{self.content['page_label']} {self.page_no()}", align="C")


def _pdf_block(page: _Policy, kind: str, body) -> None:
    colour = page.content["colour"]
    page.set_text_color(40)
    match kind:
        case "h1":
            _keep_together(page, 46)
            page.ln(5)
            page.set_text_color(*colour)
            _line(page, body, 16, style="B", gap=2)
        case "h2":
            _keep_together(page, 26)
            page.set_text_color(*colour)
            _line(page, body, 11.5, style="B", gap=1)
        case "p":
            _line(page, body, 10.5, gap=4)
        case "list" | "steps":
            for number, item in enumerate(body, 1):
                page.set_x(page.l_margin + 3)
                page.cell(7, 5.6, f"{number}." if kind == "steps" else "•")
                _line(page, item, 10.5, gap=1.5)
            page.ln(2.5)
        case "table":
            _keep_together(page, 8 * len(body) + 6)
            page.set_font("Helvetica", size=10)
            page.set_draw_color(190)
            page.set_fill_color(255)
            head = FontFace(emphasis="BOLD", color=(255, 255, 255), fill_color=tuple(colour))
            widths = (40, *[60 / (len(body[0]) - 1)] * (len(body[0]) - 1))
            with page.table(
                body,
                headings_style=head,
                col_widths=widths,
                line_height=7,
                padding=(0.4, 2),
                text_align="LEFT",
            ):
                pass
            page.ln(5)
        case _:
            raise ValueError(f"no such block: {kind}")


def _line(page: FPDF, text: str, size: float, style: str = "", gap: float = 0) -> None:
    page.set_font("Helvetica", style=style, size=size)
    page.multi_cell(0, size * 0.53, text, align="L", new_x="LMARGIN", new_y="NEXT")
    page.ln(gap)


def _keep_together(page: FPDF, height: float) -> None:
    if page.will_page_break(height):
        page.add_page()


def docx(content: dict) -> bytes:
    guide, colour = content["guide"], RGBColor(*content["colour"])
    document = Document()
    core = document.core_properties
    core.title, core.author, core.created, core.modified = (
        guide["title"],
        content["company"],
        _date(content),
        _date(content),
    )
    document.styles["Normal"].font.name, document.styles["Normal"].font.size = "Calibri", Pt(11)
    for name in ("Title", "Heading 1", "Heading 2"):
        document.styles[name].font.color.rgb = colour
    document.add_heading(guide["title"], 0)
    document.add_paragraph(f"{content['company']} · {guide['subtitle']}")
    for kind, body in _blocks(guide["blocks"]):
        match kind:
            case "h1" | "h2":
                document.add_heading(body, int(kind[1]))
            case "p":
                document.add_paragraph(body)
            case "list" | "steps":
                for item in body:
                    document.add_paragraph(item, style="List Number" if kind == "steps" else "List Bullet")
            case "table":
                table = document.add_table(len(body), len(body[0]), style="Light Grid Accent 1")
                for row, texts in zip(table.rows, body, strict=True):
                    for cell, text in zip(row.cells, texts, strict=True):
                        cell.text = text
                document.add_paragraph()
            case _:
                raise ValueError(f"no such block: {kind}")
    out = io.BytesIO()
    document.save(out)
    return _same_every_time(out.getvalue(), _date(content))


def xlsx(content: dict) -> bytes:
    book = Workbook()
    book.remove(book.active)
    book.properties.creator, book.properties.created = content["company"], _date(content)
    fill = PatternFill("solid", fgColor="".join(f"{part:02X}" for part in content["colour"]))
    for each in content["prices"]["sheets"]:
        sheet = book.create_sheet(each["name"])
        sheet.append(each["columns"])
        for row in each["rows"]:
            sheet.append(row)
        for column, kind in enumerate(each["formats"], 1):
            cells = [sheet.cell(row, column) for row in range(1, sheet.max_row + 1)]
            cells[0].font, cells[0].fill = Font(bold=True, color="FFFFFF"), fill
            for cell in cells[1:]:
                cell.number_format = NUMBER_FORMATS[kind]
            widest = max(len(str(cell.value or "")) for cell in cells)
            sheet.column_dimensions[get_column_letter(column)].width = widest + 3
        sheet.freeze_panes = "A2"
    out = io.BytesIO()
    book.save(out)
    return _same_every_time(out.getvalue(), _date(content))


def past_questions(content: dict, asked: dict) -> bytes:
    """The rows in the order in which a helpdesk collects them: mixed, and always mixed the same way."""
    faq = content["faq"]
    rows = [(question, fact["answer"], fact["topic"]) for fact in asked["facts"] for question in fact["asked"]]
    random.Random(7).shuffle(rows)
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=faq["separator"])
    writer.writerow(faq["columns"])
    writer.writerows(rows)
    return out.getvalue().encode(faq["encoding"])


def test_questions(content: dict, asked: dict) -> bytes:
    unknown = asked["unanswerable"]
    held_out = [
        _question(fact["held_out"], fact["answer"], content[fact["source"]]["file"], fact["topic"], fact["must"])
        for fact in asked["facts"]
        if "held_out" in fact
    ]
    only = asked["documents_only"]
    from_documents = [
        _question(q["question"], q["reference"], content[q["source"]]["file"], only["segment"], q["must"])
        for q in only["questions"]
    ]
    not_there = [_question(text, unknown["reference"], None, unknown["segment"], []) for text in unknown["questions"]]
    lines = [json.dumps(q, ensure_ascii=False) for q in held_out + from_documents + not_there]
    return ("\n".join(lines) + "\n").encode()


def _question(question: str, reference: str, source: str | None, segment: str, must: list[str]) -> dict:
    return {
        "question": question,
        "reference": reference,
        "expected_source": source,
        "answerable": source is not None,
        "segment": segment,
        "must_contain": must,
    }


def _blocks(blocks: list[dict]) -> list[tuple]:
    return [pair for block in blocks for pair in block.items()]


def _date(content: dict) -> datetime.datetime:
    return datetime.datetime.combine(content["date"], datetime.time(9), tzinfo=datetime.UTC)


def _same_every_time(data: bytes, date: datetime.datetime) -> bytes:
    """The same zip with its clock stopped: python-docx and openpyxl stamp the hour of saving."""
    out = io.BytesIO()
    stamp = date.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            body = old.read(name)
            if name == "docProps/core.xml":
                body = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, body)
            new.writestr(zipfile.ZipInfo(name, date.timetuple()[:6]), body, zipfile.ZIP_DEFLATED)
    return out.getvalue()


if __name__ == "__main__":
    for file in make(Path(sys.argv[1]) if len(sys.argv) > 1 else TEMPLATES):
        print(file)
