"""Waves of a beat as sums of Gaussians, each with its own dipole."""

from dataclasses import dataclass, replace

import numpy as np

from ecg_assets.records.synthetic.dower import Array, project

_VISIBLE_MV = 0.04


@dataclass(frozen=True)
class Gaussians:
    """A sum of k Gaussians.

    Attributes:
        centre_ms: (k,) times from the wave's reference.
        width_ms: (k,) standard deviations.
        dipole_mv: (k, 3) peak x, y, z.
    """

    centre_ms: Array
    width_ms: Array
    dipole_mv: Array

    @classmethod
    def of(cls, *rows: tuple[float, float, float, float, float]) -> "Gaussians":
        """From rows of (centre_ms, width_ms, x, y, z)."""
        table = np.array(rows, dtype=np.float64).reshape(-1, 5)
        return cls(table[:, 0], table[:, 1], table[:, 2:])

    def __add__(self, other: "Gaussians") -> "Gaussians":
        return Gaussians(
            np.concatenate([self.centre_ms, other.centre_ms]),
            np.concatenate([self.width_ms, other.width_ms]),
            np.concatenate([self.dipole_mv, other.dipole_mv]),
        )

    def shifted(self, by_ms: float) -> "Gaussians":
        """The same wave later."""
        return replace(self, centre_ms=self.centre_ms + by_ms)

    def stretched(self, factor: float) -> "Gaussians":
        """The same wave wider in time, about its reference."""
        return replace(self, centre_ms=self.centre_ms * factor, width_ms=self.width_ms * factor)

    def scaled(self, factor: float) -> "Gaussians":
        """The same wave taller."""
        return replace(self, dipole_mv=self.dipole_mv * factor)

    def turned(self, rotation: Array) -> "Gaussians":
        """The same wave with its dipoles turned by a (3, 3) matrix."""
        return replace(self, dipole_mv=self.dipole_mv @ rotation.T)

    def area(self) -> Array:
        """(3,) integral over time, mV ms."""
        weights: Array = self.width_ms * np.sqrt(2 * np.pi)
        return weights @ self.dipole_mv

    def at(self, time_ms: Array) -> Array:
        """(n, 3) dipole at the times (n,)."""
        bells = np.exp(-0.5 * ((time_ms[:, None] - self.centre_ms) / self.width_ms) ** 2)
        dipole_mv: Array = bells @ self.dipole_mv
        return dipole_mv

    def span_ms(self) -> tuple[float, float]:
        """Begin and end of the wave, where it exceeds 1e-5 of its peaks."""
        reach = 5 * self.width_ms
        return float(np.min(self.centre_ms - reach)), float(np.max(self.centre_ms + reach))

    def visible_ms(self) -> tuple[float, float]:
        """Onset and end as read on paper: the first and last time that any lead exceeds 0.04 mV (0.4 mm)."""
        first, last = self.span_ms()
        time_ms = np.arange(np.floor(first), np.ceil(last) + 1, 0.5)
        seen = np.flatnonzero(np.abs(project(self.at(time_ms))).max(axis=0) > _VISIBLE_MV)
        return float(time_ms[seen[0]]), float(time_ms[seen[-1]])


def about(rng: np.random.Generator, value: float, spread: float) -> float:
    """A normal draw around a value, truncated at two standard deviations."""
    return float(value + spread * np.clip(rng.normal(), -2, 2))


def about_y(angle: float) -> Array:
    """(3, 3) rotation in the horizontal plane, from the left to the back."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])


def about_z(angle: float) -> Array:
    """(3, 3) rotation in the frontal plane, from the left to the feet."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
