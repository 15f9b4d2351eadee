"""Computes per-sample losses: weighted cross entropy, Dice, focal, and a boundary loss that tolerates displaced lines.

Each sample's loss depends on that sample only and is divided by its number of pixels, never by the weights or classes
present in a batch. The mean over replicas therefore equals the mean over one large batch, and so do the gradients.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from ecg_assets.training.config import TrainConfig

# In pixels; a class that is neither present nor predicted has Dice 1.
_DICE_SMOOTH = 1.0


@dataclass(frozen=True)
class LossTerms:
    """Weights of the loss terms; a term of weight 0 is not computed. `TrainConfig` describes them."""

    cross_entropy: float = 1.0
    dice: float = 1.0
    focal: float = 0.0
    focal_gamma: float = 2.0
    boundary: float = 0.0
    boundary_px: int = 1
    label_smoothing: float = 0.0

    @classmethod
    def of(cls, config: TrainConfig) -> "LossTerms":
        """The config's."""
        return cls(
            cross_entropy=config.cross_entropy_weight,
            dice=config.dice_weight,
            focal=config.focal_weight,
            focal_gamma=config.focal_gamma,
            boundary=config.boundary_weight,
            boundary_px=config.boundary_px,
            label_smoothing=config.label_smoothing,
        )


def sample_losses(logits_bchw: Tensor, mask_bhw: Tensor, class_weights_c: Tensor, terms: LossTerms) -> Tensor:
    """Loss of each sample: the weighted sum of the terms.

    Args:
        logits_bchw: any float type; the loss is computed in f32.
        mask_bhw: integer classes.
        class_weights_c: float, on the logits' device; of cross entropy and focal loss.
        terms: weights of the terms.

    Returns:
        (b,) f32.
    """
    truth_bchw = one_hot(mask_bhw, logits_bchw.shape[1])
    log_p_bchw = torch.log_softmax(logits_bchw.float(), dim=1)
    p_bchw = log_p_bchw.exp()
    losses_b = torch.zeros_like(log_p_bchw[:, 0, 0, 0])
    if terms.cross_entropy:
        losses_b = losses_b + terms.cross_entropy * _cross_entropy(log_p_bchw, truth_bchw, class_weights_c, terms)
    if terms.dice:
        losses_b = losses_b + terms.dice * _dice(p_bchw, truth_bchw)
    if terms.focal:
        easy_bchw = (1 - p_bchw).clamp(min=0) ** terms.focal_gamma
        losses_b = losses_b + terms.focal * _per_pixel(-truth_bchw * easy_bchw * log_p_bchw, class_weights_c)
    if terms.boundary:
        losses_b = losses_b + terms.boundary * _boundary(p_bchw[:, 1:], truth_bchw[:, 1:], terms.boundary_px)
    return losses_b


def one_hot(mask_bhw: Tensor, classes: int) -> Tensor:
    """(b, h, w) classes to (b, c, h, w) f32 of zeros and ones; by comparison, since XLA scatters slowly."""
    numbers = torch.arange(classes, device=mask_bhw.device, dtype=torch.int32).view(1, -1, 1, 1)
    return (mask_bhw.unsqueeze(1).to(torch.int32) == numbers).float()


def _cross_entropy(log_p_bchw: Tensor, truth_bchw: Tensor, class_weights_c: Tensor, terms: LossTerms) -> Tensor:
    smoothing = terms.label_smoothing
    if smoothing:
        truth_bchw = truth_bchw * (1 - smoothing) + smoothing / truth_bchw.shape[1]
    return _per_pixel(-truth_bchw * log_p_bchw, class_weights_c)


def _per_pixel(parts_bchw: Tensor, class_weights_c: Tensor) -> Tensor:
    pixels = parts_bchw.shape[2] * parts_bchw.shape[3]
    return (parts_bchw * class_weights_c.view(1, -1, 1, 1)).sum(dim=(1, 2, 3)) / pixels


def _dice(p_bchw: Tensor, truth_bchw: Tensor) -> Tensor:
    """1 - mean Dice over classes (Milletari et al. 2016, without squares in the denominator)."""
    overlap_bc = (p_bchw * truth_bchw).sum(dim=(2, 3))
    size_bc = p_bchw.sum(dim=(2, 3)) + truth_bchw.sum(dim=(2, 3))
    return 1 - ((2 * overlap_bc + _DICE_SMOOTH) / (size_bc + _DICE_SMOOTH)).mean(dim=1)


def _boundary(p_bchw: Tensor, truth_bchw: Tensor, reach_px: int) -> Tensor:
    """1 - mean over classes of a soft F score with a tolerance, as in boundary detection (Martin et al. 2004).

    Precision counts predicted pixels within `reach_px` of the truth; recall counts true pixels within `reach_px` of a
    prediction.
    """
    near_truth, near_p = widened(truth_bchw, reach_px), widened(p_bchw, reach_px)
    precision_bc = _share(p_bchw * near_truth, p_bchw)
    recall_bc = _share(truth_bchw * near_p, truth_bchw)
    return 1 - (2 * precision_bc * recall_bc / (precision_bc + recall_bc + 1e-6)).mean(dim=1)


def _share(part_bchw: Tensor, whole_bchw: Tensor) -> Tensor:
    return (part_bchw.sum(dim=(2, 3)) + _DICE_SMOOTH) / (whole_bchw.sum(dim=(2, 3)) + _DICE_SMOOTH)


def widened(x_bchw: Tensor, reach_px: int) -> Tensor:
    """The maximum in the square of `reach_px` around each pixel; by shifts, because XLA's pooling is slow backward."""
    height, width = x_bchw.shape[2:]
    across = pad(x_bchw, (reach_px, reach_px, 0, 0))
    wide = x_bchw
    for shift in range(2 * reach_px + 1):
        wide = torch.maximum(wide, across[..., shift : shift + width])
    down = pad(wide, (0, 0, reach_px, reach_px))
    for shift in range(2 * reach_px + 1):
        wide = torch.maximum(wide, down[..., shift : shift + height, :])
    return wide
