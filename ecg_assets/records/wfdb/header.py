"""Reads a WFDB header: its signals, which of them are the 12 leads, their units and rate."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg_assets.records.lead_names import lead_named
from ecg_assets.records.record import LEADS, MIN_FS_HZ
from ecg_assets.records.rejection import RecordRejected
from ecg_assets.records.wfdb.written_header import (
    MOST_BYTES,
    Written,
    as_the_package_reads_it,
    require_files,
    signal_file,
    written,
)

FASTEST_HZ = 20_000

_MV_PER_UNIT = {"v": 1e3, "mv": 1.0, "uv": 1e-3, "\u00b5v": 1e-3, "\u03bcv": 1e-3, "nv": 1e-6}


def signal_files(header_path: Path) -> list[Path]:
    """The files beside a header that it names, sorted, without checking their content."""
    names = {words[0] for words in written(header_path).signals}
    return sorted({path for name in names if (path := signal_file(header_path, name)) is not None})


@dataclass(frozen=True)
class Header:
    """A valid header.

    Attributes:
        written: its text as words.
        place: the header that the `wfdb` package reads: the original, or a copy with plain names.
        parsed: the package's result (`wfdb.Record`).
        frames: number of frames of the recording.
        tells_frames: whether the header gives that number; otherwise it was counted.
    """

    written: Written
    place: Path
    parsed: Any
    frames: int
    tells_frames: bool

    @property
    def path(self) -> Path:
        """The header."""
        return self.written.path

    @property
    def names(self) -> list[str]:
        """The signals' names with all their letters; the package drops those that are not ASCII."""
        pairs = zip(self.written.signals, self.parsed.sig_name or [], strict=False)
        return [_in_full(words, name or "") for words, name in pairs]


@contextmanager
def opened_header(path: Path) -> Iterator[Header]:
    """The header, with its signal files beside it.

    Raises:
        RecordRejected: it is damaged, joins several segments, or a signal file is missing.
    """
    if path.stat().st_size > MOST_BYTES:
        raise RecordRejected(
            "unreadable",
            f"{path.name} has {path.stat().st_size >> 20} MiB, expected a header of a few lines: leave it out",
        )
    words = written(path)
    with as_the_package_reads_it(words) as place:
        parsed = _parsed(path, place)
        require_files(words)
        # The number is optional in header(5).
        frames = parsed.sig_len or (_counted(path, place) if parsed.n_sig else 0)
        yield Header(words, place, parsed, frames, bool(parsed.sig_len))


def _counted(path: Path, place: Path) -> int:
    """Number of frames in the signal files."""
    import wfdb

    try:
        return int(wfdb.rdrecord(str(place.with_suffix("")), channels=[0], physical=False).sig_len)
    except Exception as error:  # as above
        raise RecordRejected(
            "unreadable", f"{path.name} does not fit its signal files ({say(error)}): fetch them again"
        ) from error


def _in_full(words: list[str], name: str) -> str:
    """The end of a signal's line that equals its name except for letters that are not ASCII."""
    ends = (" ".join(words[place:]) for place in range(1, len(words)))
    return next((end for end in ends if " ".join(end.encode("ascii", "ignore").decode().split()) == name), name)


def _parsed(path: Path, place: Path) -> Any:
    import wfdb

    try:
        header = wfdb.rdheader(str(place.with_suffix("")))
    except Exception as error:  # the package does not wrap exceptions from parsing a damaged header
        raise RecordRejected(
            "unreadable", f"{path.name} is no WFDB header ({say(error)}): the file is damaged; fetch it again"
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
    return header


@dataclass(frozen=True)
class LeadPlace:
    """Which signal of a recording a lead is.

    Attributes:
        lead: one of `LEADS`.
        place: of the signal, from 0.
        name: in the header.
        sign: -1 if the name marks the lead as inverted, otherwise 1.
    """

    lead: str
    place: int
    name: str
    sign: int


def lead_places(path: Path, names: list[str]) -> list[LeadPlace]:
    """Which signal of the recording is which lead, in the order of `LEADS`.

    Args:
        path: of the header, for messages.
        names: of all signals.

    Raises:
        RecordRejected: a lead is missing or occurs twice.
    """
    found: dict[str, LeadPlace] = {}
    for place, name in enumerate(names):
        lead, sign = lead_named(name) or (None, 1)
        if lead in found:
            raise RecordRejected(
                "extra_lead",
                f"{path.name} has lead {lead} twice, as {found[lead].name!r} and {name!r}; keep one",
            )
        if lead is not None:
            found[lead] = LeadPlace(lead, place, name, sign)
    missing = [lead for lead in LEADS if lead not in found]
    if missing:
        raise RecordRejected(
            "missing_lead",
            f"{path.name} lacks {', '.join(missing)}; it has {', '.join(names) or 'none'}, "
            f"expected all of {', '.join(LEADS)}: leave the recording out",
        )
    return [found[lead] for lead in LEADS]


def mv_per_unit(header: Written, place: int) -> float:
    """Millivolts per unit of a signal, from `gain(baseline)/unit` as in header(5) of WFDB; mV if it is missing.

    Raises:
        RecordRejected: the unit is none of V, mV, uV, nV.
    """
    # Not by the package, which drops letters that are not ASCII and so turns "µV" into volts.
    words = header.signals[place]
    unit = (words[2] if len(words) > 2 else "").partition("/")[2] or "mV"
    factor = _MV_PER_UNIT.get(unit.casefold())
    if factor is None:
        raise RecordRejected(
            "unknown_unit",
            f"{header.path.name}: lead {words[-1]} is in {unit!r}, expected V, mV, uV or nV: correct the header",
        )
    return factor


def check_fs(path: Path, fs_hz: float) -> float:
    """Checks and returns `fs_hz`.

    Raises:
        RecordRejected: it is below 100 Hz or implausibly high for an ECG.
    """
    if not MIN_FS_HZ <= fs_hz <= FASTEST_HZ:
        raise RecordRejected(
            "unknown_fs",
            f"{path.name} gives {fs_hz:g} Hz, expected {MIN_FS_HZ} to {FASTEST_HZ} Hz: correct the header, or leave "
            "the recording out",
        )
    return fs_hz


def say(error: Exception) -> str:
    """An error's first line, or its class if the message is empty."""
    return (str(error) or type(error).__name__).strip().splitlines()[0]
