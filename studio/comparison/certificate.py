"""The acceptance record as a document, in the language of `t`: the same blocks as HTML that prints well, and as PDF.

Sentences are keys of the locales (`record.…`), markup and layout are here; what it says is `acceptance`'s business.
"""

import io
from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from studio.base.records import Record
from studio.base.words import Translate
from studio.comparison.acceptance import Acceptance
from studio.comparison.said import remarks, verdict

if TYPE_CHECKING:
    from fpdf import FPDF

FONT = Path(__file__).parents[1] / "web" / "static" / "fonts" / "inter.woff2"
STYLE = Path(__file__).with_name("certificate.css")
LEAST = 0.0001  # below it, a p-value is only said to be smaller
WEIGHTS = {"": 400, "B": 700}


class Block(Record):
    """A heading, a sentence, or a table; the first row of a table is its head where `head` says so."""

    kind: Literal["title", "heading", "verdict", "text", "table", "sign"]
    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    head: bool = True
    widths: tuple[int, ...] = ()


def blocks(facts: Acceptance, t: Translate) -> tuple[Block, ...]:
    """The document from top to bottom: verdict, who and when, assistants, statistics, questions, every vote, signatures."""
    names = {each.id: t(f"approach.{each.approach}") for each in facts.contenders}
    key, numbers = verdict(facts.evidence, names)
    return (
        Block(kind="title", text=t("record.title")),
        Block(kind="text", text=t("record.of", project=facts.project, closed=_moment(facts.round.closed, t))),
        Block(kind="verdict", text=t(key, **numbers)),
        *[Block(kind="text", text=t(key, **numbers)) for key, numbers in remarks(facts.evidence)],
        Block(kind="heading", text=t("record.who")),
        _people(facts, t),
        Block(kind="heading", text=t("record.variants")),
        _variants(facts, names, t),
        Block(kind="text", text=t("record.hashes")),
        Block(kind="heading", text=t("record.statistics")),
        *_statistics(facts, names, t),
        Block(kind="heading", text=t("record.questions")),
        _questions(facts, names, t),
        Block(kind="heading", text=t("record.votes")),
        _votes(facts, names, t),
        Block(kind="heading", text=t("record.made_of")),
        _made_of(facts, t),
        Block(kind="sign", rows=((t("record.sign.name"), t("record.sign.place"), t("record.sign.signature")),)),
    )


def html(facts: Acceptance, t: Translate, language: str) -> str:
    """One file that needs nothing else, for the screen, for print and to be kept."""
    body = "\n".join(_markup(block) for block in blocks(facts, t))
    style = STYLE.read_text(encoding="utf-8")
    title = escape(f"{t('record.title')} – {facts.project}")
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def pdf(facts: Acceptance, t: Translate, language: str) -> bytes:
    """The same on A4 pages."""
    from fpdf import FPDF

    document = FPDF(format="A4")
    document.set_title(f"{t('record.title')} – {facts.project}")
    document.set_lang(language)
    document.set_creator("Amedida")
    document.set_creation_date(datetime.fromisoformat(facts.made))
    document.set_margins(18, 16)
    document.set_auto_page_break(True, 16)
    with TemporaryDirectory() as folder:  # it reads a typeface from a file, and again when it writes
        for style, weight in WEIGHTS.items():
            file = Path(folder) / f"inter-{weight}.ttf"
            file.write_bytes(_font(weight))
            document.add_font("inter", style, file)
        document.add_page()
        for block in blocks(facts, t):
            _print(document, block)
        return bytes(document.output())


def _people(facts: Acceptance, t: Translate) -> Block:
    rows = [(t("record.voter"), t("record.voter.votes"))]
    for at, (id, name, n) in enumerate(facts.voters, start=1):
        rows.append((name or (t("record.voter.n", n=at) if id else t("record.voter.own")), t("record.n", n=n)))
    when = t("record.when", first=_moment(facts.first, t), last=_moment(facts.last, t))
    return Block(kind="table", rows=(*rows, (when, "")), widths=(4, 1))


def _variants(facts: Acceptance, names: dict[str, str], t: Translate) -> Block:
    head = tuple(t(f"record.variant.{key}") for key in ("name", "model", "files", "more", "chosen"))
    rows = [
        (
            names[each.id],
            each.model,
            each.spoken_by.replace("+", " + ") or t("record.variant.quotes"),
            " · ".join(part for part in (each.id, each.adapter, each.instructions) if part),
            t("improve.chosen", n=each.chosen, of=each.shown),
        )
        for each in facts.contenders
    ]
    return Block(kind="table", rows=(head, *rows), widths=(3, 3, 4, 4, 2))


def _statistics(facts: Acceptance, names: dict[str, str], t: Translate) -> list[Block]:
    found = facts.evidence
    made = [Block(kind="text", text=t("record.method", planned=found.planned, looks=_list(facts.looks)))]
    head = tuple(t(f"record.duel.{key}") for key in ("pair", "wins", "needed", "share", "p"))
    rows = [
        (
            f"{names[found.leader]} – {names[duel.rival]}",
            f"{duel.wins} – {duel.losses}",
            str(duel.needed) if duel.needed is not None else "–",
            _interval(duel.share.value, duel.share.low, duel.share.high, t),
            t("record.n", n=round(duel.p_value, 4)) if duel.p_value >= LEAST else f"< {t('record.n', n=LEAST)}",
        )
        for duel in found.duels
        if found.leader
    ]
    made += [Block(kind="table", rows=(head, *rows), widths=(5, 2, 2, 4, 2))] if rows else []
    if found.strengths is not None and len(facts.contenders) > 2:
        strong = [(names[s.variant], _interval(s.share, s.low, s.high, t)) for s in found.strengths.places]
        made.append(Block(kind="text", text=t("record.strengths")))
        made.append(
            Block(kind="table", rows=((t("record.variant.name"), t("record.strength")), *strong), widths=(3, 3))
        )
    if found.agreement is not None and found.agreement.alpha is not None:
        made.append(Block(kind="text", text=t("record.alpha", alpha=round(found.agreement.alpha, 2))))
    if found.first_side is not None:
        first = _interval(found.first_side.value, found.first_side.low, found.first_side.high, t)
        even = round(100 / len(facts.contenders))
        made.append(Block(kind="text", text=t("record.first_side", share=first, even=even)))
    if found.questions:
        made.append(Block(kind="text", text=t("record.by_question", n=found.for_leader, of=found.questions)))
    return made


def _questions(facts: Acceptance, names: dict[str, str], t: Translate) -> Block:
    head = ("", t("record.question"), *names.values(), t("vote.equal"), t("vote.neither"))
    rows = [
        (
            str(at),
            each.question,
            *[str(each.chosen.get(id, 0)) for id in names],
            str(each.equal),
            str(each.neither),
        )
        for at, each in enumerate(facts.asked, start=1)
    ]
    return Block(kind="table", rows=(head, *rows), widths=(2, 16, *[5] * (len(names) + 2)))


def _votes(facts: Acceptance, names: dict[str, str], t: Translate) -> Block:
    number = {each.question: str(at) for at, each in enumerate(facts.asked, start=1)}
    voter = {id: str(at) for at, (id, _, _) in enumerate(facts.voters, start=1)}
    head = tuple(
        t(f"record.vote.{key}") for key in ("question", "voter", "sides", "choice", "words", "seconds", "when")
    )
    rows = [
        (
            number.get(vote.question, "–"),
            voter[vote.voter],
            " | ".join(names[id] for id in vote.shown),
            names[vote.winner] if vote.winner else t("vote.equal" if vote.equal else "vote.neither"),
            " | ".join(str(words) for words in vote.lengths),
            t("record.n", n=round(vote.seconds)),
            _moment(vote.created, t),
        )
        for vote in facts.votes
    ]
    return Block(kind="table", rows=(head, *rows), widths=(2, 3, 9, 6, 4, 3, 5))


def _made_of(facts: Acceptance, t: Translate) -> Block:
    rows = (
        (t("record.project"), f"{facts.project} ({facts.project_id})"),
        (t("record.round"), f"{facts.round.id} · {t('record.seed')} {facts.round.seed}"),
        (t("record.index"), f"{facts.round.index or '–'} · {facts.embedder or '–'} · {facts.documents}"),
        (t("record.version"), facts.version),
        (t("record.made"), _moment(facts.made, t)),
        (t("record.digest"), facts.digest),
    )
    return Block(kind="table", rows=rows, head=False, widths=(2, 5))


def _moment(moment: str, t: Translate) -> str:
    local = datetime.fromisoformat(moment).astimezone()
    return t("unit.date", year=f"{local:%Y}", month=f"{local:%m}", day=f"{local:%d}", time=f"{local:%H:%M}")


def _interval(value: float, low: float, high: float, t: Translate) -> str:
    return t("record.interval", value=round(100 * value), low=round(100 * low), high=round(100 * high))


def _list(numbers: tuple[int, ...]) -> str:
    return ", ".join(str(number) for number in numbers)


def _markup(block: Block) -> str:
    match block.kind:
        case "title":
            return f"<h1>{escape(block.text)}</h1>"
        case "heading":
            return f"<h2>{escape(block.text)}</h2>"
        case "verdict":
            return f'<p class="verdict">{escape(block.text)}</p>'
        case "text":
            return f"<p>{escape(block.text)}</p>"
        case "sign":
            return '<p class="sign">' + "".join(f"<span>{escape(each)}</span>" for each in block.rows[0]) + "</p>"
        case "table":
            made = []
            for at, row in enumerate(block.rows):
                tag = "th" if block.head and at == 0 else "td"
                cells = [(' class="n"' if cell.isdigit() else "", escape(cell)) for cell in row]
                made.append("<tr>" + "".join(f"<{tag}{number}>{cell}</{tag}>" for number, cell in cells) + "</tr>")
            return '<div class="scroll"><table>' + "\n".join(made) + "</table></div>"


def _print(document: "FPDF", block: Block) -> None:
    match block.kind:
        case "title" | "heading":
            document.ln(3 if block.kind == "heading" else 0)
            document.set_font("inter", "B", 19 if block.kind == "title" else 12)
            document.multi_cell(
                0, 9 if block.kind == "title" else 7, block.text, align="L", new_x="LMARGIN", new_y="NEXT"
            )
        case "verdict" | "text":
            document.set_font("inter", "B" if block.kind == "verdict" else "", 12 if block.kind == "verdict" else 9)
            document.multi_cell(
                0, 7 if block.kind == "verdict" else 5, block.text, align="L", new_x="LMARGIN", new_y="NEXT"
            )
            document.ln(1)
        case "sign":
            document.ln(16)
            document.set_font("inter", "", 8)
            wide = document.epw / len(block.rows[0])
            for each in block.rows[0]:
                document.line(document.get_x(), document.get_y(), document.get_x() + wide - 6, document.get_y())
                document.cell(wide, 6, each)
        case "table":
            document.set_font("inter", "", 8)
            with document.table(
                col_widths=block.widths,
                first_row_as_headings=block.head,
                line_height=4.6,
                borders_layout="HORIZONTAL_LINES",
                text_align="LEFT",
                padding=0.8,
                wrapmode="CHAR"
                if any(len(cell) > 40 and " " not in cell for row in block.rows for cell in row)
                else "WORD",
            ) as table:
                for row in block.rows:
                    table.row(row)


@cache
def _font(weight: int) -> bytes:
    """The studio's typeface in one weight, as the PDF takes it."""
    from fontTools.ttLib import TTFont
    from fontTools.varLib.instancer import instantiateVariableFont

    font = TTFont(FONT)
    for table in {"GDEF", "GPOS", "GSUB"} & set(font.keys()):  # kerning and ligatures, of which the PDF makes no use:
        del font[table]  # three quarters of the work
    axes = {axis.axisTag: axis.defaultValue for axis in font["fvar"].axes}
    fixed = instantiateVariableFont(font, axes | {"wght": weight})
    fixed.flavor = None
    written = io.BytesIO()
    fixed.save(written)
    return written.getvalue()
