"""Material is brought, looked over, mended, taken out; what was made of it follows."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from studio import drafting, health, intake, retrieval
from studio.base.errors import NotEnough
from studio.base.project import Project
from studio.base.recipes import CheckRequest, DatabaseRequest, DatasetRequest, DraftRequest, IntakeRequest, WebRequest
from studio.base.records import Added, Answer, How, Repair, Run, new_id
from studio.base.runs import Runs
from studio.orders import chosen


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
        model=chosen.model_of(project, runs),
        material=f"{project.fingerprint}-{project.store.counts()['proposals']}",
    )
    return runs.start(project, "draft", request)


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
