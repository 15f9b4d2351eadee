"""Writes the dataset as the folders of PNG files that the competition project's tools read."""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from ecg_assets.samples.reader import SampleReader
from ecg_assets.store.atomic import atomic_path
from ecg_assets.store.splits import Split


def export_png(dataset: Path, out: Path, split: Split | None) -> Iterator[tuple[int, int]]:
    """Writes `out/images/<sample>.png` (RGB) and `out/masks/<sample>_mask.png` (classes 0 to 4 as grey values).

    Yields:
        (samples written, samples in all) after each.

    Raises:
        DatasetError: there is no dataset in `dataset`.
        EmptySplitError: no sample belongs to `split`.
    """
    reader = SampleReader(dataset, split)
    for number in range(len(reader)):
        sample = reader[number]
        for path, pixels in (
            (out / "images" / f"{sample.id}.png", sample.image_hwc),
            (out / "masks" / f"{sample.id}_mask.png", sample.mask_hw),
        ):
            with atomic_path(path, flushed=False) as temporary:  # a copy, which can be made again
                Image.fromarray(pixels).save(temporary, "PNG", compress_level=1)
        yield number + 1, len(reader)
