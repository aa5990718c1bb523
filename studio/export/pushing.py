"""Uploads an export to the Hugging Face Hub, or the server that `HF_ENDPOINT` names.

One commit, so that nobody ever sees half an assistant; private unless asked otherwise; never over content that this
project did not put there. The token comes as an argument, goes to the Hub's own addresses and is in no error we raise.
After any error the repository is compared with the folder before the upload is called failed: an answer may be lost
although the work was done. Uploading is resumable file by file, not byte by byte.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from studio import __version__
from studio.base.errors import BadName, NotFound, Refused, Stopped, Unavailable
from studio.base.events import Emit, Planned, Progress, ShouldStop, Stage
from studio.base.project import Project
from studio.base.recipes import PushRequest
from studio.base.records import Exported, Variant
from studio.engines import model as model_called
from studio.export import private
from studio.export.answers import translated
from studio.export.licensing import terms
from studio.export.naming import check_name

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.hf_api import ModelInfo

PUBLIC_HUB = "https://huggingface.co"
CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 120.0
_SMALL = 4 << 20
_MAY_WRITE = frozenset({"repo.write", "repo.content.write"})


class _Target(NamedTuple):
    """The repository to upload to: `head` is its newest commit, `theirs` the paths it holds already."""

    id: str
    head: str
    theirs: tuple[str, ...]
    private: bool


def push(
    project: Project, exported: Exported, request: PushRequest, token: str, emit: Emit, should_stop: ShouldStop
) -> Exported:
    """Upload an export; returns it with its address.

    1. check:  the token, the name, who it belongs to, what lies there already
    2. upload: file by file, then one commit
    3. verify: what lies there is what lies here
    Raises BadName("push_token_missing", "push_token_wrong", "repository_name", "repository_name_prefix"), Refused
    ("push_token_read_only", "push_no_rights", "repository_exists", "repository_public", "repository_changed", "push_quota",
    "push_payment", "push_rejected"), Unavailable("push_unreachable", "push_trouble", "push_busy", "push_not_a_hub",
    "push_incomplete"), NotFound("export_missing") and Stopped.
    """
    emit(Planned(stages=("push_check", "push_upload", "push_verify")))
    emit(Stage(name="push_check"))
    folder = project.path(exported.path)
    if not folder.is_dir():
        raise NotFound("export_missing", name=exported.id)
    private.check(folder)
    if not token.strip():
        raise BadName("push_token_missing")
    name = check_name(request.repository, _prefix(project, exported))
    endpoint = os.environ.get("HF_ENDPOINT", PUBLIC_HUB).rstrip("/")
    with translated(endpoint, name):
        api = _api(endpoint, token.strip())
        target = _claim(api, project, name, request.private)

        emit(Stage(name="push_upload"))
        additions = _additions(folder)
        try:
            commit = _upload(api, target, additions, emit, should_stop)
        except Stopped:
            raise
        except Exception as error:  # whatever it was: the answer may be lost and the work done
            commit = _landed(api, target, folder) or ""
            if not commit:
                raise error
        emit(Stage(name="push_verify"))
        if not _same(api, target.id, folder):
            raise Unavailable("push_incomplete", name=target.id)
        if target.private and not request.private:
            api.update_repo_settings(target.id, private=False)
    update = {"url": f"{endpoint}/{target.id}", "private": request.private, "commit": commit}
    return exported.model_copy(update=update)


# ---- the repository ----------------------------------------------------------------------------------------------------


def _api(endpoint: str, token: str) -> "HfApi":
    """A client that gives up some time: the library's own waits for ever."""
    import httpx
    from huggingface_hub import HfApi, constants, set_client_factory
    from huggingface_hub.utils import _http

    constants.HF_HUB_DISABLE_TELEMETRY = True

    def client() -> httpx.Client:
        made = _http.default_client_factory()
        made.timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
        return made

    set_client_factory(client)
    return HfApi(endpoint=endpoint, token=token, library_name="amedida", library_version=__version__)


def _prefix(project: Project, exported: Exported) -> str:
    """What the licence of the base model says its name must begin with."""
    variant = project.store.get(Variant, exported.variant)
    return terms(model_called(variant.model)).prefix if variant else ""


def _claim(api: "HfApi", project: Project, name: str, wants_private: bool) -> _Target:
    """Who we are, whether we may, and the repository: a new one, or one that holds what this project put there."""
    who = api.whoami()
    if not isinstance(who, dict) or "name" not in who:
        raise Unavailable("push_not_a_hub", address=api.endpoint)
    user = str(who["name"])
    owner, _, bare = name.rpartition("/")
    owner = owner or user
    allowed = {user, *(str(org["name"]) for org in who.get("orgs", []))}
    if owner not in allowed:
        raise Refused("push_no_rights", name=owner, user=user)
    if not _may_write(who, owner):
        raise Refused("push_token_read_only", user=user)
    id = f"{owner}/{bare}"
    found = _info(api, id)
    if found is None:
        try:
            api.create_repo(id, private=wants_private, repo_type="model")
        except Exception:  # it may have been made although the answer was lost; if not, the reason goes on
            if _info(api, id) is None:
                raise
        found = _info(api, id)
        if found is None:
            raise Unavailable("push_incomplete", name=id)
    theirs = tuple(sibling.rfilename for sibling in found.siblings or [] if sibling.rfilename != ".gitattributes")
    if theirs and not _ours(api, project, id, theirs):
        raise Refused("repository_exists", name=id, suggestion=_other_name(api, id))
    if not found.private and wants_private:
        raise Refused("repository_public", name=id)
    return _Target(id, found.sha or "", theirs, bool(found.private))


def _may_write(who: dict[str, Any], owner: str) -> bool:
    """What the token says of itself. A fine-grained one lists what it may do where; the Hub has the last word anyway."""
    access = who.get("auth", {}).get("accessToken", {})
    if access.get("role") != "fineGrained":
        return bool(access.get("role") != "read")
    scoped = access.get("fineGrained", {}).get("scoped", [])
    return not scoped or any(
        scope.get("entity", {}).get("name", owner).partition("/")[0] == owner
        for scope in scoped
        if _MAY_WRITE & set(scope.get("permissions", ()))
    )


def _info(api: "HfApi", id: str) -> "ModelInfo | None":
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        return api.model_info(id)
    except RepositoryNotFoundError as error:
        if error.response.status_code == 401 and "Invalid credentials" in error.response.headers.get(
            "X-Error-Message", ""
        ):
            raise
        return None


def _ours(api: "HfApi", project: Project, id: str, theirs: Sequence[str]) -> bool:
    """Whether what lies there came from this project: its `assistant.json` says so."""
    if "assistant.json" not in theirs:
        return False
    with tempfile.TemporaryDirectory() as place:
        got = api.hf_hub_download(id, "assistant.json", local_dir=place)
        try:
            said = json.loads(Path(got).read_text(encoding="utf-8"))
        except ValueError:
            return False
    return isinstance(said, dict) and said.get("project") == project.id


def _other_name(api: "HfApi", id: str) -> str:
    return next((f"{id}-{n}" for n in range(2, 10) if _info(api, f"{id}-{n}") is None), f"{id}-new")


# ---- the upload --------------------------------------------------------------------------------------------------------


def _additions(folder: Path) -> "list[CommitOperationAdd]":
    from huggingface_hub import CommitOperationAdd

    paths = private.files_of(folder)
    return [CommitOperationAdd(path.relative_to(folder).as_posix(), path) for path in paths]


def _upload(
    api: "HfApi", target: _Target, additions: "list[CommitOperationAdd]", emit: Emit, should_stop: ShouldStop
) -> str:
    """The small files together, the large ones one by one; then one commit shows them all. Returns its id."""
    from huggingface_hub import CommitOperationDelete

    total, done = sum(each.upload_info.size for each in additions), 0
    emit(Progress(done=0, of=total))
    small = [each for each in additions if each.upload_info.size < _SMALL]
    for together in [small, *([each] for each in additions if each.upload_info.size >= _SMALL)]:
        if should_stop():
            raise Stopped
        api.preupload_lfs_files(target.id, together, free_memory=False)
        done += sum(each.upload_info.size for each in together)
        emit(Progress(done=done, of=total))
    if should_stop():
        raise Stopped
    kept = {each.path_in_repo for each in additions}
    gone = [CommitOperationDelete(path) for path in target.theirs if path not in kept]
    made = api.create_commit(
        target.id, [*additions, *gone], commit_message="Upload with Amedida", parent_commit=target.head or None
    )
    return str(made.oid)


def _landed(api: "HfApi", target: _Target, folder: Path) -> str | None:
    """The commit that did land although its answer got lost; None when the folder is not there."""
    try:
        if _same(api, target.id, folder):
            return str(api.model_info(target.id).sha)
    except Exception:  # noqa: BLE001  the first error is the one to tell
        return None
    return None


def _same(api: "HfApi", id: str, folder: Path) -> bool:
    """Whether the repository holds exactly the folder, byte for byte, as the Hub's own hashes say."""
    from huggingface_hub.hf_api import RepoFile

    theirs = {entry.path: entry for entry in api.list_repo_tree(id, recursive=True) if isinstance(entry, RepoFile)}
    theirs.pop(".gitattributes", None)
    ours = {path.relative_to(folder).as_posix(): path for path in private.files_of(folder)}
    if set(theirs) != set(ours):
        return False
    for name, path in ours.items():
        entry = theirs[name]
        expected = entry.lfs.sha256 if entry.lfs else entry.blob_id
        if entry.size != path.stat().st_size or expected != _hash(path, large=entry.lfs is not None):
            return False
    return True


def _hash(path: Path, *, large: bool) -> str:
    """The name the Hub gives a file's content: sha256 for large files, git's own for the others."""
    if large:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
