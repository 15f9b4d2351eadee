"""A look at the training samples: crops above their masks in class colours."""

from pathlib import Path

import numpy as np

from ecg_assets.pages.preview import encode_picture, tile
from ecg_assets.samples.classes import colourise
from ecg_assets.samples.reader import SampleReader

_THUMBNAIL_PX = 256


def sample_sheet(folder: Path, count: int) -> bytes:
    """`count` samples, evenly drawn from the dataset, each above its mask, as a PNG.

    Raises:
        DatasetError: there is no dataset in `folder`.
    """
    reader = SampleReader(folder, None)
    chosen = np.linspace(0, len(reader) - 1, min(count, len(reader))).astype(int)
    samples = [reader[int(number)] for number in chosen]
    pairs = [np.vstack([sample.image_hwc, colourise(sample.mask_hw)]) for sample in samples]
    return encode_picture(tile(pairs, columns=4, width_px=_THUMBNAIL_PX))
