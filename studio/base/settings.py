"""How this studio is set up: `AMEDIDA_*` in the environment, then `<projects>/.studio/settings.json`, then defaults."""

import os
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    JsonConfigSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from studio.base.errors import BadInput
from studio.base.records import Language

PRIVATE_FOLDER = ".studio"

QUIET_LIBRARIES = {
    "ANONYMIZED_TELEMETRY": "False",
    "DO_NOT_TRACK": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_XET_TELEMETRY_ENABLED": "0",
    "RUST_LOG": "error",
    "TOKENIZERS_PARALLELISM": "false",
    "UNSLOTH_AUTO_INSTALL": "0",
    "UNSLOTH_DISABLE_STATISTICS": "1",
    "WANDB_DISABLED": "true",
}


class Settings(BaseSettings):
    """One studio on one machine."""

    model_config = SettingsConfigDict(env_prefix="AMEDIDA_", extra="ignore", frozen=True)

    projects: Path = Field(default=Path("projects"), description="Folder that holds the projects.")
    host: str = Field(default="127.0.0.1", description="Address the studio listens on.")
    port: int = Field(default=7860, ge=0, le=65535, description="Port the studio listens on.")
    vote_host: str = Field(
        default="", description="Address at which invited colleagues may vote, and do nothing else; empty: only here."
    )
    vote_port: int = Field(default=7861, ge=0, le=65535, description="Port of the voting page at that address.")
    language: Language = Field(default="en", description="Language to start with.")
    model: str = Field(default="smollm2-135m-instruct", description="Model of new projects (a name in the catalogue).")
    embedder: str = Field(default="", description="Embedder of new indexes; empty chooses the bundled one.")
    remote_url: str = Field(
        default="", description="An OpenAI-compatible endpoint that answers instead of this machine."
    )
    remote_key: str = Field(default="", description="Key of that endpoint.", repr=False)
    threads: int = Field(default=0, ge=0, le=256, description="Processor threads for heavy work; 0 chooses.")
    max_upload_mb: int = Field(default=500, ge=1, description="Largest file that may be added.")
    index_uri: str = Field(
        default="",
        description="Object storage for search indexes, as s3://bucket/folder; empty keeps them in the projects.",
    )
    index_options: dict[str, str] = Field(
        default={},
        description="How to reach it, as LanceDB names it: endpoint, region, aws_access_key_id, ...; else from AWS_*.",
        repr=False,
    )

    @property
    def private(self) -> Path:
        """Where the studio keeps what belongs to no project: the queue, prepared models, the host's address. Mode 0700."""
        folder = self.projects.resolve() / PRIVATE_FOLDER
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        projects = Path(init_settings().get("projects") or os.environ.get("AMEDIDA_PROJECTS", "projects"))
        file = JsonConfigSettingsSource(settings_cls, json_file=projects / PRIVATE_FOLDER / "settings.json")
        return init_settings, env_settings, file


def load(**given: Any) -> Settings:
    """Settings with what was given on the command line on top; None means "not given".

    Raises BadInput("settings_wrong") when the environment or `settings.json` holds something impossible.
    """
    if given.get("projects") is not None:  # its settings.json counts, and our children must find the same
        os.environ["AMEDIDA_PROJECTS"] = str(Path(given["projects"]).resolve())
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise BadInput("settings_wrong", name=name, value=str(first["input"])) from error
    except ValueError as error:
        raise BadInput("settings_wrong", name="settings.json", value=str(error)) from error


def silence_libraries() -> None:
    """Telemetry of every library off and no surprise downloads. Must run before any of them is imported."""
    for name, value in QUIET_LIBRARIES.items():
        os.environ.setdefault(name, value)
