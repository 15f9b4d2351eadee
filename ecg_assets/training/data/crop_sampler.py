"""Places training crops: at random, or on calibration pulses and other ink that random crops rarely contain."""

import cv2
import numpy as np

from ecg_assets.pages.classes import BACKGROUND, WAVE
from ecg_assets.samples.reader import Box, Sample, SampleReader
from ecg_assets.training.config import ConfigError, TrainConfig

# 2 mm around a trace at 200 dpi.
_TOUCHES = np.ones((33, 33), np.uint8)
# Grey level; printed lines are brighter in at least one colour.
_INK_BELOW = 100

Window = tuple[slice, slice]


class Windows:
    """Chooses crops with sides of `config.crop_px`."""

    def __init__(self, reader: SampleReader, config: TrainConfig) -> None:
        """Finds the samples' calibration pulses if the config wants crops of them.

        Raises:
            ConfigError: it does, but no sample has one.
        """
        self._reader, self._config = reader, config
        boxes = reader.pulses_px() if config.pulse_share else {}
        if config.pulse_share and not boxes:
            raise ConfigError(
                f"pulse_share is {config.pulse_share:g}, but no sample of {reader.folder} contains a whole calibration "
                "pulse; set pulse_share: 0, or materialise rendered_waves with styles: default, and mixed_dataset with "
                "crop_px: 512"
            )
        self._pulses = list(boxes.items())

    def chosen(self, number: int, rng: np.random.Generator) -> tuple[int, Window]:
        """Rows, columns and sample of the crop: sample `number`, or one with a pulse instead."""
        config = self._config
        if self._pulses and rng.random() < config.pulse_share:
            number, boxes = self._pulses[int(rng.integers(len(self._pulses)))]
            return number, self._around(boxes[int(rng.integers(len(boxes)))], self._side_px(number), rng)
        sample = self._reader[number]
        room_px = sample.mask_hw.shape[0] - config.crop_px
        top, left = (int(place) for place in rng.integers(room_px + 1, size=2))
        if rng.random() < config.text_share:
            top, left = self._with_ink(sample, rng) or (top, left)
        return number, self._window(top, left)

    def _with_ink(self, sample: Sample, rng: np.random.Generator) -> tuple[int, int] | None:
        """A crop that contains ink that is not a trace; None without such ink."""
        config, crop_px = self._config, self._config.crop_px
        text_hw = (sample.image_hwc.max(axis=2) < _INK_BELOW) & (sample.mask_hw == BACKGROUND)
        if config.touching_share and rng.random() < config.touching_share:
            near_hw = cv2.dilate((sample.mask_hw == WAVE).view(np.uint8), _TOUCHES) > 0
            text_hw = text_hw & near_hw if (text_hw & near_hw).any() else text_hw
        text = np.flatnonzero(text_hw)
        if not len(text):
            return None
        room_px = sample.mask_hw.shape[0] - crop_px
        y, x = divmod(int(rng.choice(text)), sample.mask_hw.shape[1])
        up, back = (int(number) for number in rng.integers(crop_px, size=2))
        return min(max(y - up, 0), room_px), min(max(x - back, 0), room_px)

    def _around(self, box: Box, side_px: int, rng: np.random.Generator) -> Window:
        """A crop that contains the whole box at a random place; as much of a larger box as fits."""
        left, top, right, bottom = box
        return self._window(*(self._begin(*ends, side_px, rng) for ends in ((top, bottom), (left, right))))

    def _begin(self, low: int, high: int, side_px: int, rng: np.random.Generator) -> int:
        crop_px = self._config.crop_px
        least, most = max(0, min(high, side_px) - crop_px), min(low, side_px - crop_px)
        return int(rng.integers(min(least, most), max(least, most) + 1))

    def _side_px(self, number: int) -> int:
        return int(self._reader[number].mask_hw.shape[0])

    def _window(self, top: int, left: int) -> Window:
        crop_px = self._config.crop_px
        return slice(top, top + crop_px), slice(left, left + crop_px)
