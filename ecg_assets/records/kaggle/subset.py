"""Downloads a random subset of the competition's records, with chosen images of each."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from ecg_assets.records.kaggle.client import COMPETITION, Competition
from ecg_assets.records.kaggle.errors import NoSuchFileError
from ecg_assets.records.kaggle.subset_manifest import SubsetManifest, Wanted, intact, read_subset, write_subset
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.log import Log
from ecg_assets.store.rng import rng_for

DEFAULT_VARIANTS = ("0001", "0003", "0005")
# Hidden, so that a partial image is not mistaken for an image.
PARTS_NAME = ".kaggle-parts"

# Names come from Kaggle: only those of this form are used as paths.
_CSV = re.compile(r"train/([0-9]{1,20})/\1\.csv")


@dataclass(frozen=True)
class SubsetReport:
    """Summary of a download.

    Attributes:
        manifest: of all files of the subset.
        fetched: number of files downloaded now.
    """

    manifest: SubsetManifest
    fetched: int

    @property
    def summary(self) -> str:
        """One sentence for people."""
        kept = len(self.manifest.files) - self.fetched
        absent = f", {len(self.manifest.missing)} that Kaggle does not have" if self.manifest.missing else ""
        return f"{self.fetched} files downloaded, {kept} were there{absent}"


def current_subset(wanted: Wanted, folder: Path) -> SubsetReport | None:
    """The subset in `folder` if it is complete and intact, so that Kaggle need not be contacted."""
    manifest = read_subset(folder)
    if manifest is None or manifest.wanted != wanted or len(intact(folder, manifest)) < len(manifest.files):
        return None
    return SubsetReport(manifest, fetched=0)


def download_subset(competition: Competition, wanted: Wanted, folder: Path, parts: Path, log: Log) -> SubsetReport:
    """Downloads `<id>/<id>.csv` and `<id>/<id>-<variant>.png` of each drawn record; keeps existing intact files.

    Args:
        competition: client of the competition.
        wanted: the records and images to download.
        folder: receives the files.
        parts: folder for partial downloads, from which an interrupted call is resumed.
        log: receives a line for each record.

    Raises:
        KaggleUnavailableError: Kaggle refuses, or does not answer; finished downloads are kept.
    """
    listed = set(competition.list_files())
    ids = draw(listed, wanted.records, wanted.seed)
    before = read_subset(folder)
    kept = intact(folder, before) if before is not None else set()
    files, missing, fetched = {}, [], 0
    for number, record_id in enumerate(ids, start=1):
        for name in _names(record_id, wanted.variants):
            target = folder / name
            if name not in kept and not (target.is_file() and (before is None or name not in before.files)):
                if not _fetched(competition, f"train/{name}", listed, target, parts, log):
                    missing.append(name)
                    continue
                fetched += 1
            files[name] = sha256_file(target)
        log(f"{wanted.competition}: record {record_id} is there ({number} of {len(ids)})")
    shutil.rmtree(parts, ignore_errors=True)
    manifest = SubsetManifest(wanted=wanted, missing=tuple(missing), files=files)
    write_subset(folder, manifest)
    return SubsetReport(manifest, fetched)


def draw(listed: set[str], records: int, seed: int) -> list[str]:
    """Ids of this many listed records with a CSV; a longer draw begins with those of a shorter one.

    Raises:
        NoSuchFileError: no record with a CSV is listed.
    """
    ids = sorted(found.group(1) for name in listed if (found := _CSV.fullmatch(name)))
    if not ids:
        raise NoSuchFileError(
            f"the competition lists {len(listed)} files, none of them train/<id>/<id>.csv; set `competition` to "
            f"{COMPETITION}"
        )
    order = rng_for(seed, "", "kaggle_subset").permutation(len(ids))
    return [ids[place] for place in order[:records]]


def _names(record_id: str, variants: tuple[str, ...]) -> list[str]:
    return [f"{record_id}/{record_id}{end}" for end in (".csv", *(f"-{variant}.png" for variant in variants))]


def _fetched(competition: Competition, name: str, listed: set[str], target: Path, parts: Path, log: Log) -> bool:
    """Downloads a file; returns whether it exists."""
    if name not in listed:
        log(f"{name} is not in the competition's list: left out")
        return False
    try:
        competition.fetch(name, target, parts)
    except NoSuchFileError as error:
        log(f"left out: {error}")
        return False
    return True
