"""A small network that classifies the quarter turn of a piece of a page, by letters, traces and heartbeats."""

from pathlib import Path

import torch
from torch import Tensor, nn

from ecg_assets.scans.orientation.detect import SEEN_PX
from ecg_assets.store.atomic import atomic_path

_WIDTHS = (12, 24, 32, 48, 64)


class TurnNetwork(nn.Module):
    """Maps pieces (b, 1, 256, 256), from `detect.as_seen`, to logits (b, 4) of their turn.

    The turn is in quarter turns, counter-clockwise, from the upright page.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 1
        for width in _WIDTHS:
            # BatchNorm, because its scale is the same for all pieces: the amount of ink per direction matters.
            layers += [nn.Conv2d(before, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        self.body = nn.Sequential(*layers)
        # The mean shows the direction of the traces, the maximum the presence of letters.
        self.head = nn.Linear(2 * before, 4)

    def forward(self, seen_bchw: Tensor) -> Tensor:
        """Logits of the four turns."""
        x = self.body(seen_bchw)
        logits: Tensor = self.head(torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1))
        return logits


def save_as_onnx(path: Path, network: TurnNetwork) -> None:
    """Writes it as ONNX for one piece at a time, as `turns` reads it."""
    with atomic_path(path) as temporary:
        torch.onnx.export(network.eval(), (torch.zeros(1, 1, SEEN_PX, SEEN_PX),), str(temporary), dynamo=False)
