"""The data root: one folder with everything the platform writes, and its settings."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from ecg_assets.store.bucket.address import SCHEME, BucketAddress, parse_address, working_copy
from ecg_assets.store.bucket.session import settings_shared
from ecg_assets.store.sealed import SealBrokenError, read_unsealed, write_sealed_json
from ecg_assets.store.splits import shard_of

ROOT_VARIABLE = "ECG_ASSETS_DATA"
DEFAULT_SHARDS, MOST_SHARDS = 16, 1024
_SETTINGS_FILE = "store.json"
_ADDRESS = re.compile("[A-Za-z][A-Za-z0-9+.-]*:/")


class DataRootError(ValueError):
    """The data root cannot be used; the message says what to set."""


@dataclass(frozen=True)
class DataRoot:
    """Paths below one data root. Open it with `open_root`, which fixes the number of shards.

    Attributes:
        path: the folder itself, absolute; of a data root in a bucket, its working copy on this machine.
        shards: number of shards of the records; set once for a data root.
        remote: address in a bucket; None for a local data root.
    """

    path: Path
    shards: int
    remote: BucketAddress | None = None

    def __str__(self) -> str:
        """Its path or address, for people."""
        return f"{self.remote}, working copy {self.path}" if self.remote else str(self.path)

    @property
    def settings(self) -> Path:
        """The file with the number of shards."""
        return self.path / _SETTINGS_FILE

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
        """Empty paper and its mask, one pair per grid style."""
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
        """Training samples, one Arrow file per shard."""
        return self.path / "dataset_grid_wave_mix"

    @property
    def runs(self) -> Path:
        """Training runs, one folder per experiment."""
        return self.path / "runs"

    @property
    def champion(self) -> Path:
        """The promoted checkpoint."""
        return self.path / "champion"

    @property
    def scans(self) -> Path:
        """Real images (`inbox/`) and their results."""
        return self.path / "scans"

    @property
    def pictures(self) -> Path:
        """Cache of pictures for the UI and of other results that are slow to make; may be deleted at any time."""
        return self.path / "pictures"

    def relative(self, path: Path) -> str:
        """`path` for messages and files: relative to the root, with forward slashes."""
        return path.relative_to(self.path).as_posix()


def default_root_path() -> str:
    """`ECG_ASSETS_DATA`, or `data_root` in the working directory."""
    return os.environ.get(ROOT_VARIABLE) or "data_root"


def open_root(path: str | Path | None = None, shards: int | None = None, make: bool = True) -> DataRoot:
    """Opens a data root, and creates it if missing.

    A data root in a bucket is opened as a working copy in `ECG_ASSETS_CACHE`, because dataset shards are memory-mapped.
    Only the settings are pulled here; see `bucket.pull` for the rest.

    Args:
        path: the folder, or gs://bucket/prefix; by default `default_root_path()`.
        shards: only for a new root (default 16); an existing one keeps its number.
        make: whether a new one may be created; otherwise a folder that is not a data root is left unchanged.

    Raises:
        DataRootError: an unsupported address, a file in the folder's place, unreadable settings, another number of
            shards than the root's, or a missing data root that may not be created.
        BucketError: the bucket cannot be read.
    """
    text = str(path) if path is not None else default_root_path()
    if not _ADDRESS.match(text):
        return _open_folder(Path(text).expanduser().absolute(), shards, None, make)
    if not text.startswith(SCHEME):
        raise DataRootError(
            f"the data root {text!r} is no address that is known here; set {ROOT_VARIABLE} to a local folder or to "
            "gs://bucket/prefix"
        )
    address = parse_address(text)
    folder = working_copy(address)
    with settings_shared(folder, address):
        return _open_folder(folder, shards, address, make)


def _open_folder(folder: Path, shards: int | None, remote: BucketAddress | None, make: bool) -> DataRoot:
    if folder.exists() and not folder.is_dir():
        raise DataRootError(f"the data root {folder} is a file; set {ROOT_VARIABLE} to a folder")
    settings = folder / _SETTINGS_FILE
    if not settings.exists() and not make:
        raise DataRootError(
            f"{remote or folder} is no data root (there is no {_SETTINGS_FILE} in it); set {ROOT_VARIABLE} to one, "
            "or make one with `ecg-assets demo`"
        )
    if not settings.exists():
        write_sealed_json(settings, {"shards": shards or DEFAULT_SHARDS})
    kept = _read_shards(settings)
    if shards is not None and shards != kept:
        raise DataRootError(
            f"{settings}: this data root was made with {kept} shards, asked for were {shards}; the number is "
            "set once for a data root: use another folder for another number"
        )
    return DataRoot(path=folder, shards=kept, remote=remote)


def _read_shards(settings: Path) -> int:
    try:
        fields = json.loads(read_unsealed(settings))
        if set(fields) != {"shards"}:  # remains of a damaged seal
            raise ValueError("other fields")
        shards = fields["shards"]
    except SealBrokenError as error:
        raise DataRootError(f"{error}; {remedy_for_shards(settings.parent)}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataRootError(
            f'{settings}: expected {{"shards": <number>}}, found something else; {remedy_for_shards(settings.parent)}'
        ) from error
    if type(shards) is not int or not 1 <= shards <= MOST_SHARDS:
        raise DataRootError(
            f"{settings}: shards is {str(shards)[:40]!r}, expected a whole number from 1 to {MOST_SHARDS}; "
            f"{remedy_for_shards(settings.parent)}"
        )
    return shards


def remedy_for_shards(folder: Path) -> str:
    """How to restore the settings, with the number of shards of the finished stages."""
    held = shards_held(folder)
    why = f"its records lie in {held} shards" if held else "nothing is divided into shards yet"
    return f'write {{"shards": {held or DEFAULT_SHARDS}}} into it: {why}'


def shards_held(folder: Path) -> int:
    """The number of shards of the stages in a data root's folder; 0 if nothing was made yet.

    A stopped run has not made all shards, so the number is one that is consistent with each record's shard.
    """
    stages = (folder / "data" / "wave_images", folder / "dataset_grid_wave_mix")
    paths = [path for stage in stages for path in (stage / "_manifests").glob("shard-*.json")]
    least = max((_number(path) + 1 for path in paths), default=0)
    places = {record_id: _number(path) for path in paths for record_id in _records_of(path)}
    fitting = (
        number
        for number in (DEFAULT_SHARDS, *range(least, MOST_SHARDS + 1))
        if number >= least and all(shard_of(record_id, number) == shard for record_id, shard in places.items())
    )
    return next(fitting, least) if least else 0


def _number(manifest: Path) -> int:
    digits = manifest.stem.removeprefix("shard-")
    return int(digits) if digits.isdecimal() else 0


def _records_of(manifest: Path) -> list[str]:
    """Records with pages in a shard's manifest."""
    try:
        names = json.loads(manifest.read_bytes())["files"]
        return [Path(name).stem for name in names if name.startswith("data/wave_images/") and name.endswith(".png")]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return []  # damaged; the other manifests are used
