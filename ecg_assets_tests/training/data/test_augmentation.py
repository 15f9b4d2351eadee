"""Turns on the device are the reader's turns."""

import numpy as np
import torch

from ecg_assets.samples.reader import turn
from ecg_assets.training.data.augmentation import WAYS, turned
from ecg_assets.training.label_map import to_classes


def test_all_ways_turn_as_the_reader_does() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)
    mask = rng.integers(0, 5, (16, 16), dtype=np.uint8)
    images, masks = torch.from_numpy(np.stack([image] * WAYS)), torch.from_numpy(np.stack([mask] * WAYS))
    for classes in (5, 3):
        got_images, got_masks = turned(
            images, torch.from_numpy(to_classes(masks.numpy(), classes)), torch.arange(WAYS, dtype=torch.int32), classes
        )
        assert (got_images.dtype, got_masks.dtype) == (torch.uint8, torch.uint8)
        for way in range(WAYS):
            expected_image, expected_mask = turn(image, mask, way % 4, way >= 4)
            np.testing.assert_array_equal(got_images[way].numpy(), expected_image)
            np.testing.assert_array_equal(got_masks[way].numpy(), to_classes(expected_mask, classes))
