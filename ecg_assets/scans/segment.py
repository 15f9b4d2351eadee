"""Reads the classes of every pixel of a scanned or photographed page with a trained network."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from ecg_assets.pages.png import encode
from ecg_assets.scans.overlay import overlay
from ecg_assets.scans.page import UprightPage, read_image, upright
from ecg_assets.scans.tiles import Scores, predict_page
from ecg_assets.training.checkpoint import load_network
from ecg_assets.training.class_map import class_names
from ecg_assets.training.network import SegmentationNetwork, normalise


@dataclass(frozen=True)
class Segmentation:
    """What was read in one image.

    Attributes:
        page: the image as the network saw it; mask and overlay have its size and position.
        mask_hw: (h, w) uint8 classes.
        classes: how many the network tells apart, 3 or 5.
    """

    page: UprightPage
    mask_hw: npt.NDArray[np.uint8]
    classes: int

    def mask_png(self) -> bytes:
        """The mask as an 8-bit grey PNG."""
        return encode(self.mask_hw)

    def overlay_png(self) -> bytes:
        """The mask laid over the page, as an RGB PNG."""
        target = io.BytesIO()
        drawn = overlay(self.page.image_hwc, self.mask_hw, self.classes)
        Image.fromarray(drawn).save(target, "PNG", compress_level=1)
        return target.getvalue()

    def info(self) -> dict[str, Any]:
        """Numbers for people: size, position, and each class's share of the pixels."""
        counts = np.bincount(self.mask_hw.ravel(), minlength=self.classes) / self.mask_hw.size
        shares = {name: round(float(share), 5) for name, share in zip(class_names(self.classes), counts, strict=True)}
        height, width = self.mask_hw.shape
        return {"width_px": width, "height_px": height, "turned": self.page.turned, "class_shares": shares}


class Segmenter:
    """A network that is ready to read pages."""

    def __init__(self, network: SegmentationNetwork) -> None:
        self._network = network.eval()
        self.classes = network.classes

    @classmethod
    def load(cls, checkpoint: Path) -> "Segmenter":
        """Loads a checkpoint's network.

        Raises:
            CheckpointError: there is no such file, or it is no checkpoint.
        """
        return cls(load_network(checkpoint))

    def segment(self, path: Path) -> Segmentation:
        """Reads one image file.

        Raises:
            UnreadableImageError: it is no image, or too small.
        """
        return self.segment_page(upright(read_image(path)))

    def segment_page(self, page: UprightPage) -> Segmentation:
        """Reads a page that lies as it should."""
        scores = predict_page(page.image_hwc, self._predict, self.classes)
        return Segmentation(page, scores.argmax(axis=0).astype(np.uint8), self.classes)

    def _predict(self, tiles_bhwc: npt.NDArray[np.uint8]) -> Scores:
        with torch.inference_mode():
            logits_bchw = self._network(normalise(torch.from_numpy(tiles_bhwc)))
            probabilities: Scores = logits_bchw.softmax(dim=1).numpy()
        return probabilities
