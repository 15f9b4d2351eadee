"""Reads 10 s of a 12-lead WFDB recording in millivolts, or says why not."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_assets.records.kaggle_csv import MAX_ABS_MV, SECONDS
from ecg_assets.records.record import LEADS, MAX_FS_HZ, MIN_FS_HZ
from ecg_assets.records.rejection import RecordRejected
from ecg_assets.records.resample import resample_fft

# A rate that is no whole number, or beyond what is kept, is resampled to the lower of these up to 1000 Hz.
RESAMPLED_HZ = (500, 1000)
_FASTEST_HZ = 20_000

_MV_PER_UNIT = {"v": 1e3, "mv": 1.0, "uv": 1e-3, "\u00b5v": 1e-3, "\u03bcv": 1e-3, "nv": 1e-6}
_LEAD_OF = {lead.casefold(): lead for lead in LEADS} | {"mli": "I", "mlii": "II", "mliii": "III"}

Signal = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """Which part of a recording is read, and how strictly.

    Attributes:
        start_s: where the 10 s begin.
        checksums: a recording that is read as a whole must match the checksums of its header.
    """

    start_s: float = 0.0
    checksums: bool = True


def read_recording(header_path: Path, window: Window) -> tuple[int, Signal]:
    """Sampling rate in Hz, and the 12 leads in the order of `LEADS`: (12, 10 s) float64, millivolts, no NaN.

    Leads are known by their names in any case, with or without "lead" or "ECG" in front, MLII as II; signals of other
    names are passed over. Gain, baseline and unit are the header's. A whole sampling rate of 100 to 2000 Hz is kept,
    another one from 100 Hz up resampled: to 500 Hz below 1000 Hz, to 1000 Hz from there on.

    Args:
        header_path: the `.hea` file; the signal files lie beside it.
        window: which 10 s.

    Raises:
        RecordRejected: with a code and a reason that a person can act on.
    """
    header = _read_header(header_path)
    places = _lead_places(header_path, header)
    factors = [_mv_per_unit(header_path, place) for place in places]
    fs_hz = _check_fs(header_path, float(header.fs))
    first, count = _span(header_path, header, fs_hz, window)
    signal, sums = _read_samples(header_path, header, places, first, first + count)
    if window.checksums and header.sig_len == count:
        _check_checksums(header_path, header, sums, places)
    signal_mv = signal * np.array(factors)[:, None]
    _check_values(header_path, signal_mv, first, fs_hz)
    kept = fs_hz.is_integer() and fs_hz <= MAX_FS_HZ
    rate = int(fs_hz) if kept else RESAMPLED_HZ[int(fs_hz >= RESAMPLED_HZ[1])]
    return rate, signal_mv if kept else resample_fft(signal_mv, SECONDS * rate)


def signal_files(header_path: Path) -> list[Path]:
    """The files that a header names and that lie beside it, sorted; without any check of what is in them."""
    names = {words[0] for words in _signal_lines(header_path) if Path(words[0]).name == words[0]}
    return sorted(path for name in names if (path := header_path.with_name(name)).is_file())


def _signal_lines(header_path: Path) -> list[list[str]]:
    """The words of a header's lines about its signals."""
    content = header_path.read_bytes()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:  # headers say nothing of their letters, and older programs wrote Latin-1
        text = content.decode("latin-1")
    told = [line.split() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return told[1:]


def _read_header(path: Path) -> Any:
    import wfdb

    try:
        header = wfdb.rdheader(str(path.with_suffix("")))
    except Exception as error:  # the package lets through whatever its parsing of a damaged header runs into
        raise RecordRejected(
            "unreadable", f"{path.name} is no WFDB header ({_say(error)}): the file is damaged; fetch it again"
        ) from error
    if isinstance(header, wfdb.MultiRecord):
        raise RecordRejected(
            "unreadable", f"{path.name} joins several segments; expected one recording: export it as a single one"
        )
    if len(header.sig_name or []) != header.n_sig:
        raise RecordRejected(
            "unreadable",
            f"{path.name} tells of {len(header.sig_name or [])} signals, expected {header.n_sig}: fetch it again",
        )
    for name in sorted(set(header.file_name or [])):
        if not path.with_name(name).is_file():
            raise RecordRejected("missing_file", f"{path.name} names {name}, which is not beside it: fetch it")
    return header


def _lead_places(path: Path, header: Any) -> list[int]:
    """Which signal of the recording is which lead, in the order of `LEADS`."""
    places: dict[str, int] = {}
    for place, name in enumerate(header.sig_name or []):
        lead = _LEAD_OF.get(_squeezed(name or ""))
        if lead in places:
            raise RecordRejected(
                "extra_lead",
                f"{path.name} has lead {lead} twice, as {header.sig_name[places[lead]]!r} and {name!r}; keep one",
            )
        if lead is not None:
            places[lead] = place
    missing = [lead for lead in LEADS if lead not in places]
    if missing:
        raise RecordRejected(
            "missing_lead",
            f"{path.name} lacks {', '.join(missing)}; it has {', '.join(map(str, header.sig_name or [])) or 'none'}, "
            f"expected all of {', '.join(LEADS)}",
        )
    return [places[lead] for lead in LEADS]


def _squeezed(name: str) -> str:
    plain = "".join(letter for letter in name.casefold() if letter.isalnum())
    return plain.removeprefix("ecg").removeprefix("lead")


def _mv_per_unit(path: Path, place: int) -> float:
    """How many millivolts one unit of a signal is, as header(5) of WFDB says it: `gain(baseline)/unit`, or mV."""
    # Not by the package, which drops a letter that is no ASCII: of "µV" it leaves volts.
    words = _signal_lines(path)[place]
    unit = (words[2] if len(words) > 2 else "").partition("/")[2] or "mV"
    factor = _MV_PER_UNIT.get(unit.casefold())
    if factor is None:
        raise RecordRejected(
            "unknown_unit",
            f"{path.name}: lead {words[-1]} is in {unit!r}, expected V, mV, uV or nV: correct the header",
        )
    return factor


def _check_fs(path: Path, fs_hz: float) -> float:
    if not MIN_FS_HZ <= fs_hz <= _FASTEST_HZ:
        raise RecordRejected(
            "unknown_fs",
            f"{path.name} gives {fs_hz:g} Hz, expected {MIN_FS_HZ} to {_FASTEST_HZ} Hz: correct the header, or leave "
            "the recording out",
        )
    return fs_hz


def _span(path: Path, header: Any, fs_hz: float, window: Window) -> tuple[int, int]:
    """First sample and number of samples of the window."""
    first, count = round(window.start_s * fs_hz), round(SECONDS * fs_hz)
    held = header.sig_len or 0
    if held < first + count:
        begin = f" from {window.start_s:g} s on" if window.start_s else ""
        raise RecordRejected(
            "wrong_length",
            f"{path.name} holds {held} samples, {held / fs_hz:.1f} s at {fs_hz:g} Hz; expected at least {SECONDS} "
            f"s{begin}: leave it out, or take a longer recording",
        )
    return first, count


def _read_samples(path: Path, header: Any, places: list[int], first: int, end: int) -> tuple[Signal, list[int]]:
    """The signals in their units, (12, n) float64, and the sum of each one's samples."""
    import wfdb

    try:
        found = wfdb.rdrecord(
            str(path.with_suffix("")), sampfrom=first, sampto=end, channels=places, physical=False, smooth_frames=True
        )
        signal, sums = np.asarray(found.dac().T, dtype=np.float64), [int(one) for one in found.calc_checksum()]
    except Exception as error:  # as above: a signal file that is cut off shows as one of many errors
        names = ", ".join(sorted(set(header.file_name)))
        raise RecordRejected(
            "unreadable", f"{names} does not hold what {path.name} says ({_say(error)}): fetch it again"
        ) from error
    if signal.shape != (len(places), end - first):
        raise RecordRejected("unreadable", f"{path.name}: its signal file is cut off; fetch it again")
    return signal, sums


def _check_checksums(path: Path, header: Any, sums: list[int], places: list[int]) -> None:
    """The sum of a signal's samples modulo 65536 (header(5) of WFDB), where there is one and none were averaged."""
    for lead, place, is_there in zip(LEADS, places, sums, strict=True):
        wanted = header.checksum[place]
        if wanted is not None and header.samps_per_frame[place] == 1 and (int(wanted) - is_there) % 65536:
            raise RecordRejected(
                "wrong_checksum",
                f"{path.name}: the samples of lead {lead} add up to {is_there}, expected {wanted}: the signal file is "
                "damaged; fetch it again (or set `checksums: false` for a source whose headers are known to be wrong)",
            )


def _check_values(path: Path, signal_mv: Signal, first: int, fs_hz: float) -> None:
    for lead, values in zip(LEADS, signal_mv, strict=True):
        lost = np.flatnonzero(~np.isfinite(values))
        if len(lost):
            raise RecordRejected(
                "missing_value",
                f"{path.name}: lead {lead} has no value at {len(lost)} of {len(values)} samples, the first at "
                f"{(first + lost[0]) / fs_hz:.3f} s; expected none missing: choose another window, or leave it out",
            )
        worst = int(np.argmax(np.abs(values)))
        if abs(values[worst]) > MAX_ABS_MV:
            raise RecordRejected(
                "absurd_value",
                f"{path.name}: lead {lead} is {values[worst]:g} mV at {(first + worst) / fs_hz:.3f} s, beyond "
                f"±{MAX_ABS_MV:g} mV; are gain and unit in the header right?",
            )


def _say(error: Exception) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0]
