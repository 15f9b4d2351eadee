"""`ecg-assets digitize` with the weights of the package: results, refusals, scores."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from ecg_assets.cli import main
from ecg_assets.digitize.benchmark.rendered_pages import Trial, draw_trial, records_of_split
from ecg_assets.digitize.signals_csv import read_signals, write_signals
from ecg_assets.digitize.version import CODE_VERSION
from ecg_assets.records.record import LEADS
from ecg_assets_tests.digitize.readers import KnownReader, KnownReading, Rgb


def digitize(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["digitize", *map(str, arguments)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A turned page with its truth, a grid without traces, a picture of nothing, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("pictures")
    record = records_of_split("validation", 4)[3]
    trial = draw_trial(record, "clean")
    Image.fromarray(np.rot90(trial.picture_hwc)).save(folder / f"{record.id}-0005.png")
    write_signals(folder / "truth" / f"{record.id}.csv", trial.truth_mv, record.fs_hz)
    Image.fromarray(np.random.default_rng(0).integers(200, 255, (600, 800, 3), dtype=np.uint8)).save(folder / "no.png")
    (folder / "cut.png").write_bytes((folder / "no.png").read_bytes()[:5000])
    return folder


@pytest.fixture(scope="module")
def done(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    out = tmp_path_factory.mktemp("out")
    return digitize(folder, "--out", out, "--truth", folder / "truth"), out


def test_four_files_an_image_in_the_competition_s_shape(done: tuple[Result, Path], folder: Path) -> None:
    _, out = done
    (truth,) = (folder / "truth").iterdir()
    stem = f"{truth.stem}-0005"
    assert {path.name for path in out.iterdir()} == {
        f"{stem}.csv", f"{stem}.json", f"{stem}_rectified.png", f"{stem}_check.png",
    }  # fmt: skip
    signal_mv, fs_hz = read_signals(out / f"{stem}.csv")
    truth_mv, truth_hz = read_signals(truth)
    assert fs_hz == 500
    for lead, read, printed in zip(LEADS, signal_mv, truth_mv, strict=True):
        share = np.isfinite(read).mean(), np.isfinite(printed).mean()
        assert share[0] == pytest.approx(share[1], abs=0.01), lead
    for name in ("rectified", "check"):
        with Image.open(out / f"{stem}_{name}.png") as picture:
            assert picture.width > 1000
    facts = json.loads((out / f"{stem}.json").read_text())
    assert (facts["layout"], facts["paper_speed_mm_per_s"], facts["gain_mm_per_mv"]) == ("3x4+1", 25.0, 10.0)
    assert facts["quarter_turns_counter_clockwise"] == 3
    assert facts["px_per_mm"]["x"] == pytest.approx(7.874, rel=0.01)
    assert truth_hz in (250, 256, 500, 512, 1000, 1025)


# Standard deviation of each lead of the page above, in mV, by version of the reader.
_READ_MV = {"1": [0.1146, 0.1119, 0.0265, 0.1062, 0.0490, 0.0644, 0.1073, 0.1461, 0.2069, 0.1653, 0.2144, 0.1554]}


def test_the_reader_s_version_is_raised_when_it_reads_otherwise(done: tuple[Result, Path]) -> None:
    """With other signals under the same version, inboxes would keep the old ones: raise `version.CODE_VERSION` then."""
    (path,) = done[1].glob("*.csv")
    signal_mv, _ = read_signals(path)
    # Half of a thousandth of a millivolt: processors round the network's sums differently.
    assert np.nanstd(signal_mv, axis=1) == pytest.approx(_READ_MV[CODE_VERSION], abs=5e-4)


def test_a_truth_gives_scores(done: tuple[Result, Path]) -> None:
    result, out = done
    (path,) = out.glob("*.json")
    snr = json.loads(path.read_text())["snr"]
    assert set(snr["leads_db"]) == set(LEADS)
    assert snr["db"] > 15
    assert f"{snr['db']:.2f}" in result.stdout


def test_what_is_no_ecg_is_named_with_the_reason_and_the_rest_goes_on(done: tuple[Result, Path]) -> None:
    result, _ = done
    assert result.exit_code == 1
    left_out = [line for line in result.stderr.splitlines() if line.startswith("Refused: ")]
    assert len(left_out) == 2
    assert "nothing tells how large it is. Scan the whole sheet" in result.stderr
    assert "cut.png" in result.stderr
    assert "1 of 3 images read" in result.stdout


@pytest.fixture(scope="module")
def trial() -> Trial:
    return draw_trial(records_of_split("validation", 4)[3], "clean", "coarse-print")


@pytest.fixture
def beside(trial: Trial, tmp_path: Path) -> tuple[Path, Path]:
    """A page with its truth beside it, under the name that the result would have."""
    Image.fromarray(trial.picture_hwc).save(tmp_path / "page.png")
    write_signals(tmp_path / "page.csv", trial.truth_mv, trial.record.fs_hz)
    return tmp_path / "page.png", tmp_path / "page.csv"


def test_neither_a_truth_nor_anything_else_is_overwritten_unless_told(
    beside: tuple[Path, Path], trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, truth = beside
    before, reader = truth.read_bytes(), KnownReader([trial], {"clean": 0.5})
    monkeypatch.setattr("ecg_assets.digitize.digitizer.load_reader", lambda: reader)
    for arguments in ((page, "--out", page.parent, "--truth", truth), (page, "--out", page.parent)):
        result = digitize(*arguments)
        assert result.exit_code == 1
        assert "page.csv" in result.stderr and "--overwrite" in result.stderr
        assert truth.read_bytes() == before
        assert len(list(page.parent.iterdir())) == 2
    result = digitize(page, "--out", page.parent, "--truth", truth, "--overwrite")
    assert result.exit_code == 0, result.output
    assert truth.read_bytes() != before
    score = json.loads((page.parent / "page.json").read_text())["snr"]["db"]
    assert 5.5 < score < 7, "half of the truth as it was; not its own result"
    assert digitize(page, "--out", page.parent).exit_code == 0, "own results are replaced without being told"


def test_a_picture_on_which_the_reader_breaks_is_named_and_the_others_go_on(
    folder: Path, trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Breaking(KnownReader):
        def digitize_image(self, image_hwc: Rgb, *arguments: Any) -> KnownReading:
            if image_hwc.shape[:2] == (600, 800):
                raise AttributeError("'NoneType' object has no attribute 'shape'")
            return super().digitize_image(image_hwc, *arguments)

    monkeypatch.setattr("ecg_assets.digitize.digitizer.load_reader", lambda: Breaking([trial]))
    Image.fromarray(trial.picture_hwc).save(tmp_path / "page.png")
    result = digitize(folder / "no.png", tmp_path / "page.png", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "no.png cannot be read (AttributeError: 'NoneType' object has no attribute 'shape'" in result.stderr
    assert "1 of 2 images read" in result.stdout
    assert (tmp_path / "out" / "page.csv").exists()


def test_wrong_arguments_are_one_sentence(folder: Path, tmp_path: Path) -> None:
    result = digitize(folder / "no.png", "--out", tmp_path, "--layout", "5x5")
    assert result.exit_code == 1 and "5x5" in result.output and "3x4+1" in result.output
    assert digitize(folder / "nowhere*.png", "--out", tmp_path).exit_code == 1
    assert digitize(folder / "no.png", "--out", tmp_path, "--fs", "7").exit_code == 2
    assert not list(tmp_path.iterdir())
