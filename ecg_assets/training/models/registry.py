"""Builds networks by name: the compact U-Net in any size, and those of segmentation-models-pytorch."""

import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ecg_assets.training.config import SMP_MULTIPLE_PX, ConfigError, TrainConfig
from ecg_assets.training.models.compact_unet import CompactUNet, SegmentationNetwork, initialise
from ecg_assets.training.models.xla_upsampling import UpsamplingByRepeating

_ZOO = "smp/"
# Replicas that are threads of one process share torch's global generator.
_GENERATOR_LOCK = threading.Lock()


class NetworkSpec(BaseModel):
    """The parameters that define a network.

    Attributes:
        network: `compact`, or `smp/<architecture>/<encoder>`.
        classes: channels of the logits.
        widths, patch_px, refine: of the compact U-Net.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: str = "compact"
    classes: int
    widths: tuple[int, ...] = ()
    patch_px: int = 1
    refine: int = 0

    @classmethod
    def of(cls, config: TrainConfig) -> "NetworkSpec":
        """The config's."""
        if config.network.startswith(_ZOO):
            return cls(network=config.network, classes=config.classes)
        return cls(classes=config.classes, widths=config.level_widths, patch_px=config.patch_px, refine=config.refine)

    def build(self) -> SegmentationNetwork:
        """Builds the network without setting its weights.

        Raises:
            ConfigError: segmentation-models-pytorch has no network of that name.
        """
        if self.network.startswith(_ZOO):
            return ZooNetwork(self.network, self.classes)
        return CompactUNet(self.classes, self.widths, self.patch_px, self.refine)


class ZooNetwork(SegmentationNetwork):
    """A network of segmentation-models-pytorch."""

    multiple_px = SMP_MULTIPLE_PX

    def __init__(self, name: str, classes: int) -> None:
        """`name` is `smp/<architecture>/<encoder>`.

        Raises:
            ConfigError: it has no network of that name.
        """
        super().__init__()
        # Imported here because it takes seconds, which other networks do not need.
        import segmentation_models_pytorch as smp

        _, architecture, encoder = name.split("/", 2)
        try:
            self.body: Any = smp.create_model(architecture, encoder, encoder_weights=None, classes=classes)
        except (KeyError, RuntimeError, ValueError) as error:
            raise ConfigError(
                f"network is {name}, but segmentation-models-pytorch makes nothing of it: {error}; "
                "expected smp/<architecture>/<encoder>, e.g. smp/unet/efficientnet-b0"
            ) from error
        self.classes = classes

    def forward(self, image_bchw: Tensor) -> Tensor:
        """Float images (b, 3, h, w) in -1..1 to logits (b, classes, h, w)."""
        with UpsamplingByRepeating() if image_bchw.device.type == "xla" else nullcontext():
            logits: Tensor = self.body(image_bchw)
        return logits


def build_to_train(config: TrainConfig) -> SegmentationNetwork:
    """The config's network with its initial weights: the same for the same seed, in any thread.

    Raises:
        ConfigError: the network does not exist, or its encoder's weights cannot be used.
    """
    with _GENERATOR_LOCK, torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = NetworkSpec.of(config).build()
    if not isinstance(network, ZooNetwork):
        initialise(network, config.seed)
    elif config.encoder_weights is not None:
        _load_encoder(network, Path(config.encoder_weights))
    return network.train()


def _load_encoder(network: ZooNetwork, path: Path) -> None:
    try:
        weights = load_file(path)
        network.body.encoder.load_state_dict(weights)
    except (OSError, SafetensorError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise ConfigError(
            f"encoder_weights is {path}, which does not fit the encoder ({first}); give a safetensors file of the "
            "encoder's state dict, or leave encoder_weights out"
        ) from error
