"""What the licence of the base model asks of a copy: its text, a notice, a name. The rules are data: `licences.json`.

An export is never under a freer licence than the model it was made from; so it is always under that model's.
"""

import json
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from studio.engines import Model

HERE = Path(__file__).parent
RULES = json.loads((HERE / "licences.json").read_text(encoding="utf-8"))
_OWN_FILES = ("LICENSE*", "LICENCE*", "NOTICE*", "USE_POLICY*")


class Terms(NamedTuple):
    """`identifier` is what the Hub calls the licence, `prefix` how the name of what is made from the model must begin."""

    identifier: str
    name: str
    link: str
    prefix: str
    notice: str


def terms(model: Model) -> Terms:
    """The terms a copy of this model stands under."""
    other = model.licence.lower() == "other"
    slug = re.sub(r"[^a-z0-9.]+", "-", model.licence_name.lower()).strip("-") if other else ""
    for pattern, rule in RULES["by_name"].items():
        if found := re.match(pattern, model.licence_name):
            notice = rule["notice"].format(**found.groupdict())
            return Terms(model.licence.lower(), slug, model.licence_link, rule.get("prefix", ""), notice)
    return Terms(model.licence.lower(), slug, model.licence_link, "", "")


def write(model: Model, weights: Path, target: Path, changed: bool) -> None:
    """Put the licence and notices into `target`: the model's own files where they came with it, else the known text."""
    found = [path for pattern in _OWN_FILES for path in sorted(weights.glob(pattern)) if path.is_file()]
    for path in found:
        shutil.copyfile(path, target / (path.name if path.suffix in (".txt", ".md") else f"{path.name}.txt"))
    known = RULES["by_licence"].get(model.licence)
    if known and not any(path.name.upper().startswith(("LICENSE", "LICENCE")) for path in found):
        shutil.copyfile(HERE / known["file"], target / "LICENSE.txt")
    if not (target / "NOTICE.txt").exists():
        (target / "NOTICE.txt").write_text(_notice(model, changed), encoding="utf-8")


def _notice(model: Model, changed: bool) -> str:
    lines = [
        f"This folder contains {'a modified copy of' if changed else 'an unmodified copy of'} {model.title}.",
        f"Original: {model.hub_id or model.title}",
        f"Licence: {model.licence_name} ({model.licence_link})",
    ]
    if changed:
        lines.append("Changes: the weights were adapted by fine-tuning; see README.md and training.json.")
    if notice := terms(model).notice:
        lines.append(notice)
    return "\n".join(lines) + "\n"
