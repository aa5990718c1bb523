"""Whether what is cited says what is said, and whether the three marks of a sentence are right.

    python -m tests.benchmarks.bench_citations [--answers N] [--generated N] [--asked]

1. The four templates, their test questions, the starter, quoting and generating: the share of cited passages that contain
every number their sentence states (target .98), and how the generated sentences were marked. 2. Precision and recall of the
marks on the bilingual sets in tests/answering (one written before the check was, one after), and CPU time a sentence.
3. With `--asked`: how many test questions the index of each template lets through and declines, in both languages.
"""

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from studio import intake, retrieval
from studio.answering import Declined, Done, ask, support, variants, without_markers
from studio.answering.support import MARKER
from studio.base import project as projects
from studio.base.project import Project
from studio.base.records import Answer, Chunk, Passage
from studio.base.settings import Settings
from studio.engines import Engine
from studio.retrieval import sentences, terms
from studio.retrieval.chunking import headed

TEMPLATES = Path(__file__).parents[2] / "templates"
SETS = Path(__file__).parents[1] / "answering"
STATES = {"s": "supported", "u": "unsupported", "c": "contradicting"}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--answers", type=int, default=1_000, help="quoted answers a template")
    parser.add_argument("--generated", type=int, default=8, help="generated answers a template")
    parser.add_argument("--asked", action="store_true")
    asked = parser.parse_args()
    for file in ("support_cases.yaml", "support_held.yaml"):
        _marks(SETS / file)
    with TemporaryDirectory() as root:
        engine = Engine(Settings(projects=Path(root)))
        try:
            made = {path: _project(path, Path(root), engine) for path in sorted(TEMPLATES.glob("*/e[ns]"))}
            if asked.asked:
                _asked(made, engine)
            for quotes, count in ((True, asked.answers), (False, asked.generated)):
                answers = [each for project in made.values() for each in _answers(project, engine, quotes, count)]
                _cited("quoted" if quotes else "generated", answers)
        finally:
            engine.stop()


def _project(template: Path, root: Path, engine: Engine) -> Project:
    project = projects.create(root, f"{template.parent.name} {template.name}", template.name, template)  # type: ignore[arg-type]
    intake.add_all(project)
    project.change(chosen=("documents",), caution=0.5)
    project.store.put_fact("indexed", retrieval.build(project, engine, lambda event: None, lambda: False))
    return project


def _answers(project: Project, engine: Engine, quotes: bool, count: int) -> Iterator[Answer]:
    variant = next(each for each in variants(project) if each.approach == "documents")
    if not quotes:
        variant = variant.model_copy(update={"quotes": False, "passages": 1})
    questions = [question for question in project.store.questions() if question.answerable]
    for question in questions[:: max(len(questions) // count, 1)][:count]:
        *_, last = ask(project, variant, question.question, engine)
        assert isinstance(last, Done | Declined)
        if isinstance(last, Done):
            yield last.answer


def _cited(name: str, answers: list[Answer]) -> None:
    marks: Counter[str] = Counter(mark.state for answer in answers for mark in answer.support)
    held = cited = 0
    for answer in answers:
        numbered = {citation.number: citation.passage for citation in answer.citations}
        for start, end in sentences.spans(answer.text):
            sentence = answer.text[start:end]
            told = terms.numbers(without_markers(sentence))
            for number in MARKER.findall(sentence):
                cited += 1
                held += told <= terms.numbers(headed(answer.passages[numbered[int(number)]].chunk))
    share = held / max(cited, 1)
    print(
        f"{name}: {len(answers)} answers, {cited} citations, {held} hold every number ({share:.3f}); marks {dict(marks)}"
    )


def _marks(file: Path) -> None:
    counted: Counter[tuple[str, str]] = Counter()
    sentences_checked, began = 0, time.process_time()
    for written in yaml.safe_load(file.read_text(encoding="utf-8")):
        text = written["passage"]
        chunk = Chunk(id="1", document_id="1", document="Document.pdf", text=text, start=0, end=len(text))
        passage = Passage(chunk=chunk, score=1.0, similarity=1.0)
        for mark, sentence in written["sentences"]:
            made = support.check(Answer(variant="", question="", text=sentence, passages=(passage,)))
            counted[STATES[mark], made[0].state if made else "none"] += 1
            sentences_checked += 1
    used = 1000 * (time.process_time() - began) / sentences_checked
    print(f"\n{file.name}: {sentences_checked} sentences, {used:.2f} CPU ms each")
    for state in STATES.values():
        right = counted[state, state]
        said = sum(count for (_, given), count in counted.items() if given == state)
        wanted = sum(count for (true, _), count in counted.items() if true == state)
        print(
            f"  {state:14} precision {right / max(said, 1):.3f} ({said})   recall {right / max(wanted, 1):.3f} ({wanted})"
        )


def _asked(made: dict[Path, Project], engine: Engine) -> None:
    for other in (False, True):
        kept = answered = declined = left = 0
        by_dial: Counter[tuple[float, bool]] = Counter()
        for path, project in made.items():
            asked_in = made[path.parent / ("en" if path.name == "es" else "es")] if other else project
            for question in asked_in.store.questions():
                hits = retrieval.search(project, question.question, engine)
                kept += question.answerable and hits.answerable
                answered += question.answerable
                declined += not question.answerable and not hits.answerable
                left += not question.answerable
                for caution in (0.0, 0.25, 0.5, 0.75, 1.0):
                    bar = retrieval.calibration.dialled(hits.threshold, caution)
                    by_dial[caution, question.answerable] += hits.score >= bar
        print(
            f"asked in {'the other' if other else 'its own'} language: keeps {kept} of {answered}, "
            f"declines {declined} of {left}"
        )
        for caution in (0.0, 0.25, 0.5, 0.75, 1.0):
            print(f"  caution {caution:.2f}: keeps {by_dial[caution, True]}, declines {left - by_dial[caution, False]}")


if __name__ == "__main__":
    main()
