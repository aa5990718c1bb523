"""The trained adapter as a folder that any PEFT library opens: weights, configuration, tokenizer, chat template.

Safetensors only, and no path of this machine inside.
"""

import shutil
from pathlib import Path

from studio.base import files

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)


def package(best: Path, weights: Path, base: str, target: Path) -> None:
    """Put the adapter in `best` and the tokenizer beside the model's `weights` together as `target`, which appears whole.

    `base` is what the adapter says it belongs to: the model's name on the Hub, so that others can load it.
    """
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    shutil.copyfile(best / WEIGHTS, part / WEIGHTS)
    files.write_json(part / CONFIG, {**(files.read_json(best / CONFIG) or {}), "base_model_name_or_path": base})
    for name in TOKENIZER:
        if (weights / name).is_file():
            shutil.copyfile(weights / name, part / name)
    if target.exists():
        shutil.rmtree(target)
    part.replace(target)
