"""A reader for tests of all that stands around reading: it knows what is printed on the pictures that it was shown."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ecg_assets.digitize.benchmark.rendered_pages import Trial
from ecg_assets.digitize.refusal import NotAnEcgError
from ecg_assets.digitize.signals_csv import Signal
from ecg_assets.store.fingerprint import sha256_bytes

Rgb = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class KnownReading:
    """The truth, lower by a factor; sure of it but for every fourth sample."""

    signal_mv: Signal
    fs_hz: int
    confidence: Signal
    picture_hwc: Rgb
    layout: str

    @property
    def rectified_hwc(self) -> Rgb:
        return self.picture_hwc[::8, ::8]

    def info(self) -> dict[str, Any]:
        return {"layout": self.layout}

    def check_png(self) -> bytes:
        target = io.BytesIO()
        Image.fromarray(self.rectified_hwc).save(target, "PNG")
        return target.getvalue()


@dataclass
class KnownReader:
    """Refuses every picture that is none of its trials.

    Attributes:
        trials: whose truth it knows.
        heights: by recipe, what the truth is multiplied by; 1 where a recipe is not named.
        asked: how often it read.
    """

    trials: Sequence[Trial]
    heights: dict[str, float] = field(default_factory=dict)
    asked: int = 0

    def digitize_image(self, image_hwc: Rgb, fs_hz: int = 500, layout: str = "auto") -> KnownReading:
        self.asked += 1
        shown = sha256_bytes(np.ascontiguousarray(image_hwc).tobytes())
        for trial in self.trials:
            if sha256_bytes(trial.picture_hwc.tobytes()) == shown:
                return _read(trial, self.heights.get(trial.recipe, 1.0))
        raise NotAnEcgError("no_scale", "no grid was found; expected a paper ECG")


def _read(trial: Trial, height: float) -> KnownReading:
    signal = trial.truth_mv * np.float32(height)
    confidence = np.full_like(signal, 0.95)
    confidence[:, ::4] = 0.3
    return KnownReading(signal, trial.record.fs_hz, confidence, trial.picture_hwc, trial.layout)
