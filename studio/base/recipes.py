"""The settings a person may turn, each written once: form, command line and file are all made from these fields."""

from typing import Literal

from pydantic import Field

from studio.base.records import Approach, Record


class TrainingRecipe(Record):
    """How examples are learnt. Numbers left at their default are chosen from model, data and machine by `training.plan`."""

    epochs: float = Field(default=6, gt=0, le=50, description="How often every example is seen.")
    learning_rate: float = Field(
        default=2e-3, gt=0, le=0.1, allow_inf_nan=False, description="Size of a learning step."
    )
    batch: int = Field(default=8, ge=1, le=256, description="Examples per step.")
    rank: int = Field(default=16, ge=1, le=256, description="Size of the adapter (LoRA rank).")
    max_length: int = Field(default=512, ge=32, le=32_768, description="Longest example, in tokens.")
    holdout: float = Field(
        default=0.1, ge=0, le=0.5, description="Share of the examples kept back to check the learning."
    )
    patience: int = Field(
        default=3, ge=0, le=20, description="Checks without progress before stopping early; 0 never stops."
    )
    seed: int = Field(default=7, ge=0, description="Same seed and data, same order.")


class BuildRequest(Record):
    """What a build run is asked for."""

    approaches: tuple[Approach, ...]
    recipe: TrainingRecipe = TrainingRecipe()
    model: str
    material: str = Field(
        default="", description="Fingerprint of documents and examples, so that new material is a new build."
    )


class EvaluateRequest(Record):
    variants: tuple[str, ...]
    questions: int = Field(default=0, ge=0, description="How many test questions; 0 means all.")
    material: str = ""


class ExplainRequest(Record):
    answer: str = Field(description="Id of the stored answer.")
    detail: Literal["phrases", "words"] = "phrases"


class ExportRequest(Record):
    variant: str
    form: Literal["adapter", "merged"] = "merged"
    include_documents: bool = False


class PushRequest(Record):
    """The token is never part of a request: the run takes it from a file of its own, once."""

    export: str = Field(description="Id of the export to push.")
    repository: str
    private: bool = True
