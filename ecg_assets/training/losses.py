"""Weighted cross entropy and Dice, per sample.

Each sample's loss depends on that sample alone and is divided by its number of pixels, never by the weights or
the classes that happen to be in a batch. The mean over replicas is therefore the mean over one big batch, and so
are the gradients.
"""

import torch
from torch import Tensor

# In pixels; a class that is absent, and predicted nowhere, has Dice 1.
_DICE_SMOOTH = 1.0


def sample_losses(logits_bchw: Tensor, mask_bhw: Tensor, class_weights_c: Tensor, dice_weight: float) -> Tensor:
    """Loss of each sample: cross entropy weighted by class, plus `dice_weight` times (1 - mean Dice over classes).

    Args:
        logits_bchw: any float type; the loss is computed in f32.
        mask_bhw: integer classes.
        class_weights_c: float, on the logits' device.
        dice_weight: of the Dice part (Milletari et al. 2016, without squares in the denominator).

    Returns:
        (b,) f32.
    """
    truth_bchw = one_hot(mask_bhw, logits_bchw.shape[1])
    log_p_bchw = torch.log_softmax(logits_bchw.float(), dim=1)
    weighted_bchw = truth_bchw * log_p_bchw * class_weights_c.view(1, -1, 1, 1)
    cross_entropy_b = -weighted_bchw.sum(dim=(1, 2, 3)) / mask_bhw[0].numel()
    p_bchw = log_p_bchw.exp()
    overlap_bc = (p_bchw * truth_bchw).sum(dim=(2, 3))
    size_bc = p_bchw.sum(dim=(2, 3)) + truth_bchw.sum(dim=(2, 3))
    dice_bc = (2 * overlap_bc + _DICE_SMOOTH) / (size_bc + _DICE_SMOOTH)
    return cross_entropy_b + dice_weight * (1 - dice_bc.mean(dim=1))


def one_hot(mask_bhw: Tensor, classes: int) -> Tensor:
    """(b, h, w) classes to (b, c, h, w) f32 of zeros and ones; by comparison, since XLA scatters slowly."""
    numbers = torch.arange(classes, device=mask_bhw.device, dtype=torch.int32).view(1, -1, 1, 1)
    return (mask_bhw.unsqueeze(1).to(torch.int32) == numbers).float()
