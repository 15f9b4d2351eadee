"""Sources that were fetched from a bucket and are not asked for any more."""

from pathlib import Path

from ecg_assets.records.source_config import SourceConfig
from ecg_assets.records.sources import SOURCE_CACHE
from ecg_assets.store.bucket_address import parse_address
from ecg_assets.store.made_from import read_settings
from ecg_assets.store.root import DataRoot


def unused_fetched(root: DataRoot) -> list[Path]:
    """Files of sources in buckets that `raw_csvs` was not last asked for; none before it was asked for any.

    Raises:
        SourceError: the list of sources that it was asked for is not there any more, or damaged.
        YamlFileError: what it was asked for cannot be read.
    """
    settings = read_settings(root.ori_csv)
    if settings is None:
        return []
    specs = SourceConfig.model_validate(settings).specs()
    used = {parse_address(spec.path).folder_name() for spec in specs if "://" in spec.path}
    folders = [path for path in sorted((root.path / SOURCE_CACHE).glob("[!.]*")) if path.name not in used]
    return [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
