"""Opens the sources of a config: downloads each to a local folder, and finds its kind, name and licence."""

from dataclasses import dataclass, replace
from pathlib import Path

from ecg_assets.records.kaggle.folder import KaggleFolder
from ecg_assets.records.provenance import SYNTHETIC_LICENCE, collection_in, licence_of, name_of
from ecg_assets.records.sources.base import TABLE_NAME, Reader, SourceError
from ecg_assets.records.sources.config import SourceConfig, SourceSpec
from ecg_assets.records.synthetic.folder import write_synthetic_source
from ecg_assets.records.wfdb.folder import WfdbFolder
from ecg_assets.records.wfdb.record import Window
from ecg_assets.store.bucket.address import parse_address
from ecg_assets.store.log import Log
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stages.provenance import read_settings

# Below the data root: downloads from buckets, one folder per address.
SOURCE_CACHE = "source_cache"
_SYNTHETIC_RECORDS = 24
_SYNTHETIC_MIX = "default"


@dataclass(frozen=True)
class Source:
    """One source, ready to be read.

    Attributes:
        name: in the index.
        licence: passed with each record to its samples.
        prefix: of the records' ids; empty for a single source in the competition's format.
        group, limit: at most `limit` records of all sources with this `group` are used.
        reader: lists and reads the records.
    """

    name: str
    licence: str
    prefix: str
    group: int
    limit: int | None
    reader: Reader


def open_sources(root: DataRoot, config: SourceConfig, log: Log) -> list[Source]:
    """The sources of a config.

    Raises:
        SourceError: an address is not a source, or two sources have the same name.
    """
    specs = config.specs()
    sources = [source for group, spec in enumerate(specs) for source in _open(root, spec, group, config.seed, log)]
    seen: set[str] = set()
    for source in sources:
        if source.name.casefold() in seen:
            raise SourceError(f"two sources are named {source.name!r}; give one of them another `name`")
        seen.add(source.name.casefold())
    for source in sources:
        log(f"raw_csvs: source {source.name} ({source.reader.kind}), licence: {source.licence}")
    if len(sources) > 1:
        return [replace(source, prefix=f"{source.name}-") for source in sources]
    return sources


def local_folder(address: str, cache: Path, log: Log) -> Path:
    """The folder of a local address, or of the download from a bucket in `cache`."""
    if "://" not in address:
        return Path(address).expanduser().absolute()
    from ecg_assets.records.sources.gcs import fetch_source

    return fetch_source(address, cache, log)


def _open(root: DataRoot, spec: SourceSpec, group: int, seed: int, log: Log) -> list[Source]:
    if spec.kind == "synthetic":
        folder = root.path / "synthetic_source"
        write_synthetic_source(folder, spec.records or _SYNTHETIC_RECORDS, seed, log, spec.mix or _SYNTHETIC_MIX)
        name, licence = spec.name or "synthetic", spec.licence or SYNTHETIC_LICENCE
        return [Source(name, licence, "", group, None, KaggleFolder(folder, "synthetic"))]
    folder = local_folder(spec.path, root.path / SOURCE_CACHE, log)
    address = spec.path if "://" in spec.path else str(folder)
    kind = _detect(folder) if spec.kind == "auto" else spec.kind
    if kind == "kaggle":
        licence = spec.licence or licence_of(address)
        return [Source(spec.name or "kaggle", licence, "", group, spec.records, KaggleFolder(folder))]
    return _wfdb(spec, folder, address, group, log)


def _detect(folder: Path) -> str:
    """The kind of a folder; an unknown one is treated as the competition's, whose reader reports what is missing."""
    held = folder.is_dir() and not (folder / TABLE_NAME).exists() and next(folder.rglob("*.hea"), None) is not None
    return "wfdb" if held else "kaggle"


def _wfdb(spec: SourceSpec, folder: Path, address: str, group: int, log: Log) -> list[Source]:
    """One source; or one per subfolder, if an unnamed folder holds several known collections."""
    if not folder.is_dir():
        raise SourceError(f"the source {folder} is no folder; set `path` to one that holds WFDB headers (*.hea)")
    window = Window(spec.window_start_s, spec.checksums)
    folders = [part for part in sorted(folder.iterdir()) if part.is_dir()]
    for part in folders:
        if part.is_symlink():
            log(f"raw_csvs: {part} is a linked folder and is not entered; copy the folder itself there")
    parts = [part for part in folders if not part.is_symlink() and next(part.rglob("*.hea"), None)]
    if spec.name is not None or not any(collection_in(part.name) for part in parts):
        return [_wfdb_source(spec, address, group, WfdbFolder(folder, window))]
    sources = [_wfdb_source(spec, str(part), group, WfdbFolder(part, window)) for part in parts]
    if any(folder.glob("*.hea")):
        sources.append(_wfdb_source(spec, address, group, WfdbFolder(folder, window, deep=False)))
    return sources


def _wfdb_source(spec: SourceSpec, address: str, group: int, reader: WfdbFolder) -> Source:
    name = spec.name or name_of(address)
    if not name:
        raise SourceError(f"the source {address!r} has no letter or digit in its folder's name; give it a `name`")
    return Source(name, spec.licence or licence_of(address), f"{name}-", group, spec.records, reader)


def unused_fetched(root: DataRoot) -> list[Path]:
    """Downloaded files of sources that the last run of `raw_csvs` did not use; empty before the first run.

    Raises:
        SourceError: the run's list of sources is missing or damaged.
        YamlFileError: the run's settings cannot be read.
    """
    settings = read_settings(root.ori_csv)
    if settings is None:
        return []
    specs = SourceConfig.model_validate(settings).specs()
    used = {parse_address(spec.path).folder_name() for spec in specs if "://" in spec.path}
    folders = [path for path in sorted((root.path / SOURCE_CACHE).glob("[!.]*")) if path.name not in used]
    return [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
