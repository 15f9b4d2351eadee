"""What has changed is named, what nobody refers to is found, and nothing else."""

import os
from pathlib import Path

import pytest

from ecg_assets.store.fingerprint import sha256_bytes
from ecg_assets.store.manifest import Manifest, ManifestError, write_manifest
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.store.sealed import unsealed
from ecg_assets.store.stages.data_root_stages import Stage, stages_of
from ecg_assets.store.stages.integrity import unreferenced, verify_stage
from ecg_assets.store.stages.staleness import own_states

NAMES = ("data/wave_images/1.png", "data/wave_masks/1_mask.png")
MANIFEST = "data/wave_images/_manifests/shard-000.json"


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    root = open_root(tmp_path / "data_root")
    for name in NAMES:
        (root.path / name).parent.mkdir(parents=True, exist_ok=True)
        (root.path / name).write_bytes(name.encode())
    files = {name: sha256_bytes(name.encode()) for name in NAMES}
    manifest = Manifest(stage="rendered_waves", fingerprint="f", files=files)
    write_manifest(root.wave_images / "_manifests" / "shard-000.json", manifest)
    return root


@pytest.fixture
def pages(root: DataRoot) -> Stage:
    return next(stage for stage in stages_of(root) if "wave_masks" in stage.name)


def damage(pages: Stage, root: DataRoot) -> dict[str, str | None]:
    return {verdict.name: verdict.damage for verdict in verify_stage(pages, root)}


def test_a_changed_and_a_missing_file_are_named(root: DataRoot, pages: Stage) -> None:
    assert damage(pages, root) == dict.fromkeys([MANIFEST, *NAMES])
    (root.path / NAMES[0]).write_bytes(b"other")
    (root.path / NAMES[1]).unlink()
    assert damage(pages, root) == {
        MANIFEST: None, NAMES[0]: "has changed since it was made", NAMES[1]: "is missing"
    }  # fmt: skip


def test_a_folder_a_link_and_a_pipe_in_a_file_s_place_are_named_and_hang_nobody(root: DataRoot, pages: Stage) -> None:
    kept, page, mask = (root.path / name for name in ("kept.png", *NAMES))
    page.rename(kept)
    page.symlink_to(kept)
    mask.unlink()
    mask.mkdir()
    said = {NAMES[0]: "is a link, expected a file", NAMES[1]: "is a folder, expected a file"}
    assert damage(pages, root) == {MANIFEST: None, **said}
    (state,) = own_states(root.wave_images, root.path)
    assert state.reasons == (f"2 files missing ({', '.join(NAMES)})",)
    page.unlink()
    os.mkfifo(page)
    assert damage(pages, root)[NAMES[0]] == "is a named pipe, expected a file"
    (root.path / MANIFEST).unlink()
    os.mkfifo(root.path / MANIFEST)
    (said_of_it,) = damage(pages, root).values()
    assert said_of_it is not None and "is a named pipe, expected a file" in said_of_it


def test_a_flipped_bit_of_a_manifest_is_named_and_the_others_are_looked_at_all_the_same(
    root: DataRoot, pages: Stage
) -> None:
    path = root.path / MANIFEST
    write_manifest(path.with_name("shard-001.json"), Manifest(stage="rendered_waves", fingerprint="g"))
    whole = path.read_bytes()
    for bit in range(0, 8 * len(whole), 5):
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        found = damage(pages, root)
        assert found[MANIFEST] is not None and found[MANIFEST.replace("000", "001")] is None, bit


def test_a_manifest_of_an_earlier_version_is_read_and_told_to_have_no_hash(root: DataRoot, pages: Stage) -> None:
    path = root.path / MANIFEST
    path.write_bytes(unsealed(path.read_bytes())[0])
    assert [state.reasons for state in own_states(root.wave_images, root.path)] == [()]
    assert [one.covered for one in verify_stage(pages, root)] == [False, True, True]


def test_only_what_no_manifest_lists_is_unreferenced(root: DataRoot, pages: Stage) -> None:
    (root.wave_images / ".lock").touch()
    assert unreferenced(pages, root) == []
    left = [root.wave_images / ".tmp-0123-2.png", root.wave_masks / "2_mask.png"]
    for path in left:
        path.touch()
    assert unreferenced(pages, root) == left


@pytest.mark.parametrize("whole", [True, False])
def test_what_a_killed_writer_left_of_a_manifest_is_no_manifest_and_can_be_pruned(
    root: DataRoot, pages: Stage, whole: bool
) -> None:
    """Killed before the rename: half of the text lies there, or all of it."""
    left = root.wave_images / "_manifests" / ".tmp-0123abcd-shard-001.json"
    gone = Manifest(stage="rendered_waves", fingerprint="f", files={"data/wave_images/2.png": "0"})
    write_manifest(left, gone)
    if not whole:
        left.write_bytes(left.read_bytes()[:20])
    assert damage(pages, root) == dict.fromkeys([MANIFEST, *NAMES])
    assert unreferenced(pages, root) == [left]
    assert [state.name for state in own_states(root.wave_images, root.path)] == ["shard-000"]


def test_a_manifest_that_cannot_be_read_stops_the_pruning(root: DataRoot, pages: Stage) -> None:
    (root.wave_images / "_manifests" / "shard-001.json").write_text("{")
    with pytest.raises(ManifestError, match=r"shard-001\.json is no manifest"):
        unreferenced(pages, root)


def test_nothing_of_a_data_root_that_the_stages_filled_is_unreferenced(made_root: DataRoot) -> None:
    for stage in stages_of(made_root):
        assert unreferenced(stage, made_root) == []
        assert all(verdict.damage is None for verdict in verify_stage(stage, made_root))
    assert sum(1 for stage in stages_of(made_root) for _ in verify_stage(stage, made_root)) > 24
