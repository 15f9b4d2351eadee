"""The dataset: what samples hold, that they repeat, that splits hold, and what stops it."""

import hashlib
import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ecg_assets.pages.classes import BACKGROUND, HORIZONTAL, VERTICAL, WAVE
from ecg_assets.pages.paths import mask_path, page_path
from ecg_assets.pages.raster.png import read_grey, read_indices, read_rgb
from ecg_assets.pages.stage import build_papers, render_pages
from ecg_assets.pages.upright.page import INK_LEVELS
from ecg_assets.records.index import accepted_records
from ecg_assets.records.ingest import csv_path, ingest
from ecg_assets.records.sources.config import SourceConfig
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.samples.export import export_png
from ecg_assets.samples.preview import sample_sheet
from ecg_assets.samples.reader import DatasetError, EmptySplitError, Sample, SampleReader, augment, turn
from ecg_assets.samples.stage import DiskSpaceError, MissingInputError, build_dataset
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.store.splits import SPLITS, Split, split_of
from ecg_assets_tests.conftest import CLEAN_PAGES, CLEAN_SAMPLES, quiet


def digest_of(folder: Path) -> str:
    """Hash of all decoded content below a data root: pixels, samples, layouts; no times, logs, pictures for the UI."""
    digest = hashlib.sha256()
    left_out = {"_manifests", ".lock", "pictures"}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not left_out & set(path.parts)):
        digest.update(str(path.relative_to(folder)).encode())
        digest.update(read_rgb(path).tobytes() if path.suffix == ".png" else path.read_bytes())
    return digest.hexdigest()


def make(root: DataRoot, source: Path, workers: int) -> None:
    ingest(root, SourceConfig(source=str(source)), quiet)
    build_papers(root, CLEAN_PAGES, quiet)
    render_pages(root, CLEAN_PAGES, workers, quiet)
    build_dataset(root, CLEAN_SAMPLES, workers, quiet)


def test_all_that_is_written_decodes_to_the_same_with_one_or_two_workers_from_an_empty_root(
    made_root: DataRoot, synthetic_source: Path, tmp_path: Path
) -> None:
    again = open_root(tmp_path / "again")
    make(again, synthetic_source, workers=2)
    assert digest_of(again.path) == digest_of(made_root.path)


def test_five_positive_and_one_negative_sample_a_page_in_all_three_splits(made_root: DataRoot) -> None:
    facts = json.loads((made_root.dataset / "dataset.json").read_text())
    records = accepted_records(made_root)
    assert facts["samples"] == {split: 6 * int((records["split"] == split).sum()) for split in SPLITS}
    assert min(facts["samples"].values()) > 0
    for sample in (SampleReader(made_root.dataset, None)[number] for number in range(24 * 6)):
        assert sample.image_hwc.shape == (512, 512, 3)
        has_wave = bool((sample.mask_hw == WAVE).any())
        assert has_wave == (sample.id.rpartition("-")[2] != "5")


def test_samples_are_crops_of_their_page_with_the_wave_over_the_lines(made_root: DataRoot) -> None:
    for path in sorted(made_root.dataset.glob("shard-*.arrow")):
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        for row in table.drop_columns(["image", "mask"]).to_pylist()[:3]:
            page = read_rgb(page_path(made_root, row["record_id"]))
            wave = read_grey(mask_path(made_root, row["record_id"])) > 0
            inked = read_indices(page_path(made_root, row["record_id"])) % INK_LEVELS >= INK_LEVELS // 2
            lines = read_grey(made_root.grids / "kaggle_mask.png")
            sample = next(one for one in all_samples(made_root) if one.id == row["id"])
            top, left = sample.about["row"], sample.about["column"]
            place = np.s_[top : top + 512, left : left + 512]
            if sample.kind == "negative":
                np.testing.assert_array_equal(sample.mask_hw, lines[place])
                continue
            np.testing.assert_array_equal(sample.image_hwc, page[place])
            np.testing.assert_array_equal(sample.mask_hw == WAVE, wave[place])
            print_px = (inked & ~wave)[place]
            assert (sample.mask_hw[print_px] == BACKGROUND).all()
            untouched = ~inked[place]
            np.testing.assert_array_equal(sample.mask_hw[untouched], lines[place][untouched])


def all_samples(root: DataRoot) -> list[Sample]:
    reader = SampleReader(root.dataset, None)
    return [reader[number] for number in range(len(reader))]


def test_no_record_is_in_two_splits(made_root: DataRoot) -> None:
    held = {split: {sample.record_id for sample in of_split(made_root, split)} for split in SPLITS}
    assert sum(map(len, held.values())) == len(set().union(*held.values())) == 24
    assert all(split_of(record_id) == split for split, ids in held.items() for record_id in ids)


def of_split(root: DataRoot, split: Split) -> list[Sample]:
    reader = SampleReader(root.dataset, split)
    return [reader[number] for number in range(len(reader))]


def test_shards_are_mapped_and_not_read_into_memory(made_root: DataRoot) -> None:
    before = pa.total_allocated_bytes()
    reader = SampleReader(made_root.dataset, None)
    sample = reader[len(reader) - 1]
    assert pa.total_allocated_bytes() - before < 100_000
    assert not sample.image_hwc.flags.owndata
    assert not sample.image_hwc.flags.writeable


def test_a_reader_travels_to_a_worker_and_reads_the_same(made_root: DataRoot) -> None:
    reader = SampleReader(made_root.dataset, "train")
    travelled = pickle.loads(pickle.dumps(reader))
    assert len(pickle.dumps(reader)) < 20_000
    np.testing.assert_array_equal(travelled[3].mask_hw, reader[3].mask_hw)
    with pytest.raises(IndexError):
        travelled[len(reader)]


def test_a_quarter_turn_exchanges_horizontal_and_vertical(made_root: DataRoot) -> None:
    sample = SampleReader(made_root.dataset, "train")[5]
    image, mask = turn(sample.image_hwc, sample.mask_hw, 1, mirrored=False)
    np.testing.assert_array_equal(image, np.rot90(sample.image_hwc))
    np.testing.assert_array_equal(mask == HORIZONTAL, np.rot90(sample.mask_hw == VERTICAL))
    # What is called horizontal still runs across in the turned sample.
    assert (mask == HORIZONTAL).mean(axis=1).max() > 0.9 > (mask == HORIZONTAL).mean(axis=0).max()
    _, half = turn(sample.image_hwc, sample.mask_hw, 2, mirrored=True)
    np.testing.assert_array_equal(half == HORIZONTAL, np.rot90(sample.mask_hw[:, ::-1] == HORIZONTAL, 2))


def test_augmentation_reaches_all_eight_ways_and_repeats_by_seed(made_root: DataRoot) -> None:
    sample = SampleReader(made_root.dataset, "train")[0]
    seen = {augment(sample.image_hwc, sample.mask_hw, np.random.default_rng(seed))[1].tobytes() for seed in range(60)}
    assert len(seen) == 8
    first, second = (augment(sample.image_hwc, sample.mask_hw, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])


def test_an_unchanged_dataset_is_skipped_and_one_changed_record_touches_one_shard(
    synthetic_source: Path, tmp_path: Path
) -> None:
    root = open_root(tmp_path / "data")
    make(root, synthetic_source, workers=1)
    assert build_dataset(root, CLEAN_SAMPLES, 1, quiet).made == []
    source = tmp_path / "source"
    table = pd.read_csv(synthetic_source / "train.csv", dtype=str)
    for record_id in table["id"]:
        target = source / "train" / record_id / f"{record_id}.csv"
        target.parent.mkdir(parents=True)
        target.write_bytes(csv_path(root, record_id).read_bytes())
    table.to_csv(source / "train.csv", index=False)
    changed = csv_path(root, str(table["id"][0])).name
    path = next(source.rglob(changed))
    path.write_text(path.read_text().replace("0.", "0.2", 1))
    ingest(root, SourceConfig(source=str(source)), quiet)
    assert len(render_pages(root, CLEAN_PAGES, 1, quiet).made) == 1
    assert len(build_dataset(root, CLEAN_SAMPLES, 1, quiet).made) == 1


def test_an_empty_split_says_how_many_records_are_needed(source_copy: Path, tmp_path: Path) -> None:
    root = open_root(tmp_path / "data")
    ingest(root, SourceConfig(source=str(source_copy), records=2), quiet)
    build_papers(root, CLEAN_PAGES, quiet)
    render_pages(root, CLEAN_PAGES, 1, quiet)
    with pytest.raises(EmptySplitError, match="about 30 records are needed"):
        build_dataset(root, CLEAN_SAMPLES, 1, quiet)


def test_missing_pages_name_the_asset_to_materialise(source_copy: Path, tmp_path: Path) -> None:
    root = open_root(tmp_path / "data")
    ingest(root, SourceConfig(source=str(source_copy)), quiet)
    build_papers(root, CLEAN_PAGES, quiet)
    with pytest.raises(MissingInputError, match="materialise rendered_waves and wave_masks"):
        build_dataset(root, CLEAN_SAMPLES, 1, quiet)


def test_a_dataset_that_would_not_fit_is_refused_before_it_is_begun(made_root: DataRoot) -> None:
    before = sorted(path.stat().st_mtime_ns for path in made_root.dataset.iterdir())
    with pytest.raises(DiskSpaceError, match="make room, set ECG_ASSETS_DATA"):
        build_dataset(
            made_root,
            SamplesConfig(crop_px=1024, positives=100, negatives=100, seed=1).model_copy(update={"positives": 10**7}),
            1,
            quiet,
        )
    assert sorted(path.stat().st_mtime_ns for path in made_root.dataset.iterdir()) == before


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="materialise mixed_dataset first"):
        SampleReader(tmp_path, None)
    (tmp_path / "shard-003.arrow").write_bytes(b"ARROW1\0\0cut off")
    with pytest.raises(DatasetError, match=r"shard-003\.arrow is no whole Arrow file"):
        SampleReader(tmp_path, None)


def test_exported_folders_hold_each_sample_as_image_and_mask(made_root: DataRoot, tmp_path: Path) -> None:
    written = list(export_png(made_root.dataset, tmp_path, "test"))
    reader = SampleReader(made_root.dataset, "test")
    assert written[-1] == (len(reader), len(reader))
    sample = reader[1]
    np.testing.assert_array_equal(read_rgb(tmp_path / "images" / f"{sample.id}.png"), sample.image_hwc)
    np.testing.assert_array_equal(read_grey(tmp_path / "masks" / f"{sample.id}_mask.png"), sample.mask_hw)
    assert len(list((tmp_path / "masks").iterdir())) == len(reader)


def test_the_sample_sheet_is_a_picture_small_enough_for_the_ui(made_root: DataRoot) -> None:
    picture = sample_sheet(made_root.dataset, 8)
    assert picture[:4] == b"\x89PNG"
    assert len(picture) < 75_000
