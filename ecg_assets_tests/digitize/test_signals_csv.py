"""Digitised records as CSVs in the competition's shape."""

import tarfile
from pathlib import Path

import numpy as np
import pytest

from ecg_assets.digitize.scoring.snr import Power
from ecg_assets.digitize.signals_csv import DECIMALS, Signal, SignalsError, read_signals, signals_csv, write_signals
from ecg_assets.records.record import LEADS
from ecg_assets.records.record_csv import read_record
from ecg_assets_tests.real import real_data

FS_HZ = 25


def ramp() -> Signal:
    """(12, 250): every value tells its lead and its row."""
    return (np.arange(12)[:, None] + np.arange(10 * FS_HZ) / 1000).astype(np.float32)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    signal = ramp()
    signal[0, 60:] = signal[7, :100] = signal[1, 30] = np.nan
    write_signals(tmp_path / "a.csv", signal, FS_HZ)
    read, fs_hz = read_signals(tmp_path / "a.csv")
    assert fs_hz == FS_HZ
    np.testing.assert_allclose(read, signal, atol=10**-DECIMALS)


def test_the_shape_is_the_competitions(tmp_path: Path) -> None:
    signal = np.full((12, 10 * FS_HZ), np.nan, dtype=np.float32)
    signal[1], signal[0, :62] = -0.00001, 1.25
    lines = signals_csv(signal, FS_HZ).decode().splitlines()
    assert lines[0] == "I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6"
    assert lines[1] == "1.2500,0.0000" + "," * 10
    assert lines[63] == ",0.0000" + "," * 10
    assert len(lines) == 1 + 10 * FS_HZ
    signal[2:] = 0.5
    write_signals(tmp_path / "a.csv", signal, FS_HZ)
    assert read_record(tmp_path / "a.csv", "a", FS_HZ).signal_mv.shape == (12, 250)  # the project's own reader takes it


def test_cells_outside_of_the_printed_window_are_empty() -> None:
    lines = signals_csv(ramp(), FS_HZ, {"I": slice(0, 62), "V6": slice(187, 250)}).decode().splitlines()[1:]
    filled = {
        lead: [row for row, line in enumerate(lines) if line.split(",")[place]] for place, lead in enumerate(LEADS)
    }
    assert filled["I"] == list(range(62))
    assert filled["V6"] == list(range(187, 250))
    assert not any(rows for lead, rows in filled.items() if lead not in ("I", "V6"))


def test_a_signal_of_another_length_is_refused() -> None:
    with pytest.raises(SignalsError, match=r"\(12, 100\), expected \(12, 250\)"):
        signals_csv(np.zeros((12, 100)), FS_HZ)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("aVR", "avr", r"missing are aVR, unknown are avr"),
        ("3.0010", "3.0x", r"column aVR, line 3: '3.0x' is no number"),
        ("3.0010", "inf", r"column aVR, line 3: 'inf' is no number"),
        ("3.0010", "3.0010,", r"no table"),
        ("V6\n", "V6\n,,,,,,,,,,,\n", r"251 rows, expected 10 s"),
        ("V6", "V6,V7", r"more or fewer than 13 cells"),
        ("10.2490,11.2490\n", "10.2490", r"more or fewer than 12 cells"),
    ],
)
def test_a_file_that_is_not_right_is_named_with_its_column(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "broken.csv"
    path.write_text(signals_csv(ramp(), FS_HZ).decode().replace(old, new, 1))
    with pytest.raises(SignalsError, match=said) as raised:
        read_signals(path)
    assert "broken.csv" in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"I,II\n" + b"1,2\n" * 10])
def test_a_file_that_is_no_table_of_leads_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.csv").write_bytes(content)
    with pytest.raises(SignalsError, match=r"broken\.csv"):
        read_signals(tmp_path / "broken.csv")
    with pytest.raises(SignalsError, match="is not there"):
        read_signals(tmp_path / "absent.csv")


@pytest.mark.real
def test_the_decimals_cost_real_records_less_than_a_hundredth_of_a_db(tmp_path: Path) -> None:
    """Rounding alone leaves each lead more than 55 dB: 0.014 dB of a reading of 30 dB."""
    rng, lowest = np.random.default_rng(0), np.inf
    with tarfile.open(real_data() / "ori_csv" / "train-csvs.tar.gz") as archive:
        for member in [one for one in archive if one.name.endswith(".csv")][:12]:
            archive.extract(member, tmp_path, filter="data")
            truth, fs_hz = read_signals(tmp_path / member.name)
            # A reading lies anywhere between two steps; the record itself lies on one.
            read = truth + rng.uniform(-5e-4, 5e-4, truth.shape).astype(np.float32)
            write_signals(tmp_path / "written.csv", read, fs_hz)
            error = read_signals(tmp_path / "written.csv")[0].astype(np.float64) - read
            powers = [
                Power(float(np.nansum(one**2)), float(np.nansum(off**2))) for one, off in zip(read, error, strict=True)
            ]
            lowest = min(lowest, *(power.db for power in powers))
    assert lowest > 55
