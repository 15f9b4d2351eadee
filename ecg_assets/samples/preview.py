"""Draws a preview of training samples: crops above their masks in class colours."""

from math import ceil
from pathlib import Path

import numpy as np

from ecg_assets.pages.preview import encode_picture, tile
from ecg_assets.samples.classes import colourise
from ecg_assets.samples.reader import Sample, SampleReader

_THUMBNAIL_PX = 200
_LOOKED_AT = 120


def sample_sheet(folder: Path, count: int) -> bytes:
    """`count` samples, equally many of each recipe, each above its mask, as a PNG.

    Raises:
        DatasetError: there is no dataset in `folder`.
    """
    by_recipe = _by_recipe(folder)
    each = ceil(count / len(by_recipe))
    return _sheet([sample for recipe in sorted(by_recipe) for sample in by_recipe[recipe][:each]][:count])


def recipe_sheet(folder: Path, recipe: str, count: int) -> bytes:
    """Up to `count` samples of one recipe, from all over the dataset, each above its mask, as a PNG.

    Raises:
        DatasetError: there is no dataset in `folder`, or it has no sample of this recipe.
    """
    reader = SampleReader(folder, None, (recipe,))
    spread = np.linspace(0, len(reader) - 1, min(count, len(reader))).astype(int)
    return _sheet([reader[int(number)] for number in spread])


def _by_recipe(folder: Path) -> dict[str, list[Sample]]:
    reader = SampleReader(folder, None)
    spread = np.linspace(0, len(reader) - 1, min(_LOOKED_AT, len(reader))).astype(int)
    by_recipe: dict[str, list[Sample]] = {}
    for sample in (reader[int(number)] for number in spread):
        by_recipe.setdefault(sample.recipe, []).append(sample)
    return by_recipe


def _sheet(samples: list[Sample]) -> bytes:
    pairs = [np.vstack([sample.image_hwc, colourise(sample.mask_hw)]) for sample in samples]
    return encode_picture(tile(pairs, columns=5, width_px=_THUMBNAIL_PX))
