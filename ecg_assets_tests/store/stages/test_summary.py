"""What a stage holds is summed up shard by shard, and no record's own line is kept."""

from typing import Any

import pytest

from ecg_assets.store.manifest import BY_RECORD, MADE_FROM, Manifest
from ecg_assets.store.stages.summary import Held


def held(*manifests: Manifest) -> Held:
    summed = Held()
    for manifest in manifests:
        summed.add(manifest)
    return summed


def manifest(mask: str = "b", page: str = "a", info: dict[str, Any] | None = None) -> Manifest:
    files = {"data/wave_images/1.png": page, "data/wave_masks/1_mask.png": mask}
    return Manifest(stage="stage", fingerprint="f", files=files, info=info or {})


@pytest.mark.parametrize(
    ("changed", "folder", "other"),
    [
        (manifest(mask="c"), "data/wave_masks", "data/wave_images"),
        (manifest(page="c"), "data/wave_images", "data/wave_masks"),
    ],
)
def test_a_changed_file_changes_its_folders_hash_and_no_other(changed: Manifest, folder: str, other: str) -> None:
    before, after = held(manifest(), manifest()), held(manifest(), changed)
    assert before.digest != after.digest
    assert before.by_folder[folder] != after.by_folder[folder]
    assert before.by_folder[other] == after.by_folder[other]


def test_numbers_for_people_are_kept_and_what_is_as_long_as_the_shard_is_not() -> None:
    numbers = {"pages": 3, "styles": {"kaggle": 3}}
    info = numbers | {MADE_FROM: {"inputs": {"1": "x"}}, BY_RECORD: {"1": {"key": "x"}}}
    assert held(manifest(info=info)).numbers == [numbers]
