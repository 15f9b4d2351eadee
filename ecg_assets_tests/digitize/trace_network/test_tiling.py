"""Boxes around what has to be looked at: all of it is covered, and little else."""

import numpy as np
import numpy.typing as npt
import pytest

from ecg_assets.digitize.trace_network.tiling import boxes, predict_where

Flags = npt.NDArray[np.bool_]


def rows_of_traces(shape: tuple[int, int]) -> Flags:
    """Two rows, the lower one over the right half only, and a speck."""
    wanted = np.zeros(shape, dtype=np.bool_)
    height, width = shape
    wanted[height // 5 : height // 5 + height // 10] = True
    wanted[height // 2 : height // 2 + height // 4, width // 2 :] = True
    wanted[-1, -1] = True
    return wanted


def brightness_as_score(tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """A network of two classes that reads the first channel's brightness."""
    assert all(side % 32 == 0 for side in tiles.shape[1:3])
    bright = tiles[..., 0].astype(np.float32) / 255
    return np.stack([1 - bright, bright], axis=1)


@pytest.mark.parametrize("shape", [(40, 60), (512, 512), (777, 1501), (1840, 4800)])
def test_all_that_is_wanted_is_answered_pixel_by_pixel(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(1, 256, (*shape, 3), np.uint8)
    wanted = rows_of_traces(shape)
    found = predict_where(image, brightness_as_score, wanted, 1)
    assert found.shape == shape
    np.testing.assert_allclose(found[wanted], image[wanted][:, 0] / 255, atol=1e-4)


def test_what_is_not_wanted_is_not_looked_at() -> None:
    wanted = rows_of_traces((1840, 4800))
    area = sum(
        (rows.stop - rows.start) * (columns.stop - columns.start) for rows, columns in boxes(wanted, (1856, 4800))
    )
    assert wanted.sum() < area < 2.2 * wanted.sum()
    assert not list(boxes(np.zeros((64, 64), dtype=np.bool_), (192, 512)))
    image = np.full((1840, 4800, 3), 255, np.uint8)
    assert predict_where(image, brightness_as_score, wanted, 1)[-400:-200, 0].max() == 0


def test_a_box_has_something_around_what_is_wanted() -> None:
    wanted = np.zeros((1024, 512), dtype=np.bool_)
    wanted[400:600] = True
    ((rows, _),) = boxes(wanted, wanted.shape)
    assert rows.start <= 400 - 32
    assert rows.stop >= 600 + 32
