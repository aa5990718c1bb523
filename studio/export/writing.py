"""Writes an assistant into a folder that works without the studio, and zips it.

Everything in the folder is made or cleaned here: nothing is copied that was not looked at. The same assistant gives the
same bytes, but for the date in the card; the zip too.
"""

import hashlib
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio import engines
from studio.answering import compose
from studio.base import files, records
from studio.base.errors import BadInput, NotFound, NotPossibleHere, Refused, Stopped
from studio.base.events import Emit, Note, Planned, Progress, ShouldStop, Stage
from studio.base.project import Project
from studio.base.recipes import ExportRequest
from studio.base.records import Exported, Outcome, Record, Variant
from studio.base.settings import Settings
from studio.engines import Model, merging
from studio.evaluation import character, general
from studio.export import card, facts, licensing, private
from studio.export.naming import suggest

TOKENIZER = (
    *("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.json", "merges.txt", "chat_template.jinja"),
)
CHECKSUMS = "checksums.sha256"
_PATHS = ("_name_or_path", "name_or_path", "tokenizer_file", "special_tokens_map_file", "vocab_file", "merges_file")
_ABSOLUTE = re.compile(r"^(?:/|~|[A-Za-z]:[\\/]|\\\\|\.{1,2}[\\/])")
_NO_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say
_BLOCK = 8 << 20


def folder(
    project: Project,
    variant: Variant,
    request: ExportRequest,
    run_folder: Path,
    settings: Settings,
    emit: Emit,
    should_stop: ShouldStop,
) -> Outcome:
    """Write the assistant into `run_folder/export` and zip that.

    1. weights:  the base model's with the adapter merged in, or the adapter alone (`request.form`)
    2. describe: tokenizer, settings, licence, model card, numbers, checksums
    3. pack:     the zip
    The outcome moves both to the project's `exports/`. An export of the same request replaces the one before.
    Raises BadInput("export_no_adapter"), NotFound("export_adapter_missing"), NotPossibleHere("disk_full"), Refused
    ("remote_code", "export_not_clean", "export_holds_token"), Stopped, and what `engines.weights` and `merging.merge` do.
    """
    emit(Planned(stages=("export_weights", "export_describe", "export_pack")))
    emit(Stage(name="export_weights"))
    model = engines.model(variant.model)
    adapter = _adapter(project, variant)
    if request.form == "adapter" and adapter is None:
        raise BadInput("export_no_adapter")
    weights = engines.weights(variant.model, settings, emit)
    _refuse_code(weights, model)
    target = run_folder / "export"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    _check_space(weights if request.form == "merged" else adapter or weights, run_folder)

    def tick(done: int, of: int) -> None:
        if should_stop():
            raise Stopped
        emit(Progress(done=done, of=of))

    if request.form == "adapter" and adapter is not None:
        _write_adapter(adapter, target, model)
    else:
        _write_merged(weights, adapter, target, model, tick)
    tokenizer = adapter if adapter is not None and (adapter / "tokenizer.json").is_file() else weights
    _write_tokenizer(tokenizer, target)

    emit(Stage(name="export_describe"))
    _describe(project, variant, request, model, target)
    licensing.write(model, weights, target, changed=adapter is not None)
    made_by = facts.trained(project, variant)
    if made_by and made_by.general and made_by.general.verdict != "kept":
        emit(general.note(made_by.general))
    if private.personal(variant.instructions):
        emit(Note(code="export_personal_in_instructions"))
    private.check(target)
    _write_checksums(target)

    emit(Stage(name="export_pack"))
    name = suggest(project, variant, model)[0]
    _pack(target, run_folder / "export.zip", name, tick)
    made = Exported(
        id=_id(run_folder),
        variant=variant.id,
        path=f"exports/{_id(run_folder)}",
        form=request.form,
        bytes=sum(path.stat().st_size for path in private.files_of(target)),
        files=sum(1 for _ in private.files_of(target)),
        name=name,
    )
    return Outcome(moves={"export": made.path, "export.zip": f"{made.path}.zip"}, exports=(made,))


def archive(project: Project, exported: Exported) -> Path:
    """The zip of an export; packed again where somebody removed it. Raises NotFound("export_missing")."""
    source = project.path(exported.path)
    packed = project.path(f"{exported.path}.zip")
    if not packed.is_file():
        if not source.is_dir():
            raise NotFound("export_missing", name=exported.id)
        _pack(source, packed, exported.name or project.folder.name, lambda done, of: None)
    return packed


# ---- weights -----------------------------------------------------------------------------------------------------------


def _adapter(project: Project, variant: Variant) -> Path | None:
    if variant.adapter is None:
        return None
    path = project.path(variant.adapter)
    if not (path / "adapter_config.json").is_file():
        raise NotFound("export_adapter_missing", name=project.name)
    return path


def _refuse_code(weights: Path, model: Model) -> None:
    for name in ("config.json", "tokenizer_config.json"):
        if "auto_map" in (files.read_json(weights / name) or {}):
            raise Refused("remote_code", name=model.title)


def _check_space(source: Path, place: Path) -> None:
    """Folder and zip both hold the weights."""
    needed = 2 * sum(path.stat().st_size for path in source.glob("*.safetensors")) / 1e9 + 0.2
    free = files.free_gb(place)
    if free < needed:
        raise NotPossibleHere("disk_full", needed_gb=round(needed, 1), free_gb=round(free, 1))


def _write_merged(
    weights: Path, adapter: Path | None, target: Path, model: Model, tick: Callable[[int, int], None]
) -> None:
    if adapter is not None:
        merging.merge(weights, adapter, target, tick)
    else:
        shards = sorted(weights.glob("*.safetensors"))
        total, before = sum(shard.stat().st_size for shard in shards), 0
        for shard in shards:
            before = _copy(shard, target / shard.name, before, lambda done: tick(done, total))
        if (weights / merging.INDEX).is_file():
            shutil.copyfile(weights / merging.INDEX, target / merging.INDEX)
    for name in ("config.json", "generation_config.json"):
        written = files.read_json(weights / name)
        if isinstance(written, dict):
            _write(target / name, _clean(written))
    if adapter is not None:
        (target / "adapter").mkdir()
        _write_adapter(adapter, target / "adapter", model)


def _write_adapter(adapter: Path, target: Path, model: Model) -> None:
    """The adapter alone, naming its base model as the Hub does, so that it loads on any machine."""
    shutil.copyfile(adapter / "adapter_model.safetensors", target / "adapter_model.safetensors")
    settings = _clean(files.read_json(adapter / "adapter_config.json") or {})
    _write(target / "adapter_config.json", settings | {"base_model_name_or_path": model.hub_id or model.name})


def _write_tokenizer(source: Path, target: Path) -> None:
    for name in TOKENIZER:
        if not (source / name).is_file():
            continue
        settings = files.read_json(source / name) if name == "tokenizer_config.json" else None
        if isinstance(settings, dict):
            _write(target / name, _clean(settings))
        else:
            shutil.copyfile(source / name, target / name)


def _clean(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings without paths of this machine."""
    kept = {name: value for name, value in settings.items() if name not in _PATHS}
    return {name: value for name, value in kept.items() if not (isinstance(value, str) and _ABSOLUTE.match(value))}


# ---- description -------------------------------------------------------------------------------------------------------


def _describe(project: Project, variant: Variant, request: ExportRequest, model: Model, target: Path) -> None:
    made, tested = facts.trained(project, variant), facts.tested(project, variant)
    if made is not None:
        _write(target / "training.json", facts.training(made))
    if tested is not None:
        _write(target / "evaluation.json", tested.model_dump())
    tried = character.of(project, variant)
    if tried is not None:  # without the pairs of answers: no question of the project leaves it
        _write(target / "character.json", tried.model_dump(exclude={"id": True, "treatment": {"shown"}}))
    _write(target / "assistant.json", _assistant(project, variant, model))
    description = card.Description(
        project=project.card,
        variant=variant,
        model=model,
        form=request.form,
        names=suggest(project, variant, model),
        languages=facts.languages(project),
        terms=licensing.terms(model),
        changed=variant.adapter is not None,
        training=facts.training(made) if made else None,
        tested=tested,
        material=facts.material(project),
        system=_system(variant),
        date=records.now()[:10],
        character=tried,
    )
    (target / "README.md").write_text(card.render(description), encoding="utf-8")


def _assistant(project: Project, variant: Variant, model: Model) -> dict[str, Any]:
    """`assistant.json`: all that decides an answer besides the weights. `project` tells us our own exports again."""
    indexed = project.indexed() if variant.approach in records.APPROACHES_THAT_SEARCH else None
    return {
        "format": 1,
        "made_with": "Amedida",
        "project": project.id,
        "approach": variant.approach,
        "base_model": model.hub_id or model.name,
        "language": project.card.language,
        "instructions": variant.instructions,
        "profile": variant.profile.model_dump(),
        "system": _system(variant),
        "passages": variant.passages if indexed else 0,
        "max_tokens": variant.max_tokens,
        "search": {"embedder": indexed.embedder, "threshold": indexed.threshold} if indexed else None,
    }


def _system(variant: Variant) -> str:
    """The system message this assistant is sent before a question; empty where it was trained without one."""
    return next((message.content for message in compose(variant, "", ()) if message.role == "system"), "")


def _write(path: Path, value: dict[str, Any] | Record) -> None:
    files.write_json(path, dict(sorted(value.items())) if isinstance(value, dict) else value.model_dump())
    path.chmod(0o644)


# ---- checksums and zip -------------------------------------------------------------------------------------------------


def _write_checksums(target: Path) -> None:
    lines = [f"{digest(path)}  {path.relative_to(target).as_posix()}\n" for path in private.files_of(target)]
    (target / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def digest(path: Path) -> str:
    """The file's sha256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pack(source: Path, target: Path, name: str, tick: Callable[[int, int], None]) -> None:
    """A zip with one folder in it. Weights do not shrink, so they are stored; the rest is deflated."""
    paths = list(private.files_of(source))
    total, done = sum(path.stat().st_size for path in paths), 0
    part = target.with_name(f"{target.name}.part")
    try:
        with zipfile.ZipFile(part, "w") as packed:
            for path in paths:
                entry = zipfile.ZipInfo(f"{name}/{path.relative_to(source).as_posix()}", _NO_TIME)
                entry.compress_type = zipfile.ZIP_STORED if path.suffix == ".safetensors" else zipfile.ZIP_DEFLATED
                entry.external_attr, entry.file_size = 0o100644 << 16, path.stat().st_size
                with path.open("rb") as given, packed.open(entry, "w") as file:
                    while block := given.read(_BLOCK):
                        file.write(block)
                        done += len(block)
                        tick(done, total)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _copy(source: Path, target: Path, before: int, tick: Callable[[int], None]) -> int:
    """Copy a large file; returns `before` and what was copied, in bytes."""
    with source.open("rb") as given, target.open("wb") as file:
        while block := given.read(_BLOCK):
            file.write(block)
            tick(before + file.tell())
        return before + file.tell()


def _id(run_folder: Path) -> str:
    """The run's own id: the same request gives the same export."""
    if re.fullmatch(r"[0-9a-f]{12}", run_folder.name):
        return run_folder.name
    return hashlib.sha256(run_folder.name.encode()).hexdigest()[:12]
