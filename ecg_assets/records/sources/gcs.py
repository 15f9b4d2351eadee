"""Downloads a source of records from a bucket into a local folder, which is then read like any other."""

from pathlib import Path, PurePosixPath

from ecg_assets.records.sources.archive import DAMAGES, opened
from ecg_assets.records.sources.base import ARCHIVE_NAME, TABLE_NAME, SourceError
from ecg_assets.store.atomic import write_bytes
from ecg_assets.store.bucket.address import BucketAddress, parse_address
from ecg_assets.store.bucket.client import BucketObjects, Listed
from ecg_assets.store.bucket.mirror import Wanted, mirror
from ecg_assets.store.lock import only_writer
from ecg_assets.store.log import Log

_WFDB = (".hea", ".dat", ".mat")
_MAX_TABLE_BYTES = 256 << 20


def fetch_source(address: str, cache: Path, log: Log) -> Path:
    """Downloads the records of gs://bucket/prefix into a folder below `cache`, and returns it.

    In the competition's format: train.csv, and train-csvs.tar.gz or train/**.csv (the archive if both exist). Otherwise
    WFDB files at any depth. For an archive without train.csv beside it, train.csv is searched one level up, then inside
    the archive. Files of the same generation are not downloaded again; files deleted from the bucket are removed.

    Args:
        address: gs://bucket/prefix.
        cache: a separate folder for each address is created in it.
        log: receives progress and repeated attempts.

    Raises:
        SourceError: there are no records in a known format; the message says what is expected.
        BucketAddressError, BucketError: the bucket cannot be read; one sentence.
    """
    place = parse_address(address)
    folder = cache / place.folder_name()
    bucket = BucketObjects(place, log)
    with only_writer(cache / ".locks" / place.folder_name(), log):
        listing = bucket.listing()
        wanted = [Wanted(bucket, found, found.name) for found in _records(place, listing)]
        table = _table(bucket, listing)
        inside = table is None and any(one.name == ARCHIVE_NAME for one in wanted)
        if table is not None:
            wanted.append(table)
        came = mirror(wanted, folder, [TABLE_NAME] if inside else [], log)
        if inside and (ARCHIVE_NAME in came or not (folder / TABLE_NAME).exists()):
            write_bytes(folder / TABLE_NAME, _table_in_archive(folder / ARCHIVE_NAME, place))
    return folder


def _records(place: BucketAddress, listing: list[Listed]) -> list[Listed]:
    """The objects with records: an archive, or CSVs, or WFDB files."""
    archive = [found for found in listing if found.name == ARCHIVE_NAME]
    csvs = [found for found in listing if found.name.startswith("train/") and found.name.endswith(".csv")]
    wfdb = [found for found in listing if PurePosixPath(found.name).suffix.lower() in _WFDB]
    has_headers = any(found.name.lower().endswith(".hea") for found in wfdb)
    chosen = archive or csvs or (wfdb if has_headers else [])
    if not chosen:
        seen = ", ".join(found.name for found in listing[:5]) or "nothing"
        raise SourceError(
            f"{place} holds {len(listing)} objects ({seen}) but no records; expected {ARCHIVE_NAME} or "
            f"train/<id>/<id>.csv with {TABLE_NAME} beside it, or WFDB recordings (.hea): correct the address"
        )
    return chosen


def _table(bucket: BucketObjects, listing: list[Listed]) -> Wanted | None:
    """train.csv at the address or one level up; None if WFDB records do not need it, or if it may be in the archive."""
    for found in listing:
        if found.name == TABLE_NAME:
            return Wanted(bucket, found, TABLE_NAME)
    names = {found.name for found in listing}
    competition = ARCHIVE_NAME in names or any(name.startswith("train/") and name.endswith(".csv") for name in names)
    if not competition:
        return None
    above = BucketObjects(bucket.address.parent(), bucket.log, bucket.client)
    found_above = above.find(TABLE_NAME) if bucket.address.prefix else None
    if found_above is not None:
        bucket.log(f"{bucket.address} has no {TABLE_NAME}; taking {above.told(TABLE_NAME)}")
        return Wanted(above, found_above, TABLE_NAME)
    if ARCHIVE_NAME not in names:
        raise SourceError(_no_table(bucket.address, "beside train/ nor one level up"))
    return None


def _table_in_archive(archive: Path, place: BucketAddress) -> bytes:
    try:
        with opened(archive) as stream:
            for member in stream:
                named = PurePosixPath(member.name).name == TABLE_NAME
                whole = named and member.isfile() and member.size <= _MAX_TABLE_BYTES
                source = stream.extractfile(member) if whole else None
                if source is not None:
                    return source.read()
    except DAMAGES as error:
        raise SourceError(
            f"{place}/{ARCHIVE_NAME} is cut off or damaged ({error}); pack and upload it again"
        ) from error
    raise SourceError(_no_table(place, f"beside {ARCHIVE_NAME}, nor one level up, nor inside of it"))


def _no_table(place: BucketAddress, where: str) -> str:
    return (
        f"{place} has no {TABLE_NAME} {where}; expected a table with columns id, fs, sig_len (the competition's): "
        f"upload it with `gcloud storage cp {TABLE_NAME} {place}/`"
    )
