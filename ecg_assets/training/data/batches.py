"""Makes batches for the replicas: uint8 arrays of one fixed shape, prefetched by threads.

The order of the samples, their crops and turns depend only on (seed, epoch, position in the epoch). Replica r of n
takes every n-th run of `batch_size` positions; so n replicas see the samples of one batch n times as large, and a
resumed training sees the same samples as an uninterrupted one.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from math import ceil, lcm

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ecg_assets.samples.reader import Sample, SampleReader
from ecg_assets.store.compute.pool import usable_cores
from ecg_assets.training.config import ConfigError, TrainConfig
from ecg_assets.training.data.augmentation import WAYS
from ecg_assets.training.data.crop_sampler import Windows
from ecg_assets.training.label_map import to_classes

# Purposes of random numbers: the first word of each seed sequence after the config's seed.
_ORDER, _AUGMENT = 1, 2
# Sides of samples are multiples of this.
_SAMPLE_STEP_PX = 32


@dataclass(frozen=True)
class Batch:
    """One replica's samples for one step.

    Attributes:
        image_bhwc: (b, h, w, 3) uint8 RGB.
        mask_bhw: (b, h, w) uint8, the network's classes.
        valid_b: (b,) f32; 0 for samples that pad the last batch.
        way_b: (b,) int32; each sample's turn, applied on the device, see `augmentation.turned`.
        ids: of the samples.
    """

    image_bhwc: npt.NDArray[np.uint8]
    mask_bhw: npt.NDArray[np.uint8]
    valid_b: npt.NDArray[np.float32]
    way_b: npt.NDArray[np.int32]
    ids: tuple[str, ...]

    def tensors(self, micro_batch: int | None = None) -> list[Tensor]:
        """Its arrays as host tensors, in the order of `DeviceBatch`, for one micro-batch after the other.

        They are sliced on the host, because on the device each slice's offset would compile another graph.

        Args:
            micro_batch: samples per micro-batch; None for all.
        """
        arrays = (self.image_bhwc, self.mask_bhw, self.valid_b, self.way_b)
        size = micro_batch or len(self.ids)
        return [
            torch.from_numpy(array[first : first + size]) for first in range(0, len(self.ids), size) for array in arrays
        ]


@dataclass(frozen=True)
class DeviceBatch:
    """A `Batch` on the device, with the same types."""

    image_bhwc: Tensor
    mask_bhw: Tensor
    valid_b: Tensor
    way_b: Tensor


def in_micro_batches(tensors: Sequence[Tensor]) -> list[DeviceBatch]:
    """Assembles micro-batches from their tensors, in the order of `Batch.tensors`."""
    each = len(fields(DeviceBatch))
    return [DeviceBatch(*tensors[first : first + each]) for first in range(0, len(tensors), each)]


def loader_threads(config: TrainConfig, host_replicas: int) -> int:
    """Number of threads that make one replica's batches: the config's, or the replica's part of the host's cores."""
    return config.loader_threads or max(1, usable_cores() // host_replicas)


class TrainBatches:
    """The training split in random order, randomly cropped, mirrored and turned."""

    def __init__(
        self, reader: SampleReader, config: TrainConfig, ordinal: int, world_size: int, host_replicas: int = 1
    ) -> None:
        """For replica `ordinal` of `world_size`, of which `host_replicas` share this host's cores.

        Raises:
            ConfigError: the samples are smaller than `crop_px`, or no sample has a calibration pulse to crop.
        """
        side_px = reader[0].mask_hw.shape[0]
        if side_px < config.crop_px:
            raise ConfigError(
                f"crop_px is {config.crop_px}, but the samples of {reader.folder} have {side_px} px a side; "
                f"set crop_px: {side_px // config.multiple_px * config.multiple_px}, or materialise mixed_dataset with "
                f"crop_px: {_sample_px(config.crop_px, config.multiple_px)}"
            )
        self._reader, self._config = reader, config
        self._windows = Windows(reader, config)
        self._threads = loader_threads(config, host_replicas)
        self._ordinal, self._global_batch = ordinal, config.batch_size * world_size
        self.steps = config.steps_per_epoch or ceil(len(reader) / self._global_batch)

    def epoch(
        self, epoch: int, first_step: int = 0, skipped: frozenset[int] = frozenset()
    ) -> Iterator[tuple[int, Batch]]:
        """The batches of one epoch after its first `first_step` steps, each with its step (1 is the first).

        Args:
            epoch: 0 for the first.
            first_step: completed steps.
            skipped: steps to leave out.
        """
        # Permuted again if the epoch needs more samples than the split has.
        passes = ceil(self.steps * self._global_batch / len(self._reader))
        order = np.concatenate([self._rng(_ORDER, epoch, n).permutation(len(self._reader)) for n in range(passes)])

        def make(step: int) -> Batch:
            first = (step - 1) * self._global_batch + self._ordinal * self._config.batch_size
            positions = range(first, first + self._config.batch_size)
            return _stack([self._drawn(int(order[position]), epoch, position) for position in positions])

        steps = [step for step in range(first_step + 1, self.steps + 1) if step not in skipped]
        return zip(steps, _ahead(make, steps, self._threads, self._config.loader_batches_ahead), strict=True)

    def _drawn(self, number: int, epoch: int, position: int) -> "_Drawn":
        rng = self._rng(_AUGMENT, epoch, position)
        number, window = self._windows.chosen(number, rng)
        sample = self._reader[number]
        way = int(rng.integers(WAYS)) if self._config.turned else 0
        mask_hw = to_classes(sample.mask_hw[window], self._config.classes)
        return _Drawn(sample.image_hwc[window], mask_hw, way, sample.id)

    def _rng(self, purpose: int, epoch: int, number: int) -> np.random.Generator:
        return np.random.default_rng([self._config.seed, purpose, epoch, number])


class ValidationBatches:
    """Whole samples of a split, in order, each once; the last batch is padded with samples that do not count."""

    def __init__(
        self, reader: SampleReader, config: TrainConfig, ordinal: int, world_size: int, host_replicas: int = 1
    ) -> None:
        """For replica `ordinal` of `world_size`, of which `host_replicas` share this host's cores.

        Raises:
            ConfigError: the network cannot take the samples' size.
        """
        self._side_px = reader[0].mask_hw.shape[0]
        if self._side_px % config.multiple_px:
            raise ConfigError(
                f"the network takes images whose side is a multiple of {config.multiple_px} px, "
                f"but the samples of {reader.folder} have {self._side_px} px; set patch_px: 1, or materialise "
                f"mixed_dataset with crop_px: {_sample_px(self._side_px, config.multiple_px)}"
            )
        self._reader, self._config = reader, config
        self._threads = loader_threads(config, host_replicas)
        self._ordinal, self._world_size = ordinal, world_size
        global_batch = validation_batch_size(config, self._side_px, config.batch_size) * world_size
        needed = ceil(len(reader) / global_batch)
        count = min(len(reader), min(config.validation_steps or needed, needed) * global_batch)
        self._numbers = np.linspace(0, len(reader) - 1, count).round().astype(int)

    def of(self, micro_batch: int) -> Iterator[Batch]:
        """The batches, each with about as many pixels as a micro-batch; the samples are the same for any size."""
        size = validation_batch_size(self._config, self._side_px, micro_batch)
        global_batch = size * self._world_size

        def make(step: int) -> Batch:
            first = step * global_batch + self._ordinal * size
            numbers = self._numbers[first : first + size]
            samples = [self._reader[int(number)] for number in numbers]
            return _padded(samples, size, self._config.classes, self._reader)

        steps = list(range(ceil(len(self._numbers) / global_batch)))
        return _ahead(make, steps, self._threads, self._config.loader_batches_ahead)


def validation_batch_size(config: TrainConfig, side_px: int, micro_batch: int) -> int:
    """Number of whole samples with about as many pixels as `micro_batch` crops, so that they fit in memory."""
    return max(1, micro_batch * config.crop_px**2 // side_px**2)


@dataclass(frozen=True)
class _Drawn:
    """One sample of a batch, before the device applies its turn."""

    image_hwc: npt.NDArray[np.uint8]
    mask_hw: npt.NDArray[np.uint8]
    way: int
    id: str


def _padded(samples: list[Sample], size: int, classes: int, reader: SampleReader) -> Batch:
    filling = [reader[0]] * (size - len(samples))
    whole = [
        _Drawn(sample.image_hwc, to_classes(sample.mask_hw, classes), 0, sample.id) for sample in [*samples, *filling]
    ]
    return _stack(whole, valid=len(samples))


def _sample_px(least: int, multiple_px: int) -> int:
    """The smallest side that samples can have (see `SamplesConfig`) and a network accepts."""
    step = lcm(multiple_px, _SAMPLE_STEP_PX)
    return ceil(least / step) * step


def _stack(drawn: list[_Drawn], valid: int | None = None) -> Batch:
    counted = len(drawn) if valid is None else valid
    return Batch(
        image_bhwc=np.stack([one.image_hwc for one in drawn]),
        mask_bhw=np.stack([one.mask_hw for one in drawn]),
        valid_b=(np.arange(len(drawn)) < counted).astype(np.float32),
        way_b=np.array([one.way for one in drawn], dtype=np.int32),
        ids=tuple(one.id for one in drawn),
    )


def _ahead(make: Callable[[int], Batch], steps: list[int], threads: int, most_ahead: int) -> Iterator[Batch]:
    """Yields `make(step)` for each step in order, prefetching a few. Exceptions of `make` are raised here."""
    with ThreadPoolExecutor(threads, thread_name_prefix="batches") as pool:
        waiting: deque[Future[Batch]] = deque()
        left = iter(steps)
        try:
            while True:
                for step in left:
                    waiting.append(pool.submit(make, step))
                    if len(waiting) > most_ahead:
                        break
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
