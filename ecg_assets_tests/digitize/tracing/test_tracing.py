"""From ink to one line a row: runs, paths, edges that two rows share, the middle of a stroke, other times."""

import numpy as np
import numpy.typing as npt
import pytest

from ecg_assets.digitize.signals.fft_resample import resample
from ecg_assets.digitize.signals.lead_traces import hidden_edges
from ecg_assets.digitize.tracing.centre_line import led_on, trace_line
from ecg_assets.digitize.tracing.ink_runs import Runs, find_runs
from ecg_assets.digitize.tracing.path_search import follow
from ecg_assets.digitize.tracing.stroke_envelope import middle_line, redrawn_line
from ecg_assets.pages.raster.warped_strokes import stroke_polylines

Values = npt.NDArray[np.float64]

PEN, FLAT_PEN = 3.0, 2.4
WIDTH = 400
Line = npt.NDArray[np.float64]


def beats(base: float, height: float, period: int = 80, width: float = 3.0, first: int = 40) -> Line:
    """y of a trace with narrow peaks, px."""
    x = np.arange(WIDTH)
    y = np.full(WIDTH, base)
    for middle in range(first, WIDTH, period):
        y = y - height * np.exp(-(((x - middle) / width) ** 2) / 2)
    return y


def ink(*lines: Line, height: int = 200) -> npt.NDArray[np.float32]:
    """Coverage of the lines' strokes; y at whole numbers is the middle of a pixel."""
    x = np.arange(WIDTH) + 0.5
    return stroke_polylines([np.stack([x, line + 0.5], axis=1) for line in lines], PEN, (height, WIDTH))


def of_others(runs: Runs, paths: list[npt.NDArray[np.int64]], row: int) -> npt.NDArray[np.bool_]:
    users = np.zeros(len(runs.column), dtype=np.bool_)
    for other, path in enumerate(paths):
        if other != row:
            users[path[path >= 0]] = True
    return users


def flat_ink(*lines: Line, height: int = 400) -> npt.NDArray[np.float32]:
    """The same on a flat page, which is stretched across: `FLAT_PEN` down, twice as much across."""
    x = np.arange(WIDTH) + 0.5
    pieces = [np.stack([x, (line + 0.5) * 2], axis=1) for line in lines]
    fine = stroke_polylines(pieces, 2 * FLAT_PEN, (2 * height, WIDTH))
    brought: npt.NDArray[np.float32] = fine.reshape(height, 2, WIDTH).mean(axis=1)
    return brought


def read_flat(field: npt.NDArray[np.float32], bases: list[float]) -> list[Line]:
    """Each row's line, as pages are read."""
    runs = find_runs(field)
    first = [follow(runs, base, 0, WIDTH).run for base in bases]
    paths = np.stack([follow(runs, base, 0, WIDTH, of_others(runs, first, row)).run for row, base in enumerate(bases)])
    upper, lower = hidden_edges(runs, paths, FLAT_PEN)
    hidden = zip(paths, upper, lower, strict=True)
    return [trace_line(runs, path, (up, low), (0, WIDTH), FLAT_PEN).y_px for path, up, low in hidden]


def read(field: npt.NDArray[np.float32], bases: list[float]) -> list[Line]:
    """Each row's line, redrawn."""
    runs = find_runs(field)
    first = [follow(runs, base, 0, WIDTH).run for base in bases]
    paths = np.stack([follow(runs, base, 0, WIDTH, of_others(runs, first, row)).run for row, base in enumerate(bases)])
    upper, lower = hidden_edges(runs, paths, PEN)
    lines = []
    for row, path in enumerate(paths):
        there = path >= 0
        top, bottom = np.full(WIDTH, np.nan), np.full(WIDTH, np.nan)
        top[there], bottom[there] = runs.top[path[there]], runs.bottom[path[there]]
        top[upper[row]], bottom[lower[row]] = np.nan, np.nan
        line = middle_line(top, bottom, PEN / 2, PEN / 2)
        known = np.flatnonzero(np.isfinite(line))
        filled = np.interp(np.arange(WIDTH), known, line[known])
        lines.append(redrawn_line(filled, top, bottom, PEN / 2, PEN / 2))
    return lines


def test_edges_are_found_to_a_fraction_of_a_pixel() -> None:
    level = np.full(WIDTH, 50.3)
    runs = find_runs(ink(level))
    inside = runs.column[(runs.column > 5) & (runs.column < WIDTH - 5)]
    assert len(inside) == WIDTH - 11
    assert np.abs(runs.middle - 50.3).max() < 0.1  # a twelve-hundredth of a millivolt
    assert runs.height[10:-10] == pytest.approx(PEN, abs=0.1)


def test_a_narrow_peak_keeps_its_height() -> None:
    truth = beats(150, 90, width=2.5)
    (line,) = read(ink(truth), [150])
    inside = slice(4, -4)
    assert np.abs(line - truth)[inside].max() < 4.0  # of 90, on flanks of 20 px a column
    assert line.min() == pytest.approx(truth.min(), abs=1.0)
    assert np.abs(np.median((line - truth)[inside])) < 0.1


def test_redrawing_brings_a_line_nearer_to_its_ink() -> None:
    truth = beats(150, 60, width=2.5)
    runs = find_runs(ink(truth))
    rough = middle_line(runs.top, runs.bottom, PEN / 2, PEN / 2)
    fine = redrawn_line(rough, runs.top, runs.bottom, PEN / 2, PEN / 2)
    inside = slice(4, -4)
    assert ((fine - truth)[inside] ** 2).mean() < 0.5 * ((rough - truth)[inside] ** 2).mean()


def test_a_peak_that_runs_into_the_row_above_or_through_it_is_followed() -> None:
    above = np.full(WIDTH, 60.0)
    for height in (70.0, 110.0):  # into the upper row's line, and far through it
        below = beats(130, height)
        upper, lower = read(ink(above, below), [60, 130])
        inside = slice(4, -4)
        assert np.abs(upper - above)[inside].max() < 3.5
        assert np.abs(lower - below)[inside].max() < 8


def test_a_wave_is_followed_however_far_it_leads() -> None:
    truth = beats(60, -260, period=WIDTH, width=25, first=200)  # 33 mm down
    (line,) = read_flat(flat_ink(truth), [60])
    assert np.abs(line - truth)[4:-4].max() < 5


@pytest.mark.parametrize("apart", [-3, 0, 3])
def test_peaks_of_two_rows_that_run_into_each_other_keep_their_flanks_and_tips(apart: int) -> None:
    """The upper row's goes down to 220, the lower row's up to 200."""
    above = beats(100, -120, period=WIDTH, width=5, first=200 + apart)
    below = beats(330, 130, period=WIDTH, width=4, first=200)
    upper, lower = read_flat(flat_ink(above, below), [100, 330])
    for line, truth in ((upper, above), (lower, below)):
        assert ((line - truth)[4:-4] ** 2).sum() < 0.008 * ((truth - truth[0]) ** 2).sum()


def test_letters_and_stains_beside_a_trace_do_not_capture_it() -> None:
    truth = beats(100, 50)
    field = ink(truth)
    field[60:75, 150:158] = 1  # a letter
    field[112:118, 60:110] = 1  # a stroke of the pen
    (line,) = read(field, [100])
    assert np.abs(line - truth)[4:-4].max() < 4


def test_a_gap_is_bridged() -> None:
    truth = np.full(WIDTH, 100.0) + np.sin(np.arange(WIDTH) / 30) * 5
    field = ink(truth)
    field[:, 200:220] = 0
    (line,) = read(field, [100])
    assert np.abs(line - truth)[4:-4].max() < 1.5


def test_no_ink_no_runs() -> None:
    runs = find_runs(np.zeros((50, 60), np.float32))
    assert len(runs.column) == 0
    assert (follow(runs, 20.0, 0, 60).run == -1).all()


@pytest.mark.parametrize("fs_hz", [100, 256, 500, 1025])
def test_resampling_keeps_what_both_rates_can_hold(fs_hz: int) -> None:
    rate_hz = 400.0
    fine = np.arange(4000) / rate_hz
    begin_s, count = 0.5013, fs_hz * 8

    def wave(time: Line) -> Line:
        return np.sin(2 * np.pi * 1.3 * time) + 0.3 * np.sin(2 * np.pi * 31 * time)

    found = resample(wave(fine), rate_hz, begin_s, count, fs_hz)
    assert np.abs(found - wave(begin_s + np.arange(count) / fs_hz)).max() < 0.01


def test_resampling_removes_what_a_lower_rate_cannot_hold() -> None:
    fine = np.arange(4000) / 400.0
    found = resample(np.sin(2 * np.pi * 90 * fine), 400.0, 1.0, 800, 100)
    assert np.abs(found).max() < 0.02


def test_a_speck_before_a_long_gap_does_not_keep_a_row_from_beginning_behind_it() -> None:
    field = np.zeros((100, 2000), np.float32)
    field[49:52, 40:120] = 1  # the paper's edge, say
    for first in range(900, 1900, 100):
        field[49:52, first : first + 30] = 1
    path = follow(find_runs(field), 50.0, 0, 2000).run
    assert (path[900:] >= 0).sum() == 300
    # Nothing but the speck: that is the row.
    field[:, 130:] = 0
    assert (follow(find_runs(field), 50.0, 0, 2000).run[40:120] >= 0).all()


def _hidden(line: Values, columns: int) -> tuple[Values, npt.NDArray[np.bool_]]:
    """A line whose first columns show what the first one behind them does, and which of them are known."""
    known = np.arange(len(line)) >= columns
    return np.where(known, line, line[columns]), known


@pytest.mark.parametrize("turned", [1, -1])
@pytest.mark.parametrize("level_columns", [0, 3])
def test_an_end_that_a_bar_hides_goes_on_as_its_flank_leads_to_the_line_s_level(
    turned: int, level_columns: int
) -> None:
    peak = np.concatenate([np.arange(60.0, 180, 10), np.arange(180.0, 60, -10)])
    true = np.concatenate([np.full(level_columns, 60.0), peak, np.full(100, 60.0)])
    shown, known = _hidden(true, level_columns + 4)
    np.testing.assert_allclose(led_on(shown[::turned], known[::turned]), true[::turned])


def test_an_end_whose_flank_leads_away_from_the_line_s_level_stays_where_it_was_seen_last() -> None:
    shown, known = _hidden(np.concatenate([np.arange(180.0, 60, -10), np.full(100, 60.0)]), 4)
    np.testing.assert_array_equal(led_on(shown, known), shown)


def test_an_end_that_more_than_a_bar_hides_stays_where_it_was_seen_last() -> None:
    shown, known = _hidden(np.concatenate([np.arange(60.0, 180, 4), np.arange(180.0, 60, -4), np.full(99, 60.0)]), 20)
    np.testing.assert_array_equal(led_on(shown, known), shown)


def test_a_line_is_led_on_where_its_first_ink_is_hidden() -> None:
    true = beats(200.0, 120.0, width=6.0, first=8)
    field = flat_ink(true)
    field[:, :5] = 0  # half a bar, on the rising flank of the first peak
    (line,) = read_flat(field, [200.0])
    seen_last = line[7]
    assert np.abs(line[:5] - true[:5]).max() < 0.6 * np.abs(seen_last - true[:5]).max()
