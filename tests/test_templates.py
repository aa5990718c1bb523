"""The templates are whole, agree with themselves in both languages, and never test what they teach."""

import csv
import json
import re
import unicodedata
from pathlib import Path

import openpyxl
import pypdfium2
import pytest
import yaml
from docx import Document

TEMPLATES = Path(__file__).parents[1] / "templates"
USES = sorted(path.name for path in TEMPLATES.iterdir() if path.is_dir())
FOLDERS = [TEMPLATES / use / language for use in USES for language in ("en", "es")]
each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")


@each_folder
def test_a_template_has_its_settings_its_questions_and_a_file_of_each_kind(folder: Path) -> None:
    assert (folder / "project.json").is_file()
    assert (folder / "questions.jsonl").is_file()
    kinds = {path.suffix for path in (folder / "sources").iterdir()}
    assert kinds >= {".pdf", ".docx", ".xlsx", ".csv"}
    assert all(path.stat().st_size < 150_000 for path in (folder / "sources").iterdir())


@each_folder
def test_the_settings_use_only_the_words_the_studio_knows(folder: Path) -> None:
    project = json.loads((folder / "project.json").read_text("utf-8"))
    assert set(project) == {"format", "name", "language", "goal", "instructions", "profile", "template"}
    assert (project["format"], project["language"], project["template"]) == (
        1,
        folder.name,
        folder.parent.name,
    )
    goal, profile = project["goal"], project["profile"]
    assert set(goal) == {"kind", "text", "facts_or_style", "change", "matters"}
    assert goal["kind"] in {"answer", "write", "sort", "other"}
    assert goal["facts_or_style"] in {"facts", "style", "both"}
    assert goal["change"] in {"daily", "weekly", "monthly", "rarely"}
    assert set(goal["matters"]) <= {"facts", "sources", "tone", "speed", "private"}
    assert set(profile) == {"address", "tone", "length"}
    assert profile["address"] == ("usted" if folder.name == "es" else "")
    assert profile["tone"] in {"warm", "neutral", "formal"}
    assert profile["length"] in {"short", "medium"}
    assert all(text.strip() for text in (project["name"], goal["text"], project["instructions"]))


@each_folder
def test_the_past_questions_are_many_different_and_never_contradict_each_other(folder: Path) -> None:
    rows = past_questions(folder)
    assert 200 <= len(rows) <= 260
    assert len({plain(question) for question, _, _ in rows}) == len(rows)
    assert len({answer for _, answer, _ in rows}) >= 45
    assert all(cell.strip() for row in rows for cell in row)


@each_folder
def test_there_are_enough_questions_and_some_that_nobody_can_answer(folder: Path) -> None:
    asked = questions(folder)
    assert 36 <= len(asked) <= 45
    assert len({plain(q["question"]) for q in asked}) == len(asked)
    unanswerable = [q for q in asked if not q["answerable"]]
    assert 6 <= len(unanswerable) <= 8
    assert all(q["expected_source"] is None and q["must_contain"] == [] for q in unanswerable)
    assert all(q["must_contain"] for q in asked if q["answerable"])


@each_folder
def test_no_test_question_is_a_past_question(folder: Path) -> None:
    taught = {plain(question) for question, _, _ in past_questions(folder)}
    assert [q["question"] for q in questions(folder) if plain(q["question"]) in taught] == []


@each_folder
def test_a_reference_contains_what_a_right_answer_must_contain(folder: Path) -> None:
    missing = [
        (q["question"], must)
        for q in questions(folder)
        for must in q["must_contain"]
        if not holds(q["reference"], must)
    ]
    assert missing == []


@each_folder
def test_what_a_right_answer_must_contain_stands_in_the_expected_source(folder: Path) -> None:
    texts = {path.name: text_of(path) for path in (folder / "sources").iterdir()}
    missing = [
        (q["question"], must)
        for q in questions(folder)
        for must in q["must_contain"]
        if not holds(texts[q["expected_source"]], must)
    ]
    assert missing == []


@each_folder
def test_every_fact_taught_stands_in_the_document_it_names(folder: Path) -> None:
    documents = yaml.safe_load((folder.parent / f"documents.{folder.name}.yaml").read_text("utf-8"))
    facts = facts_of(folder)
    texts = {kind: text_of(folder / "sources" / documents[kind]["file"]) for kind in ("policy", "guide", "prices")}
    wrong = [
        (f["id"], m) for f in facts for m in f["must"] if not (holds(f["answer"], m) and holds(texts[f["source"]], m))
    ]
    assert wrong == []


@each_folder
def test_the_office_files_say_what_the_yaml_says(folder: Path) -> None:
    expected = [(question, fact["answer"], fact["topic"]) for fact in facts_of(folder) for question in fact["asked"]]
    assert sorted(past_questions(folder)) == sorted(expected)


@each_folder
def test_the_pdf_numbers_its_pages(folder: Path) -> None:
    label = {"en": "page", "es": "página"}[folder.name]
    [path] = (folder / "sources").glob("*.pdf")
    with pypdfium2.PdfDocument(path) as pdf:
        pages = [page.get_textpage().get_text_bounded() for page in pdf]
    assert 4 <= len(pages) <= 6
    assert [text.strip().splitlines()[-1] for text in pages] == [f"{label} {n}" for n in range(1, len(pages) + 1)]


@pytest.mark.parametrize("use", USES)
def test_both_languages_hold_the_same_facts(use: str) -> None:
    english, spanish = (facts_of(TEMPLATES / use / language) for language in ("en", "es"))
    assert [(f["id"], f["source"], "held_out" in f) for f in english] == [
        (f["id"], f["source"], "held_out" in f) for f in spanish
    ]


def test_making_the_files_again_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fpdf", reason="only who edits a template needs fpdf2")
    monkeypatch.syspath_prepend(Path(__file__).parent / "tools")
    from make_templates import make

    for path in TEMPLATES.glob("*/*.yaml"):
        copy = tmp_path / path.relative_to(TEMPLATES)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
    stale = [made.name for made in make(tmp_path) if text_of(made) != text_of(TEMPLATES / made.relative_to(tmp_path))]
    assert stale == []


def past_questions(folder: Path) -> list[tuple[str, ...]]:
    """English: UTF-8 and commas. Spanish: Windows-1252 and semicolons, as the office exports it."""
    encoding, delimiter = {"en": ("utf-8", ","), "es": ("cp1252", ";")}[folder.name]
    [path] = (folder / "sources").glob("*.csv")
    header, *rows = csv.reader(path.read_text(encoding).splitlines(), delimiter=delimiter)
    assert header == {"en": ["question", "answer", "topic"], "es": ["pregunta", "respuesta", "tema"]}[folder.name]
    return [tuple(row) for row in rows]


def questions(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "questions.jsonl").read_text("utf-8").splitlines()]


def facts_of(folder: Path) -> list[dict]:
    return yaml.safe_load((folder.parent / f"facts.{folder.name}.yaml").read_text("utf-8"))["facts"]


def text_of(path: Path) -> str:
    match path.suffix:
        case ".pdf":
            with pypdfium2.PdfDocument(path) as pdf:
                text = "\n".join(page.get_textpage().get_text_bounded() for page in pdf)
        case ".docx":
            document = Document(path)
            cells = (cell.text for table in document.tables for row in table.rows for cell in row.cells)
            text = "\n".join([*(p.text for p in document.paragraphs), *cells])
        case ".xlsx":
            book = openpyxl.load_workbook(path, data_only=True)
            text = "\n".join(str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row)
        case _:
            text = path.read_bytes().decode("cp1252" if path.suffix == ".csv" and path.parts[-3] == "es" else "utf-8")
    return " ".join(text.split())


def holds(text: str, must: str) -> bool:
    return any(alternative.casefold() in text.casefold() for alternative in must.split("|"))


def plain(text: str) -> str:
    letters = (c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(re.findall(r"\w+", "".join(letters)))
