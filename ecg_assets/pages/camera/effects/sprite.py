"""Sprites: flat things drawn upright, then rotated and placed."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.pages.camera.effects.compositing import Image, Opacity, Piece

Points = npt.NDArray[np.float64]

# Fractions of a pixel that cv2 draws with, as bits.
SHIFT = 4


@dataclass(frozen=True)
class Sprite:
    """A thing, drawn upright.

    Attributes:
        colour_hwc: (h, w, 3) uint8.
        opacity_hw: (h, w) uint8.
    """

    colour_hwc: Image
    opacity_hw: Opacity

    def turned(self, angle_rad: float, centre_xy: Points, shape: tuple[int, int]) -> Piece:
        """The thing turned clockwise, its middle at `centre_xy` (pixels) of a picture of `shape`, which cuts it."""
        height, width = self.opacity_hw.shape
        turn = np.array([[np.cos(angle_rad), -np.sin(angle_rad)], [np.sin(angle_rad), np.cos(angle_rad)]])
        reach = np.abs(turn) @ np.array([width, height]) / 2 + 1
        first = np.clip(np.floor(centre_xy - reach), 0, shape[::-1]).astype(int)
        last = np.clip(np.ceil(centre_xy + reach), 0, shape[::-1]).astype(int)
        wide, high = (max(1, int(size)) for size in last - first)
        # Pixel centres are at +0.5, for OpenCV at whole numbers.
        shift = centre_xy - first - 0.5 - turn @ (np.array([width, height]) / 2 - 0.5)
        matrix = np.column_stack([turn, shift])
        colour = cv2.warpAffine(self.colour_hwc, matrix, (wide, high), borderMode=cv2.BORDER_REPLICATE)
        opacity = cv2.warpAffine(self.opacity_hw, matrix, (wide, high))
        return Piece(int(first[0]), int(first[1]), colour, opacity)


def fixed(points_xy: Points) -> npt.NDArray[np.int32]:
    """Points as cv2 takes them with `SHIFT`."""
    rounded: npt.NDArray[np.int32] = np.rint(points_xy * (1 << SHIFT)).astype(np.int32)
    return rounded


def round_rectangle(width: int, height: int, radius: int) -> Opacity:
    """(h, w) uint8: an opaque rectangle with round corners, one clear pixel around it."""
    opacity = np.zeros((height, width), dtype=np.uint8)
    reach = min(max(1, radius), max(1, min(width, height) // 2 - 2))
    corners = [(reach + 1, reach + 1), (max(reach + 1, width - reach - 2), max(reach + 1, height - reach - 2))]
    cv2.rectangle(opacity, (corners[0][0], 1), (corners[1][0], height - 2), 255, -1)
    cv2.rectangle(opacity, (1, corners[0][1]), (width - 2, corners[1][1]), 255, -1)
    for x, _ in corners:
        for _, y in corners:
            cv2.circle(opacity, (x, y), reach, 255, -1, cv2.LINE_AA)
    return opacity
