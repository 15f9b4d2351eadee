"""Damaged recordings of all kinds: each is read in full or refused with its name, and nothing else happens."""

from pathlib import Path

import numpy as np
import pytest

from ecg_assets.records.rejection import RecordRejected
from ecg_assets.records.wfdb.header import signal_files
from ecg_assets.records.wfdb.record import Window, read_recording
from ecg_assets_tests.records.wfdb.recordings import sines_mv, write_recording

# What the package's own parsing has to meet: words that mean something in a header, and numbers of any size.
WORDS = [b"/", b"(", b")", b":", b"x", b"#", b"~", b"..", b"-", b"0", b"1e9", b"999999999999", b"nan", b"16", b"212"]
WORDS += [
    b"516",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b"\x00",
    b"\xff",
    "µ".encode(),
    b"mV",
    b"uV",
    b"V",
    b"r1.dat",
    b"12",
    b"+24",
]


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """One to four pieces of `content` replaced, removed, doubled, or cut off."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        place = int(rng.integers(len(changed) + 1))
        end = min(len(changed), place + int(rng.integers(0, 8)))
        kind = int(rng.integers(5))
        if kind == 0:
            changed[place:end] = WORDS[int(rng.integers(len(WORDS)))]
        elif kind == 1:
            changed[place:end] = rng.bytes(int(rng.integers(1, 8)))
        elif kind == 2:
            changed[place:place] = changed[place : place + 40]
        elif kind == 3:
            del changed[place:end]
        elif rng.random() < 0.2:
            del changed[place:]
    return bytes(changed)


def attack(folder: Path, rounds: range) -> int:
    """How many of the damaged recordings were refused."""
    header = write_recording(folder, "r1", sines_mv(500))
    whole, data = header.read_bytes(), header.with_suffix(".dat").read_bytes()
    refused = 0
    for number in rounds:
        rng = np.random.default_rng(number)
        header.write_bytes(damaged(whole, rng))
        header.with_suffix(".dat").write_bytes(data if rng.random() < 0.7 else damaged(data, rng))
        assert all(path.parent == folder for path in signal_files(header))
        try:
            fs_hz, signal_mv = read_recording(header, Window())
        except RecordRejected as rejection:
            assert "r1" in rejection.reason
            refused += 1
        else:
            assert signal_mv.shape == (12, 10 * fs_hz)
            assert np.isfinite(signal_mv).all()
    assert sorted(path.name for path in folder.iterdir()) == ["r1.dat", "r1.hea"]
    return refused


def test_a_damaged_recording_is_read_or_refused(tmp_path: Path) -> None:
    assert attack(tmp_path, range(200)) > 100


@pytest.mark.soak
def test_ten_thousand_damaged_recordings_are_read_or_refused(tmp_path: Path) -> None:
    assert attack(tmp_path, range(1000, 11_000)) > 5000
