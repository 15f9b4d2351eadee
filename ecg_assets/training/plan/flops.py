"""The arithmetic that a network needs, counted; not what a machine makes of it by padding."""

import copy

import torch
from torch.utils.flop_counter import FlopCounterMode

from ecg_assets.training.models.compact_unet import SegmentationNetwork


def training_flops(network: SegmentationNetwork, side_px: int) -> float:
    """Products and sums of a training step with one sample: convolutions and matrix products, forward and backward.

    Args:
        network: is left as it is.
        side_px: of the square sample.
    """
    # Without values: nothing is computed.
    counted = copy.deepcopy(network).to("meta").train()
    counted.recompute = None  # what is computed twice is useful once
    with FlopCounterMode(display=False) as counter:
        logits_bchw = counted(torch.empty(1, 3, side_px, side_px, device="meta"))
        logits_bchw.sum().backward()
    return float(counter.get_total_flops())
