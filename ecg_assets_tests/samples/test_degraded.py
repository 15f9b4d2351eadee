"""Samples of the default mix: what they are, what they tell, and what they never do."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from pydantic import ValidationError

from ecg_assets.pages import stage as pages_stage
from ecg_assets.pages.classes import WAVE
from ecg_assets.pages.paths import layout_path, mask_path, page_path, paper_mask_path, paper_path
from ecg_assets.pages.raster.png import encode, read_grey
from ecg_assets.records.index import accepted_records
from ecg_assets.records.ingest import csv_path
from ecg_assets.samples import stage as samples_stage
from ecg_assets.samples.class_counts import SampleCounts
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.samples.labelled_page import read_page, read_paper
from ecg_assets.samples.reader import Sample, SampleReader
from ecg_assets.samples.sampling import NEGATIVE, NOT_ECG, POSITIVE, draw_samples
from ecg_assets.store.root import DataRoot
from ecg_assets.store.splits import split_of


def samples_of(root: DataRoot) -> list[Sample]:
    reader = SampleReader(root.dataset, None)
    return [reader[number] for number in range(len(reader))]


def test_all_recipes_and_kinds_are_drawn_and_each_holds_what_its_kind_says(mixed_root: DataRoot) -> None:
    samples = samples_of(mixed_root)
    assert len(samples) == 24 * 4
    assert set(Counter(sample.recipe for sample in samples)) == {"clean", "scan", "photo", "screen", "damaged"}
    assert {POSITIVE, NEGATIVE, NOT_ECG} == {sample.kind for sample in samples}
    for sample in samples:
        assert sample.image_hwc.shape == (256, 256, 3)
        if sample.kind != POSITIVE:
            assert not (sample.mask_hw == WAVE).any()
        if sample.kind == NOT_ECG:
            assert not sample.mask_hw.any()
    with_trace = [bool((sample.mask_hw == WAVE).any()) for sample in samples if sample.kind == POSITIVE]
    assert np.mean(with_trace) > 0.9  # a finger may lie on all of it


def test_each_sample_tells_where_it_comes_from(mixed_root: DataRoot) -> None:
    for sample in samples_of(mixed_root):
        about = sample.about
        assert about["recipe"] == sample.recipe
        assert about["style"]
        assert about["seed"] == 0
        if sample.kind != NOT_ECG:
            assert 2 < about["px_per_mm_x"] < 40
            assert about["layout"]
            assert {"paper_speed_mm_per_s", "gain_mm_per_mv", "px_per_mm_y", "labels"} <= set(about)
            assert np.array(about["warp_px"]["picture_px"]).shape[2] == 2
            assert bool(about["strengths"]) == (sample.recipe != "clean")
            assert bool(about["leads"]) == (sample.kind == POSITIVE)


def test_a_clean_sample_s_places_are_those_of_its_crop(mixed_root: DataRoot) -> None:
    cut = [one for one in samples_of(mixed_root) if one.recipe == "clean" and one.kind == POSITIVE]
    assert len(cut) > 5
    for sample in cut:
        about, plan = sample.about, read_page(mixed_root, sample.record_id).plan
        shift = np.array([about["column"], about["row"]])
        for box in about["leads"]:
            panels = [one for one in plan.panels if (one.lead, one.rhythm) == (box["lead"], box["rhythm"])]
            left_top = np.array(box["corners_px"][0]) + shift
            expected = np.array([panels[0].left_mm, panels[0].zero_y_mm - 10]) * plan.style.px_per_mm
            np.testing.assert_allclose(left_top, expected, atol=0.11)
        warp = about["warp_px"]
        corner = np.array(warp["picture_px"][-1][-1]) + shift
        np.testing.assert_allclose(corner, np.array(plan.style.paper_mm) * plan.style.px_per_mm, atol=0.11)


def test_the_boxes_of_pulses_in_a_clean_sample_are_drawn_in_ink_that_is_background(made_root: DataRoot) -> None:
    reader = SampleReader(made_root.dataset, None, recipes=("clean",))
    found = [(reader[number], box) for number, boxes in reader.pulses_px().items() for box in boxes]
    assert len(found) > 3
    for sample, (left, top, right, bottom) in found:
        roof, inside = np.s_[top : top + 3, left:right], np.s_[top + 6 : bottom - 6, left + 6 : right - 6]
        assert (sample.image_hwc.max(axis=2)[roof].min(axis=0) < 120).mean() > 0.9
        assert not (sample.mask_hw[roof] == WAVE).any()
        assert sample.image_hwc[inside].mean() > sample.image_hwc[roof].mean()


def test_the_test_split_is_made_with_the_frozen_recipes_whatever_becomes_of_the_others(
    mixed_root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = SamplesConfig(crop_px=128, positives=2, negatives=0, recipes={"photo": 1.0})
    ids = {split_of(sample.record_id): sample.record_id for sample in samples_of(mixed_root)}

    def drawn(record_id: str) -> list[dict[str, float]]:
        paper = read_paper(mixed_root, read_page(mixed_root, record_id).plan.style_name)
        return [one.crop.about["strengths"] for one in draw_samples(mixed_root, record_id, paper, config)]

    before = {split: drawn(record_id) for split, record_id in ids.items()}
    weaker = tmp_path / "recipes.yaml"
    weaker.write_text("photo: {camera: photo, camera_strength: [0, 0]}")
    monkeypatch.setattr("ecg_assets.samples.sampling.TABLE", weaker)
    after = {split: drawn(record_id) for split, record_id in ids.items()}
    assert after["test"] == before["test"]
    assert after["train"] == after["validation"] == [{"photo_camera": 0.0}] * 2


def test_a_page_that_shows_no_trace_gives_negatives_only_and_is_told(mixed_root: DataRoot, tmp_path: Path) -> None:
    record_id = samples_of(mixed_root)[0].record_id
    style = read_page(mixed_root, record_id).plan.style_name
    root = DataRoot(tmp_path, 1)
    for path in (page_path(root, record_id), layout_path(root, record_id), csv_path(root, record_id)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((mixed_root.path / path.relative_to(tmp_path)).read_bytes())
    for path in (paper_path(root, style), paper_mask_path(root, style)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((mixed_root.path / path.relative_to(tmp_path)).read_bytes())
    bare = np.zeros_like(read_grey(mask_path(mixed_root, record_id)))
    mask_path(root, record_id).parent.mkdir(parents=True)
    mask_path(root, record_id).write_bytes(encode(bare))
    config = SamplesConfig(crop_px=128, positives=2, negatives=3)
    labelled = draw_samples(root, record_id, read_paper(root, style), config)
    assert len(labelled) == 3
    assert POSITIVE not in {one.kind for one in labelled}
    counts = SampleCounts()
    list(counts.counting([labelled]))
    assert counts.info()["without_trace"] == [record_id]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"recipes": {"fax": 1}}, "there is no recipe 'fax'"),
        ({"recipes": {"clean": -1}}, "greater than or equal to 0"),
        ({"recipes": {"clean": 0}}, "at least one recipe needs a positive weight"),
        ({"crop_px": 100}, "multiple of 32"),
        ({"not_ecg": 1.5}, "less than or equal to 1"),
    ],
)
def test_a_wrong_setting_is_said(fields: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        SamplesConfig.model_validate(fields)


# Of the pages' pixels and their masks, and of the samples and theirs, by version of the code: mean and spread.
_PAGES = {"5": [232.092369, 42.566209, 2.857238, 26.840864]}
_SAMPLES = {"8": [183.592140, 65.185698, 0.228243, 0.655301]}


def test_the_versions_of_pages_and_samples_are_raised_when_they_change(mixed_root: DataRoot) -> None:
    """With others under the same version, data roots would keep the old ones: raise the stage's `CODE_VERSION` then."""
    ids = sorted(accepted_records(mixed_root, ["shard"])["id"])
    pages = [read_grey(page_path(mixed_root, one)) for one in ids]
    masks = [read_grey(mask_path(mixed_root, one)) for one in ids]
    samples = samples_of(mixed_root)
    # Processors round what is resampled differently, by a pixel here and there.
    close = partial(pytest.approx, rel=2e-5)
    assert spread(pages) + spread(masks) == close(_PAGES[pages_stage.CODE_VERSION])
    images, classes = [one.image_hwc for one in samples], [one.mask_hw for one in samples]
    assert spread(images) + spread(classes) == close(_SAMPLES[samples_stage.CODE_VERSION])


def spread(arrays: Sequence[npt.NDArray[np.uint8]]) -> list[float]:
    values = np.concatenate([array.ravel() for array in arrays])
    return [float(values.mean()), float(values.std())]
