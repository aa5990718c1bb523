"""Uploading to a hub that behaves like the real one, with the unmodified client: also when things go wrong."""

import hashlib
import logging
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi, constants, snapshot_download

from studio.base.errors import BadName, NotFound, Refused, Stopped, StudioError, Unavailable
from studio.base.events import Progress, Stage
from studio.base.project import Project
from studio.base.recipes import PushRequest
from studio.base.records import Exported, Variant
from studio.export import push, pushing
from tests.export import home
from tests.hub.server import FINE, OTHER, READ, WRITE, Fault, Hub, serve

# The client of 1.33 itself, on its way through git-LFS.
pytestmark = [
    pytest.mark.slow,  # a real server, and a client that waits before it tries again
    pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning"),
]

PUT = "PUT /_lfs|PUT /_part|POST /_cas/v1/xorbs"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return home.project(tmp_path_factory.mktemp("projects"))


@pytest.fixture(scope="module")
def exported(project: Project) -> Exported:
    return home.export(project, "trained", "aaaaaaaaaaaa")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own patience, shortened: its waits between attempts are not what is tested here."""
    from huggingface_hub.utils import _http

    monkeypatch.setattr(_http.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(pushing, "ANSWER_SECONDS", 2.0)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module", params=["lfs"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with serve(tmp_path_factory.mktemp("hub"), xet=request.param == "xet") as running:
        yield running


@pytest.fixture
def hub(server: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A hub without repositories, which the environment names."""
    server.forget()
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", not server.xet)
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    return server


@pytest.fixture
def fresh(project: Project, exported: Exported) -> Iterator[None]:
    """A file in the export that no hub has seen before: Xet sends nothing twice."""
    path = project.path(exported.path) / "fresh.safetensors"
    path.write_bytes(secrets.token_bytes(300_000))
    yield
    path.unlink()


both = pytest.mark.parametrize("server", ["lfs", pytest.param("xet", marks=pytest.mark.slow)], indirect=True)


def upload(
    project: Project, exported: Exported, token: str = WRITE, repository: str = "alice/blue-house", **asked: Any
) -> Exported:
    request = PushRequest(export=exported.id, repository=repository, **asked)
    return push(project, exported, request, token, lambda event: None, lambda: False)


def digests(folder: Path) -> dict[str, str]:
    paths = [
        path
        for path in folder.rglob("*")
        if path.is_file() and ".cache" not in path.parts and path.name != ".gitattributes"
    ]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def pulled(hub: Hub, repository: str, place: Path) -> dict[str, str]:
    return digests(Path(snapshot_download(repository, local_dir=place, token=WRITE, endpoint=hub.address)))


# ---- the way it should go ----------------------------------------------------------------------------------------------


@both
def test_what_is_pushed_is_private_and_comes_back_byte_for_byte(
    hub: Hub, project: Project, exported: Exported, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    pushed = upload(project, exported)
    assert pushed.url == f"{hub.address}/alice/blue-house"
    assert pushed.private
    assert pulled(hub, "alice/blue-house", tmp_path / "back") == digests(project.path(exported.path))
    info = HfApi(endpoint=hub.address, token=WRITE).model_info("alice/blue-house")
    assert (info.private, info.sha) == (True, pushed.commit)
    assert info.card_data is not None
    assert info.card_data.license == "apache-2.0"
    assert any("/_cas/v1/xorbs" in line for line in hub.lines()) == hub.xet
    assert any("PUT /_part" in line for line in hub.lines()) == (not hub.xet and False)
    assert not hub.telemetry


def test_a_large_file_goes_up_in_parts(hub: Hub, project: Project, exported: Exported, tmp_path: Path) -> None:
    place = project.path(exported.path)
    large = place / "model-extra.safetensors"
    large.write_bytes(bytes(range(256)) * 13_000)
    try:
        upload(project, exported)
        assert sum("PUT /_part" in line for line in hub.lines()) == 4
        assert pulled(hub, "alice/blue-house", tmp_path / "back") == digests(place)
    finally:
        large.unlink()


def test_an_owner_that_is_not_named_is_the_one_of_the_token(hub: Hub, project: Project, exported: Exported) -> None:
    assert upload(project, exported, repository="blue-house").url == f"{hub.address}/alice/blue-house"
    assert upload(project, exported, repository="acme/blue-house").url == f"{hub.address}/acme/blue-house"


def test_public_is_public_and_private_is_invisible_to_others(hub: Hub, project: Project, exported: Exported) -> None:
    upload(project, exported, repository="alice/open", private=False)
    upload(project, exported, repository="alice/closed")
    stranger = HfApi(endpoint=hub.address, token=OTHER)
    assert stranger.model_info("alice/open").id == "alice/open"
    assert not stranger.repo_exists("alice/closed")


def test_pushing_again_sends_nothing_that_is_there_and_removes_what_is_gone(
    hub: Hub, project: Project, exported: Exported, tmp_path: Path
) -> None:
    place = project.path(exported.path)
    (place / "old.txt").write_text("of an older version")
    first = upload(project, exported)
    (place / "old.txt").unlink()
    hub.calls.clear()
    second = upload(project, exported)
    assert second.commit != first.commit
    assert not any(line.startswith("PUT") for line in hub.lines())
    assert pulled(hub, "alice/blue-house", tmp_path / "back") == digests(place)
    hub.calls.clear()
    assert upload(project, exported).commit == second.commit
    assert not any("/commit/main" in line for line in hub.lines())


def test_a_private_repository_of_ours_becomes_public_only_when_asked(
    hub: Hub, project: Project, exported: Exported
) -> None:
    upload(project, exported)
    upload(project, exported, private=False)
    assert not hub.repos["alice/blue-house"]["private"]
    with pytest.raises(Refused, match="repository_public"):
        upload(project, exported, private=True)


def test_progress_is_told_in_bytes_and_a_stop_is_obeyed(hub: Hub, project: Project, exported: Exported) -> None:
    said: list[Any] = []
    request = PushRequest(export=exported.id, repository="alice/one")
    push(project, exported, request, WRITE, said.append, lambda: False)
    assert [event.name for event in said if isinstance(event, Stage)] == ["push_check", "push_upload", "push_verify"]
    told = [(event.done, event.of) for event in said if isinstance(event, Progress)]
    assert told[0] == (0, exported.bytes)
    assert told[-1] == (exported.bytes, exported.bytes)
    with pytest.raises(Stopped):
        push(
            project, exported, request.model_copy(update={"repository": "alice/two"}), WRITE, said.append, lambda: True
        )
    assert len(hub.repos["alice/two"]["commits"]) == 1


# ---- who may -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "repository", "error", "code"),
    [
        ("", "alice/m", BadName, "push_token_missing"),
        ("hf_" + "x" * 30, "alice/m", BadName, "push_token_wrong"),
        ("not even one", "alice/m", BadName, "push_token_wrong"),
        ("señal\nX-Evil: 1", "alice/m", BadName, "push_token_wrong"),
        (READ, "alice/m", Refused, "push_token_read_only"),
        (FINE, "alice/m", Refused, "push_token_read_only"),
        (OTHER, "alice/m", Refused, "push_no_rights"),
        (WRITE, "alice/my model", BadName, "repository_name"),
    ],
)
def test_a_token_or_name_that_will_not_do_is_told_before_anything_is_sent(
    hub: Hub, project: Project, exported: Exported, token: str, repository: str, error: type[StudioError], code: str
) -> None:
    with pytest.raises(error) as raised:
        upload(project, exported, token, repository)
    assert raised.value.code == code
    assert not hub.repos
    assert token == "" or token not in f"{raised.value} {raised.value.__cause__} {raised.value.parameters}"


def test_the_token_goes_to_the_hub_alone_and_into_no_log(
    hub: Hub, project: Project, exported: Exported, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    pushed = upload(project, exported)
    assert any(WRITE in call.authorization for call in hub.calls)
    assert not [
        call.line for call in hub.calls if call.line.split()[1].startswith("/_") and WRITE in call.authorization
    ]
    said = capfd.readouterr()
    assert WRITE not in caplog.text + said.out + said.err + pushed.model_dump_json()


def test_a_repository_with_other_content_is_never_overwritten(hub: Hub, project: Project, exported: Exported) -> None:
    api = HfApi(endpoint=hub.address, token=WRITE)
    api.create_repo("alice/blue-house", private=True)
    api.upload_file(path_or_fileobj=b"mine", path_in_repo="notes.txt", repo_id="alice/blue-house")
    head = hub.repos["alice/blue-house"]["head"]
    with pytest.raises(Refused) as raised:
        upload(project, exported)
    assert (raised.value.code, raised.value.parameters["suggestion"]) == ("repository_exists", "alice/blue-house-2")
    assert hub.repos["alice/blue-house"]["head"] == head


def test_what_another_project_pushed_is_not_ours(
    hub: Hub, project: Project, exported: Exported, tmp_path: Path
) -> None:
    upload(project, exported)
    other = home.project(tmp_path / "others")
    with pytest.raises(Refused, match="repository_exists"):
        upload(other, home.export(other, "trained"))


def test_an_empty_repository_of_the_person_is_filled(hub: Hub, project: Project, exported: Exported) -> None:
    HfApi(endpoint=hub.address, token=WRITE).create_repo("alice/blue-house", private=True)
    assert upload(project, exported).commit == hub.repos["alice/blue-house"]["head"]


def test_a_model_made_from_llama_must_say_so_in_its_name(hub: Hub, project: Project, exported: Exported) -> None:
    project.store.put(Variant(id="llama", approach="instructions", model="llama-3.2-1b-instruct"))
    with pytest.raises(BadName) as raised:
        upload(project, exported.model_copy(update={"variant": "llama"}))
    assert raised.value.code == "repository_name_prefix"
    assert raised.value.parameters["suggestion"] == "alice/Llama-blue-house"


def test_a_pickle_that_was_put_into_the_folder_is_not_sent(hub: Hub, project: Project, exported: Exported) -> None:
    planted = project.path(exported.path) / "optimizer.pt"
    planted.write_bytes(b"\x80\x04.")
    try:
        with pytest.raises(Refused, match="export_not_clean"):
            upload(project, exported)
    finally:
        planted.unlink()
    assert not hub.calls


def test_an_export_that_was_deleted_is_missing(hub: Hub, project: Project, exported: Exported) -> None:
    with pytest.raises(NotFound, match="export_missing"):
        upload(project, exported.model_copy(update={"path": "exports/none"}))


# ---- the way it goes wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        (Fault("whoami", status=500, times=99), Unavailable, "push_trouble"),
        (Fault("whoami", status=429, times=99, headers={"Retry-After": "7"}), Unavailable, "push_busy"),
        (Fault("whoami", page=True), Unavailable, "push_not_a_hub"),
        (Fault("whoami", status=404), Unavailable, "push_not_a_hub"),
        (Fault("whoami", cut_after=0, times=99), Unavailable, "push_unreachable"),
        (Fault("whoami", delay=4.0, times=99), Unavailable, "push_unreachable"),
        (Fault("repos/create", status=402), Refused, "push_payment"),
        (Fault("repos/create", status=403), Refused, "push_no_rights"),
        (Fault("validate-yaml", status=400, message="Invalid metadata"), Refused, "push_rejected"),
        (Fault("preupload", status=403, message="Private repository storage limit reached"), Refused, "push_quota"),
        (Fault("/commit/main", status=503, times=99), Unavailable, "push_trouble"),
        (Fault("/commit/main", status=412), Refused, "repository_changed"),
        (Fault(PUT, cut_after=1000, times=999), Unavailable, "push_unreachable"),
        (Fault(PUT, status=500, times=999), Unavailable, "push_trouble"),
    ],
    ids=lambda value: f"{value.match} {value.status or ''}" if isinstance(value, Fault) else "",
)
def test_every_fault_has_an_error_of_its_own_and_trying_again_succeeds(
    hub: Hub, project: Project, exported: Exported, tmp_path: Path, fault: Fault, error: type[StudioError], code: str
) -> None:
    hub.faults.append(fault)
    with pytest.raises(error) as raised:
        upload(project, exported)
    assert raised.value.code == code
    assert WRITE not in f"{raised.value}{raised.value.__context__!r}"
    hub.faults.clear()
    upload(project, exported)
    assert pulled(hub, "alice/blue-house", tmp_path / "back") == digests(project.path(exported.path))


@both
@pytest.mark.usefixtures("fresh")
def test_a_hub_that_stumbles_is_tried_again_within_the_same_push(
    hub: Hub, project: Project, exported: Exported, tmp_path: Path
) -> None:
    hub.faults += [Fault(PUT, status=503), Fault(PUT, cut_after=5000)]
    upload(project, exported)
    assert pulled(hub, "alice/blue-house", tmp_path / "back") == digests(project.path(exported.path))


@pytest.mark.parametrize("line", ["/commit/main", "repos/create"])
def test_an_answer_that_gets_lost_is_no_failure(
    hub: Hub, project: Project, exported: Exported, tmp_path: Path, line: str
) -> None:
    hub.faults.append(Fault(line, cut_answer=True))
    pushed = upload(project, exported)
    assert pushed.commit == hub.repos["alice/blue-house"]["head"]
    assert len(hub.repos["alice/blue-house"]["commits"]) == 2


@pytest.mark.usefixtures("fresh")
def test_a_hub_that_dies_in_the_middle_and_comes_back_gets_the_rest(
    hub: Hub, project: Project, exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through LFS; through Xet the client itself keeps trying for many minutes, and the stop button ends it."""
    hub.faults.append(Fault(PUT, skip=1, cut_after=1000, times=999))
    with pytest.raises(Unavailable, match="push_unreachable"):
        upload(project, exported)
    assert len(hub.repos["alice/blue-house"]["commits"]) == 1  # nobody sees half an assistant
    with serve(hub.folder, xet=hub.xet) as again:  # the same disk, another process as it were
        monkeypatch.setenv("HF_ENDPOINT", again.address)
        upload(project, exported)
        assert pulled(again, "alice/blue-house", tmp_path / "back") == digests(project.path(exported.path))
        first = {line for line in hub.lines() if "PUT /_lfs" in line}
        assert len([line for line in again.lines() if "PUT /_lfs" in line]) < len(first)


def test_a_full_account_is_told_as_such(hub: Hub, project: Project, exported: Exported) -> None:
    hub.quota = 1000
    with pytest.raises(Refused, match="push_quota"):
        upload(project, exported)


def test_without_a_network_nothing_hangs(project: Project, exported: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(Unavailable) as raised:
        upload(project, exported)
    assert raised.value.code == "push_unreachable"
    assert raised.value.parameters["address"] == "http://127.0.0.1:9"


def test_offline_mode_is_respected(
    hub: Hub, project: Project, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(Unavailable, match="push_unreachable"):
        upload(project, exported)
    assert not hub.calls
