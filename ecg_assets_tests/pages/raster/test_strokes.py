"""Upright pages' strokes against brute force, on real records of every rate."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecg_assets.pages.classes import HALF_COVERED
from ecg_assets.pages.layout.panels import panels_of
from ecg_assets.pages.raster.strokes import Coverage, strokes
from ecg_assets.pages.raster.warped_strokes import stroke_polylines
from ecg_assets.records.record import LEADS, Record
from ecg_assets.records.record_csv import read_record
from ecg_assets.records.sources.archive import unpack
from ecg_assets_tests.pages.pages import KAGGLE
from ecg_assets_tests.pages.supersample import Points, framed, match, supersampled
from ecg_assets_tests.real import real_data

STROKE_PX = 2.1
RATES_HZ = (250, 256, 500, 512, 1000, 1025)


@pytest.fixture(scope="session")
def real_csvs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real") / "csvs"
    unpack(real_data() / "ori_csv" / "train-csvs.tar.gz", folder)
    return folder


def real_record(folder: Path, fs_hz: int, number: int) -> Record:
    index = pd.read_csv(real_data() / "ori_csv" / "train.csv")
    record_id = str(index.loc[index["fs"] == fs_hz, "id"].iloc[number])
    return read_record(next(folder.rglob(f"{record_id}.csv")), record_id, fs_hz)


def record_of_wfdb(header: Path) -> Record:
    """A 16-bit WFDB record of 12 leads."""
    lines = header.read_text().splitlines()
    fs_hz = int(lines[0].split()[2])
    names = [line.split()[-1].upper() for line in lines[1:13]]
    gains = [float(line.split()[2].split("(")[0].split("/")[0]) for line in lines[1:13]]
    signal_mv = np.fromfile(header.with_suffix(".dat"), dtype="<i2").reshape(-1, 12).T / np.array(gains)[:, None]
    order = [names.index(lead.upper()) for lead in LEADS]
    return Record(header.stem, fs_hz, signal_mv[order].astype(np.float32))


def panel_px(record: Record, number: int) -> Points:
    return panels_of(record, KAGGLE)[number].points_mm(record, KAGGLE) * KAGGLE.px_per_mm


def drawn(pieces: list[Points], shape: tuple[int, int]) -> Coverage:
    page = np.zeros(shape, dtype=np.float32)
    strokes(pieces, STROKE_PX, shape).put_on(page)
    return page


def assert_is_a_round_pens(record: Record, number: int) -> None:
    trace, shape = framed(panel_px(record, number))
    page = drawn([trace], shape)
    found = match(page, supersampled([trace], STROKE_PX, shape))
    assert found.iou >= 0.985, f"{record.id}: {found}"
    assert 0.99 <= found.ink <= 1.01, f"{record.id}: {found}"
    assert found.error_255 <= 3, f"{record.id}: {found}"
    lost = page[trace[:, 1].astype(int), trace[:, 0].astype(int)] < HALF_COVERED
    assert not lost.any(), f"{record.id}: samples {np.flatnonzero(lost)[:5]} lie outside of the mask"


@pytest.mark.real
@pytest.mark.parametrize("fs_hz", RATES_HZ)
@pytest.mark.parametrize("number", [3, 11])
def test_real_traces_are_drawn_as_by_a_round_pen(real_csvs: Path, fs_hz: int, number: int) -> None:
    record = real_record(real_csvs, fs_hz, number)
    for panel in (0, 3, 7):
        assert_is_a_round_pens(record, panel)


@pytest.mark.real
def test_real_traces_of_100_hz_are_drawn_as_by_a_round_pen() -> None:
    for header in sorted((real_data() / "wfdb" / "ptbxl100").glob("*.hea"))[:3]:
        assert_is_a_round_pens(record_of_wfdb(header), 3)


def test_a_batch_draws_each_trace_as_if_it_were_alone() -> None:
    rng = np.random.default_rng(4)
    x = np.linspace(20.013, 180, 400)
    traces = [np.stack([x, middle + np.cumsum(rng.normal(0, 1, 400))], axis=1) for middle in (60, 150, 240)]
    alone = np.max([drawn([trace], (300, 200)) for trace in traces], axis=0)
    np.testing.assert_allclose(drawn(traces, (300, 200)), alone, atol=1e-5)


def test_pages_and_pictures_are_drawn_by_the_same_pen() -> None:
    rng = np.random.default_rng(5)
    trace = np.stack([np.linspace(10, 190, 500), 50 + np.cumsum(rng.normal(0, 1, 500))], axis=1)
    np.testing.assert_allclose(drawn([trace], (100, 200)), stroke_polylines([trace], STROKE_PX, (100, 200)), atol=2e-3)


def test_a_line_straight_down_is_neither_too_wide_nor_too_narrow() -> None:
    widths, inks = [], []
    for place in np.linspace(10, 11, 101):
        page = drawn([np.array([[place, 10.0], [place + 1e-6, 90.0]])], (100, 20))
        widths.append(float((page[50] >= HALF_COVERED).sum()))
        inks.append(float(page[50].sum()))
    assert np.mean(widths) == pytest.approx(STROKE_PX, abs=0.05)
    assert np.mean(inks) == pytest.approx(STROKE_PX, abs=0.02)
