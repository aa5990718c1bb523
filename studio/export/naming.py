"""Names for repositories on the Hub: good ones to propose, and whether one that was typed will be taken."""

import re
import unicodedata

from studio.base import files
from studio.base.errors import BadName
from studio.base.project import Project
from studio.base.records import Variant
from studio.engines import Model
from studio.export.licensing import terms

LONGEST = 96
_PART = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


def suggest(project: Project, variant: Variant, model: Model) -> tuple[str, ...]:
    """Names to propose, the best first: the project's, the project's with the model's, and one with the approach."""
    name, base = files.slug(project.name), _plain(model.name)
    prefix = terms(model).prefix
    plain = (f"{name}-assistant", f"{name}-{base}", f"{name}-{variant.approach}-{base}")
    return tuple(_cut(f"{prefix}-{each}" if prefix else each) for each in plain)


def check_name(repository: str, prefix: str = "") -> str:
    """The repository's name as the Hub will take it: "name" or "owner/name". `prefix` is what the licence asks for.

    Raises BadName("repository_name", name=, suggestion=) and BadName("repository_name_prefix", name=, prefix=,
    suggestion=) with a name that would do.
    """
    given = repository.strip()
    parts = given.split("/")
    good = 1 <= len(parts) <= 2 and all(_good(part) for part in parts) and len(given) <= LONGEST
    if not good:
        raise BadName("repository_name", name=given[:LONGEST], suggestion=_mended(given, prefix))
    if prefix and not parts[-1].startswith(prefix):
        raise BadName("repository_name_prefix", name=given, prefix=prefix, suggestion=_mended(given, prefix))
    return given


def _good(part: str) -> bool:
    """The Hub's rules for names: letters, digits, - _ . inside; no -- and no .. ; not ending in .git."""
    return (
        bool(_PART.fullmatch(part)) and "--" not in part and ".." not in part and not part.endswith((".git", ".ipynb"))
    )


def _mended(given: str, prefix: str) -> str:
    tidy = given.replace("\\", "/").removeprefix("https://huggingface.co/").strip("/ ")
    owner, _, name = tidy.rpartition("/")
    owner = _plain(owner.rpartition("/")[2])
    name = _plain(name.removesuffix(".git")) or "assistant"
    if prefix and not name.startswith(prefix):
        name = f"{prefix}-{name}"
    return f"{owner}/{_cut(name, LONGEST - len(owner) - 1)}" if owner else _cut(name)


def _plain(text: str) -> str:
    unaccented = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    kept = re.sub(r"[^A-Za-z0-9._-]+", "-", unaccented)
    return re.sub(r"([-.])[-.]+", r"\1", kept).strip("-._")


def _cut(name: str, longest: int = LONGEST) -> str:
    return name[: max(longest, 8)].strip("-._")
