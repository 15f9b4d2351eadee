"""Reads and writes manifests: the fingerprint that a stage made a shard from, and each file's hash.

A shard's manifest is written last. A shard without a manifest, or with another fingerprint, is made again.
"""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ecg_assets.store.atomic import TEMPORARY_PREFIX
from ecg_assets.store.file_index import Presence
from ecg_assets.store.fingerprint import fingerprint
from ecg_assets.store.plain_file import NotAPlainFileError
from ecg_assets.store.safe_paths import all_inside, is_inside
from ecg_assets.store.sealed import SEAL_BROKEN, SealBrokenError, read_unsealed, write_sealed_text

MANIFESTS = "_manifests"
# Keys of `info` with one value per record of the shard.
MADE_FROM, BY_RECORD = "made_from", "by_record"


class ManifestError(ValueError):
    """A manifest cannot be read; the message names the file."""


class Manifest(BaseModel):
    """The content of one shard of a stage.

    Attributes:
        stage: the stage's name, for example `rendered_waves`.
        fingerprint: of code version, config and inputs; if it is equal, the shard is current.
        files: path relative to the data root -> SHA-256 of its bytes.
        info: numbers for people (counts, class shares), the inputs (`MADE_FROM`, see `stages.provenance`), and notes
            on each record (`BY_RECORD`).
    """

    # Strings are not cached, because hashes all differ and looking them up takes a sixth of the reading time.
    model_config = ConfigDict(frozen=True, extra="forbid", cache_strings="keys")

    stage: str
    fingerprint: str
    files: dict[str, str] = Field(default_factory=dict)
    info: dict[str, Any] = Field(default_factory=dict)

    @field_validator("files")
    @classmethod
    def _stay_inside(cls, files: dict[str, str]) -> dict[str, str]:
        # Stages delete files that a manifest lists and they no longer make.
        for name in () if all_inside(files) else files:
            if not is_inside(name):
                raise ValueError(f"the file {name[:80]!r} leads outside of the data root")
        return files

    @property
    def numbers(self) -> dict[str, Any]:
        """The part of `info` for people; its size does not depend on the number of records."""
        return {key: value for key, value in self.info.items() if key not in (MADE_FROM, BY_RECORD)}

    @property
    def digest(self) -> str:
        """Hash of the content: every file's name and hash."""
        return fingerprint(self.files)

    def stands(self, wanted: str, present: Presence) -> bool:
        """Whether the shard has fingerprint `wanted`, and all its files exist."""
        return self.fingerprint == wanted and not present.missing(self.files)


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Writes a manifest atomically, with sorted keys and a seal."""
    ordered = manifest.model_copy(update={"files": dict(sorted(manifest.files.items()))})
    write_sealed_text(path, ordered.model_dump_json(indent=1) + "\n")


def read_manifest(path: Path) -> Manifest | None:
    """The manifest at `path`, or None if it does not exist.

    Raises:
        ManifestError: the file is not a manifest, or has changed since it was written.
    """
    try:
        return Manifest.model_validate_json(read_unsealed(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except NotAPlainFileError as error:
        raise ManifestError(str(error)) from error
    except (ValidationError, SealBrokenError) as error:
        said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else SEAL_BROKEN
        raise ManifestError(
            f"{path} is no manifest ({said}); delete it, and the next run makes this shard again"
        ) from error


def manifest_paths(folder: Path) -> list[Path]:
    """The manifests in a stage's folder, sorted, without temporary files of killed writers."""
    paths = (folder / MANIFESTS).rglob("*.json")
    return sorted(path for path in paths if not path.name.startswith(TEMPORARY_PREFIX))


def is_current(path: Path, wanted: str, present: Presence) -> bool:
    """Whether the manifest at `path` has fingerprint `wanted` and all its files exist."""
    manifest = read_manifest(path)
    return manifest is not None and manifest.stands(wanted, present)
