"""What of a flat page is paper, and which lines on it are rows."""

import numpy as np
import pytest

from ecg_assets.digitize.rectification.canvas import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y, CELL_MM, flat_canvas
from ecg_assets.digitize.rectification.paper_extent import paper_hw
from ecg_assets.digitize.rectification.surface import Surface
from ecg_assets.digitize.tracing.baselines import find_rows
from ecg_assets.digitize.tracing.ink_runs import find_runs

ROWS, COLUMNS, CELL_PX = 20, 30, 40.0
ACROSS, DOWN = CANVAS_PX_PER_MM_X * CELL_MM, CANVAS_PX_PER_MM_Y * CELL_MM


def surface(known: np.ndarray) -> Surface:
    """Of a picture that begins at the third row and column of crossings."""
    x, y = np.meshgrid(np.arange(COLUMNS, dtype=np.float64), np.arange(ROWS, dtype=np.float64))
    x_px, y_px = (np.asarray((side - 2) * CELL_PX + 5, np.float64) for side in (x, y))
    return Surface(x_px, y_px, 0, known, 1.0, 0.0)


def test_paper_ends_a_cell_beyond_its_crossings_and_holes_and_false_ones_do_not_matter() -> None:
    known = np.zeros((ROWS, COLUMNS), dtype=np.bool_)
    known[5:15, 8:25] = True
    known[9:12, 10:20] = False  # a glare
    known[17, 9] = known[18, 20] = known[6, 28] = True  # cracks of a desk
    picture = (round((ROWS - 4) * CELL_PX), round((COLUMNS - 4) * CELL_PX))
    whole = surface(known)
    paper = paper_hw(whole, picture)
    assert paper.shape == flat_canvas(whole, picture).x_px_hw.shape
    rows, columns = np.flatnonzero(paper.any(axis=1)), np.flatnonzero(paper.any(axis=0))
    # The canvas begins one cell before the picture's first crossing, the second one here.
    assert (rows[0], rows[-1] + 1) == ((4 - 1) * DOWN, (16 - 1) * DOWN)
    assert (columns[0], columns[-1] + 1) == ((7 - 1) * ACROSS, (26 - 1) * ACROSS)
    assert paper[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()


@pytest.mark.parametrize("share", [1.0, 0.4])
def test_a_faint_row_counts_and_a_name_or_a_crease_does_not(share: float) -> None:
    field = np.zeros((900, 4000), np.float32)
    field[200:203, 100:3900] = 1
    pieces = np.arange(100, 3900) % 400 < 400 * share * 0.5
    field[500:503, 100:3900][:, pieces] = 1
    field[700:703, 2000:2900] = 1  # dense, but short
    np.testing.assert_allclose(find_rows(find_runs(field), 900), [201, 501], atol=1)
