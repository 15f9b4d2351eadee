"""The data root: one folder that holds everything the platform writes, and its settings."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from ecg_assets.store.atomic import write_json
from ecg_assets.store.bucket.address import SCHEME, BucketAddress, parse_address, working_copy
from ecg_assets.store.bucket.session import settings_shared

ROOT_VARIABLE = "ECG_ASSETS_DATA"
DEFAULT_SHARDS = 16
_SETTINGS_FILE = "store.json"
_ADDRESS = re.compile("[A-Za-z][A-Za-z0-9+.-]*:/")


class DataRootError(ValueError):
    """The data root cannot be used; the message says what to set."""


@dataclass(frozen=True)
class DataRoot:
    """Paths below one data root. Open it with `open_root`, which fixes the number of shards.

    Attributes:
        path: the folder itself, absolute; of a data root in a bucket, its working copy on this machine.
        shards: into how many shards records are divided; set once for a data root.
        remote: where in a bucket the data root is; None for a local one.
    """

    path: Path
    shards: int
    remote: BucketAddress | None = None

    def __str__(self) -> str:
        """Where it is, for people."""
        return f"{self.remote}, working copy {self.path}" if self.remote else str(self.path)

    @property
    def ori_csv(self) -> Path:
        """The accepted records' CSVs and `index.parquet`."""
        return self.path / "ori_csv"

    @property
    def index(self) -> Path:
        """The table of all records, accepted and quarantined."""
        return self.ori_csv / "index.parquet"

    @property
    def grids(self) -> Path:
        """Empty paper and its mask, one pair a grid style."""
        return self.path / "grids"

    @property
    def wave_images(self) -> Path:
        """Pages, `<id>.png`, with their layout, `<id>.json`."""
        return self.path / "data" / "wave_images"

    @property
    def wave_masks(self) -> Path:
        """Wave masks, `<id>_mask.png`."""
        return self.path / "data" / "wave_masks"

    @property
    def dataset(self) -> Path:
        """Training samples, one Arrow file a shard."""
        return self.path / "dataset_grid_wave_mix"

    @property
    def runs(self) -> Path:
        """Training runs, one folder an experiment."""
        return self.path / "runs"

    @property
    def champion(self) -> Path:
        """The promoted checkpoint."""
        return self.path / "champion"

    @property
    def scans(self) -> Path:
        """Real images (`inbox/`) and what was read in them."""
        return self.path / "scans"

    @property
    def pictures(self) -> Path:
        """Pictures for the UI and what else is quick to show and slow to make; may be deleted at any time."""
        return self.path / "pictures"

    def relative(self, path: Path) -> str:
        """`path` as told to people and kept in files: relative to the root, with forward slashes."""
        return path.relative_to(self.path).as_posix()


def default_root_path() -> str:
    """`ECG_ASSETS_DATA`, or `data_root` in the working directory."""
    return os.environ.get(ROOT_VARIABLE) or "data_root"


def open_root(path: str | Path | None = None, shards: int | None = None) -> DataRoot:
    """Opens a data root, making it when missing.

    One in a bucket is opened as a working copy in `ECG_ASSETS_CACHE`, because dataset shards are memory-mapped. Only
    the settings are pulled here; see bucket_pull for the rest.

    Args:
        path: the folder, or gs://bucket/prefix; by default `default_root_path()`.
        shards: only for a new root (default 16); an existing one keeps the number it was made with.

    Raises:
        DataRootError: an address of another kind, a file in the folder's place, unreadable settings, or another
            number of shards than the root was made with.
        BucketError: the bucket cannot be read.
    """
    text = str(path) if path is not None else default_root_path()
    if not _ADDRESS.match(text):
        return _open_folder(Path(text).expanduser().absolute(), shards, None)
    if not text.startswith(SCHEME):
        raise DataRootError(
            f"the data root {text!r} is no address that is known here; set {ROOT_VARIABLE} to a local folder or to "
            "gs://bucket/prefix"
        )
    address = parse_address(text)
    folder = working_copy(address)
    with settings_shared(folder, address):
        return _open_folder(folder, shards, address)


def _open_folder(folder: Path, shards: int | None, remote: BucketAddress | None) -> DataRoot:
    if folder.exists() and not folder.is_dir():
        raise DataRootError(f"the data root {folder} is a file; set {ROOT_VARIABLE} to a folder")
    settings = folder / _SETTINGS_FILE
    if not settings.exists():
        write_json(settings, {"shards": shards or DEFAULT_SHARDS})
    kept = _read_shards(settings)
    if shards is not None and shards != kept:
        raise DataRootError(
            f"{settings}: this data root was made with {kept} shards, asked for were {shards}; the number is "
            "set once for a data root: use another folder for another number"
        )
    return DataRoot(path=folder, shards=kept, remote=remote)


def _read_shards(settings: Path) -> int:
    try:
        shards = json.loads(settings.read_text("utf-8"))["shards"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataRootError(
            f'{settings}: expected {{"shards": <number>}}, found something else; restore it with the number of '
            "shards that this data root was made with, or start with an empty folder"
        ) from error
    if type(shards) is not int or not 1 <= shards <= 1024:
        raise DataRootError(f"{settings}: shards is {str(shards)[:40]!r}, expected a whole number from 1 to 1024")
    return shards
