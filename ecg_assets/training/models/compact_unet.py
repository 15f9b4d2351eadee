"""A compact U-Net for semantic segmentation, built from operations that XLA compiles without a host fallback.

Resolution changes by moving pixels into channels and back (a 2 x 2 convolution with stride 2, and its
transpose, written as reshape and 1 x 1 convolution): pooling's and interpolation's backward passes are slow or
fall back to the host on XLA. GroupNorm keeps no running statistics, so replicas stay identical.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import group_norm

# Recomputes a function of tensors for the gradients, instead of storing its intermediate values; a `Runtime`'s.
Recompute = Callable[..., Tensor]

_CHANNELS_PER_GROUP = 8
_EPSILON = 1e-5


def pixels_to_channels(x_bchw: Tensor, side: int) -> Tensor:
    """(b, c, h, w) to (b, c * side^2, h / side, w / side); the inverse of `channels_to_pixels`."""
    b, c, h, w = x_bchw.shape
    patches = x_bchw.reshape(b, c, h // side, side, w // side, side)
    return patches.permute(0, 1, 3, 5, 2, 4).reshape(b, c * side * side, h // side, w // side)


def channels_to_pixels(x_bchw: Tensor, side: int) -> Tensor:
    """(b, c * side^2, h, w) to (b, c, h * side, w * side)."""
    b, c, h, w = x_bchw.shape
    patches = x_bchw.reshape(b, c // (side * side), side, side, h, w)
    return patches.permute(0, 1, 4, 2, 5, 3).reshape(b, c // (side * side), h * side, w * side)


class GroupNorm(nn.Module):
    """Group normalisation (Wu and He 2018) of groups of 8 channels, in f32.

    For XLA it is written as sums and products, because its lowering of torch's own takes half of a training step on a
    CPU. In plain torch the network trains up to twice as fast with torch's own.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.groups = max(1, channels // _CHANNELS_PER_GROUP)
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x_bchw: Tensor) -> Tensor:
        """(b, c, h, w) of any float type to the same shape, f32."""
        x = x_bchw.float()
        if x.device.type != "xla":
            return group_norm(x, self.groups, self.weight, self.bias, _EPSILON)
        return self._written_out(x)

    def _written_out(self, x: Tensor) -> Tensor:
        b, c = x.shape[:2]
        mean_bg = x.mean(dim=(2, 3)).view(b, self.groups, -1).mean(dim=2, keepdim=True)
        square_bg = (x * x).mean(dim=(2, 3)).view(b, self.groups, -1).mean(dim=2, keepdim=True)
        inverse_bg = torch.rsqrt((square_bg - mean_bg * mean_bg).clamp(min=0) + _EPSILON)
        scale_bc = inverse_bg.expand(b, self.groups, c // self.groups).reshape(b, c) * self.weight
        mean_bc = mean_bg.expand(b, self.groups, c // self.groups).reshape(b, c)
        shift_bc = self.bias - mean_bc * scale_bc
        return x * scale_bc.view(b, c, 1, 1) + shift_bc.view(b, c, 1, 1)


class _Block(nn.Sequential):
    """Two 3 x 3 convolutions, each with GroupNorm and ReLU."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__(
            nn.Conv2d(channels_in, channels, 3, padding=1, bias=False),
            GroupNorm(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            GroupNorm(channels),
            nn.ReLU(),
        )


class SegmentationNetwork(nn.Module):
    """Base of all networks: maps float images (b, 3, h, w) in -1..1 to logits (b, classes, h, w).

    Attributes:
        classes: channels of its logits.
        multiple_px: sides of an image must be multiples of this.
        recompute: computes blocks without storing their inner values for the gradients; None: they are stored.
    """

    classes: int
    multiple_px: int
    recompute: Recompute | None = None


class CompactUNet(SegmentationNetwork):
    """U-Net with a skip at each level; input and output have the same height and width.

    Args:
        classes: channels of the logits.
        widths: channels of each level, finest first; each level after the first halves the resolution.
        patch_px: side of the square of pixels that become channels of one position of the finest level; above
            1 the network is faster by its square and still classifies every pixel.
        refine: channels of a refinement head that sees every pixel, its neighbours and the levels' classes; 0: no head.
            It is initialised as an identity.
    """

    def __init__(self, classes: int, widths: Sequence[int], patch_px: int = 1, refine: int = 0) -> None:
        super().__init__()
        self.classes, self.patch_px = classes, patch_px
        self.multiple_px = patch_px * 2 ** (len(widths) - 1)
        self.first = _Block(3 * patch_px**2, widths[0])
        pairs = list(pairwise(widths))
        self.shrink = nn.ModuleList(nn.Conv2d(4 * fine, coarse, 1) for fine, coarse in pairs)
        self.down = nn.ModuleList(_Block(coarse, coarse) for _, coarse in pairs)
        self.grow = nn.ModuleList(nn.Conv2d(coarse, 4 * fine, 1) for fine, coarse in pairs)
        self.up = nn.ModuleList(_Block(2 * fine, fine) for fine, _ in pairs)
        self.blend = nn.Conv2d(widths[0] + 3 * patch_px**2, 2 * widths[0], 1)
        self.head = nn.Conv2d(2 * widths[0], classes * patch_px**2, 1)
        self.refine = _Refine(classes, refine) if refine else None

    def forward(self, image_bchw: Tensor) -> Tensor:
        """Float images (b, 3, h, w) in -1..1 to logits (b, classes, h, w).

        Height and width must be multiples of `multiple_px`.
        """
        pixels = pixels_to_channels(image_bchw, self.patch_px)
        x = self._through(self.first, pixels)
        skips: list[Tensor] = []
        for shrink, down in zip(self.shrink, self.down, strict=True):
            skips.append(x)
            x = self._through(down, shrink(pixels_to_channels(x, 2)))
        for grow, up in zip(reversed(self.grow), reversed(self.up), strict=True):
            x = self._through(up, torch.cat([channels_to_pixels(grow(x), 2), skips.pop()], dim=1))
        # The head sees the pixels again, because the exact edge of the ink is in them and not in the coarser levels.
        x = torch.relu(self.blend(torch.cat([x, pixels], dim=1)))
        logits = channels_to_pixels(self.head(x), self.patch_px)
        return logits if self.refine is None else logits + self.refine(image_bchw, logits)

    def _through(self, block: nn.Module, x_bchw: Tensor) -> Tensor:
        if self.recompute is None or not torch.is_grad_enabled():
            result: Tensor = block(x_bchw)
            return result
        # Weights are passed as arguments: those set by a functional call are gone when the block is recomputed.
        named = dict(block.named_parameters())

        def compute(x: Tensor, *weights: Tensor) -> Tensor:
            result: Tensor = functional_call(block, dict(zip(named, weights, strict=True)), (x,))
            return result

        return self.recompute(compute, x_bchw, *named.values())


class _Refine(nn.Module):
    """Refinement head: two 3 x 3 convolutions over the pixels and their class probabilities, added to the logits."""

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.look = nn.Conv2d(3 + classes, channels, 3, padding=1)
        self.say = nn.Conv2d(channels, classes, 3, padding=1)

    def forward(self, image_bchw: Tensor, logits_bchw: Tensor) -> Tensor:
        """(b, 3, h, w) and (b, classes, h, w) to (b, classes, h, w)."""
        p_bchw = torch.softmax(logits_bchw, dim=1)
        added: Tensor = self.say(torch.relu(self.look(torch.cat([image_bchw, p_bchw], dim=1))))
        return added


def normalise(image_bhwc: Tensor) -> Tensor:
    """uint8 RGB (b, h, w, 3) to float (b, 3, h, w) in -1..1, on the tensor's device."""
    return image_bhwc.permute(0, 3, 1, 2).float() / 127.5 - 1.0


def initialise(network: nn.Module, seed: int) -> None:
    """Sets He-normal convolutions and zero biases, from its own generator: replica threads share the global one."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for module in network.modules():
        if isinstance(module, _Refine):
            nn.init.zeros_(module.say.weight)
