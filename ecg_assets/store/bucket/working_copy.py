"""The working copy of a data root in a bucket, and its notes on the bucket's state."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ecg_assets.store.atomic import write_text
from ecg_assets.store.bucket.address import BucketAddress, BucketAddressError, parse_address, safe_relative
from ecg_assets.store.bucket.client import BucketObjects
from ecg_assets.store.bucket.retry import BucketError
from ecg_assets.store.lock import only_writer_at_once
from ecg_assets.store.log import Log
from ecg_assets.store.sealed import SealBrokenError, read_unsealed, write_sealed_text

OWN = ".bucket"
# Notes of units as last pulled or pushed.
KNOWN = f"{OWN}/known"
MANIFESTS, FILES = "manifests/", "files/"
_MADE_AGAIN = "delete this manifest, and the stage that made it makes it again"


class Stored(BaseModel):
    """A file as an object.

    Attributes:
        sha256: of its bytes.
        size: in bytes.
        generation: of the object when it was put.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size: int = Field(ge=0)
    generation: int


class BucketManifest(BaseModel):
    """Lists the objects of a unit (see `units`); it is pushed after all of them.

    Attributes:
        files: path relative to the data root -> the object.
        last: the file to write last; None if the order does not matter.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: dict[str, Stored]
    last: str | None = None

    def contents(self) -> dict[str, str]:
        """SHA-256 of each file."""
        return {name: stored.sha256 for name, stored in self.files.items()}


class Known(BaseModel):
    """A unit as last pulled or pushed.

    Attributes:
        generation: of its manifest in the bucket.
        manifest: that manifest.
    """

    model_config = ConfigDict(frozen=True)

    generation: int
    manifest: BucketManifest


@dataclass(frozen=True)
class WorkingCopy:
    """A folder that is the local copy of a data root in a bucket.

    Attributes:
        path: the folder.
        bucket: the objects below the data root's address.
    """

    path: Path
    bucket: BucketObjects

    @property
    def own(self) -> Path:
        """The folder of notes on the bucket, and of transfers in progress."""
        return self.path / OWN

    def known(self, name: str) -> Known | None:
        """The unit as last pulled or pushed; None if it never was, or its note was lost."""
        path = self._note(name)
        try:
            return Known.model_validate_json(read_unsealed(path)) if path.exists() else None
        except (ValidationError, SealBrokenError):
            return None  # all files are then compared by hash

    def note(self, name: str, known: Known | None) -> None:
        """Writes a unit's note, or removes it."""
        if known is None:
            self._note(name).unlink(missing_ok=True)
        else:
            write_sealed_text(self._note(name), known.model_dump_json(indent=1) + "\n")

    def known_names(self) -> list[str]:
        """All units with a note."""
        folder = self.path / KNOWN
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.json") if path.name[0] != ".")

    def _note(self, name: str) -> Path:
        return self.path / KNOWN / safe_relative(name)

    @contextmanager
    def locked(self, folder: str | None) -> Iterator[bool]:
        """Holds the lock of a folder below the data root; yields False if another process holds it."""
        if folder is None:
            yield True
            return
        with only_writer_at_once(self.path / folder) as free:
            yield free


def object_name(name: str, sha256: str) -> str:
    """Name of the object with a file's content: other content gets another object, so nothing is ever overwritten."""
    path = PurePosixPath(name)
    return f"{FILES}{path.with_name(f'{path.stem}.{sha256[:16]}{path.suffix}')}"


def read_bucket_manifest(content: bytes, told: str) -> BucketManifest:
    """Reads a unit's manifest.

    Raises:
        BucketError: it is not a manifest, or a file's name leads outside the data root; the message names the object.
    """
    try:
        manifest = BucketManifest.model_validate_json(content)
    except ValidationError as error:
        raise BucketError(f"{told} is no manifest of this project; {_MADE_AGAIN}") from error
    for name in manifest.files:
        try:
            inside = safe_relative(name).parts[0] != OWN
        except BucketAddressError:
            inside = False
        if not inside:
            raise BucketError(f"{told} names {name!r}, which is no file of a data root; {_MADE_AGAIN}")
    return manifest


def attach(folder: Path, address: BucketAddress) -> None:
    """Makes a folder the working copy of an address."""
    write_text(folder / OWN / "address", f"{address}\n")


def working_copy_around(path: Path, log: Log) -> WorkingCopy | None:
    """The working copy that contains a path; None in a local data root."""
    for folder in (path, *path.parents):
        note = folder / OWN / "address"
        if note.is_file():
            return WorkingCopy(folder, BucketObjects(parse_address(note.read_text("utf-8").strip()), log))
    return None
