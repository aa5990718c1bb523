"""Where an index lies: in its project's folder, or on object storage that several machines reach.

Knows how the small files beside the table are read and written, and whether a store may be written to by two at once.
What is in them, and the table, are others' business. The only module that knows obstore.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.base import files, records
from studio.base.errors import NotPossibleHere, Unavailable
from studio.base.project import Project
from studio.base.settings import PRIVATE_FOLDER, Settings

if TYPE_CHECKING:
    from obstore.store import ObjectStore

FRESH = 5.0  # seconds for which what a remote store said is believed
PATIENCE = {"connect_timeout": "5s", "timeout": "60s"}


@dataclass(frozen=True)
class Place:
    """A project's index. `folder` is this machine's: the lock lies there, and the index itself when there is no `uri`."""

    folder: Path
    uri: str = ""
    options: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def is_remote(self) -> bool:
        return bool(self.uri)


class Kept(NamedTuple):
    """A small file and a mark that changes whenever it is written."""

    text: str
    mark: str


def of(project: Project) -> Place:
    """Where this project's index lies, by the settings of the studio it belongs to."""
    root = project.folder.parent
    told = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AMEDIDA_INDEX_")))
    settings = _settings(root, _mark(root / PRIVATE_FOLDER / "settings.json"), told)
    if not settings.index_uri:
        return Place(project.index)
    options = tuple(sorted(settings.index_options.items()))
    return Place(project.index, f"{settings.index_uri.rstrip('/')}/{project.id}", options)


def read(place: Place, name: str) -> Kept | None:
    """A small file beside the table, or None. A remote one is asked for again after a few seconds only."""
    if not place.is_remote:
        try:
            return Kept((place.folder / name).read_text(encoding="utf-8"), _mark(place.folder / name))
        except (FileNotFoundError, NotADirectoryError):
            return None
    found = _believed.get((place, name))
    if found is None or time.monotonic() - found[0] > FRESH:
        found = _believed[place, name] = (time.monotonic(), _fetch(place, name))
    return found[1]


def read_now(place: Place, name: str) -> str | None:
    """As `read`, of this moment."""
    _believed.pop((place, name), None)
    found = read(place, name)
    return found.text if found else None


def doubt() -> None:
    """Believe nothing any more of what remote stores said: somebody changed it since."""
    _believed.clear()


def write(place: Place, name: str, text: str) -> None:
    """The whole of it or nothing."""
    if not place.is_remote:
        files.write_atomically(place.folder / name, text)
        return
    import obstore

    with _reached(place):
        obstore.put(_store(place), name, text.encode())
    _believed.pop((place, name), None)


def create(place: Place, name: str, text: str) -> bool:
    """Write a small file of an index on object storage where there is none; False where there is one."""
    import obstore
    from obstore.exceptions import AlreadyExistsError

    try:
        with _reached(place):
            obstore.put(_store(place), name, text.encode(), mode="create")
    except AlreadyExistsError:
        return False
    return True


def remove(place: Place, name: str) -> None:
    if not place.is_remote:
        (place.folder / name).unlink(missing_ok=True)
        return
    import obstore

    with _reached(place):
        obstore.delete(_store(place), name)
    _believed.pop((place, name), None)


def names(place: Place) -> list[str]:
    """The small files beside the table."""
    if not place.is_remote:
        return sorted(path.name for path in place.folder.iterdir() if path.is_file())
    import obstore

    with _reached(place):
        return sorted(str(each["path"]) for each in obstore.list_with_delimiter(_store(place))["objects"])


def check(place: Place) -> None:
    """Make sure that of two who write the same version of a table, the second is told.

    Lance commits by writing a file only where there is none (`If-None-Match: *`). A store that overlooks this loses rows
    without a word, so that nothing may be written to it. Raises Unavailable, NotPossibleHere("index_store_unsafe").
    """
    if not place.is_remote:
        return
    from obstore.exceptions import NotSupportedError

    name = f"check-{records.new_id()}"
    write(place, name, "first")
    try:
        if create(place, name, "second"):
            raise NotPossibleHere("index_store_unsafe", name=place.uri)
    except NotSupportedError as error:
        raise NotPossibleHere("index_store_unsafe", name=place.uri) from error
    finally:
        remove(place, name)


def mark(place: Place, name: str) -> str:
    """Changes whenever that small file is written; cheap where it lies here."""
    if not place.is_remote:
        return _mark(place.folder / name)
    found = read(place, name)
    return found.mark if found else ""


@contextmanager
def _reached(place: Place) -> Iterator[None]:
    from obstore.exceptions import AlreadyExistsError, BaseError, NotSupportedError

    try:
        yield
    except (AlreadyExistsError, NotSupportedError, FileNotFoundError):
        raise
    except (BaseError, OSError) as error:
        raise Unavailable("index_store_unreachable", name=place.uri, reason=type(error).__name__) from error


def _fetch(place: Place, name: str) -> Kept | None:
    import obstore

    try:
        with _reached(place):
            got = obstore.get(_store(place), name)
            return Kept(bytes(got.bytes()).decode(), str(got.meta["e_tag"] or got.meta["last_modified"]))
    except FileNotFoundError:
        return None


@lru_cache(maxsize=16)
def _store(place: Place) -> "ObjectStore":
    from obstore.store import from_url

    options: dict[str, Any] = dict(place.options)
    client = PATIENCE | {name: options.pop(name) for name in PATIENCE if name in options}
    if "allow_http" in options:
        client["allow_http"] = options.pop("allow_http")
    store: ObjectStore = from_url(place.uri, config=options, client_options=client, retry_config={"max_retries": 3})  # type: ignore[call-overload]
    return store


@lru_cache(maxsize=16)
def _settings(root: Path, _age: str, _told: tuple[tuple[str, str], ...]) -> Settings:
    return Settings(projects=root)


def _mark(path: Path) -> str:
    try:
        about = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    return f"{about.st_ino}-{about.st_mtime_ns}"


_believed: dict[tuple[Place, str], tuple[float, Kept | None]] = {}
