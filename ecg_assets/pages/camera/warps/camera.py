"""Cameras: homographies from millimetres of flat paper to pixels of the picture."""

import cv2
import numpy as np
import numpy.typing as npt

Camera = npt.NDArray[np.float64]

_SCAN_TURN_DEG, _SCAN_SHEAR_DEG, _SCAN_STRETCH = 3.0, 0.4, 0.02
_PHOTO_TURN_DEG, _PHOTO_CORNER_SHARE = 9.0, 0.13


def upright_camera(px_per_mm: float) -> Camera:
    """The page as it is drawn."""
    return np.diag([px_per_mm, px_per_mm, 1.0])


def scan_camera(
    paper_mm: tuple[float, float], size_px: tuple[int, int], rng: np.random.Generator, strength: float
) -> Camera:
    """A scanner's glass: the paper nearly fills the picture, lies a little askew and is a little stretched.

    Args:
        paper_mm: width and height of the paper.
        size_px: width and height of the picture.
        rng: for the turn (up to 3 degrees), shear (0.4 degrees) and stretch (2 %).
        strength: 0 to 1.

    Returns:
        (3, 3) float64, mm to px.
    """
    turn, shear = (np.deg2rad(rng.uniform(-most, most) * strength) for most in (_SCAN_TURN_DEG, _SCAN_SHEAR_DEG))
    stretch = 1 + rng.uniform(-_SCAN_STRETCH, _SCAN_STRETCH) * strength
    scale = min(size / side for size, side in zip(size_px, paper_mm, strict=True)) * (1 - 0.03 * strength)
    shift = rng.uniform(-0.01, 0.01, 2) * strength * np.array(size_px)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear = rotation @ np.array([[scale * stretch, scale * np.tan(shear)], [0, scale / stretch]])
    camera = np.eye(3)
    camera[:2, :2] = linear
    camera[:2, 2] = np.array(size_px) / 2 + shift - linear @ (np.array(paper_mm) / 2)
    return camera


def photo_camera(
    paper_mm: tuple[float, float], size_px: tuple[int, int], rng: np.random.Generator, strength: float
) -> Camera:
    """A phone held over the paper: perspective, a turn of up to 9 degrees, at high strength a part out of the frame.

    Returns:
        (3, 3) float64, mm to px.
    """
    corners_mm = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * paper_mm
    filled = rng.uniform(0.86, 0.96 + 0.3 * strength)
    scale = min(size / side for size, side in zip(size_px, paper_mm, strict=True)) * filled
    turn = np.deg2rad(rng.uniform(-_PHOTO_TURN_DEG, _PHOTO_TURN_DEG) * strength)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * scale
    flat = (corners_mm - np.array(paper_mm) / 2) @ rotation.T
    # Corners move inwards only, so that the paper always stays convex.
    inwards = 1 - rng.uniform(0, _PHOTO_CORNER_SHARE * 2 * strength, (4, 1))
    shift = rng.uniform(-0.06, 0.06, 2) * strength * np.array(size_px)
    corners_px = flat * inwards + np.array(size_px) / 2 + shift
    camera: Camera = cv2.getPerspectiveTransform(corners_mm.astype(np.float32), corners_px.astype(np.float32))
    return camera


def view(camera: Camera, left_px: float, top_px: float, cut_px: float, side_px: int) -> Camera:
    """The square of a picture whose upper left is (`left_px`, `top_px`) and side `cut_px`, scaled to `side_px`."""
    scale = side_px / cut_px
    cut = np.array([[scale, 0, -scale * left_px], [0, scale, -scale * top_px], [0, 0, 1]])
    seen: Camera = cut @ camera
    return seen
