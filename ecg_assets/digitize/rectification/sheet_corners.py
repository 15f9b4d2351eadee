"""Finds the corners of a sheet of paper in a picture, and its format."""

import cv2
import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]

# Letter and A4 on their long side, mm.
FORMATS_MM: dict[str, tuple[float, float]] = {"Letter": (279.4, 215.9), "A4": (297.0, 210.0)}
# Sides are known to a percent or so; the formats' shapes are 9 % apart.
_ALIKE = 0.03
_LEAST_AREA = 0.3
_FILLING = 0.02
_SEEN_PX = 1200
# The part of a side between its rounded, dented or folded corners.
_INNER, _NEAR = (0.1, 0.9), 0.02


def paper_corners(image_hwc: npt.NDArray[np.uint8]) -> Points:
    """(4, 2) float64 px: upper left, upper right, lower right, lower left corner of the sheet; pixels' edges count.

    The largest bright quadrilateral if there is one; otherwise the picture's frame.

    Args:
        image_hwc: (h, w, 3) uint8 RGB, upright.
    """
    height, width = image_hwc.shape[:2]
    frame = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)
    scale = _SEEN_PX / max(height, width)
    small = cv2.resize(image_hwc.max(axis=2), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    bright = cv2.threshold(cv2.medianBlur(small, 9), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[1]
    bright = cv2.morphologyEx(bright, cv2.MORPH_CLOSE, np.ones((49, 49), np.uint8))
    contours = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    if not contours:
        return frame
    contour = max(contours, key=cv2.contourArea)
    outline = cv2.convexHull(contour)
    corners = cv2.approxPolyDP(outline, 0.02 * cv2.arcLength(outline, True), True)[:, 0].astype(np.float64)
    if len(corners) != 4 or cv2.contourArea(outline) < _LEAST_AREA * small.size:
        return frame
    corners = (_sharpened(_in_order(corners), contour[:, 0].astype(np.float64)) + 0.5) / scale
    # A sheet that fills the picture ends at its frame; noise and rounded corners are ignored.
    filling = np.hypot(*(corners - frame).T) <= _FILLING * max(height, width)
    return frame if filling.all() else corners


def format_of(corners: Points) -> str | None:
    """The format of a landscape sheet by its shape; None if it fits none of `FORMATS_MM`."""
    upper_left, upper_right, lower_right, lower_left = corners
    across = np.hypot(*(upper_right - upper_left + lower_right - lower_left))
    down = np.hypot(*(lower_left - upper_left + lower_right - upper_right))
    away = {name: abs(np.log(across / max(down, 1e-9) * low / wide)) for name, (wide, low) in FORMATS_MM.items()}
    nearest = min(away, key=lambda name: away[name])
    return nearest if away[nearest] <= _ALIKE else None


def _in_order(corners: Points) -> Points:
    """Clockwise from the upper left."""
    around = corners - corners.mean(axis=0)
    turned = corners[np.argsort(np.arctan2(around[:, 1], around[:, 0]))]
    return np.roll(turned, -int(turned.sum(axis=1).argmin()), axis=0)


def _sharpened(corners: Points, contour: Points) -> Points:
    """Intersections of straight lines through the sides' inner parts."""
    sides = []
    for begin, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        way = end - begin
        length = float(np.hypot(*way))
        along = (contour - begin) @ way / length**2
        away = np.abs((contour - begin) @ np.array([-way[1], way[0]])) / length
        near = contour[(along > _INNER[0]) & (along < _INNER[1]) & (away < _NEAR * length)]
        if len(near) < 2:
            return corners
        line = cv2.fitLine(near.astype(np.float32), cv2.DIST_HUBER, 0, 0.01, 0.01)
        x, y, x0, y0 = (float(value) for value in line.ravel())
        # Points p of the line: (-y, x) . p is the same for all.
        sides.append((x, y, -y * x0 + x * y0))
    crossed = []
    for (x, y, at), (other_x, other_y, other_at) in zip(sides[-1:] + sides[:-1], sides, strict=True):
        normals = np.array([[-y, x], [-other_y, other_x]])
        crossed.append(np.linalg.solve(normals, np.array([at, other_at])))
    return np.array(crossed)
