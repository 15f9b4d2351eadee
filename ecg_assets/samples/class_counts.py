"""Counts samples and pixels per class while a shard is written."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_assets.samples.arrow_shard import Labelled

_CLASSES = 5


@dataclass
class SampleCounts:
    """Numbers of samples by category, and of pixels by class.

    Attributes:
        splits, recipes, kinds: samples of each.
        pixels: (5,) int64, of each class.
        without_trace: records whose page has no trace, so that no positive sample could be cut.
    """

    splits: Counter[str] = field(default_factory=Counter)
    recipes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    pixels: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(_CLASSES, dtype=np.int64))
    without_trace: list[str] = field(default_factory=list)

    def counting(self, pages: Iterable[list[Labelled]]) -> Iterator[list[Labelled]]:
        """Passes the pages' samples on and counts them."""
        for samples in pages:
            for sample in samples:
                self.splits[sample.split] += 1
                self.recipes[sample.recipe] += 1
                self.kinds[sample.kind] += 1
                self.pixels += np.bincount(sample.crop.mask_hw.ravel(), minlength=_CLASSES)
            if samples and all(sample.kind != "positive" for sample in samples):
                self.without_trace.append(samples[0].record_id)
            yield samples

    def info(self) -> dict[str, Any]:
        """The counts as JSON values, which `sum_of` reads."""
        return {
            "splits": dict(self.splits),
            "recipes": dict(self.recipes),
            "kinds": dict(self.kinds),
            "class_pixels": self.pixels.tolist(),
            "without_trace": self.without_trace,
        }

    @classmethod
    def sum_of(cls, infos: Iterable[Mapping[str, Any]]) -> "SampleCounts":
        """The counts of several shards together; an empty shard's info may be empty."""
        total = cls()
        for info in infos:
            total.splits.update(info.get("splits", {}))
            total.recipes.update(info.get("recipes", {}))
            total.kinds.update(info.get("kinds", {}))
            total.pixels += np.array(info.get("class_pixels", [0] * _CLASSES), dtype=np.int64)
            total.without_trace += info.get("without_trace", [])
        return total
