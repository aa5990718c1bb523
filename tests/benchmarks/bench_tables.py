"""Questions over tables: how many are reckoned, how many of these rightly, and how many look-alikes are left alone.

    python -m tests.benchmarks.bench_tables [--every]

Made sets (tables.json, numbers and days as people there write them), fourteen sheets beside the documents of both templates.
The templates' own test questions are look-alikes too: none of them asks for a sum. `--every` prints the questions that went
wrong. Intervals are Wilson's at 95 %.
"""

import argparse
import json
import math
import tempfile
import time
from pathlib import Path
from typing import Any

from studio import intake
from studio.answering import asked, computing, queries, tables
from studio.answering.meanings import WORDS
from studio.base.records import Document

HERE = Path(__file__).parent
TEMPLATES = HERE.parents[1] / "templates"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", action="store_true")
    given = parser.parse_args()
    every = json.loads((HERE / "tables.json").read_text(encoding="utf-8"))
    sets = {"made with the rules": every, "kept aside, then learnt from": every["held"], "asked once": every["last"]}
    for name, made in sets.items():
        print(f"\n{name}")
        measure(made, show=given.every)


def measure(made: dict[str, Any], *, show: bool) -> None:
    kept = {language: documents(language, made["sheets"]) for language in ("en", "es")}
    print(
        f"{'':10}{'asked':>7}{'answered':>10}{'right':>7}  precision            recall              look-alikes computed"
    )
    totals = [0, 0, 0, 0, 0]
    for language in ("en", "es"):
        wanted = [each for each in made["questions"] if each["language"] == language and each["value"] is not None]
        answers = [(each, computing.over(kept[language], each["question"], language)) for each in wanted]
        answered = [(each, found) for each, found in answers if found]
        right = [each for each, found in answered if same(found.value, each["value"])]
        alike = [*made["lookalikes"][language], *template_questions(language)]
        wrong = [
            (question, found) for question in alike if (found := computing.over(kept[language], question, language))
        ]
        line = (len(wanted), len(answered), len(right), len(wrong), len(alike))
        totals = [a + b for a, b in zip(totals, line, strict=True)]
        row(language, *line)
        if show:
            for each, found in answers:
                if not found or not same(found.value, each["value"]):
                    print("   ", each["question"], "wanted", each["value"], "got", found and (found.value, found.words))
            for question, found in wrong:
                print("    look-alike:", question, "->", found.text, "|", found.words)
    row("both", *totals)
    began = time.perf_counter()
    found_tables = [table for document in kept["es"] for table in tables.of_document(document)]
    read = time.perf_counter() - began
    began = time.perf_counter()
    for each in made["questions"]:
        if found := asked.read(each["question"], each["language"], WORDS):
            [queries.query(found, table) for table in found_tables]
    spent = (time.perf_counter() - began) / len(made["questions"])
    print(f"reading {len(found_tables)} tables {1000 * read:.0f} ms, understanding a question {1000 * spent:.1f} ms")


def documents(language: str, sheets: dict[str, dict[str, str]]) -> list[Document]:
    found = [
        document
        for path in sorted(TEMPLATES.glob(f"*/{language}/sources/*"))
        for document in intake.read(path).documents
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name, sheet in sheets.items():
            if sheet["language"] == language:
                path = Path(folder) / name
                path.write_text(sheet["text"], encoding="utf-8")
                found += intake.read(path).documents
    return found


def template_questions(language: str) -> list[str]:
    return [
        json.loads(line)["question"]
        for path in sorted(TEMPLATES.glob(f"*/{language}/questions.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def same(value: str, wanted: float | str) -> bool:
    return value == wanted if isinstance(wanted, str) else math.isclose(float(value), wanted, rel_tol=1e-4)


def row(name: str, asked_: int, answered: int, right: int, wrong: int, alike: int) -> None:
    print(
        f"{name:10}{asked_:7}{answered:10}{right:7}  {share(right, answered + wrong)}  {share(right, asked_)}"
        f"  {wrong} of {alike}"
    )


def share(part: int, of: int) -> str:
    """Wilson's interval."""
    if not of:
        return "-" * 18
    z, p = 1.96, part / of
    middle, half = p + z * z / (2 * of), z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return f"{p:.3f} [{(middle - half) / (1 + z * z / of):.3f}, {(middle + half) / (1 + z * z / of):.3f}]"


if __name__ == "__main__":
    main()
