"""Folders of digitised records scored against the truth: real records perturbed in known ways."""

import json
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ecg_assets.cli import main
from ecg_assets.digitize.scoring.score_folders import ScoreError, score_folders
from ecg_assets.digitize.signals_csv import Signal, read_signals, write_signals
from ecg_assets.records.resampling import resampled
from ecg_assets_tests.conftest import AdviceGiven
from ecg_assets_tests.real import real_data

FS_HZ = 100


def record(seed: int) -> Signal:
    """(12, 1000) float32: two sines a lead, printed as the competition prints them, ends at rest."""
    rng, time_s = np.random.default_rng(seed), np.arange(10 * FS_HZ) / FS_HZ
    signal = np.array([np.sin(time_s * rng.uniform(5, 9)) + np.sin(time_s * rng.uniform(20, 40)) for _ in range(12)])
    for place, quarter in enumerate((0, None, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3)):
        if quarter is not None:
            signal[place, : quarter * 250] = signal[place, (quarter + 1) * 250 :] = np.nan
    return signal.astype(np.float32)


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    """Three records, as the competition lays them out, beside a table that is no record."""
    folder = tmp_path / "truth"
    for name in ("11", "22", "33"):
        place = folder / name
        place.mkdir(parents=True)
        write_signals(place / f"{name}.csv", record(int(name)), FS_HZ)
    (folder / "train.csv").write_text("id,fs,sig_len\n11,100,1000\n")
    return folder


@pytest.fixture
def predictions(truth: Path, tmp_path: Path) -> Path:
    """The same records, flat in one folder."""
    folder = tmp_path / "predictions"
    folder.mkdir()
    for path in truth.rglob("*/*.csv"):
        shutil.copy(path, folder)
    return folder


def put(folder: Path, name: str, signal: Signal, fs_hz: int = FS_HZ) -> None:
    write_signals(folder / f"{name}.csv", signal, fs_hz)


def test_equal_folders_are_perfect(truth: Path, predictions: Path) -> None:
    scores = score_folders(predictions, truth)
    assert scores.db == pytest.approx(25.8433, abs=5e-5)
    assert [one.name for one in scores.scored] == ["11", "22", "33"]
    assert set(scores.by_lead()) == {"I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"}


def test_known_errors_give_known_scores(truth: Path, predictions: Path) -> None:
    """One record at 0.9 of its height and one at half: less their offsets, 1 % and 25 % of the variance."""
    put(predictions, "11", 0.9 * record(11) + 0.3)
    put(predictions, "22", 0.5 * record(22))
    scores = score_folders(predictions, truth)
    found = {one.name: one.ratio for one in scores.scored}
    assert found["33"] == 384
    for name, share in (("11", 0.01), ("22", 0.25)):
        signal = read_signals(truth / name / f"{name}.csv")[0].astype(np.float64)
        noise = share * sum(np.nanvar(lead) * np.isfinite(lead).sum() for lead in signal)
        assert found[name] == pytest.approx(np.nansum(signal**2) / noise, rel=1e-3)
    assert scores.db == pytest.approx(10 * np.log10(sum(found.values()) / 3))
    assert [one.name for one in scores.worst] == ["22", "11", "33"]


def test_a_missing_prediction_counts_as_0_and_is_said(truth: Path, predictions: Path) -> None:
    (predictions / "22.csv").unlink()
    scores = score_folders(predictions, truth)
    assert scores.missing == ["22"]
    assert scores.db == pytest.approx(10 * np.log10(384 * 2 / 3))
    assert scores.worst[0].name == "22"


def test_each_image_of_a_record_is_scored_against_it(truth: Path, predictions: Path) -> None:
    (predictions / "22.csv").rename(predictions / "22-0001.csv")
    put(predictions, "22-0005", 0.5 * record(22))
    put(predictions, "99-0005", record(22))
    scores = score_folders(predictions, truth)
    assert [(one.name, one.record_id) for one in scores.scored][1:3] == [("22-0001", "22"), ("22-0005", "22")]
    assert scores.missing == []
    assert scores.without_truth == ["99-0005"]


def test_another_sampling_rate_is_resampled_and_said(truth: Path, predictions: Path) -> None:
    put(predictions, "11", resampled(record(11), FS_HZ, 250).astype(np.float32), 250)
    scores = score_folders(predictions, truth)
    assert scores.resampled == ["11"]
    assert scores.scored[0].resampled_from_hz == 250
    assert scores.scored[0].db > 30


@pytest.mark.parametrize("rates_hz", [(500, 1025), (1025, 500), (512, 250), (250, 256)])
def test_resampling_keeps_time_height_and_gaps(rates_hz: tuple[int, int]) -> None:
    slow_hz, gap = 3.0, slice(3.1, 4.7)
    times = [np.arange(10 * rate) / rate for rate in rates_hz]
    signals = [
        np.where((time > gap.start) & (time < gap.stop), np.nan, np.sin(2 * np.pi * slow_hz * time)) for time in times
    ]
    found = resampled(np.tile(signals[0], (12, 1)), *rates_hz)[5]
    known = np.isfinite(found)
    assert found.shape == signals[1].shape
    assert abs(int(known.sum()) - int(np.isfinite(signals[1]).sum())) <= 4
    inside = known & (times[1] > 0.1) & (times[1] < 9.9) & (np.abs(times[1] - 3.9) > 0.9)
    np.testing.assert_allclose(found[inside], signals[1][inside], atol=2e-3)


def test_resampling_to_a_lower_rate_takes_out_what_it_cannot_hold() -> None:
    time_s = np.arange(10_000) / 1000
    found = resampled(np.tile(np.sin(2 * np.pi * 200 * time_s), (12, 1)), 1000, 250)
    assert np.abs(found[:, 50:-50]).max() < 0.02


def test_folders_that_cannot_be_scored_are_refused(truth: Path, predictions: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ScoreError, match="holds no CSV"):
        score_folders(tmp_path / "empty", truth)
    put(tmp_path / "empty", "77", record(1))
    with pytest.raises(ScoreError, match="named like one below"):
        score_folders(tmp_path / "empty", truth)
    shutil.copy(truth / "11" / "11.csv", truth / "22" / "11.csv")
    with pytest.raises(ScoreError, match="11 is there twice"):
        score_folders(predictions, truth)


def test_the_command_tells_all_of_it(truth: Path, predictions: Path, tmp_path: Path) -> None:
    (predictions / "22.csv").unlink()
    put(predictions, "11", 0.5 * record(11))
    put(predictions, "99", record(1))
    done = CliRunner().invoke(main, ["score", str(predictions), str(truth), "--json", str(tmp_path / "score.json")])
    assert done.exit_code == 0, done.output
    assert "1 records have no prediction and count as 0: 22" in done.output
    assert "1 predictions have no truth and are not scored: 99" in done.output
    told = json.loads((tmp_path / "score.json").read_text())
    assert f"Score: {told['score_db']:.4f} dB over 3 records" in done.output
    assert told["worst"] == ["22", "11", "33"]
    assert told["by_record"]["22"]["missing"] is True
    assert told["by_record"]["33"]["db"] is None  # no error at all
    assert told["by_record"]["11"]["leads_db"]["V1"] == pytest.approx(6, abs=1.5)


@pytest.mark.advice("store/overwriting.py", "; choose another name for the result, or replace it with --overwrite")
def test_the_table_of_scores_replaces_no_signals_but_an_earlier_table(
    truth: Path, predictions: Path, advice: AdviceGiven
) -> None:
    truth_csv, table = truth / "22" / "22.csv", predictions / "scores.json"
    held = truth_csv.read_bytes()
    score = ["score", str(predictions), str(truth), "--json"]
    refused = CliRunner().invoke(main, [*score, str(truth_csv)])
    assert refused.exit_code == 1
    assert "22.csv is there already and lies among the inputs" in refused.output
    advice.in_message(refused.output)
    assert truth_csv.read_bytes() == held
    for _ in range(2):
        assert CliRunner().invoke(main, [*score, str(table)]).exit_code == 0
    assert CliRunner().invoke(main, [*score, str(predictions / "33.csv"), "--overwrite"]).exit_code == 0
    assert "score_db" in (predictions / "33.csv").read_text()


def test_the_command_names_a_broken_file_in_one_line(truth: Path, predictions: Path) -> None:
    (predictions / "22.csv").write_text("I,II\n1,2\n")
    done = CliRunner().invoke(main, ["score", str(predictions), str(truth)])
    assert done.exit_code == 1
    assert "22.csv has the wrong columns" in done.output


@pytest.mark.real
def test_real_records_with_noise_of_known_power(tmp_path: Path) -> None:
    """Noise of a hundredth of the signal's power, an offset of half a millivolt: 20 dB, at every sampling rate."""
    truth, predictions, rng = tmp_path / "truth", tmp_path / "predictions", np.random.default_rng(0)
    predictions.mkdir()
    with tarfile.open(real_data() / "ori_csv" / "train-csvs.tar.gz") as archive:
        for member in [one for one in archive if one.name.endswith(".csv")][:12]:
            archive.extract(member, truth, filter="data")
            signal, fs_hz = read_signals(truth / member.name)
            scale = np.sqrt(np.nansum(signal**2) / np.isfinite(signal).sum()) / 10
            noisy = signal + rng.normal(0, scale, signal.shape) + 0.5
            write_signals(predictions / Path(member.name).name, noisy, fs_hz)
    scores = score_folders(predictions, truth)
    assert len(scores.scored) == 12
    for one in scores.scored:
        assert one.db == pytest.approx(20, abs=0.3)
    assert scores.db == pytest.approx(20, abs=0.2)
