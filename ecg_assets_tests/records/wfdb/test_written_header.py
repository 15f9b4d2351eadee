"""Headers as published sets have them: endings and folders in names, signs, frames, and names that lead nowhere."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ecg_assets.records.ingest import IngestReport, ingest
from ecg_assets.records.record import LEADS
from ecg_assets.records.rejection import RecordRejected
from ecg_assets.records.sources.config import SourceConfig
from ecg_assets.records.wfdb.record import Window, read_recording
from ecg_assets.store.root import open_root
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.records.einthoven import beats_mv
from ecg_assets_tests.records.wfdb.recordings import Signal, rewrite, write_recording

STEP_MV = 0.00051


def header(path: Path, old: str, new: str) -> None:
    rewrite(path, (old, new))


def as_mat(path: Path) -> None:
    """As the challenges' sets: 24 bytes of another format before the samples."""
    data = path.with_suffix(".dat")
    path.with_suffix(".mat").write_bytes(bytes(24) + data.read_bytes())
    data.unlink()
    header(path, "r1.dat 16 ", "r1.mat 16+24 ")


def with_its_ending(path: Path) -> None:
    as_mat(path)
    header(path, "r1 12", "r1.mat 12")


def without_an_ending(path: Path) -> None:
    as_mat(path)
    header(path, "r1.mat", "r1")


def with_two_dots(path: Path) -> None:
    path.with_suffix(".dat").rename(path.with_name("r1.a.dat"))
    header(path, "r1.dat", "r1.a.dat")


ODD: dict[str, Callable[[Path], object]] = {
    "its ending in the record's name": with_its_ending,
    "a folder in the record's name": lambda path: rewrite(path, ("r1 12", "ge/r1 12")),
    "a folder in the file's name": lambda path: rewrite(path, ("r1.dat", "ge_beats/r1.dat")),
    "a folder of Windows": lambda path: rewrite(path, ("r1.dat", "ge\\r1.dat")),
    "a file's name without an ending": without_an_ending,
    "another case": lambda path: rewrite(path, ("r1.dat", "r1.DAT")),
    "a file's name with two dots": with_two_dots,
    "a mark of UTF-8": lambda path: path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes()),
    "no number of samples": lambda path: rewrite(path, ("r1 12 500 5000", "r1 12 500")),
}


@pytest.mark.parametrize("oddity", ODD)
def test_what_published_headers_write_otherwise_is_read_as_meant(tmp_path: Path, oddity: str) -> None:
    path = write_recording(tmp_path, "r1", beats_mv(500))
    ODD[oddity](path)
    np.testing.assert_allclose(read_recording(path, Window())[1], beats_mv(500), atol=STEP_MV)


@pytest.mark.parametrize(
    "name", [".", "..", "./", "r1.dat/..", "x" * 300, "a\0b", "/etc/hostname", "../r1.dat", "C:\\r1.dat"]
)
def test_a_header_that_names_no_file_beside_it_is_refused_alone(tmp_path: Path, name: str) -> None:
    path = write_recording(tmp_path / "wfdb", "r1", beats_mv(500))
    write_recording(tmp_path / "wfdb", "r2", beats_mv(500) * 0.9)
    header(path, "r1.dat", name)
    report = take(tmp_path, tmp_path / "wfdb")
    assert (report.accepted, sum(report.quarantined.values())) == (1, 1)
    reason = str(report.index.set_index("id").loc["wfdb-r1", "reason"])
    assert reason.startswith("r1.hea")
    assert "fetch it again" not in reason


def test_a_signal_file_that_is_a_pipe_is_named_and_never_opened(tmp_path: Path) -> None:
    path = write_recording(tmp_path, "r1", beats_mv(500))
    path.with_suffix(".dat").unlink()
    os.mkfifo(path.with_suffix(".dat"))
    with pytest.raises(RecordRejected, match=r"r1\.hea names r1\.dat, which is a pipe"):
        read_recording(path, Window())


@pytest.mark.parametrize("name", ["-aVR", "aVR-", "\u2212aVR", "lead -aVR", "aVR inverted"])
def test_a_lead_that_is_called_upside_down_is_turned_back_and_the_index_says_so(tmp_path: Path, name: str) -> None:
    signal = beats_mv(500)
    signal[3] *= -1
    path = write_recording(tmp_path / "wfdb", "r1", signal)
    header(path, " aVR", f" {name}")
    np.testing.assert_allclose(read_recording(path, Window())[1], beats_mv(500), atol=STEP_MV)
    row = take(tmp_path, tmp_path / "wfdb").index.iloc[0]
    assert (row["status"], row["code"]) == ("accepted", "turned_back")
    assert f"r1.hea has {name!r}: aVR was turned back" in row["reason"]


def test_a_lead_whose_sign_cannot_be_told_is_refused(tmp_path: Path) -> None:
    path = write_recording(tmp_path, "r1", beats_mv(500))
    header(path, " aVR", " --aVR")
    with pytest.raises(RecordRejected, match=r"lacks aVR; it has .*--aVR"):
        read_recording(path, Window())


def write_frames(folder: Path, signal: Signal, frames_hz: int, per_frame: list[int]) -> Path:
    """`signal` (12, n) as frames, each with so many samples of each lead; a lead of few is every k-th sample."""
    count = signal.shape[1] // max(per_frame)
    frames = [
        values[:: max(per_frame) // each].reshape(count, each) for values, each in zip(signal, per_frame, strict=True)
    ]
    np.round(np.concatenate(frames, axis=1) * 1000).astype("<i2").tofile(folder / "r1.dat")
    lines = [f"r1 12 {frames_hz} {count}"]
    lines += [f"r1.dat 16x{each} 1000/mV 16 0 0 0 0 {lead}" for lead, each in zip(LEADS, per_frame, strict=True)]
    (folder / "r1.hea").write_text("\n".join(lines) + "\n")
    return folder / "r1.hea"


@pytest.mark.parametrize(("frames_hz", "per_frame"), [(1, 250), (125, 2), (50, 5), (10, 25)])
def test_frames_of_several_samples_are_read_at_the_leads_own_rate(
    tmp_path: Path, frames_hz: int, per_frame: int
) -> None:
    path = write_frames(tmp_path, beats_mv(250), frames_hz, [per_frame] * 12)
    fs_hz, signal_mv = read_recording(path, Window())
    assert fs_hz == 250
    np.testing.assert_allclose(signal_mv, beats_mv(250), atol=STEP_MV)


def test_a_window_may_begin_and_end_within_frames(tmp_path: Path) -> None:
    path = write_frames(tmp_path, beats_mv(250, 12), 2, [125] * 12)
    np.testing.assert_allclose(read_recording(path, Window(0.7))[1], beats_mv(250, 12)[:, 175:2675], atol=STEP_MV)


def test_leads_of_different_rates_come_out_at_the_highest(tmp_path: Path) -> None:
    path = write_frames(tmp_path, beats_mv(500), 250, [2] * 6 + [1] * 6)
    fs_hz, signal_mv = read_recording(path, Window(checksums=False))
    assert fs_hz == 500
    np.testing.assert_allclose(signal_mv[:6], beats_mv(500)[:6], atol=STEP_MV)
    np.testing.assert_allclose(signal_mv[6:, 100:-100], beats_mv(500)[6:, 100:-100], atol=0.01)


@pytest.mark.parametrize("lacking", [1, 4, 25])
def test_a_recording_of_nearly_10_s_is_taken_and_what_it_lacks_stays_empty(tmp_path: Path, lacking: int) -> None:
    write_recording(tmp_path / "wfdb", "r1", beats_mv(250)[:, : 2500 - lacking], 250)
    report = take(tmp_path, tmp_path / "wfdb")
    row = report.index.iloc[0]
    assert (row["status"], row["code"], row["samples"]) == ("accepted", "odd_length", 2500)
    assert f"lacks the last {lacking} of 2500 samples" in row["reason"]
    lines = (tmp_path / "data" / "ori_csv" / "train" / row["id"] / f"{row['id']}.csv").read_text().splitlines()
    assert lines[2500] == "," * 11
    assert lines[2500 - lacking].count(",,") == 0


def test_a_nearly_whole_recording_of_an_odd_rate_is_resampled_and_filled_up(tmp_path: Path) -> None:
    path = write_recording(tmp_path, "r1", beats_mv(257.5)[:, :-4], 257.5)
    fs_hz, signal_mv = read_recording(path, Window())
    assert (fs_hz, np.isnan(signal_mv).all(axis=0).sum()) == (500, 8)
    assert np.isfinite(signal_mv[:, :4992]).all()


def take(folder: Path, source: Path) -> IngestReport:
    try:
        return ingest(open_root(folder / "data"), SourceConfig(source=str(source)), quiet)
    finally:
        assert not list((folder / "data" / "ori_csv").glob(".unpacked"))
