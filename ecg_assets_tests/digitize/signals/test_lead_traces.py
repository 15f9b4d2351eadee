"""Each row's own path, while the others' ink lies within reach."""

import numpy as np

from ecg_assets.digitize.signals.lead_traces import row_paths
from ecg_assets.digitize.tracing.ink_runs import find_runs
from ecg_assets.digitize.tracing.path_search import follow

# Two traces, and the lower row's own line misjudged: the upper trace is nearer to it.
UPPER_Y, LOWER_Y, LINE_Y, WIDTH = 60, 330, 190, 1800


def test_a_row_does_not_take_the_ink_that_another_one_takes() -> None:
    wave = np.zeros((400, WIDTH), np.float32)
    for y in (UPPER_Y, LOWER_Y):
        wave[y - 1 : y + 2] = 1
    runs = find_runs(wave)
    alone = follow(runs, float(LINE_Y), 0, WIDTH).run
    assert np.abs(runs.middle[alone] - UPPER_Y).max() < 1, "alone it does, or this test says nothing"
    upper, lower = row_paths(runs, np.array([UPPER_Y, LINE_Y], dtype=np.float64))
    assert np.abs(runs.middle[upper] - UPPER_Y).max() < 1
    assert np.abs(runs.middle[lower] - LOWER_Y).max() < 1
