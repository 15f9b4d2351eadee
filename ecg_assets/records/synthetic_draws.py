"""Draws and turns that several waves need."""

import numpy as np

from ecg_assets.records.synthetic_leads import Array


def about(rng: np.random.Generator, value: float, spread: float) -> float:
    """A draw around a value, its tails cut at two standard deviations."""
    return float(value + spread * np.clip(rng.normal(), -2, 2))


def about_y(angle: float) -> Array:
    """(3, 3) rotation in the horizontal plane, from the left to the back."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])


def about_z(angle: float) -> Array:
    """(3, 3) rotation in the frontal plane, from the left to the feet."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
