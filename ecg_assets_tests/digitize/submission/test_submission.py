"""The competition's submission: ids, order, windows, what is filled, and that it is read back."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from PIL import Image

from ecg_assets.cli import main
from ecg_assets.digitize.refusal import NotAnEcgError
from ecg_assets.digitize.signals_csv import Signal, write_signals
from ecg_assets.digitize.submission.sources import NoPredictionsError, csv_signals, image_signals
from ecg_assets.digitize.submission.test_table import SubmissionError, Wanted, read_test_table
from ecg_assets.digitize.submission.write import SCHEMA, check_submission, write_submission
from ecg_assets.records.record import LEADS
from ecg_assets_tests.conftest import quiet


def record(fs_hz: int, shift: float = 0.0) -> Signal:
    """Every value tells its lead (tens) and its row."""
    rows = np.arange(10 * fs_hz) / 10_000
    return (np.arange(12)[:, None] + rows + shift).astype(np.float32)


def table_of(folder: Path, *, records: tuple[tuple[str, int], ...] = (("101", 250), ("102", 1025))) -> Path:
    """test.csv as the competition writes it: II in full, the others a quarter."""
    lines = ["id,lead,fs,number_of_rows"]
    for record_id, fs_hz in records:
        lines += [f"{record_id},{lead},{fs_hz},{fs_hz * 10 if lead == 'II' else fs_hz * 10 // 4}" for lead in LEADS]
    path = folder / "test.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    folder = tmp_path / "predictions"
    folder.mkdir()
    write_signals(folder / "101.csv", record(250), 250)
    write_signals(folder / "102.csv", record(1025), 1025)
    return folder


def written(wanted: list[Wanted], predictions: Path, out: Path) -> pd.DataFrame:
    write_submission(wanted, csv_signals(predictions, quiet), out, quiet)
    frame: pd.DataFrame = pq.read_table(out).to_pandas()
    return frame


def test_ids_values_and_order_are_those_of_the_table(tmp_path: Path, predictions: Path) -> None:
    frame = written(read_test_table(table_of(tmp_path)), predictions, tmp_path / "out.parquet")
    assert list(frame.columns) == ["id", "value"]
    assert frame["value"].dtype == np.float64
    assert len(frame) == 11 * 625 + 2500 + 11 * 2562 + 10250
    assert [frame["id"].iloc[row] for row in (0, 625, 3125, -1)] == ["101_0_I", "101_0_II", "101_0_III", "102_2561_V6"]
    value = frame.set_index("id")["value"]
    # aVR stands in the second quarter, V6 in the fourth: rows int(q * n / 4).
    assert value["101_0_aVR"] == pytest.approx(3 + 625 / 10_000)
    assert value["101_624_V6"] == pytest.approx(11 + 2499 / 10_000)
    assert value["102_0_V1"] == pytest.approx(6 + 5125 / 10_000)
    assert value["102_10249_II"] == pytest.approx(1 + 10249 / 10_000, abs=1e-4)


def test_leads_in_any_order_stay_in_that_order(tmp_path: Path, predictions: Path) -> None:
    wanted = read_test_table(table_of(tmp_path))
    mixed = wanted[::-3] + wanted[1::3]
    frame = written(mixed, predictions, tmp_path / "out.parquet")
    assert frame["id"].tolist() == [name for one in mixed for name in one.ids]


def test_what_was_not_read_is_0_and_counted(tmp_path: Path, predictions: Path) -> None:
    signal = record(250)
    signal[0, 100:110] = np.nan
    write_signals(predictions / "101.csv", signal, 250)
    (predictions / "102.csv").unlink()
    said: list[str] = []
    wanted = read_test_table(table_of(tmp_path))
    done = write_submission(wanted, csv_signals(predictions, said.append), tmp_path / "out.parquet", said.append)
    assert (done.filled, done.without_signal) == (10 + 11 * 2562 + 10250, ["102"])
    assert said == ["record 102 has no signal: its rows are 0"]
    value = pq.read_table(tmp_path / "out.parquet").to_pandas().set_index("id")["value"]
    assert value["101_100_I"] == value["102_17_V3"] == 0
    assert value["101_99_I"] != 0


def test_another_sampling_rate_is_brought_to_the_tables(tmp_path: Path, predictions: Path) -> None:
    write_signals(predictions / "101.csv", record(500), 500)
    said: list[str] = []
    wanted = read_test_table(table_of(tmp_path, records=(("101", 250),)))
    write_submission(wanted, csv_signals(predictions, said.append), tmp_path / "out.parquet", quiet)
    value = pq.read_table(tmp_path / "out.parquet").to_pandas().set_index("id")["value"]
    assert value["101_300_V6"] == pytest.approx(11 + 2 * (1875 + 300) / 10_000, abs=1e-3)
    assert said == ["record 101 was resampled from 500 Hz to 250 Hz"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("id,lead", "record,lead", "lacks id"),
        ("101,aVR,", "101,avr,", "line 5: 'avr' is no lead"),
        ("101,I,250,625", "101,I,250,x", "line 2: fs '250', number_of_rows 'x'"),
        ("101,V6,250,625", "101,V6,250,2000", "line 13: 2000 rows from row 1875 are beyond 10 s"),
        ("101,III,", "101,I,", "record 101, lead I more than once"),
    ],
)
def test_a_table_that_is_not_right_is_named_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = table_of(tmp_path)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(SubmissionError, match=said):
        read_test_table(path)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (pa.table([["101_0_I", "101_2_I", "101_1_I"], [0.0, 0, 0]], schema=SCHEMA), "row 1: the id is '101_2_I'"),
        (pa.table([["101_0_I", "101_1_I", "101_2_I"], [0.0, np.nan, 0]], schema=SCHEMA), "no finite number"),
        (pa.table([["101_0_I", "101_1_I"], [0.0, 0]], schema=SCHEMA), "ends after 2 rows; '101_2_I' is missing"),
        (pa.table([[f"101_{n}_I" for n in range(4)], [0.0] * 4], schema=SCHEMA), "row 3: the id is '101_3_I'"),
        (pa.table({"id": ["101_0_I"], "value": ["0"]}), "expected id: string"),
    ],
)
def test_a_broken_submission_is_found_when_it_is_read_back(tmp_path: Path, broken: pa.Table, said: str) -> None:
    pq.write_table(broken, tmp_path / "broken.parquet")
    with pytest.raises(SubmissionError, match=said):
        check_submission(tmp_path / "broken.parquet", [Wanted("101", "I", 1, 3)])


def test_nothing_is_written_when_a_signal_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match=r"record 101 has shape \(12, 99\), expected \(12, 2500\)"):
        write_submission(
            read_test_table(table_of(tmp_path)), lambda *_: np.zeros((12, 99)), tmp_path / "out.parquet", quiet
        )
    assert [path.name for path in tmp_path.iterdir()] == ["test.csv"]


def test_what_was_written_is_read_back_before_it_takes_its_name(
    tmp_path: Path, predictions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault is put in: the writer loses a row."""
    write = pq.ParquetWriter.write_table
    monkeypatch.setattr(pq.ParquetWriter, "write_table", lambda self, table: write(self, table.slice(1)))
    with pytest.raises(SubmissionError, match="row 0: the id is '101_1_I', expected '101_0_I'"):
        written(read_test_table(table_of(tmp_path)), predictions, tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


@dataclass(frozen=True)
class BrightnessReader:
    """Reads a picture's first value as every lead's level; a black one is not an ECG."""

    asked: list[tuple[int, str]]

    def digitize_image(self, image_hwc: npt.NDArray[np.uint8], fs_hz: int = 500, layout: str = "auto") -> Any:
        self.asked.append((fs_hz, layout))
        if not image_hwc.any():
            raise NotAnEcgError("no_scale", "no grid")
        return Flat(np.full((12, 10 * fs_hz), image_hwc[0, 0, 0], dtype=np.float32))


@dataclass(frozen=True)
class Flat:
    signal_mv: Signal


def test_images_are_read_at_the_tables_sampling_rates_and_refusals_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "test"
    folder.mkdir()
    for name, level in (("101", 7), ("102", 0)):
        Image.fromarray(np.full((40, 40, 3), level, dtype=np.uint8)).save(folder / f"{name}.png")
    said: list[str] = []
    reader = BrightnessReader([])
    wanted = read_test_table(table_of(tmp_path))
    signals = image_signals(folder, reader, "kaggle", said.append)
    done = write_submission(wanted, signals, tmp_path / "out.parquet", quiet)
    assert reader.asked == [(250, "kaggle"), (1025, "kaggle")]  # once a record
    assert said == ["101.png is read", "102.png is refused: no grid"]
    assert done.without_signal == ["102"]
    assert set(pq.read_table(tmp_path / "out.parquet")["value"].to_pylist()) == {7.0, 0.0}


def test_a_folder_without_predictions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoPredictionsError, match=r"holds none of \.csv"):
        csv_signals(tmp_path, quiet)


def test_the_command_tells_what_it_wrote(tmp_path: Path, predictions: Path) -> None:
    (predictions / "102.csv").unlink()
    out = tmp_path / "submission.parquet"
    done = CliRunner().invoke(main, ["submission", str(table_of(tmp_path)), str(predictions), str(out)])
    assert done.exit_code == 0, done.output
    assert "47,807 rows of 2 records, read back and complete" in done.output
    assert "38,432 samples (80.4%) were not read and are 0 mV; 1 records have no signal at all" in done.output
    assert len(pq.read_table(out)) == 47_807


def test_the_command_replaces_no_input_unless_told(tmp_path: Path, predictions: Path) -> None:
    table = table_of(tmp_path)
    for out in (table, predictions / "101.csv"):
        held = out.read_bytes()
        refused = CliRunner().invoke(main, ["submission", str(table), str(predictions), str(out)])
        assert refused.exit_code == 1
        assert out.name in refused.output and "--overwrite" in refused.output
        assert out.read_bytes() == held
    out = predictions / "101.csv"
    done = CliRunner().invoke(main, ["submission", str(table), str(predictions), str(out), "--overwrite"])
    assert done.exit_code == 0, done.output
    assert len(pq.read_table(out)) == 47_807
