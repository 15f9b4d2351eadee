"""Stores a network's weights in one vector, so that clipping, collective and optimizer are one operation each.

An optimizer needs about ten operations per tensor, and XLA traces each of them in every step. With one tensor per
layer, that takes longer than everything else in the step of a small network.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call


class FlatNetwork:
    """Calls a network with weights from `vector`, the only parameter.

    Attributes:
        vector: all weights, in the order of the network's named parameters; f32, on the device.
        buffers: the network's other state (running statistics of BatchNorm), by name, on the device; training changes
            them.
    """

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        """Copies the network's present weights and buffers."""
        named = dict(network.named_parameters())
        self._network = network
        self._shapes = {name: parameter.shape for name, parameter in named.items()}
        self._sizes = [parameter.numel() for parameter in named.values()]
        flat = torch.cat([parameter.detach().flatten() for parameter in named.values()])
        self.vector = nn.Parameter(flat.to(device))
        self.buffers = {name: buffer.detach().to(device) for name, buffer in network.named_buffers()}

    def __call__(self, image_bchw: Tensor, vector: Tensor | None = None) -> Tensor:
        """The network's output, with its own weights or those of another `vector`."""
        weights = self.named(self.vector if vector is None else vector)
        outputs: Tensor = functional_call(self._network, {**weights, **self.buffers}, (image_bchw,))
        return outputs

    def train(self, training: bool) -> None:
        """Sets whether BatchNorm uses and updates batch statistics, or uses its running statistics."""
        self._network.train(training)

    @property
    def running(self) -> dict[str, Tensor]:
        """The buffers that differ between replicas: those of floating point."""
        return {name: buffer for name, buffer in self.buffers.items() if buffer.is_floating_point()}

    def named(self, vector: Tensor) -> dict[str, Tensor]:
        """Splits a vector as long as `vector` (weights, or the optimizer's moments) into tensors by name."""
        # The backward pass of one split is one concatenation; that of separate slices is a padded sum for each.
        parts = torch.split(vector, self._sizes)
        return {name: part.view(shape) for (name, shape), part in zip(self._shapes.items(), parts, strict=True)}

    def flat(self, named: Mapping[str, Tensor]) -> Tensor:
        """The inverse of `named`.

        Raises:
            KeyError, ValueError: a tensor is missing, or its shape is not the network's.
        """
        for name, shape in self._shapes.items():
            if named[name].shape != shape:
                raise ValueError(f"{name} has shape {list(named[name].shape)}, the network's has {list(shape)}")
        return torch.cat([named[name].flatten() for name in self._shapes])

    def set_buffers(self, named: Mapping[str, Tensor]) -> None:
        """Sets the buffers from tensors on any device.

        Raises:
            KeyError: one is missing.
        """
        device = self.vector.device
        self.buffers = {name: named[name].to(device) for name in self.buffers}
