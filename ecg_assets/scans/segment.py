"""Segments a scanned or photographed page with a trained network."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from ecg_assets.pages.raster.png import encode
from ecg_assets.scans.grid_scale import GridScale, find_scale
from ecg_assets.scans.image import PX_PER_MM, Rgb, UprightPage, page_of, page_scale, read_image
from ecg_assets.scans.orientation.detect import quarter_turns
from ecg_assets.scans.overlay import overlay
from ecg_assets.scans.small_components import without_specks
from ecg_assets.scans.tiles import TILE_PX, Predict, Scores, predict_page
from ecg_assets.training.label_map import class_names

ScaleFrom = Literal["grid", "page size"]

# Places at which a page's scale is measured, as shares of height and width.
_LOOKED_AT = ((0.3, 0.3), (0.3, 0.7), (0.7, 0.3), (0.7, 0.7), (0.5, 0.5))
# Factors of the page's width at 200 dpi: for a picture of half a page, and for a page that fills half of the picture.
_TRIED = (1.0, 0.6, 1.6)
_RESCALED_ABOVE = 1.04


@dataclass(frozen=True)
class Segmentation:
    """The segmentation of one image.

    Attributes:
        page: the image at the network's scale.
        mask_hw: (h, w) uint8 classes, with the file's size and orientation.
        classes: number of the network's classes, 3 or 5.
        confidence: mean probability of the predicted classes, over all pixels except background.
        px_per_mm: across and down the file's picture.
        scale_from: source of that scale.
        turn_confidence: confidence of the quarter turn, 0.25 to 1.
    """

    page: UprightPage
    mask_hw: npt.NDArray[np.uint8]
    classes: int
    confidence: float
    px_per_mm: tuple[float, float]
    scale_from: ScaleFrom
    turn_confidence: float

    def mask_png(self) -> bytes:
        """The mask as an 8-bit grey PNG."""
        return encode(self.mask_hw)

    def overlay_png(self, image_hwc: Rgb) -> bytes:
        """The mask over the file's picture, as an RGB PNG."""
        target = io.BytesIO()
        Image.fromarray(overlay(image_hwc, self.mask_hw, self.classes)).save(target, "PNG", compress_level=1)
        return target.getvalue()

    def info(self) -> dict[str, Any]:
        """Facts for people and programs, as JSON values."""
        counts = np.bincount(self.mask_hw.ravel(), minlength=self.classes) / self.mask_hw.size
        shares = {name: round(float(share), 5) for name, share in zip(class_names(self.classes), counts, strict=True)}
        height, width = self.mask_hw.shape
        return {
            "width_px": width,
            "height_px": height,
            "px_per_mm_x": round(self.px_per_mm[0], 3),
            "px_per_mm_y": round(self.px_per_mm[1], 3),
            "scale_from": self.scale_from,
            "quarter_turns_counter_clockwise": self.page.quarter_turns,
            "turn_confidence": round(self.turn_confidence, 4),
            "class_shares": shares,
            "confidence": round(self.confidence, 4),
        }


class Segmenter:
    """Segments pages with a loaded network."""

    def __init__(self, predict: Predict, classes: int) -> None:
        """Takes the network's function: `predict` returns tiles' probabilities, see `tiles.predict_page`."""
        self._predict, self.classes = predict, classes

    @classmethod
    def load(cls, checkpoint: Path) -> "Segmenter":
        """Loads a checkpoint's network and runs it with torch.

        Raises:
            CheckpointError: the file does not exist or is not a checkpoint.
        """
        from ecg_assets.scans.torch_predictor import torch_predictor  # not needed, and perhaps not installed, for ONNX

        return cls(*torch_predictor(checkpoint))

    @classmethod
    def load_onnx(cls, path: Path) -> "Segmenter":
        """Loads an exported network and runs it with onnxruntime; torch is not needed.

        Raises:
            OnnxError: the file cannot be used, or onnxruntime is not installed.
        """
        from ecg_assets.training.export.onnx_network import OnnxNetwork

        network = OnnxNetwork(path)
        return cls(network.predict, network.classes)

    def segment(self, path: Path) -> Segmentation:
        """Segments one image file.

        Raises:
            UnreadableImageError: it is not an image, too small or too large.
        """
        return self.segment_image(read_image(path))

    def segment_image(self, image_hwc: Rgb) -> Segmentation:
        """Segments a picture of a page, (h, w, 3) uint8, in any quarter turn and at any scale."""
        page, grid, scores, turn_confidence = self.probabilities(image_hwc)
        mask_hw = without_specks(scores.argmax(axis=0).astype(np.uint8), self.classes - 1, PX_PER_MM)
        across, down = _px_per_mm(page, grid)
        return Segmentation(
            page=page,
            mask_hw=page.as_in_file(mask_hw),
            classes=self.classes,
            confidence=_confidence(scores, mask_hw),
            px_per_mm=(down, across) if page.quarter_turns % 2 else (across, down),
            scale_from="page size" if grid is None else "grid",
            turn_confidence=turn_confidence,
        )

    def probabilities(self, image_hwc: Rgb) -> tuple[UprightPage, GridScale | None, Scores, float]:
        """The upright, scaled picture; the scale from its grid; its pixels' probabilities, (classes, h, w) float32,
        0 to 1; and the confidence of the turn, 0.25 to 1."""
        rough = page_of(image_hwc, 0, page_scale(image_hwc))
        turns, turn_confidence = quarter_turns(rough.image_hwc)
        page, grid = self._scaled(image_hwc, turns)
        return page, grid, predict_page(page.image_hwc, self._predict, self.classes), turn_confidence

    def _scaled(self, image_hwc: Rgb, turns: int) -> tuple[UprightPage, GridScale | None]:
        """The page at the networks' training scale, with the scale from its grid."""
        rough = page_scale(image_hwc)
        for share in _TRIED:
            page = page_of(image_hwc, turns, rough * share)
            grid = self._grid(page.image_hwc)
            if grid is None:
                continue
            wanted = page.scale * PX_PER_MM / grid.px_per_mm
            if max(wanted / page.scale, page.scale / wanted) < _RESCALED_ABOVE:
                return page, grid
            scaled = page_of(image_hwc, turns, wanted)
            step = scaled.scale / page.scale
            return scaled, GridScale(grid.px_per_mm_x * step, grid.px_per_mm_y * step, grid.score)
        return page_of(image_hwc, turns, rough), None

    def _grid(self, image_hwc: Rgb) -> GridScale | None:
        """The scale from predictions for some tiles; 3-class networks do not distinguish line directions."""
        scores = self._predict(np.stack(_tiles(image_hwc)))
        if self.classes == 5:
            upright, level = scores[:, 2] + scores[:, 3], scores[:, 1] + scores[:, 3]
        else:
            upright = level = scores[:, 1]
        return find_scale(list(upright), list(level))


def _tiles(image_hwc: Rgb) -> list[Rgb]:
    missing = [max(0, TILE_PX - side) for side in image_hwc.shape[:2]]
    padded = np.pad(image_hwc, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
    room_y, room_x = (side - TILE_PX for side in padded.shape[:2])
    places = sorted({(round(room_y * y), round(room_x * x)) for y, x in _LOOKED_AT})
    return [padded[y : y + TILE_PX, x : x + TILE_PX] for y, x in places]


def _px_per_mm(page: UprightPage, grid: GridScale | None) -> tuple[float, float]:
    """Scale of the file's picture, along the page's rows and columns."""
    if grid is None:
        return PX_PER_MM / page.scale, PX_PER_MM / page.scale
    return grid.px_per_mm_x / page.scale, grid.px_per_mm_y / page.scale


def _confidence(scores: Scores, mask_hw: npt.NDArray[np.uint8]) -> float:
    chosen = scores.max(axis=0)[mask_hw > 0]
    return float(chosen.mean()) if chosen.size else 0.0
