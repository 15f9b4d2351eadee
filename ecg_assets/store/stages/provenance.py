"""What a shard was made from, part by part: the fingerprint says whether it is stale, this says why."""

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
        config: each setting by its name, as text or as the hash of what it refers to (a table, the user's file).
        inputs: by record id, the hash of what the stage takes from earlier ones.
        settings: the config as it was chosen, from which the same plan can be made again; not part of the fingerprint,
            because a style's name says nothing of what it looks like.
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
        """To be put into a manifest's `info`."""
        return {MADE_FROM: self.model_dump(mode="json")}


def read_made_from(manifest: Manifest) -> MadeFrom | None:
    """The parts that a manifest holds; None in one of a version that kept the fingerprint alone."""
    try:
        return MadeFrom.model_validate(manifest.info[MADE_FROM]) if MADE_FROM in manifest.info else None
    except ValidationError:
        return None  # another version's parts: the fingerprint still decides, only the reason is unknown


def note_settings(folder: Path, settings: dict[str, Any]) -> None:
    """Notes with which config a stage was last asked for, whether it ends well or not."""
    write_sealed_text(folder / SETTINGS, yaml.safe_dump(settings, sort_keys=True))


def read_settings(folder: Path) -> dict[str, Any] | None:
    """The config with which the stage was last asked for; None before that.

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
