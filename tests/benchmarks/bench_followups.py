"""Follow-up questions over the templates: whether the passage with the answer is found, with the conversation and without.

    python -m tests.benchmarks.bench_followups [--every] [--model NAME]

A made set (followups.json): 64 questions that lean on the one before them, 26 that only ask for its deadline, price or limit
("bare"), and 32 that stand alone after another subject, in English and Spanish. Found is a
passage that holds the fact, first or among the first three. "appended" puts the question before in front of every one, as
is often done. `--model` lets a model write the question out. Intervals are Wilson's.
"""

import argparse
import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio import intake
from studio.answering import following
from studio.base import project as projects
from studio.base.project import Project
from studio.base.records import Message
from studio.base.settings import Settings
from studio.engines import Engine
from studio.retrieval import build, search
from tests.benchmarks.bench_tables import share

HERE = Path(__file__).parent
TEMPLATES = HERE.parents[1] / "templates"
Way = Callable[[str, list[Message]], str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--model", default="")
    given = parser.parse_args()
    made = json.loads((HERE / "followups.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Settings(projects=Path(folder)))
        try:
            ways: dict[str, Way] = {
                "alone": lambda question, _: question,
                "appended": lambda question, history: f"{history[-2].content} {question}",
                "understood": lambda q, said: following.searched(q, following.understood(q, said)),
            }
            if given.model:
                ways[given.model] = lambda q, history: following.understood(q, history, engine, given.model)
            known = {
                (template, language): ready(Path(folder), template, language, engine)
                for template in sorted({each["template"] for each in made["follow_ups"]})
                for language in ("en", "es")
            }
            for kind in ("follow_ups", "bare", "standing"):
                leaning = sum(following.leans(each["question"]) for each in made[kind])
                print(f"\n{kind}: {len(made[kind])}, taken for leaning: {leaning}")
                for name, way in ways.items():
                    for language in ("en", "es", ""):
                        asked = [each for each in made[kind] if each["language"].startswith(language)]
                        places = [place(known, each, way, engine) for each in asked]
                        first, three = sum(p == 1 for p in places), sum(0 < p <= 3 for p in places)
                        shares = f"first {share(first, len(asked))}  of three {share(three, len(asked))}"
                        print(f"  {name:12}{language or 'both':6}{shares}")
                        if given.every and name == "understood" and not language:
                            for each, at in zip(asked, places, strict=True):
                                if at != 1 or (kind == "standing") == following.leans(each["question"]):
                                    print("     ", at, each["question"], "->", way(each["question"], history(each)))
        finally:
            engine.stop()


def ready(root: Path, template: str, language: str, engine: Engine) -> Project:
    project = projects.create(root, f"{template} {language}", language, TEMPLATES / template / language)  # type: ignore[arg-type]
    intake.add_all(project)
    build(project, engine, lambda event: None, lambda: False)
    return project


def history(each: dict[str, Any]) -> list[Message]:
    said = []
    for question in each["before"]:
        said += [Message(role="user", content=question), Message(role="assistant", content="…")]
    return said


def place(known: dict[tuple[str, str], Project], each: dict[str, Any], way: Way, engine: Engine) -> int:
    """At which place the first passage with the fact stands; 0 for none."""
    hits = search(known[each["template"], each["language"]], way(each["question"], history(each)), engine, 3)
    pattern = re.compile("|".join(rf"(?<![\d.,]){re.escape(fact)}(?!\d)" for fact in each["must"].split("|")))
    texts = [passage.chunk.text for passage in hits.passages]
    return next((at for at, text in enumerate(texts, start=1) if pattern.search(text)), 0)


if __name__ == "__main__":
    main()
