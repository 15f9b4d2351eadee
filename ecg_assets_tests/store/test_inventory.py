"""A stage's stock is counted from its manifests: finished ones, and those that the next run makes again."""

from pathlib import Path

from ecg_assets.store.inventory import take_stock
from ecg_assets.store.manifest import Manifest, write_manifest


def shard(root: Path, number: int, fingerprint: str = "f", present: bool = True) -> None:
    name = f"stage/{number}.png"
    if present:
        (root / "stage").mkdir(exist_ok=True)
        (root / name).write_text("x")
    manifest = Manifest(stage="stage", fingerprint=fingerprint, files={name: "hash"})
    write_manifest(root / "stage" / "_manifests" / f"shard-{number:03d}.json", manifest)


def test_finished_shards_are_current_unfinished_and_incomplete_ones_are_stale(tmp_path: Path) -> None:
    shard(tmp_path, 0)
    shard(tmp_path, 1)
    shard(tmp_path, 2, fingerprint="")
    shard(tmp_path, 3, present=False)
    stock = take_stock(tmp_path / "stage", tmp_path)
    assert (stock.current, stock.stale, stock.files) == (2, 2, 2)


def test_a_stage_that_never_ran_has_no_stock(tmp_path: Path) -> None:
    stock = take_stock(tmp_path / "never", tmp_path)
    assert (stock.current, stock.stale, stock.files) == (0, 0, 0)
