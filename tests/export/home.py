"""A project whose assistant can be exported: a tiny model, real in everything but size, an adapter, tests, numbers."""

import json
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from studio import engines
from studio.base import project as projects
from studio.base.project import Project
from studio.base.recipes import ExportRequest
from studio.base.records import (
    Answer,
    Difference,
    Document,
    Example,
    Exported,
    Goal,
    Graded,
    Language,
    Message,
    Question,
    Score,
    Scorecard,
    Trained,
    Variant,
    VariantScores,
)
from studio.base.settings import Settings
from studio.export import folder
from tests import tiny

MODEL = "smollm2-135m-instruct"
SECRETS = ("ana.ruiz@acme-seguros.example", "ES91 2100 0418 4502 0005 1332", "+34 600 123 456")
ROWS = [
    (
        f"How long does policy number {n} of the blue house by the river last?",
        f"It lasts {n} months and Ana Ruiz signed it in {SECRETS[1]}.",
    )
    for n in range(11, 19)
]


@cache
def weights() -> Path:
    """The tiny model's folder, with a local path in its settings as libraries leave them."""
    made = Path(mkdtemp(prefix="weights-"))
    tiny.model().save_pretrained(made)
    tiny.tokenizer().save_pretrained(made)
    for name in ("config.json", "tokenizer_config.json"):
        settings = json.loads((made / name).read_text())
        (made / name).write_text(json.dumps(settings | {"_name_or_path": str(made), "name_or_path": str(made)}))
    return made


@cache
def adapter() -> Path:
    """An adapter that changes every layer, as PEFT saves it."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    made = Path(mkdtemp(prefix="adapter-"))
    config = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(weights()), config)
    torch.manual_seed(3)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(0, 0.3)
    model.save_pretrained(made)
    (made / "optimizer.pt").write_bytes(b"\x80\x04.")
    (made / "training_args.bin").write_bytes(b"\x80\x04.")
    return made


def project(root: Path, language: Language = "en") -> Project:
    """Documents, examples, test questions and what was built and tested with them."""
    made = projects.create(root, "Blue House Insurance", language)
    made.change(
        model=MODEL,
        goal=Goal(kind="answer", text=f"Answers customers.\n# Write to {SECRETS[0]} or {SECRETS[2]}"),
        instructions="You answer for Blue House Insurance.",
    )
    store = made.store
    (made.sources / "Ana Ruiz policy.txt").write_text("The blue house by the river is covered for water damage.")
    (made.sources / "rows.csv").write_text("question,answer\n" + "\n".join(f"{q},{a}" for q, a in ROWS))
    document = Document(
        id="d1",
        name="Ana Ruiz policy.txt",
        kind="txt",
        text="The blue house by the river is covered for water damage.",
        source="sources/Ana Ruiz policy.txt",
        sha256="0" * 64,
        language=language,
    )
    store.put_source(document.source, document.sha256, [document], [], [])
    examples = [
        Example(
            id=f"e{n}",
            messages=(Message(role="user", content=q), Message(role="assistant", content=a)),
            source="sources/rows.csv",
        )
        for n, (q, a) in enumerate(ROWS)
    ]
    store.put_source("sources/rows.csv", "1" * 64, [], examples, [])
    store.replace_questions([Question(id=f"q{n}", question=q, answerable=n % 4 > 0) for n, (q, _) in enumerate(ROWS)])
    plain, said = (
        Variant(id="plain", approach="plain", model=MODEL),
        Variant(id="said", approach="instructions", model=MODEL),
    )
    trained = Variant(id="trained", approach="trained", model=MODEL, adapter="models/t1", instructions="You answer.")
    asked = said.model_copy(update={"instructions": made.card.instructions})
    searching = asked.model_copy(update={"id": "docs", "approach": "documents"})
    store.put(plain, asked, searching, trained)
    store.put(
        Trained(
            id="t1",
            model=MODEL,
            adapter="models/t1",
            examples=8,
            steps=40,
            seconds=93.5,
            loss=0.42,
            validation_loss=0.61,
            recipe={"epochs": 4.0, "learning_rate": 2e-3, "rank": 4, "seed": 7, "batch": 8, "cache": "/home/ana/cache"},
            versions={"torch": "2.13.0", "peft": "0.21.2"},
        )
    )
    store.put(_scorecard())
    shutil.copytree(adapter(), made.models / "t1")
    return made


def export(made: Project, variant: str, run: str = "0123456789ab", **asked: Any) -> Exported:
    """Export and take it over, as a run does."""
    run_folder = made.runs / run
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "weights", lambda *_: weights())
        outcome = folder(
            made,
            made.variant(variant),
            ExportRequest(variant=variant, **asked),
            run_folder,
            Settings(projects=made.folder.parent),
            lambda event: None,
            lambda: False,
        )
    made.take(outcome, run_folder)
    return outcome.exports[0]


def _scorecard() -> Scorecard:
    def scored(variant: str, right: float) -> VariantScores:
        scores = (
            Score(metric="right", value=right, low=right - 0.1, high=right + 0.1, n=8),
            Score(metric="seconds", value=1.5, low=1.0, high=2.0, n=8),
        )
        answer = Answer(variant=variant, question=ROWS[0][0], text=ROWS[0][1])
        return VariantScores(
            variant=variant, scores=scores, graded=(Graded(question_id="q0", answer=answer, right=True),)
        )

    difference = Difference(better="trained", worse="plain", wins=6, losses=0, p_value=0.031, verdict="better")
    return Scorecard(
        variants=(scored("plain", 0.25), scored("trained", 0.75), scored("said", 0.5)), differences=(difference,)
    )
