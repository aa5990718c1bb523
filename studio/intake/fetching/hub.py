"""Takes a snapshot of a data set's rows from the Hugging Face Hub (or the server `HF_ENDPOINT` names), as JSON lines.

Rows are streamed, so that ten thousand of a billion cost ten thousand. Only data is read: no program of a data set is
run, and no file outside the Hub is opened, whatever the data set's card says.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from studio.base import files
from studio.base.errors import (
    BadName,
    NotEnough,
    NotFound,
    Refused,
    StudioError,
    Unavailable,
    Unreadable,
)
from studio.base.events import Emit, ShouldStop, Stage
from studio.base.recipes import DatasetRequest
from studio.intake.fetching import snapshots
from studio.intake.fetching.fetched import Fetched

ON_THE_HUB = "hf://datasets/"
PREFIX = re.compile(r"^https?://[^/]+/datasets/")
NAME = re.compile(r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")  # one word alone may name a reader of local files
ELSEWHERE = re.compile(r"^\s*([/\\~]|[A-Za-z0-9+.-]+:)")
PLAIN = frozenset({"Value", "ClassLabel", "Translation", "TranslationVariableLanguages", "Json"})
LISTS = frozenset({"List", "LargeList", "Sequence"})
ANSWER_SECONDS = 20.0
MOST_LISTED = 20


def dataset(
    request: DatasetRequest, folder: Path, emit: Emit, should_stop: ShouldStop, token: str = ""
) -> list[Fetched]:
    """One file of rows in `folder`.

    1. Ask the Hub what the data set is made of. 2. Refuse what does not lie there. 3. Stream the rows of the split.
    Raises BadName("dataset_name"); NotFound: dataset_missing, dataset_revision, dataset_config, dataset_split,
    dataset_no_files; Refused: dataset_gated, dataset_code, dataset_elsewhere; Unavailable("dataset_unreachable");
    Unreadable("dataset_damaged"); NotEnough("dataset_no_rows"); and Stopped, which leaves no file.
    """
    name = PREFIX.sub("", request.name.strip()).rstrip("/")
    if not NAME.match(name):
        raise BadName("dataset_name", name=request.name[:100])
    emit(Stage(name="fetch_dataset"))
    asked = request.model_copy(update={"name": name})
    with _translated(asked):
        counted = snapshots.Counted(_rows(asked, token), request.rows, emit, should_stop)
        written = snapshots.write_lines(folder, _stem(asked), counted)
    if not written.rows:
        (folder / written.file).unlink()
        raise NotEnough("dataset_no_rows", name=name)
    findings = snapshots.findings(written, counted.more)
    return [Fetched(file=written.file, name=written.file, origin=_origin(asked), findings=findings)]


def _rows(asked: DatasetRequest, token: str) -> Iterator[Mapping[str, Any]]:
    from datasets import load_dataset_builder

    key = token or os.environ.get("HF_TOKEN") or False  # one lying about in the home folder is not used
    revision = _looked_at(asked, key)
    try:
        builder = load_dataset_builder(asked.name, asked.config or None, revision=revision, token=key)
    except ValueError as error:
        raise _config_missing(asked, key, error) from error
    lying = [str(path) for paths in (builder.config.data_files or {}).values() for path in paths]
    if not lying or not all(path.startswith(ON_THE_HUB) for path in lying):
        raise Refused("dataset_elsewhere", name=asked.name)
    parts = builder.as_streaming_dataset()
    if asked.split not in parts:
        splits = ", ".join(list(parts)[:MOST_LISTED])
        raise NotFound("dataset_split", name=asked.name, split=asked.split, splits=splits)
    stream = parts[asked.split]
    features = stream.features or {}
    left = {each for each, kind in features.items() if not _plain(kind)}
    if features:
        stream = stream.decode(False).remove_columns(sorted(left))  # a column that is removed would still be decoded
    labels = {each: kind.names for each, kind in features.items() if type(kind).__name__ == "ClassLabel"}
    for row in stream:
        kept = {column: value for column, value in row.items() if column not in left}
        yield {column: _label(labels[column], value) if column in labels else value for column, value in kept.items()}


def _looked_at(asked: DatasetRequest, key: str | bool) -> str | None:
    """The exact version that is meant. Refused before `datasets` follows it: a card that names files elsewhere."""
    import yaml
    from huggingface_hub import DatasetCard, HfApi

    api = HfApi(token=key)
    info = api.dataset_info(asked.name, revision=asked.revision or None, timeout=ANSWER_SECONDS)
    for file in {each.rfilename for each in info.siblings or []} & {"README.md", ".huggingface.yaml"}:
        path = Path(api.hf_hub_download(asked.name, file, repo_type="dataset", revision=info.sha))
        text = path.read_text(encoding="utf-8", errors="replace")
        if file == "README.md":
            configs = DatasetCard(text, ignore_metadata_errors=True).data.get("configs")
        else:
            said = yaml.safe_load(text)
            configs = said.get("configs") if isinstance(said, dict) else None
        if any(ELSEWHERE.match(each) for each in _strings(configs)):
            raise Refused("dataset_elsewhere", name=asked.name)
    return info.sha


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            yield from (each for inner in value.values() for each in _strings(inner))
        case list():
            yield from (each for inner in value for each in _strings(inner))


def _plain(kind: Any) -> bool:
    """Whether a column holds words and numbers all the way down. Pictures and sounds would be opened wherever the row
    says they lie.
    """
    if isinstance(kind, dict):
        return all(map(_plain, kind.values()))
    if isinstance(kind, list):
        return all(map(_plain, kind))
    name = type(kind).__name__
    return name in PLAIN or (name in LISTS and _plain(kind.feature))


def _label(names: list[str], value: Any) -> Any:
    """The label's word where a number stands for it."""
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else None


def _config_missing(asked: DatasetRequest, key: str | bool, error: ValueError) -> Exception:
    """The data set has several parts and none, or one it does not have, was named; otherwise the error as it was."""
    from datasets import get_dataset_config_names

    configs = get_dataset_config_names(asked.name, revision=asked.revision or None, token=key)
    if asked.config in configs or (not asked.config and len(configs) < 2):
        return error
    listed = ", ".join(configs[:MOST_LISTED])
    return NotFound("dataset_config", name=asked.name, config=asked.config or "-", configs=listed)


@contextmanager
def _translated(asked: DatasetRequest) -> Iterator[None]:
    try:
        yield
    except (StudioError, MemoryError):
        raise
    except Exception as error:
        raise _ours(error, asked) from error


def _ours(error: BaseException, asked: DatasetRequest) -> Exception:
    import httpx
    from datasets import exceptions
    from huggingface_hub import constants, errors

    causes = list(_causes(error))

    def any_is(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    name, link = asked.name, f"{constants.ENDPOINT}/datasets/{asked.name}"
    if any_is(errors.GatedRepoError):
        return Refused("dataset_gated", name=name, link=link)
    if any_is(errors.RevisionNotFoundError):
        return NotFound("dataset_revision", name=name, revision=asked.revision)
    if any_is(exceptions.DataFilesNotFoundError):
        return NotFound("dataset_no_files", name=name)
    if any_is(errors.RepositoryNotFoundError, exceptions.DatasetNotFoundError):
        return NotFound("dataset_missing", name=name, link=link)
    if any_is(errors.HFValidationError):
        return BadName("dataset_name", name=name)
    if isinstance(error, RuntimeError) and "scripts are no longer supported" in str(error):
        return Refused("dataset_code", name=name)
    if any_is(
        errors.OfflineModeIsEnabled,
        errors.HfHubHTTPError,
        errors.LocalEntryNotFoundError,
        httpx.HTTPError,
        ConnectionError,
    ):
        return Unavailable("dataset_unreachable", name=name, endpoint=constants.ENDPOINT)
    if isinstance(error, OSError) and error.errno is not None:
        return error  # the disk, not the data set
    return Unreadable("dataset_damaged", name=name)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _stem(asked: DatasetRequest) -> str:
    parts = [*asked.name.split("/"), asked.config, asked.split]
    return files.file_name("_".join(part for part in parts if part)[:120])


def _origin(asked: DatasetRequest) -> str:
    part = "/".join(part for part in (asked.config, asked.split) if part)
    return f"{ON_THE_HUB}{asked.name}{'@' + asked.revision if asked.revision else ''} · {part}"
