"""What replicas are fed: seeded, sharded without overlap, of one shape, upright or turned as asked."""

from typing import Any

import cv2
import numpy as np
import pytest

from ecg_assets.pages.classes import BACKGROUND, WAVE
from ecg_assets.samples.reader import SampleReader
from ecg_assets.store.root import DataRoot
from ecg_assets.training.config import ConfigError, TrainConfig
from ecg_assets.training.data import batches
from ecg_assets.training.data.batches import Batch, TrainBatches, ValidationBatches, loader_threads
from ecg_assets.training.data.crop_sampler import Windows
from ecg_assets_tests.training.conftest import SMALL


@pytest.fixture
def reader(made_root: DataRoot) -> SampleReader:
    return SampleReader(made_root.dataset, "train")


def epoch(reader: SampleReader, number: int = 0, ordinal: int = 0, world_size: int = 1, **changes: Any) -> list[Batch]:
    config = TrainConfig(**(SMALL | {"steps_per_epoch": 4} | changes))
    return [batch for _, batch in TrainBatches(reader, config, ordinal, world_size).epoch(number)]


def images(batches: list[Batch]) -> np.ndarray[Any, Any]:
    return np.concatenate([batch.image_bhwc for batch in batches])


def test_replicas_together_see_what_one_sees_in_batches_as_large(reader: SampleReader) -> None:
    alone = epoch(reader, batch_size=4)
    first, second = (epoch(reader, ordinal=ordinal, world_size=2, batch_size=2) for ordinal in (0, 1))
    for step, batch in enumerate(alone):
        both = np.concatenate([first[step].image_bhwc, second[step].image_bhwc])
        np.testing.assert_array_equal(batch.image_bhwc, both)
        assert batch.image_bhwc.dtype == batch.mask_bhw.dtype == np.uint8, "normalised on the device"


def test_the_hosts_of_a_slice_read_different_samples_and_all_of_them(reader: SampleReader) -> None:
    """As a v4-32 does: hosts 0 to 3 have replicas 0-3, 4-7, 8-11 and 12-15."""
    changes = {"steps_per_epoch": 1, "batch_size": 1, "loader_threads": 1}
    whole = [batch.ids for batch in epoch(reader, **changes | {"batch_size": 16})]
    hosts = [
        [epoch(reader, ordinal=4 * host + n, world_size=16, **changes)[0].ids[0] for n in range(4)] for host in range(4)
    ]
    assert tuple(name for host in hosts for name in host) == whole[0]
    assert len({name for host in hosts for name in host}) == 16


def test_an_epoch_repeats_and_the_next_and_another_seed_differ(reader: SampleReader) -> None:
    np.testing.assert_array_equal(images(epoch(reader)), images(epoch(reader, loader_threads=1)))
    assert (images(epoch(reader)) != images(epoch(reader, number=1))).any()
    assert (images(epoch(reader)) != images(epoch(reader, seed=1))).any()


def test_a_resumed_epoch_goes_on_with_the_batch_that_was_next(reader: SampleReader) -> None:
    config = TrainConfig(**(SMALL | {"steps_per_epoch": 4}))
    rest = list(TrainBatches(reader, config, 0, 1).epoch(0, first_step=2, skipped=frozenset({3})))
    assert [step for step, _ in rest] == [4]
    np.testing.assert_array_equal(images([batch for _, batch in rest]), images(epoch(reader)[3:]))


def test_every_sample_comes_once_in_a_whole_epoch(reader: SampleReader) -> None:
    side_px = reader[0].mask_hw.shape[0]
    whole = epoch(reader, steps_per_epoch=len(reader), batch_size=1, crop_px=side_px, turned=False)
    seen = {batch.image_bhwc.tobytes() for batch in whole}
    assert seen == {reader[number].image_hwc.tobytes() for number in range(len(reader))}


def test_an_epoch_longer_than_the_split_begins_it_again(reader: SampleReader) -> None:
    batches = epoch(reader, steps_per_epoch=len(reader) + 3, batch_size=1)
    assert len(batches) == len(reader) + 3
    assert {batch.image_bhwc.shape for batch in batches} == {(1, 64, 64, 3)}


def test_crops_stand_upright_unless_turned(reader: SampleReader) -> None:
    config = {"steps_per_epoch": 8, "batch_size": 4}
    upright, turned = epoch(reader, turned=False, **config), epoch(reader, **config)
    assert {int(way) for batch in upright for way in batch.way_b} == {0}
    assert len({int(way) for batch in turned for way in batch.way_b}) > 4
    samples = [reader[number] for number in range(len(reader))]
    crop = upright[0].image_bhwc[0].tobytes()
    places = (
        sample.image_hwc[top : top + 64, left : left + 64].tobytes() == crop
        for sample in samples
        for top, left in zip(*np.nonzero(_starts(sample.image_hwc, upright[0].image_bhwc[0])), strict=True)
    )
    assert any(places)


def test_text_share_cuts_around_ink_that_is_no_trace(reader: SampleReader) -> None:
    def with_text(share: float) -> int:
        batches = epoch(reader, text_share=share, steps_per_epoch=60)
        return sum(
            bool(((image.max(axis=2) < 100) & (mask == BACKGROUND)).any())
            for batch in batches
            for image, mask in zip(batch.image_bhwc, batch.mask_bhw, strict=True)
        )

    assert with_text(1.0) > 2 * with_text(0.0) > 0


def test_touching_share_cuts_where_print_meets_a_trace(reader: SampleReader) -> None:
    def where_they_meet(share: float) -> int:
        batches = epoch(reader, text_share=1.0, touching_share=share, steps_per_epoch=60)
        crops = [pair for batch in batches for pair in zip(batch.image_bhwc, batch.mask_bhw, strict=True)]
        beside = [cv2.dilate((mask == WAVE).view(np.uint8), np.ones((33, 33), np.uint8)) > 0 for _, mask in crops]
        return sum(
            bool(((image.max(axis=2) < 100) & (mask == BACKGROUND) & near).any())
            for (image, mask), near in zip(crops, beside, strict=True)
        )

    assert where_they_meet(1.0) > 1.3 * where_they_meet(0.0) > 0


def test_pulse_share_cuts_around_whole_pulses_of_whichever_sample(reader: SampleReader) -> None:
    pulses = {reader[number].id: boxes for number, boxes in reader.pulses_px().items()}
    assert 0 < len(pulses) < len(reader) / 2

    def with_pulse(share: float) -> float:
        crops = epoch(reader, pulse_share=share, turned=False, crop_px=128, batch_size=1, steps_per_epoch=60)
        return float(np.mean([crop.ids[0] in pulses for crop in crops]))

    assert with_pulse(1.0) == 1.0
    assert with_pulse(0.5) == pytest.approx(0.5 + with_pulse(0.0) / 2, abs=0.2)


def test_a_crop_around_a_pulse_shows_all_of_it(reader: SampleReader) -> None:
    windows = Windows(reader, TrainConfig(**(SMALL | {"pulse_share": 1.0, "crop_px": 128})))
    boxes, rng = reader.pulses_px(), np.random.default_rng(0)
    for _ in range(100):
        number, (rows, columns) = windows.chosen(0, rng)
        assert 0 <= rows.start < rows.stop <= reader[number].mask_hw.shape[0]
        assert any(
            rows.start <= top and bottom <= rows.stop and columns.start <= left and right <= columns.stop
            for left, top, right, bottom in boxes[number]
        )


def test_a_dataset_that_tells_of_no_pulse_is_refused_where_they_are_wanted(
    reader: SampleReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SampleReader, "pulses_px", lambda _: {})
    with pytest.raises(ConfigError, match="contains a whole calibration pulse; set pulse_share: 0, or materialise"):
        epoch(reader, pulse_share=0.1)


def test_validation_sees_each_sample_once_over_all_replicas_and_marks_what_fills_up(made_root: DataRoot) -> None:
    reader = SampleReader(made_root.dataset, "validation")
    config = TrainConfig(**(SMALL | {"validation_steps": None, "crop_px": 512, "batch_size": 5}))
    batches = [batch for ordinal in (0, 1) for batch in ValidationBatches(reader, config, ordinal, 2).of(5)]
    assert {batch.image_bhwc.shape for batch in batches} == {(5, 512, 512, 3)}
    valid = [
        image.tobytes()
        for batch in batches
        for image, counts in zip(batch.image_bhwc, batch.valid_b, strict=True)
        if counts
    ]
    assert sorted(valid) == sorted(reader[number].image_hwc.tobytes() for number in range(len(reader)))


def _starts(image_hwc: np.ndarray[Any, Any], crop_hwc: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Where the crop's first row could begin: its first eight pixels are there."""
    rows, columns = (image_hwc.shape[0] - crop_hwc.shape[0] + 1, image_hwc.shape[1] - crop_hwc.shape[1] + 1)
    fits = np.ones((rows, columns), dtype=bool)
    for offset in range(8):
        fits &= (image_hwc[:rows, offset : offset + columns] == crop_hwc[0, offset]).all(axis=2)
    return fits


def test_the_cores_are_divided_among_the_replicas_of_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "usable_cores", lambda: 96)
    config = TrainConfig(**SMALL)
    assert [loader_threads(config, replicas) for replicas in (1, 8, 200)] == [96, 12, 1]
    assert loader_threads(TrainConfig(**SMALL, loader_threads=3), 8) == 3
