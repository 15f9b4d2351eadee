"""Reads and writes the manifest of a downloaded subset: each file's SHA-256, and the request."""

import zipfile
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ecg_assets.store.atomic import atomic_path
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.safe_paths import is_inside
from ecg_assets.store.sealed import SealBrokenError, read_unsealed, write_sealed_text

# 0001 is the page itself, the others are scans and photos of it.
VARIANTS = ("0001", "0003", "0004", "0005", "0006", "0009", "0010", "0011", "0012")
MANIFEST_NAME = "kaggle_subset.json"
ZIP_NAME = "kaggle_subset.zip"
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


class Wanted(BaseModel):
    """The records and images to download.

    Attributes:
        competition: name in its address.
        records: number of records, drawn by the seed; a larger number includes the records of a smaller one.
        variants: images of each record, `0001` for the generated page.
        seed: of the draw.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    competition: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$")
    records: int = Field(default=10, ge=1)
    variants: tuple[str, ...] = ()
    seed: int = Field(default=0, ge=0)

    @field_validator("variants")
    @classmethod
    def _are_known(cls, variants: tuple[str, ...]) -> tuple[str, ...]:
        # They become parts of file names.
        unknown = [one for one in variants if one not in VARIANTS]
        if unknown:
            raise ValueError(f"there is no variant {unknown[0][:20]!r}; expected some of {', '.join(VARIANTS)}")
        return variants


class SubsetManifest(BaseModel):
    """The manifest of a complete subset.

    Attributes:
        wanted: the request.
        missing: files that Kaggle does not have.
        files: path relative to the manifest -> SHA-256.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    wanted: Wanted
    missing: tuple[str, ...] = ()
    files: dict[str, str] = Field(default_factory=dict)

    @field_validator("files")
    @classmethod
    def _stay_inside(cls, files: dict[str, str]) -> dict[str, str]:
        # The manifest may come from another person, and the files that it lists are read and packed.
        for name in files:
            if not is_inside(name):
                raise ValueError(f"the file {name[:80]!r} leads out of the folder")
        return files


def write_subset(folder: Path, manifest: SubsetManifest) -> None:
    """Writes the manifest into `folder`, atomically."""
    write_sealed_text(folder / MANIFEST_NAME, manifest.model_dump_json(indent=1) + "\n")


def read_subset(folder: Path) -> SubsetManifest | None:
    """The manifest in `folder`; None if it is missing or unreadable, in which case the download writes it again."""
    try:
        return SubsetManifest.model_validate_json(read_unsealed(folder / MANIFEST_NAME))
    except (FileNotFoundError, ValidationError, SealBrokenError):
        return None


def intact(folder: Path, manifest: SubsetManifest) -> set[str]:
    """Names of the manifest's files that exist and are unchanged."""
    return {name for name, sha256 in manifest.files.items() if _is(folder / name, sha256)}


def write_zip(folder: Path, manifest: SubsetManifest) -> Path:
    """Packs the manifest and its files; the same files give the same bytes."""
    target = folder / ZIP_NAME
    with atomic_path(target) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name in [MANIFEST_NAME, *sorted(manifest.files)]:
            # PNGs do not compress any further.
            info = zipfile.ZipInfo(name, _ZIP_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED if not name.endswith(".png") else zipfile.ZIP_STORED
            info.external_attr = 0o644 << 16
            archive.writestr(info, (folder / name).read_bytes())
    return target


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_file(path) == sha256
