"""Sources of a submission's signals: digitised CSVs, or images that are read on demand."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.interface import Reader
from ecg_assets.digitize.refusal import NotAnEcgError
from ecg_assets.digitize.signals_csv import read_signals
from ecg_assets.digitize.submission.write import Signals
from ecg_assets.records.resampling import resampled
from ecg_assets.scans.image import SUFFIXES, UnreadableImageError, read_image
from ecg_assets.store.log import Log


class NoPredictionsError(ValueError):
    """A folder holds neither signals nor images for a submission; the message says what was expected."""


def csv_signals(folder: Path, log: Log) -> Signals:
    """Signals of `<id>.csv` anywhere below a folder, at any sampling rate.

    Raises:
        NoPredictionsError: there is no CSV, or an id occurs twice.
    """
    paths = _by_stem(folder, (".csv",))

    def signals(record_id: str, fs_hz: int) -> npt.NDArray[np.floating] | None:
        if record_id not in paths:
            return None
        signal_mv, own_hz = read_signals(paths[record_id])
        if own_hz != fs_hz:
            log(f"record {record_id} was resampled from {own_hz} Hz to {fs_hz} Hz")
        return resampled(signal_mv, own_hz, fs_hz)

    return signals


def image_signals(folder: Path, reader: Reader, layout: str, log: Log) -> Signals:
    """Signals read from `<id>.png` (or another image) anywhere below a folder; a refused image has no signal.

    Raises:
        NoPredictionsError: there is no image, or an id occurs twice.
    """
    paths = _by_stem(folder, SUFFIXES)

    def signals(record_id: str, fs_hz: int) -> npt.NDArray[np.floating] | None:
        if record_id not in paths:
            return None
        try:
            found = reader.digitize_image(read_image(paths[record_id]), fs_hz, layout)
        except (NotAnEcgError, UnreadableImageError) as error:
            log(f"{paths[record_id].name} is refused: {error}")
            return None
        log(f"{paths[record_id].name} is read")
        return found.signal_mv

    return signals


def _by_stem(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in suffixes or path.name.startswith(".") or not path.is_file():
            continue
        if path.stem in found:
            raise NoPredictionsError(f"{path.stem} is there twice: {found[path.stem]} and {path}; keep one of them")
        found[path.stem] = path
    if not found:
        raise NoPredictionsError(
            f"{folder} holds none of {', '.join(suffixes)}; expected <id>{suffixes[0]} for each id"
        )
    return found
