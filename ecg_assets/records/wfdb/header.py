"""A WFDB header: its signals, which of them are the 12 leads, their units and rate."""

from pathlib import Path
from typing import Any

from ecg_assets.records.record import LEADS, MIN_FS_HZ
from ecg_assets.records.rejection import RecordRejected

FASTEST_HZ = 20_000

_MV_PER_UNIT = {"v": 1e3, "mv": 1.0, "uv": 1e-3, "\u00b5v": 1e-3, "\u03bcv": 1e-3, "nv": 1e-6}
_LEAD_OF = {lead.casefold(): lead for lead in LEADS} | {"mli": "I", "mlii": "II", "mliii": "III"}


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


def read_header(path: Path) -> Any:
    """The header as the package reads it (`wfdb.Record`), with its signal files beside it.

    Raises:
        RecordRejected: it is damaged, joins several segments, or a signal file is missing.
    """
    import wfdb

    try:
        header = wfdb.rdheader(str(path.with_suffix("")))
    except Exception as error:  # the package lets through whatever its parsing of a damaged header runs into
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
    for name in sorted(set(header.file_name or [])):
        if not path.with_name(name).is_file():
            raise RecordRejected("missing_file", f"{path.name} names {name}, which is not beside it: fetch it")
    return header


def lead_places(path: Path, header: Any) -> list[int]:
    """Which signal of the recording is which lead, in the order of `LEADS`.

    Raises:
        RecordRejected: a lead is missing, or there twice.
    """
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


def mv_per_unit(path: Path, place: int) -> float:
    """How many millivolts one unit of a signal is, as header(5) of WFDB says it: `gain(baseline)/unit`, or mV.

    Raises:
        RecordRejected: the unit is none of V, mV, uV, nV.
    """
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


def check_fs(path: Path, fs_hz: float) -> float:
    """`fs_hz` again.

    Raises:
        RecordRejected: it is below 100 Hz or beyond anything that records ECGs.
    """
    if not MIN_FS_HZ <= fs_hz <= FASTEST_HZ:
        raise RecordRejected(
            "unknown_fs",
            f"{path.name} gives {fs_hz:g} Hz, expected {MIN_FS_HZ} to {FASTEST_HZ} Hz: correct the header, or leave "
            "the recording out",
        )
    return fs_hz


def say(error: Exception) -> str:
    """An error's first line, or its kind where it says nothing."""
    return (str(error) or type(error).__name__).strip().splitlines()[0]
