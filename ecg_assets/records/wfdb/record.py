"""Reads 10 s of a 12-lead WFDB recording in millivolts, or says why not."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_assets.records.notes import Note
from ecg_assets.records.record import LEADS, MAX_FS_HZ
from ecg_assets.records.record_csv import LACKING_S, MAX_ABS_MV, SECONDS
from ecg_assets.records.rejection import RecordRejected
from ecg_assets.records.resampling import resample_fft
from ecg_assets.records.wfdb.header import (
    Header,
    LeadPlace,
    check_fs,
    lead_places,
    mv_per_unit,
    opened_header,
    say,
)
from ecg_assets.records.wfdb.written_header import oddities

# A rate that is not an integer, or above the limit, is resampled: below 1000 Hz to the lower one, otherwise the higher.
RESAMPLED_HZ = (500, 1000)

Signal = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """The part of a recording to read, and the checks.

    Attributes:
        start_s: begin of the 10 s.
        checksums: whether a recording that is read completely must match its header's checksums.
    """

    start_s: float = 0.0
    checksums: bool = True


@dataclass(frozen=True)
class Reading:
    """The signal that was read from a recording.

    Attributes:
        fs_hz: sampling rate.
        signal_mv: the 12 leads in the order of `LEADS`: (12, 10 s) float64, millivolts; NaN at the end if the recording
            lacks up to 0.1 s.
        notes: its peculiarities.
    """

    fs_hz: int
    signal_mv: Signal
    notes: tuple[Note, ...]


def read_recording(header_path: Path, window: Window) -> tuple[int, Signal]:
    """Sampling rate and signal only, see `read_noted`.

    Raises:
        RecordRejected: with a code and a reason that a person can act on.
    """
    reading = read_noted(header_path, window)
    return reading.fs_hz, reading.signal_mv


def read_noted(header_path: Path, window: Window) -> Reading:
    """Reads a recording.

    Leads are recognised by their names, see `lead_named`; a lead marked as inverted is corrected. Signals with other
    names are ignored. Gain, baseline and unit are the header's. Each lead has its own rate, the frames' rate times its
    samples per frame; if leads differ, they are resampled to the highest rate. An integer rate of 100 to 2000 Hz is
    kept; other rates from 100 Hz up are resampled: to 500 Hz below 1000 Hz, otherwise to 1000 Hz.

    Args:
        header_path: the `.hea` file, with the signal files beside it.
        window: the 10 s to read.

    Raises:
        RecordRejected: with a code and a reason that a person can act on.
    """
    with opened_header(header_path) as header:
        leads = lead_places(header_path, header.names)
        factors = [lead.sign * mv_per_unit(header.written, lead.place) for lead in leads]
        spans = _spans(header, leads, window)
        signals, sums = _read_samples(header, leads, spans)
        if window.checksums and spans[0].whole:
            _check_checksums(header_path, header.parsed, sums, leads)
    signals_mv = [values * factor for values, factor in zip(signals, factors, strict=True)]
    for lead, span, values in zip(LEADS, spans, signals_mv, strict=True):
        _check_values(header_path, lead, values, span.first, span.fs_hz)
    notes = [*_notes(header, leads), *_length_notes(header_path, spans)]
    rate_hz = _kept_rate(max(span.fs_hz for span in spans))
    if all(span.fs_hz == rate_hz for span in spans):
        signal_mv = np.stack([_padded(*pair) for pair in zip(signals_mv, spans, strict=True)])
    else:
        signal_mv = _resampled(signals_mv, spans, rate_hz)
        # Between samples the curve may exceed all of them.
        for lead, values in zip(LEADS, signal_mv, strict=True):
            _check_values(header_path, lead, values[~np.isnan(values)], round(window.start_s * rate_hz), rate_hz)
    return Reading(rate_hz, signal_mv, tuple(notes))


def _kept_rate(fs_hz: float) -> int:
    if fs_hz.is_integer() and fs_hz <= MAX_FS_HZ:
        return int(fs_hz)
    return RESAMPLED_HZ[int(fs_hz >= RESAMPLED_HZ[1])]


@dataclass(frozen=True)
class _Span:
    """The samples to read of one lead.

    Attributes:
        fs_hz: its rate.
        per_frame: samples in each frame.
        first, end: range of samples to read.
        wanted: number of samples in 10 s.
        whole: whether this is the whole recording.
    """

    fs_hz: float
    per_frame: int
    first: int
    end: int
    wanted: int
    whole: bool


def _spans(header: Header, leads: list[LeadPlace], window: Window) -> list[_Span]:
    parsed = header.parsed
    frames_hz, held = float(parsed.fs), header.frames
    spans = []
    for lead in leads:
        per_frame = parsed.samps_per_frame[lead.place] or 1
        fs_hz = check_fs(header.path, frames_hz * per_frame)
        first, wanted = round(window.start_s * fs_hz), round(SECONDS * fs_hz)
        end = min(first + wanted, held * per_frame)
        if first + wanted - end > LACKING_S * fs_hz:
            begin = f" from {window.start_s:g} s on" if window.start_s else ""
            raise RecordRejected(
                "wrong_length",
                f"{header.path.name} holds {held * per_frame} samples, {held / frames_hz:.1f} s at {fs_hz:g} Hz; "
                f"expected at least {SECONDS} s{begin}: leave it out, or take a longer recording",
            )
        spans.append(_Span(fs_hz, per_frame, first, end, wanted, first == 0 and held * per_frame == end))
    return spans


def _read_samples(header: Header, leads: list[LeadPlace], spans: list[_Span]) -> tuple[list[Signal], list[int]]:
    """The signals in their units, (n,) float64 each, and each one's sum of samples."""
    import wfdb

    path = header.path
    begin = min(span.first // span.per_frame for span in spans)
    end = max(-(-span.end // span.per_frame) for span in spans)
    framed = any(span.per_frame > 1 for span in spans)
    try:
        found = wfdb.rdrecord(
            str(header.place.with_suffix("")),
            sampfrom=begin,
            sampto=end if header.tells_frames else None,
            channels=[lead.place for lead in leads],
            physical=False,
            smooth_frames=not framed,
        )
        values = found.dac(expanded=framed)
        signals = [np.asarray(one, dtype=np.float64) for one in (values if framed else values.T)]
        sums = [int(one) for one in found.calc_checksum(expanded=framed)]
    except Exception as error:  # as above: a truncated signal file raises one of many errors
        names = ", ".join(sorted({words[0] for words in header.written.signals}))
        raise RecordRejected(
            "unreadable", f"{names} does not hold what {path.name} says ({say(error)}): fetch it again"
        ) from error
    cut = [
        values[span.first - begin * span.per_frame :][: span.end - span.first]
        for values, span in zip(signals, spans, strict=True)
    ]
    if any(len(values) != span.end - span.first for values, span in zip(cut, spans, strict=True)):
        said = f"{path.name} tells of other samples than its signal files hold; fetch all of them again"
        raise RecordRejected("unreadable", said)
    return cut, sums


def _padded(values: Signal, span: _Span) -> Signal:
    """10 s of a lead; NaN where the recording has ended."""
    return np.concatenate([values, np.full(span.wanted - len(values), np.nan)])


def _resampled(signals: list[Signal], spans: list[_Span], rate_hz: int) -> Signal:
    """(12, 10 s) at another rate; NaN where the recording has ended."""
    held = [
        np.pad(values, (0, span.wanted - len(values)), mode="edge") for values, span in zip(signals, spans, strict=True)
    ]
    count = SECONDS * rate_hz
    if len({span.fs_hz for span in spans}) == 1:
        fine = resample_fft(np.stack(held), count)
    else:
        fine = np.concatenate([resample_fft(values[None], count) for values in held])
    for row, span in zip(fine, spans, strict=True):
        if span.end - span.first < span.wanted:
            row[int((span.end - span.first) / span.fs_hz * rate_hz) :] = np.nan
    return fine


def _notes(header: Header, leads: list[LeadPlace]) -> list[Note]:
    name = header.path.name
    notes = [Note("odd_header", f"{name}: {said}") for said in oddities(header.written)]
    turned = [lead for lead in leads if lead.sign < 0]
    return notes + [
        Note("turned_back", f"{name} has {lead.name!r}: {lead.lead} was turned back the right way up")
        for lead in turned
    ]


def _length_notes(path: Path, spans: list[_Span]) -> list[Note]:
    span = spans[0]
    lacking = span.wanted - (span.end - span.first)
    if not lacking:
        return []
    said = f"{path.name} lacks the last {lacking} of {span.wanted} samples; they stay empty"
    return [Note("odd_length", said)]


def _check_checksums(path: Path, header: Any, sums: list[int], leads: list[LeadPlace]) -> None:
    """Checks the sum of a signal's samples modulo 65536 (header(5) of WFDB), if given and frames hold one sample."""
    for lead, is_there in zip(leads, sums, strict=True):
        wanted = header.checksum[lead.place]
        if wanted is not None and header.samps_per_frame[lead.place] == 1 and (int(wanted) - is_there) % 65536:
            raise RecordRejected(
                "wrong_checksum",
                f"{path.name}: the samples of lead {lead.lead} add up to {is_there}, expected {wanted}: the signal "
                "file is damaged; fetch it again (or set `checksums: false` for a source whose headers are known to be "
                "wrong)",
            )


def _check_values(path: Path, lead: str, values: Signal, first: int, fs_hz: float) -> None:
    lost = np.flatnonzero(~np.isfinite(values))
    if len(lost):
        raise RecordRejected(
            "missing_value",
            f"{path.name}: lead {lead} has no value at {len(lost)} of {len(values)} samples, the first at "
            f"{(first + lost[0]) / fs_hz:.3f} s; expected none missing: set `window_start_s` of its source to another "
            "10 s, or leave it out",
        )
    worst = int(np.argmax(np.abs(values)))
    if abs(values[worst]) > MAX_ABS_MV:
        raise RecordRejected(
            "absurd_value",
            f"{path.name}: lead {lead} is {values[worst]:g} mV at {(first + worst) / fs_hz:.3f} s, beyond "
            f"±{MAX_ABS_MV:g} mV: correct its gain or unit in the header",
        )
