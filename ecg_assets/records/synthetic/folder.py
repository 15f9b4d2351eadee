"""Writes synthetic records as a source in the competition's format."""

import csv
import io
import shutil
import uuid
from pathlib import Path

import numpy as np

from ecg_assets.records.record import LEADS, SAMPLING_RATES_HZ
from ecg_assets.records.sources.base import SourceError
from ecg_assets.records.synthetic.dower import INDEPENDENT_LEADS, Array, twelve_leads
from ecg_assets.records.synthetic.ecg import synthesize
from ecg_assets.store.atomic import TEMPORARY_PREFIX
from ecg_assets.store.fingerprint import fingerprint, sha256_file
from ecg_assets.store.log import Log
from ecg_assets.store.plain_file import is_plain
from ecg_assets.store.sealed import SealBrokenError, is_sealed, read_unsealed, sealed

# From this id on, 12 consecutive ids cover train, validation and test.
FIRST_ID = 90_000_001

DECIMALS = 3
# Raise this when a change of the generator's code or tables changes the records of the same arguments.
GENERATOR_VERSION = "1"
_MADE_FROM = ".made_from"

_QUARTER = {"I": 0, "III": 0, "aVR": 1, "aVL": 1, "aVF": 1, "V1": 2, "V2": 2, "V3": 2, "V4": 3, "V5": 3, "V6": 3}


def write_synthetic_source(folder: Path, count: int, seed: int, log: Log, mix: str = "default") -> None:
    """Writes `train.csv` and `train/<id>/<id>.csv` of `count` records; the same arguments give the same bytes.

    The folder is written atomically: filled under a temporary name and renamed. An existing folder is kept if the same
    code made it from the same arguments, replaced if it is another synthetic source (or empty), and otherwise left
    unchanged.

    Args:
        folder: to write.
        count: records, at 250, 256, 500, 512, 1000, 1025 Hz in turn.
        seed: of `synthesize`.
        log: receives a line at the end.
        mix: of `synthesize`; rhythm and morphology are written to the table's column `labels`.

    Raises:
        ValueError: `count` is not positive.
        SourceError: `folder` is a file, or holds something else.
        SyntheticTableError: the mix does not exist.
    """
    if count < 1:
        raise ValueError(f"count is {count}; a source has at least 1 record, and 12 fill train, validation and test")
    _refuse_other_content(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f"{TEMPORARY_PREFIX}*-{folder.name}"):  # left by a killed run
        shutil.rmtree(left)
    made_from, noted = fingerprint(GENERATOR_VERSION, np.__version__, count, seed, mix), folder / _MADE_FROM
    if _noted(noted) == f"{made_from} {_content(folder)}":
        return
    building = folder.with_name(f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:8]}-{folder.name}")
    try:
        _fill(building, count, seed, mix)
        (building / _MADE_FROM).write_bytes(sealed(f"{made_from} {_content(building)}\n".encode()))
        shutil.rmtree(folder, ignore_errors=True)
        building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    log(f"synthetic: wrote {count} records to {folder} (seed {seed})")


def made_from_damage(path: Path) -> tuple[str | None, bool]:
    """Whether a synthetic source's note of its arguments is unchanged, and whether it has a seal."""
    try:
        covered = is_sealed(path)
    except SealBrokenError:
        return "is damaged; the next run that asks for synthetic records makes them again", True
    if not (_noted(path) or "").endswith(f" {_content(path.parent)}"):
        return "describes other records than those beside it; the next run that asks for them makes them again", covered
    return None, covered


def _noted(path: Path) -> str | None:
    try:
        return read_unsealed(path).decode("utf-8", "replace").strip() if is_plain(path) else None
    except SealBrokenError:
        return None  # the records are made again


def record_csv(signal_mv: Array) -> str:
    """The competition's CSV of a full record: 3 decimals, each lead only in its printed window.

    The independent leads are rounded and the limb leads derived from them, so that the relations also hold after
    rounding: exactly for III, within half of the last decimal for aVR, aVL and aVF.

    Args:
        signal_mv: (12, n), in the order of `LEADS`, no NaN.
    """
    independent = np.round(signal_mv[[LEADS.index(lead) for lead in INDEPENDENT_LEADS]], DECIMALS)
    columns = [_cells(lead, values) for lead, values in zip(LEADS, twelve_leads(independent), strict=True)]
    text = io.StringIO()
    text.write(",".join(LEADS) + "\n")
    text.writelines(",".join(row) + "\n" for row in zip(*columns, strict=True))
    return text.getvalue()


def _cells(lead: str, values_mv: Array) -> list[str]:
    n = len(values_mv)
    quarter = _QUARTER.get(lead)
    start, stop = (0, n) if quarter is None else (int(quarter * n / 4), int((quarter + 1) * n / 4))
    # Adding 0.0 turns -0.0 into 0.0, which would be written "-0.0".
    written = [str(float(value)) for value in np.round(values_mv[start:stop], DECIMALS) + 0.0]
    return [""] * start + written + [""] * (n - stop)


def _fill(folder: Path, count: int, seed: int, mix: str) -> None:
    rows: list[list[object]] = [["id", "fs", "sig_len", "labels"]]
    for index in range(count):
        record_id, fs_hz = str(FIRST_ID + index), SAMPLING_RATES_HZ[index % len(SAMPLING_RATES_HZ)]
        made = synthesize(record_id, fs_hz, seed, mix=mix)
        path = folder / "train" / record_id / f"{record_id}.csv"
        path.parent.mkdir(parents=True)
        path.write_text(record_csv(made.signal_mv), encoding="utf-8")
        rows.append([record_id, fs_hz, made.signal_mv.shape[1], made.labels])
    with (folder / "train.csv").open("w", encoding="utf-8", newline="") as table:
        csv.writer(table, lineterminator="\n").writerows(rows)


def _content(folder: Path) -> str:
    files = (path for path in folder.rglob("*.csv") if path.is_file())
    return fingerprint({path.relative_to(folder).as_posix(): sha256_file(path) for path in files})


def _refuse_other_content(folder: Path) -> None:
    """Refuses to replace anything not written by this module, for example a user's real records."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise SourceError(f"{folder} is a file in the place of synthetic records; move it elsewhere")
    other = {path.name for path in folder.iterdir()} - {"train.csv", "train", _MADE_FROM}
    train = folder / "train"
    if train.is_dir():
        other |= {f"train/{path.name}" for path in train.iterdir() if not _is_synthetic_id(path.name)}
    if other:
        raise SourceError(
            f"{folder} holds {sorted(other)[0]!r}, which is no part of a synthetic source; move the folder elsewhere"
        )


def _is_synthetic_id(name: str) -> bool:
    return name.isdigit() and int(name) >= FIRST_ID
