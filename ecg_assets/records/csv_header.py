"""Reads the header of a record's CSV: which column is which lead, and which columns are counters."""

import csv
import difflib
from dataclasses import dataclass
from pathlib import Path

from ecg_assets.records.lead_names import lead_named
from ecg_assets.records.notes import Note
from ecg_assets.records.record import LEADS
from ecg_assets.records.rejection import RecordRejected

_ALIKE = 0.8  # a lead's name of three letters with one too many
_SHOWN = 8
_MOST_BYTES = 1 << 16
# Tables whose decimals have commas are separated by one of these.
SEPARATORS = (",", ";", "\t", "|")
_COUNTERS = {"", "unnamed: 0", "index", "sample", "samples", "row", "time", "t", "time_s", "time (s)", "time_ms"}
_SIGNS = frozenset("-~!\u00ac\u00b1+")


@dataclass(frozen=True)
class CsvHeader:
    """The columns of a record's CSV.

    Attributes:
        separator: between cells.
        columns: number of columns.
        places: of the leads' columns, in the order of `LEADS`.
        signs: -1 for a lead whose name marks it as inverted, otherwise 1.
        counters: places of columns that may count rows or time, by name.
        notes: deviations of the names.
    """

    separator: str
    columns: int
    places: tuple[int, ...]
    signs: tuple[int, ...]
    counters: dict[int, str]
    notes: tuple[Note, ...]


def read_csv_header(path: Path, line: bytes) -> CsvHeader:
    """Reads the first line.

    Args:
        path: for messages.
        line: without its end.

    Raises:
        RecordRejected: it is not a header, or does not name each of the 12 leads once.
    """
    names, separator = _names(path, line)
    found, unknown = dict[str, tuple[int, int]](), dict[int, str]()
    for place, name in enumerate(names):
        lead, sign = lead_named(name) or (None, 1)
        if lead in found:
            raise RecordRejected("extra_lead", f"{path.name} has lead {lead} twice; keep one column a lead")
        if lead is None:
            unknown[place] = name
        else:
            found[lead] = (place, sign)
    counters = {place: name for place, name in unknown.items() if name.casefold() in _COUNTERS}
    _require_leads(path, found, [name for place, name in unknown.items() if place not in counters])
    return CsvHeader(
        separator=separator,
        columns=len(names),
        places=tuple(found[lead][0] for lead in LEADS),
        signs=tuple(found[lead][1] for lead in LEADS),
        counters=counters,
        notes=tuple(_notes(path, {lead: (names[place], sign) for lead, (place, sign) in found.items()})),
    )


def _names(path: Path, line: bytes) -> tuple[list[str], str]:
    if len(line) > _MOST_BYTES:
        raise RecordRejected(
            "unreadable",
            f"{path.name} has a first line of {len(line) >> 10} KiB, expected the names of 12 leads; export it again "
            "as a plain CSV",
        )
    text = line.decode("utf-8", "replace")
    separator = max(SEPARATORS, key=text.count)
    try:
        return [name.strip() for name in next(csv.reader([text], strict=True, delimiter=separator), [])], separator
    except csv.Error as error:
        raise RecordRejected(
            "unreadable", f"{path.name} has a first line that is no header ({error}); export it again as a plain CSV"
        ) from error


def _require_leads(path: Path, found: dict[str, tuple[int, int]], extra: list[str]) -> None:
    missing = [lead for lead in LEADS if lead not in found]
    misspelt = _misspelt(missing, extra)
    if misspelt:
        name, meant = misspelt
        raise RecordRejected("misspelt_lead", f"{path.name} has a column {name!r}, expected {meant!r}: rename it")
    if missing:
        beside = f" and has {extra[:_SHOWN]}" if extra else ""
        raise RecordRejected(
            "missing_lead",
            f"{path.name} lacks {', '.join(missing)}{beside}; expected all of {', '.join(LEADS)}: export all leads, "
            "the right way up",
        )
    if extra:
        raise RecordRejected("extra_lead", f"{path.name} has columns {extra[:_SHOWN]}, which are no leads: remove them")


def _misspelt(missing: list[str], extra: list[str]) -> tuple[str, str] | None:
    """The first unknown column whose name is a misspelt missing lead, with that lead."""
    for found in extra:
        if _SIGNS & set(found):  # renaming it would invert it
            continue
        for meant in missing:
            squeezed = found.lower().replace(" ", "").replace("_", "").removeprefix("lead")
            alike = difflib.SequenceMatcher(None, squeezed, meant.lower()).ratio() >= _ALIKE
            if sorted(squeezed) == sorted(meant.lower()) or (len(meant) > 1 and alike):
                return found, meant
    return None


def _notes(path: Path, named: dict[str, tuple[str, int]]) -> list[Note]:
    turned = {lead: name for lead, (name, sign) in named.items() if sign < 0}
    otherwise = {lead: name for lead, (name, sign) in named.items() if sign > 0 and name != lead}
    notes = [
        Note("turned_back", f"{path.name} has {name!r}: {lead} was turned back the right way up")
        for lead, name in turned.items()
    ]
    if otherwise:
        said = ", ".join(f"{name!r} for {lead}" for lead, name in otherwise.items())
        notes.append(Note("odd_names", f"{path.name} has {said}; they are read as meant"))
    return notes
