"""The settings a person may turn, each written once: form, command line and file are all made from these fields."""

from typing import Literal

from pydantic import Field

from studio.base.records import Approach, Record

Method = Literal["lora", "qlora", "full", "last_layers"]
DIALS = ("method", "learning_rate", "epochs", "batch", "rank", "layers", "max_length", "patience")
"""The fields of a recipe that are offered as dials; the others can be set by file and command line."""


SOUGHT = ("learning_rate", "epochs")
"""The dials that are looked for: with the same rows the learning rate alone decided nearly everything (importance 0.99)."""


class TrainingRecipe(Record):
    """How examples are learnt. Numbers left at their default are chosen from model, data and machine by `training.plan`."""

    method: Method = Field(
        default="lora",
        description="What changes in the model: a small adapter (lora), the same on 4-bit weights (qlora, graphics card"
        " only), every layer (full), or the last layers alone.",
    )
    epochs: float = Field(default=6, gt=0, le=50, allow_inf_nan=False, description="How often every example is seen.")
    learning_rate: float = Field(
        default=2e-3, gt=0, le=0.1, allow_inf_nan=False, description="Size of a learning step."
    )
    batch: int = Field(default=8, ge=1, le=256, description="Examples per step.")
    rank: int = Field(default=16, ge=1, le=256, description="Size of the adapter (LoRA rank).")
    layers: int = Field(default=4, ge=1, le=200, description="How many of the last layers learn (last_layers only).")
    max_length: int = Field(default=512, ge=32, le=32_768, description="Longest example, in tokens.")
    holdout: float = Field(
        default=0.1,
        ge=0,
        le=0.5,
        allow_inf_nan=False,
        description="Share of the examples kept back to check the learning.",
    )
    patience: int = Field(
        default=3, ge=0, le=20, description="Checks without progress before stopping early; 0 never stops."
    )
    pilot: bool = Field(
        default=False, description="First learn from 5 % and 25 %, to see whether more examples would help."
    )
    folds: int = Field(
        default=0,
        ge=0,
        le=10,
        description="Check every example in turn in so many rounds, then learn from all; 0 does not.",
    )
    beat: bool = Field(
        default=False, description="Stop when learning does not get ahead of the best untrained approach."
    )
    replay: float = Field(
        default=0,
        ge=0,
        le=2,
        allow_inf_nan=False,
        description="Everyday questions mixed in with the model's own first answers, beside one example each, so that it"
        " does not forget the rest; 0 mixes nothing in.",
    )
    mixing: float = Field(
        default=2,
        ge=1,
        le=100,
        allow_inf_nan=False,
        description="How far small tasks are made up for beside large ones: 1 leaves each its share of the examples, 2 takes"
        " the root of it, 100 gives all the same.",
    )
    seed: int = Field(default=7, ge=0, description="Same seed and data, same order.")


class WebRequest(Record):
    """A page, or a site to follow from there. Only public addresses, only what robots.txt allows."""

    address: str = Field(max_length=2_000)
    pages: int = Field(default=50, ge=1, le=500, description="How many pages at most.")
    depth: int = Field(
        default=2, ge=0, le=5, description="How many links away from the first page; 0 is that page alone."
    )


class DatabaseRequest(Record):
    """Rows of a database. The address (a path to a SQLite file or a SQLAlchemy URL) may hold a password: it is the run's
    secret and stands nowhere else; `shown` is the address without it.
    """

    shown: str
    query: str = Field(default="", max_length=20_000, description="A SELECT; empty reads `table`.")
    table: str = Field(default="", max_length=300)
    rows: int = Field(default=100_000, ge=1, le=5_000_000, description="How many rows at most.")


class DatasetRequest(Record):
    """A data set of the Hugging Face Hub, at a revision."""

    name: str = Field(max_length=200)
    config: str = Field(default="", max_length=200)
    split: str = Field(default="train", max_length=100)
    revision: str = Field(default="", max_length=200)
    rows: int = Field(default=10_000, ge=1, le=1_000_000, description="How many rows at most.")


class IntakeRequest(Record):
    """What an intake run is asked for: what lies in the project's `incoming/<batch>` folder, or something to fetch.

    `batch` makes two drops of the same file two runs. A password travels as the run's secret, never in here.
    """

    batch: str = Field(pattern=r"^\w{6,40}$")
    files: tuple[str, ...] = Field(default=(), description="Names of the files in `incoming/<batch>`.")
    web: WebRequest | None = None
    database: DatabaseRequest | None = None
    dataset: DatasetRequest | None = None


class CheckRequest(Record):
    """Look the material over; `material` is its fingerprint, so that nothing is looked over twice."""

    material: str


class DraftRequest(Record):
    """Draft questions and answers from the documents, for approval."""

    count: int = Field(default=20, ge=1, le=500, description="How many to draft.")
    documents: tuple[str, ...] = Field(default=(), description="Ids of the documents to draft from; none means all.")
    model: str = ""
    material: str = ""


class BuildRequest(Record):
    """What a build run is asked for."""

    approaches: tuple[Approach, ...]
    recipe: TrainingRecipe = TrainingRecipe()
    model: str
    guard: bool = Field(
        default=True, description="Ask everyday questions before and after a training, to see what it costs the model."
    )
    material: str = Field(
        default="", description="Fingerprint of documents and examples, so that new material is a new build."
    )


class RehearseRequest(Record):
    """Measure a few steps of a training and show its first batch, without learning anything."""

    recipe: TrainingRecipe
    model: str
    material: str = ""


class SeekRequest(Record):
    """Look for settings of the training that bring more than the studio's own, within so many minutes.

    `recipe` are the studio's own; `own` those a person has set before: they are tried, too.
    """

    recipe: TrainingRecipe
    own: dict[str, float] = Field(default={}, description="Learning rate and rounds that stand in the project now.")
    minutes: float = Field(
        default=30, gt=0, le=10_080, allow_inf_nan=False, description="How long it may take at most."
    )
    model: str
    material: str = ""


class CalibrateRequest(Record):
    """Measure what the settings of the dial amount to; where there are few questions, up to `drafts` are drafted first."""

    drafts: int = Field(default=20, ge=0, le=100)
    model: str = ""
    material: str = ""


class AttuneRequest(Record):
    """Teach the embedder the project's own words: `whole` all its layers, else one linear layer behind them."""

    base: str = Field(default="", description="The embedder that learns; empty is the studio's own.")
    whole: bool = Field(default=False, description="Teach every layer: some hundred times the work.")
    epochs: int = Field(default=2, ge=1, le=20, description="How often the whole of it sees every pair.")
    batch: int = Field(default=32, ge=2, le=512, description="Pairs per step of the whole of it.")
    learning_rate: float = Field(default=2e-5, gt=0, le=0.01, allow_inf_nan=False)
    seed: int = Field(default=7, ge=0)
    material: str = ""


class PreferRequest(Record):
    """Learn from what people like better: `start` is the training it goes on from, "" for the model as it came."""

    model: str
    start: str = ""
    method: Literal["dpo", "orpo"] = Field(
        default="dpo",
        description="dpo leans the model towards the answers that were liked, from where it stands; orpo teaches their words"
        " as well.",
    )
    learning_rate: float = Field(
        default=0, ge=0, le=0.1, allow_inf_nan=False, description="Size of a step; 0 is a fifth of the training's."
    )
    seed: int = Field(default=7, ge=0)
    material: str = ""


class FetchRequest(Record):
    """Bring a reranker to this machine; it is used from then on."""

    reranker: str


class EvaluateRequest(Record):
    variants: tuple[str, ...]
    questions: int = Field(default=0, ge=0, description="How many test questions; 0 means all.")
    material: str = ""


class CharacterRequest(Record):
    """Test what an assistant's profile gained and cost, and whether it treats everybody alike."""

    variant: str
    questions: int = Field(default=12, ge=4, le=200, description="How many questions that have an answer.")
    made_for: str = Field(
        default="", description="Fingerprint of assistant, material and rules: the same is not tested twice."
    )


class JudgeRequest(Record):
    """Hold a model against people's blind votes, and hear it on the answers of two assistants in the last test."""

    model: str
    first: str
    second: str


class ExplainRequest(Record):
    """Without `inside` the whole prompt; with it, the sentences of that passage of the answer (its position)."""

    answer: str = Field(description="Id of the stored answer.")
    detail: Literal["phrases", "words"] = "phrases"
    inside: int | None = Field(default=None, ge=0)


class ExportRequest(Record):
    variant: str
    form: Literal["adapter", "merged"] = "merged"


class PushRequest(Record):
    """The token is never part of a request: the run takes it from a file of its own, once."""

    export: str = Field(description="Id of the export to push.")
    repository: str
    private: bool = True
