"""One WFDB recording: what is read of it, and with which reason the rest is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ecg_assets.records.record import LEADS
from ecg_assets.records.rejection import RecordRejected
from ecg_assets.records.wfdb.record import Window, read_recording
from ecg_assets_tests.records.wfdb.recordings import rewrite, sines_mv, write_recording

STEP_MV = 0.00051  # half of a microvolt, the step of these recordings


@pytest.mark.parametrize(
    ("units", "scale", "gain", "baseline"),
    [
        ("mV", 1.0, 1000.0, 0),
        ("mV", 1.0, 2000.0, -300),
        ("uV", 1000.0, 1.0, 0),
        ("V", 0.001, 1e6, 12),
        ("\u00b5V", 1000.0, 1.0, 0),
    ],
)
def test_unit_gain_and_baseline_of_the_header_give_millivolts(
    tmp_path: Path, units: str, scale: float, gain: float, baseline: int
) -> None:
    wanted = sines_mv(500)
    written = "uV" if units == "\u00b5V" else units  # the package writes plain letters only
    path = write_recording(tmp_path, "r1", wanted * scale, units=written, gain=gain, baseline=baseline)
    if written != units:
        rewrite(path, ("/uV", "/\u00b5V"))
    fs_hz, signal_mv = read_recording(path, Window())
    assert (fs_hz, signal_mv.shape, signal_mv.dtype) == (500, (12, 5000), np.dtype("float64"))
    np.testing.assert_allclose(signal_mv, wanted, atol=STEP_MV)


@pytest.mark.parametrize(
    "names",
    [
        tuple(lead.upper() for lead in LEADS),
        tuple(lead.lower() for lead in LEADS),
        ("I", "MLII", "III", "AVR", "aVl", "avF", "v1", "V2", "v3", "V4", "V5", "V6"),
        tuple(f"Lead {lead}" for lead in LEADS),
        tuple(f"ECG_{lead}" for lead in LEADS),
    ],
)
def test_leads_are_known_by_their_names_however_they_are_written(tmp_path: Path, names: tuple[str, ...]) -> None:
    wanted = sines_mv(500)
    _, signal_mv = read_recording(write_recording(tmp_path, "r1", wanted, leads=names), Window())
    np.testing.assert_allclose(signal_mv, wanted, atol=STEP_MV)


def test_leads_in_another_order_come_back_in_ours_and_other_signals_are_passed_over(tmp_path: Path) -> None:
    names = ("vx", *reversed(LEADS), "vy", "vz")
    signal = sines_mv(500, leads=15)
    _, signal_mv = read_recording(write_recording(tmp_path, "r1", signal, leads=names), Window())
    np.testing.assert_allclose(signal_mv, signal[12:0:-1], atol=STEP_MV)


@pytest.mark.parametrize("fs_hz", [100, 257, 500, 1000, 2000])
def test_a_whole_rate_is_kept(tmp_path: Path, fs_hz: int) -> None:
    path = write_recording(tmp_path, "r1", sines_mv(fs_hz), fs_hz)
    found_hz, signal_mv = read_recording(path, Window())
    assert found_hz == fs_hz
    np.testing.assert_allclose(signal_mv, sines_mv(fs_hz), atol=STEP_MV)


@pytest.mark.parametrize(("fs_hz", "becomes_hz"), [(257.5, 500), (128.2, 500), (1000.5, 1000), (5000, 1000)])
def test_another_rate_is_resampled_to_500_or_1000_hz(tmp_path: Path, fs_hz: float, becomes_hz: int) -> None:
    path = write_recording(tmp_path, "r1", sines_mv(fs_hz), fs_hz)
    found_hz, signal_mv = read_recording(path, Window())
    assert (found_hz, signal_mv.shape) == (becomes_hz, (12, 10 * becomes_hz))
    wanted, inner = sines_mv(becomes_hz), np.s_[:, becomes_hz // 5 : -(becomes_hz // 5)]
    np.testing.assert_allclose(signal_mv[inner], wanted[inner], atol=0.002)
    np.testing.assert_allclose(signal_mv, wanted, atol=0.1)  # the ends lie beyond the last sample


def test_ten_seconds_are_cut_from_a_longer_recording_the_first_unless_told(tmp_path: Path) -> None:
    wanted = sines_mv(500, seconds=30)
    path = write_recording(tmp_path, "r1", wanted)
    np.testing.assert_allclose(read_recording(path, Window())[1], wanted[:, :5000], atol=STEP_MV)
    np.testing.assert_allclose(read_recording(path, Window(12.5))[1], wanted[:, 6250:11250], atol=STEP_MV)


def keep_lines(path: Path, count: int) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:count]))


def cut_off(path: Path) -> None:
    data = path.with_suffix(".dat")
    data.write_bytes(data.read_bytes()[:-5000])


def flip_a_bit(path: Path) -> None:
    data = path.with_suffix(".dat")
    content = bytearray(data.read_bytes())
    content[24 * 1000] ^= 4
    data.write_bytes(bytes(content))


def lose_a_sample(path: Path) -> None:
    """-32768 stands for no value in format 16."""
    data = path.with_suffix(".dat")
    samples = np.frombuffer(data.read_bytes(), "<i2").copy()
    samples[12 * 700 + 1] = -32768
    data.write_bytes(samples.tobytes())


def header(old: str, new: str) -> Callable[[Path], None]:
    return lambda path: rewrite(path, (old, new))


@pytest.mark.parametrize(
    ("code", "says", "damage"),
    [
        ("unreadable", "r1.hea is no WFDB header", lambda path: path.write_text("")),
        ("unreadable", "r1.hea is no WFDB header", lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(400))),
        ("unreadable", "tells of 6 signals, expected 12", lambda path: keep_lines(path, 7)),
        ("unreadable", "r1.hea is no WFDB header", header("r1.dat", "../r1.dat")),
        ("unreadable", "r1.hea is no WFDB header", header("r1.dat", "/etc/passwd")),
        ("unreadable", "r1.dat does not hold what r1.hea says", cut_off),
        ("unreadable", "r1.dat does not hold what r1.hea says", lambda path: path.with_suffix(".dat").write_bytes(b"")),
        ("missing_file", "r1.hea names r1.dat", lambda path: path.with_suffix(".dat").unlink()),
        ("missing_lead", "r1.hea lacks V3; it has I, II", header(" V3", " V9")),
        ("extra_lead", "lead V3 twice, as 'V3' and 'v3'", header(" V4", " v3")),
        ("unknown_unit", "lead I is in 'mmHg'", header("/mV", "/mmHg")),
        ("unknown_fs", "r1.hea gives 50 Hz", header("r1 12 500", "r1 12 50")),
        ("wrong_length", "holds 5000 samples, 5.0 s at 1000 Hz", header("r1 12 500", "r1 12 1000")),
        ("missing_value", "lead II has no value at 1 of 5000 samples, the first at 1.400 s", lose_a_sample),
        ("absurd_value", "beyond ±20 mV: correct its gain or unit", header("1000.0(0)/mV", "10.0(0)/mV")),
        ("wrong_checksum", "the samples of lead I add up to", flip_a_bit),
    ],
)
def test_each_kind_of_damage_has_its_code_and_a_sentence(
    tmp_path: Path, code: str, says: str, damage: Callable[[Path], object]
) -> None:
    path = write_recording(tmp_path, "r1", sines_mv(500))
    damage(path)
    with pytest.raises(RecordRejected) as caught:
        read_recording(path, Window(checksums=code == "wrong_checksum"))
    assert (caught.value.code, says in caught.value.reason) == (code, True), caught.value.reason


def test_a_recording_that_is_too_short_for_its_window_says_so(tmp_path: Path) -> None:
    path = write_recording(tmp_path, "r1", sines_mv(500, seconds=15))
    with pytest.raises(RecordRejected, match="at least 10 s from 6 s on") as caught:
        read_recording(path, Window(6))
    assert caught.value.code == "wrong_length"


def test_checksums_of_headers_known_to_be_wrong_can_be_passed_over(tmp_path: Path) -> None:
    path = write_recording(tmp_path, "r1", sines_mv(500))
    flip_a_bit(path)
    assert read_recording(path, Window(checksums=False))[0] == 500


def test_a_resampled_recording_is_refused_when_it_overshoots_what_may_be_kept(tmp_path: Path) -> None:
    signal = sines_mv(257.5)
    signal[4, 1000:1004] = (-19.9, 19.9, 19.9, -19.9)
    path = write_recording(tmp_path, "r1", signal, 257.5)
    with pytest.raises(RecordRejected, match="lead aVL is") as caught:
        read_recording(path, Window())
    assert caught.value.code == "absurd_value"
