"""A project is a folder: `project.json` and `studio.db` are the truth, `sources/` the originals.

`index/` and `models/` can be made again from those; `runs/` is the record of work; `exports/` what was taken home.
Everything inside is named by relative paths, so a zip of the folder is a backup and unzipping it opens it elsewhere.
"""

import hashlib
import json
import shutil
from functools import cached_property
from pathlib import Path
from typing import Literal

import filelock
from pydantic import Field, ValidationError

from studio.base import files, records
from studio.base.errors import BadInput, NotFound, Refused, StudioError
from studio.base.recipes import SOUGHT
from studio.base.records import (
    Answer,
    Approach,
    Attuned,
    Calibration,
    Explanation,
    Goal,
    Indexed,
    Language,
    Outcome,
    Parameter,
    Preferred,
    Profile,
    Proposal,
    Question,
    Record,
    Sought,
    Tuned,
    Variant,
)
from studio.base.store import Store

FORMAT = 1
TEMPLATES = Path(__file__).parent.parent.parent / "templates"
STEPS = ("goal", "data", "advice", "build", "compare", "improve", "export")
Step = Literal["goal", "data", "advice", "build", "compare", "improve", "export"]


class Card(Record):
    """`project.json`: what a project is called and how it is set up."""

    format: int = FORMAT
    id: str = Field(default_factory=records.new_id)
    name: str
    language: Language = "en"
    goal: Goal = Goal()
    instructions: str = Field(default="", max_length=8_000)
    profile: Profile = Profile()
    model: str = ""
    embedder: str = ""  # who makes the vectors of its documents; empty is the studio's own
    reranker: str = ""  # who reads the best passages a second time; empty is nobody
    chosen: tuple[Approach, ...] = ()
    effort: Literal["quick", "balanced", "thorough"] = "balanced"
    dials: dict[str, Parameter | bool] = Field(default={})  # fields of the training recipe a person has set
    price_hour: float = Field(default=0, ge=0, le=100_000, allow_inf_nan=False)  # of this machine; 0 is unknown
    passages: int = Field(default=0, ge=0, le=20)  # given to those that search; 0 is what suits the model
    caution: float = Field(default=0.5, ge=0, le=1)  # rather pass a question to a person (1) than answer it wrongly (0)
    watched: str = ""  # a folder of this machine whose files are the material
    done: tuple[Step, ...] = ()
    template: str = ""
    created: str = Field(default_factory=records.now)
    changed: str = Field(default_factory=records.now)


class Project:
    """An open project folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        written = files.read_json(self.folder / "project.json")
        if not isinstance(written, dict):
            raise NotFound("project_missing", name=folder.name)
        if isinstance(written.get("format"), int) and written["format"] > FORMAT:
            raise Refused("newer_format", name=folder.name)
        try:
            self._card = Card.model_validate(written)
        except ValidationError as error:
            raise BadInput("project_damaged", name=folder.name) from error

    @property
    def card(self) -> Card:
        return self._card

    @property
    def id(self) -> str:
        return self._card.id

    @property
    def name(self) -> str:
        return self._card.name

    @cached_property
    def store(self) -> Store:
        return Store(self.folder / "studio.db")

    @property
    def sources(self) -> Path:
        return self._made("sources")

    @property
    def incoming(self) -> Path:
        """Files on their way in, a folder a batch; a finished intake run leaves nothing here."""
        return self._made("incoming")

    @property
    def index(self) -> Path:
        return self._made("index")

    @property
    def models(self) -> Path:
        return self._made("models")

    @property
    def runs(self) -> Path:
        return self._made("runs")

    @property
    def exports(self) -> Path:
        return self._made("exports")

    def path(self, relative: str) -> Path:
        """A path inside the project folder; Refused when it leads out."""
        return files.inside(self.folder, relative)

    def change(self, **fields: object) -> Card:
        """Write new values of the card's fields, validated, beside whatever others have changed meanwhile."""
        with filelock.FileLock(self.folder / ".project.lock", timeout=10):
            fresh = Card.model_validate(files.read_json(self.folder / "project.json"))
            self._card = Card.model_validate(fresh.model_dump() | fields | {"changed": records.now()})
            files.write_atomically(self.folder / "project.json", self._card.model_dump_json(indent=2))
        return self._card

    def finish_step(self, step: Step) -> None:
        fresh = Card.model_validate(files.read_json(self.folder / "project.json"))
        if step not in fresh.done:
            self.change(done=(*fresh.done, step))

    def variants(self) -> list[Variant]:
        return self.store.all(Variant)

    def variant(self, id: str) -> Variant:
        found = self.store.get(Variant, id)
        if found is None:
            raise NotFound("variant_missing", name=id)
        return found

    def answer(self, id: str) -> Answer:
        found = self.store.get(Answer, id)
        if found is None:
            raise NotFound("answer_missing", name=id)
        return found

    def explanation(self, answer: str) -> Explanation | None:
        """The newest of this answer."""
        return next((each for each in reversed(self.store.all(Explanation)) if each.answer_id == answer), None)

    @property
    def fingerprint(self) -> str:
        """Changes whenever the material does, so that the same build of new material is a new run."""
        told = [self._card.instructions, self._card.profile.model_dump(mode="json")]
        known = json.dumps([sorted(self.store.sources().items()), self.store.material_digest(), told])
        return hashlib.sha256(known.encode()).hexdigest()[:16]

    def take(self, outcome: Outcome, run_folder: Path) -> None:
        """Take over what a finished run made. Doing it twice is the same as doing it once."""
        for made, wanted in outcome.moves.items():
            source, target = files.inside(run_folder, made), self.path(wanted)
            if source.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                if target.exists():
                    shutil.rmtree(target) if target.is_dir() else target.unlink()
                source.replace(target)
        self.store.put(
            *outcome.variants, *outcome.trained, *outcome.scorecards, *outcome.explanations, *outcome.exports
        )
        known = {proposal.id for proposal in self.store.all(Proposal)}  # what a person has said of one is not undone
        self.store.put(*[proposal for proposal in outcome.proposals if proposal.id not in known])
        if outcome.indexed is not None:
            self.store.put_fact("indexed", outcome.indexed)
        if outcome.preferred is not None:
            self.store.put_fact("preferred", outcome.preferred)
        if outcome.attuned is not None:
            self.store.put_fact("attuned", outcome.attuned)
        if outcome.sought is not None:
            self.store.put_fact("sought", outcome.sought)
            if (
                outcome.sought.reason == "kept"
            ):  # from now on they are the person's own, shown and undone where those are
                others = {name: value for name, value in self._fresh().dials.items() if name not in SOUGHT}
                self.change(dials=others | outcome.sought.dials)

    def indexed(self) -> Indexed | None:
        return self.store.indexed()

    def calibration(self) -> Calibration | None:
        """What the dial's settings amount to, as last measured; for another state of the index it is a guide."""
        written = self.store.fact("calibration")
        return Calibration.model_validate_json(written) if written else None

    def tuned(self) -> Tuned | None:
        """How meaning and words are weighed in this project's search, as last measured."""
        written = self.store.fact("tuned")
        return Tuned.model_validate_json(written) if written else None

    def preferred(self) -> Preferred | None:
        """What came of the last time a model learnt from what people like better."""
        written = self.store.fact("preferred")
        return Preferred.model_validate_json(written) if written else None

    def attuned(self) -> Attuned | None:
        """What came of the last time an embedder learnt from this project."""
        written = self.store.fact("attuned")
        return Attuned.model_validate_json(written) if written else None

    def sought(self) -> Sought | None:
        """What came of the last look for better settings of the training."""
        written = self.store.fact("sought")
        return Sought.model_validate_json(written) if written else None

    def _fresh(self) -> Card:
        """The card as it is on the disk now."""
        return Card.model_validate(files.read_json(self.folder / "project.json"))

    def _made(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder


def create(root: Path, name: str, language: Language = "en", template: Path | None = None) -> Project:
    """A new project folder under `root`, from a template folder if one is given.

    The name becomes the title; the folder is named by a slug of it that is still free. From a template come the card,
    the sources and the test questions; they are not imported yet (that is `intake.add_all`'s work).
    Raises BadName for an empty name, NotFound for a template that is none.
    """
    made = files.slug(name)
    root.mkdir(parents=True, exist_ok=True)
    pattern = Card(name=files.clean_title(name), language=language)
    if template is not None:
        written = files.read_json(template / "project.json")
        if not isinstance(written, dict):
            raise NotFound("template_missing", name=template.name)
        pattern = Card.model_validate(
            written | {"id": pattern.id, "name": pattern.name, "created": pattern.created, "changed": pattern.changed}
        )
    folder = _claim(root, made)
    if template is not None:
        for part in ("sources", "questions.jsonl"):
            if (template / part).is_dir():
                shutil.copytree(template / part, folder / part)
            elif (template / part).is_file():
                shutil.copyfile(template / part, folder / part)
    files.write_atomically(folder / "README.md", _readme(pattern))
    files.write_atomically(folder / "project.json", pattern.model_dump_json(indent=2))
    project = Project(folder)
    if (folder / "questions.jsonl").is_file():
        project.store.replace_questions(read_questions(folder / "questions.jsonl"))
    return project


def read_questions(path: Path) -> list[Question]:
    """Test questions from a JSON-lines file."""
    lines = path.read_text(encoding="utf-8").split("\n")
    return [Question.model_validate_json(line) for line in lines if line.strip()]


def find(root: Path) -> list[Project]:
    """All projects under `root`, the one changed last first. A folder that cannot be opened is left out.

    A copy of a project folder gets an id of its own, so that nothing done to the one ever reaches the other.
    """
    found: dict[str, Project] = {}
    for card in sorted(root.glob("*/project.json"), key=_age):
        try:
            project = Project(card.parent)
            if project.id in found:
                project.change(id=records.new_id())
        except (StudioError, OSError):
            continue
        found[project.id] = project
    return sorted(found.values(), key=lambda project: project.card.changed, reverse=True)


def open_by_id(root: Path, id: str) -> Project:
    """The project with this id, or with this folder name. Raises NotFound."""
    for project in find(root):
        if id in (project.id, project.folder.name):
            return project
    raise NotFound("project_missing", name=id)


def remove(project: Project) -> None:
    """Delete the whole folder. There is no way back."""
    shutil.rmtree(project.folder)


def _age(card: Path) -> tuple[float, str]:
    """The folder that was there first keeps its id."""
    return card.parent.stat().st_ctime, card.parent.name


def _claim(root: Path, made: str) -> Path:
    for number in range(1, 10_000):
        folder = root / (made if number == 1 else f"{made}-{number}")
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            continue
    raise Refused("path_outside", path=made)


def _readme(card: Card) -> str:
    return (
        f"# {card.name}\n\nA project of Amedida. `project.json` and `studio.db` are the truth, `sources/` your originals.\n"
        "`index/` and `models/` can be built again; `runs/` is the record of work; `exports/` holds what you took home.\n"
        "Open it by putting this folder into the studio's `projects/` folder.\n"
    )
