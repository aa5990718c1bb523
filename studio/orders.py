"""What a person orders, turned into a run: one place for the web and the command line, so that both ask for the same.

It gathers what a request needs (model, recipe, fingerprint of the material) and puts it into the queue; it does no work.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil
from typing import Literal

from studio import advice, answering, drafting, engines, evaluation, health, improvement, intake, retrieval, training
from studio.base import project as projects
from studio.base.errors import BadInput, NotEnough, NotFound, NotPossibleHere, Refused, StudioError
from studio.base.machine import look
from studio.base.project import Project
from studio.base.recipes import (
    SOUGHT,
    AttuneRequest,
    BuildRequest,
    CalibrateRequest,
    CharacterRequest,
    CheckRequest,
    DatabaseRequest,
    DatasetRequest,
    DraftRequest,
    EvaluateRequest,
    ExplainRequest,
    ExportRequest,
    FetchRequest,
    IntakeRequest,
    PreferRequest,
    PushRequest,
    RehearseRequest,
    SeekRequest,
    TrainingRecipe,
    WebRequest,
)
from studio.base.records import (
    APPROACHES_THAT_SEARCH,
    APPROACHES_THAT_TRAIN,
    Added,
    Advice,
    Answer,
    Approach,
    Exported,
    How,
    Parameter,
    Question,
    Reason,
    Repair,
    Run,
    Trained,
    Variant,
    new_id,
)
from studio.base.runs import Runs
from studio.evaluation import character as testing
from studio.evaluation import probes

ON_HUB = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}(@[\w./-]{1,80})?")
MORE_PASSAGES, MOST_PASSAGES = 3, 12  # when somebody asks for more to be read
LESS_CAUTION = 0.25  # a position of the dial

Effort = Literal["quick", "balanced", "thorough"]


def model_of(project: Project, runs: Runs) -> str:
    """The catalogue name of the project's model."""
    return project.card.model or runs.settings.model


def plan(project: Project, runs: Runs) -> training.Plan | None:
    """How the learning would go, or None when there is too little to learn from or it does not fit here."""
    try:
        offered = offer(project, runs)
    except StudioError:
        return None
    return offered.plan.model_copy(update={"minutes": offered.cost.minutes}) if offered.cost else None


def offer(
    project: Project, runs: Runs, effort: Effort | None = None, dials: Mapping[str, Parameter | bool] | None = None
) -> training.Offer:
    """The learning before it is ordered: recipe, reasons, cost, or what could be had instead. `dials` stand in for the
    project's own. Raises NotEnough and BadInput where nothing can be learnt.
    """
    turned = project.card.dials if dials is None else dials
    offered = training.offer(
        project.store.examples(),
        engines.model(model_of(project, runs)),
        look(project.folder),
        effort or project.card.effort,
        turned,
        runs.settings.private / training.PACES,
        project.card.price_hour,
    )
    found = project.sought()
    if found is None or not found.dials or not found.dials.items() <= turned.items():
        return offered
    reasons = [r for r in offered.plan.reasons if r.code != "training_dials" or turned.keys() > found.dials.keys()]
    told = {name: found.told[name] for name in ("gain", "low", "high")}
    reasons.append(Reason(code="training_sought", parameters={"examples": found.examples, **told}))
    return offered.model_copy(update={"plan": offered.plan.model_copy(update={"reasons": tuple(reasons)})})


def turn(project: Project, given: Mapping[str, object], price_hour: float | None = None) -> None:
    """Set the dials of the project's training; what is not among them is chosen. Raises BadInput for one that cannot stand
    there.
    """
    dials = training.read_dials(given)
    if price_hour is not None and not 0 <= price_hour <= 100_000:
        raise BadInput("dial_wrong", name="price_hour", value=str(price_hour)[:60])
    project.change(dials=dials, **({} if price_hour is None else {"price_hour": price_hour}))


def rehearse(project: Project, runs: Runs) -> Run:
    """Time a few steps of the learning and show its first batch. Raises as `offer` does, and what does not fit."""
    request = RehearseRequest(
        recipe=_offered(project, runs, project.card.effort),
        model=model_of(project, runs),
        material=project.fingerprint,
    )
    return runs.start(project, "rehearse", request, again=True)


def outlook(project: Project, runs: Runs) -> training.Outlook:
    """What looking for better settings of the learning would take. Raises as `offer` does, what does not fit, and NotEnough
    where too few answers could be kept aside.
    """
    model, recipe = engines.model(model_of(project, runs)), _unsought(project, runs)
    paces = runs.settings.private / training.PACES
    a_token = training.pace(model.name, model.parameters, recipe, look(project.folder), paces)
    return training.outlook(project.store.examples(), recipe, a_token)


def seek(project: Project, runs: Runs, minutes: float) -> Run:
    """Look for settings of the learning that bring more than the studio's own. Raises as `outlook` does, and
    BadInput("seek_too_short", minutes=, needed=) for less time than the first trial takes.
    """
    expected = outlook(project, runs)
    if not minutes >= expected.least:
        raise BadInput("seek_too_short", minutes=f"{minutes:g}"[:20], needed=ceil(expected.least))
    request = SeekRequest(
        recipe=_unsought(project, runs),
        own={name: float(value) for name, value in project.card.dials.items() if name in SOUGHT},
        minutes=min(minutes, 10_080),
        model=model_of(project, runs),
        material=project.fingerprint,
    )
    return runs.start(project, "seek", request, again=True)


def advise(project: Project, runs: Runs, planned: training.Plan | None) -> Advice:
    """What fits this project's goal, material and machine; `planned` is its `plan`."""
    model, trained = model_of(project, runs), project.store.all(Trained)
    facts = advice.material(
        project.store.documents(),
        project.store.examples(),
        planned.minutes if planned else None,
        next((made.general for made in reversed(trained) if made.model == model), None),
    )
    return advice.advise(project.card.goal, facts, look(project.folder), engines.model(model))


def remove(project: Project, source: str) -> None:
    """Take a source out with everything that came of it: documents, examples, drafts, vectors, and stored answers that
    rest on it. Raises NotFound.
    """
    gone = {document.id for document in project.store.documents() if document.source == source}
    intake.remove(project, source)
    drafting.forget(project, gone)
    _forget(project, gone)


def repair(project: Project, runs: Runs, code: str) -> Repair:
    """Do a repair, and let nothing go on saying what it took out: passages, drafts and stored answers that rest on a changed
    document go, and an index that stands is brought up to date by a run. Raises as `health.repair` does.
    """
    with _following(project, runs):
        return health.repair(project, code, runs.settings.private)


def undo(project: Project, runs: Runs, repair_id: str) -> Repair:
    """Take a repair back; what is searched follows. Raises as `health.undo` does."""
    with _following(project, runs):
        return health.undo(project, repair_id, runs.settings.private)


def read_again(project: Project, runs: Runs, source: str, how: How, password: str = "") -> Added:
    """Read a source's original once more; what is searched follows. Raises as `intake.read_again` does."""
    with _following(project, runs):
        return intake.read_again(project, source, how, password)


def mend(project: Project, runs: Runs, code: str, answer: Answer, document: str, reference: str = "") -> None:
    """Do what `Lost.repair` proposes for an answer and the document that should have given it; with `add_question`,
    `reference` is the right answer. It counts from the next question on. Raises NotFound and BadInput.
    """
    card = project.card
    match code:
        case "read_again":
            found = project.store.document(document)
            source = project.store.source(found.source) if found else None
            if source is None:
                raise NotFound("file_missing", name=document)
            read_again(project, runs, source.source, source.how)
        case "build_again":
            take_in(project, runs, new_id()) if project.indexed() else build(project, runs, card.chosen, card.effort)
        case "add_question":
            if not reference.strip():
                raise BadInput("correction_empty")
            found = project.store.document(document)
            question = Question(
                question=answer.understood or answer.question,
                reference=reference.strip(),
                expected_source=found.name if found else None,
            )
            project.store.replace_questions([*project.store.questions(), question])
        case "raise_passages":
            project.change(passages=min(project.variant(answer.variant).passages + MORE_PASSAGES, MOST_PASSAGES))
        case "lower_caution":
            project.change(caution=max(card.caution - LESS_CAUTION, 0.0))
        case _:
            raise NotFound("repair_missing", name=code)


def choose_embedder(project: Project, name: str) -> None:
    """Who compares meanings from the next build on: a name of the catalogue, a model's id on the Hub, a folder of the
    project; empty is the studio's own. Raises BadInput.
    """
    known = {card.name for card in engines.embedders()}
    if name and name not in known and not name.startswith("models/") and not ON_HUB.fullmatch(name):
        raise BadInput("embedder_unknown", name=name[:80])
    project.change(embedder=name)


def choose_reranker(project: Project, runs: Runs, name: str) -> Run | None:
    """Who reads the best passages a second time, a name of the catalogue; empty is nobody. One that is here counts from the
    next question on; any other is fetched by a run first, and nothing changes until it is here. Raises NotFound.
    """
    if not name or engines.reranker_is_here(name, runs.settings):
        project.change(reranker=name)
        return None
    return runs.start(project, "fetch", FetchRequest(reranker=name), again=True)


def attune(project: Project, runs: Runs, *, whole: bool = False) -> Run:
    """Teach the embedder the project's own words, all its layers if `whole`. Raises NotFound where nothing is searchable
    yet, NotEnough where too few questions were approved, NotPossibleHere for an embedder that cannot learn.
    """
    if project.indexed() is None:
        raise NotFound("index_missing")
    base = retrieval.domain.base_of(project)
    engines.refuse_untunable(base, runs.settings)
    retrieval.domain.divided(project)
    told = f"{project.fingerprint}-{project.store.counts()['proposals']}"
    return runs.start(project, "attune", AttuneRequest(base=base, whole=whole, material=told), again=True)


def prefer(project: Project, runs: Runs, method: Literal["dpo", "orpo"] = "dpo", learning_rate: float = 0.0) -> Run:
    """Learn from what people like better, on top of the last training of the project's model.

    Raises NotEnough("preferences_too_few", count=, needed=) and NotPossibleHere("prefer_layers").
    """
    pairs, model = improvement.preferences(project).pairs, model_of(project, runs)
    if len(pairs) < training.NEEDED:
        raise NotEnough("preferences_too_few", count=len(pairs), needed=training.NEEDED)
    trained = next((made for made in reversed(project.store.all(Trained)) if made.model == model), None)
    told = hashlib.sha256("\n".join(pair.model_dump_json() for pair in pairs).encode()).hexdigest()[:16]
    request = PreferRequest(
        model=model, start=trained.id if trained else "", method=method, learning_rate=learning_rate, material=told
    )
    training.recipe_of(training.Start(model, project.folder, None, trained), request)
    return runs.start(project, "prefer", request, again=True)


def discard(project: Project, runs: Runs) -> None:
    """Delete a project with everything it made, its index on object storage too. There is no way back.

    Raises Unavailable, before anything is deleted, when that does not answer.
    """
    runs.forget(project)
    retrieval.clear(project)
    projects.remove(project)


def take_in(project: Project, runs: Runs, batch: str, names: Sequence[str] = (), password: str = "") -> Run:
    """Read files that wait in the project's `incoming/<batch>`; without `names`, whatever lies in `sources/` and is new."""
    return runs.start(project, "intake", IntakeRequest(batch=batch, files=tuple(names)), again=True, secret=password)


def fetch(
    project: Project,
    runs: Runs,
    *,
    web: WebRequest | None = None,
    database: DatabaseRequest | None = None,
    dataset: DatasetRequest | None = None,
    secret: str = "",
) -> Run:
    """Bring material from elsewhere. `secret` is the database's address, or a token for the data set."""
    request = IntakeRequest(batch=new_id(), web=web, database=database, dataset=dataset)
    return runs.start(project, "intake", request, secret=secret)


def check(project: Project, runs: Runs) -> Run:
    """Look the material over, as a run: for more of it than a page can wait for."""
    return runs.start(project, "check", CheckRequest(material=project.fingerprint), again=True)


def draft(project: Project, runs: Runs, count: int = 20, documents: Sequence[str] = ()) -> Run:
    """Draft questions and answers from the documents. Raises NotEnough without documents."""
    if not project.store.counts()["documents"]:
        raise NotEnough("documents_none")
    request = DraftRequest(
        count=count,
        documents=tuple(documents),
        model=model_of(project, runs),
        material=f"{project.fingerprint}-{project.store.counts()['proposals']}",
    )
    return runs.start(project, "draft", request)


def calibrate(project: Project, runs: Runs) -> Run:
    """Measure how many answers would be wrong, and how many questions go to a person, at each setting of the dial.

    Raises NotFound where nothing is searchable yet.
    """
    if project.indexed() is None:
        raise NotFound("index_missing")
    counted = project.store.counts()
    told = f"{project.fingerprint}-{counted['questions']}-{counted['proposals']}"
    return runs.start(project, "calibrate", CalibrateRequest(model=model_of(project, runs), material=told), again=True)


def build(project: Project, runs: Runs, approaches: Sequence[Approach], effort: Effort) -> Run:
    """Index and train as far as the approaches need it. A build that is finished is done again when it is asked for again.

    A project that brings no test questions gets some: a few of its examples, which are then not learnt from.
    Raises NotEnough when there is nothing to build from.
    """
    if not approaches:
        raise NotEnough("approaches_none")
    if APPROACHES_THAT_SEARCH & set(approaches) and not project.store.counts()["documents"]:
        raise NotEnough("documents_none")
    if not project.store.counts()["questions"]:
        _hold_out(project)
    recipe, model = TrainingRecipe(), model_of(project, runs)
    if APPROACHES_THAT_TRAIN & set(approaches):
        recipe = _offered(project, runs, effort)
    project.change(chosen=tuple(approaches), effort=effort, model=model)
    request = BuildRequest(
        approaches=tuple(approaches),
        recipe=recipe,
        model=model,
        material=project.fingerprint,
        guard=effort != "quick",
    )
    return runs.start(project, "build", request, again=True)


def assistants(project: Project) -> list[Variant]:
    """Who can answer now, kept in the project: instructions may have changed since the build, and runs look them up."""
    made = answering.variants(project)
    known = {variant.id for variant in project.variants()}
    project.store.put(*[variant for variant in made if variant.id not in known])
    return made


def evaluate(project: Project, runs: Runs, questions: int = 0) -> Run:
    """Ask every assistant the test questions (all of them, or the first few)."""
    if not project.store.counts()["questions"]:
        raise NotEnough("questions_none")
    variants = tuple(variant.id for variant in assistants(project))
    request = EvaluateRequest(variants=variants, questions=max(questions, 0), material=project.fingerprint)
    return runs.start(project, "evaluate", request, again=True)


def character(project: Project, runs: Runs, variant: Variant, questions: int = probes.QUESTIONS) -> Run:
    """Test what an assistant's profile gained and cost, and whether it treats everybody alike. The same is not asked twice.

    Raises NotEnough("character_none") for an assistant that has none.
    """
    testing.cost(project, variant, questions)
    project.store.put(variant)
    request = CharacterRequest(
        variant=variant.id, questions=questions, made_for=testing.made_for(project, variant, questions)
    )
    return runs.start(project, "character", request)


def explain(
    project: Project,
    runs: Runs,
    answer: Answer,
    detail: Literal["phrases", "words"] = "phrases",
    inside: int | None = None,
) -> Run:
    """Say what an answer rests on; word by word, or inside one of its passages. It is kept first: the run looks it up."""
    assistants(project)
    project.store.put(answer)
    return runs.start(project, "explain", ExplainRequest(answer=answer.id, detail=detail, inside=inside))


def export(
    project: Project, runs: Runs, variant: Variant, form: Literal["adapter", "merged"], *, anyway: bool = False
) -> Run:
    """Write an assistant into a folder. Untrained assistants have no adapter of their own: they are exported whole.

    Raises Refused("facts_drifted") for one whose profile was proven to cost facts, unless that is wanted `anyway`.
    """
    drifted = testing.drifted(project, variant)
    if drifted is not None and not anyway:
        facts = drifted.personality.facts
        raise Refused("facts_drifted", count=facts.n, lost=facts.lost, won=facts.gained)
    project.store.put(variant)
    request = ExportRequest(variant=variant.id, form=form if variant.adapter else "merged")
    return runs.start(project, "export", request, again=True)


def push(project: Project, runs: Runs, exported: Exported, repository: str, token: str, *, private: bool = True) -> Run:
    """Upload an export to the Hub; the token goes to the run alone."""
    if project.store.get(Exported, exported.id) is None:
        raise NotFound("export_missing", name=exported.id)
    request = PushRequest(export=exported.id, repository=repository, private=private)
    return runs.start(project, "push", request, again=True, secret=token)


def _offered(
    project: Project, runs: Runs, effort: Effort, dials: Mapping[str, Parameter | bool] | None = None
) -> TrainingRecipe:
    """The recipe that was offered; what does not fit here is refused, with the mildest change that would."""
    offered = offer(project, runs, effort, dials)
    if offered.fault is not None:
        raise NotPossibleHere(offered.fault.code, **offered.fault.parameters)
    return offered.plan.recipe


def _unsought(project: Project, runs: Runs) -> TrainingRecipe:
    """The recipe as it would be without the dials that are looked for."""
    kept = {name: value for name, value in project.card.dials.items() if name not in SOUGHT}
    return _offered(project, runs, project.card.effort, kept)


@contextmanager
def _following(project: Project, runs: Runs) -> Iterator[None]:
    """Whatever documents change in here, what was made of them follows."""
    before = {document.id: document.text for document in project.store.documents()}
    yield
    after = {document.id: document.text for document in project.store.documents()}
    changed = {id for id, text in before.items() if after.get(id) != text}
    if not changed and after.keys() == before.keys():
        return
    drafting.withdraw(project, changed)
    _forget(project, changed)
    if project.indexed() is not None and after:
        take_in(project, runs, new_id())


def _forget(project: Project, documents: Collection[str]) -> None:
    """What the index and the stored answers hold of these documents."""
    retrieval.forget(project, documents)
    for answer in project.store.all(Answer):
        if any(passage.chunk.document_id in documents for passage in answer.passages):
            project.store.remove(Answer, answer.id)


def _hold_out(project: Project) -> None:
    """Make test questions of examples: of answers with several wordings, one wording each, so that no fact is lost."""
    held = evaluation.hold_out(project.store.examples())
    if held:
        project.store.put_examples([example.model_copy(update={"split": "test"}) for example in held])
        project.store.replace_questions(
            Question(id=e.id, question=e.question, reference=e.answer, segment=e.topic) for e in held
        )
        project.store.remember("questions_held_out", count=len(held))
