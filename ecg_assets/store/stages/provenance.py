"""Records the inputs of a shard part by part, to explain why its fingerprint differs."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from ecg_assets.store.fingerprint import fingerprint
from ecg_assets.store.manifest import MADE_FROM, Manifest
from ecg_assets.store.safe_yaml import YamlFileError, read_yaml
from ecg_assets.store.sealed import SealBrokenError, read_unsealed, write_sealed_text

# No .json: those are manifests.
SETTINGS = Path("_manifests") / "settings.yaml"


class MadeFrom(BaseModel):
    """The parts of one shard's fingerprint.

    Attributes:
        code_version: of the stage.
        config: each setting by name, as text or as the hash of the table or file that it names.
        inputs: by record id, the hash of the stage's inputs.
        settings: the config as given, from which the same plan can be made again; not part of the fingerprint, because
            a style's name does not determine its look.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code_version: str
    config: dict[str, str]
    inputs: dict[str, str]
    settings: dict[str, Any]

    def fingerprint(self, stage: str) -> str:
        """Hash of the stage's name, the code version, the config and the inputs."""
        return fingerprint(stage, self.code_version, self.config, self.inputs)

    def as_info(self) -> dict[str, Any]:
        """The parts for a manifest's `info`."""
        return {MADE_FROM: self.model_dump(mode="json")}


def read_made_from(manifest: Manifest) -> MadeFrom | None:
    """The parts in a manifest; None in one of a version that stored only the fingerprint."""
    try:
        return MadeFrom.model_validate(manifest.info[MADE_FROM]) if MADE_FROM in manifest.info else None
    except ValidationError:
        return None  # another version's parts: the fingerprint is still compared, only the reason is unknown


def note_settings(folder: Path, settings: dict[str, Any]) -> None:
    """Writes the config that a stage was last run with, whether the run succeeds or not."""
    write_sealed_text(folder / SETTINGS, yaml.safe_dump(settings, sort_keys=True))


def read_settings(folder: Path) -> dict[str, Any] | None:
    """The config that the stage was last run with; None before the first run.

    Raises:
        YamlFileError: the file is damaged; the message names it.
    """
    path = folder / SETTINGS
    if not path.exists():
        return None
    try:
        read_unsealed(path)
    except SealBrokenError as error:
        raise YamlFileError(f"{error}; delete it, and the next run notes its config again") from error
    held = read_yaml(path)
    return held if isinstance(held, dict) else None
