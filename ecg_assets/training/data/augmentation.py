"""Mirrors and turns samples on the device: the host sends each sample's turn, not a turned copy."""

import torch
from torch import Tensor

from ecg_assets.pages.classes import HORIZONTAL, VERTICAL

WAYS = 8


def turned(image_bhwc: Tensor, mask_bhw: Tensor, way_b: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Turns square samples as `samples.reader.turn` does: mirrored left to right, then counter-clockwise.

    Args:
        image_bhwc: (b, s, s, 3) uint8.
        mask_bhw: (b, s, s) uint8 classes.
        way_b: (b,) int32: quarter turns, plus 4 if mirrored first.
        classes: number of the mask's classes. With five, a quarter turn swaps horizontal and vertical lines.
    """
    quarters_b, mirrored_b = way_b % 4, way_b >= 4
    odd_b = quarters_b % 2 == 1
    mask_bhwc = mask_bhw.unsqueeze(3)
    image, mask = (_placed(planes, quarters_b, mirrored_b, odd_b) for planes in (image_bhwc, mask_bhwc))
    mask = mask.squeeze(3)
    if classes > VERTICAL + 1:
        # Swap 1 and 2: 3 minus the class.
        is_line = (mask == HORIZONTAL) | (mask == VERTICAL)
        mask = torch.where(is_line & odd_b.view(-1, 1, 1), HORIZONTAL + VERTICAL - mask, mask)
    return image, mask


def _placed(x_bhwc: Tensor, quarters_b: Tensor, mirrored_b: Tensor, odd_b: Tensor) -> Tensor:
    x_bhwc = _where(mirrored_b, x_bhwc.flip(2), x_bhwc)
    x_bhwc = _where(odd_b, x_bhwc.transpose(1, 2), x_bhwc)
    x_bhwc = _where((quarters_b == 1) | (quarters_b == 2), x_bhwc.flip(1), x_bhwc)
    return _where(quarters_b >= 2, x_bhwc.flip(2), x_bhwc)


def _where(chosen_b: Tensor, yes_bhwc: Tensor, no_bhwc: Tensor) -> Tensor:
    return torch.where(chosen_b.view(-1, 1, 1, 1), yes_bhwc, no_bhwc)
