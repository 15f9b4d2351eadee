"""A check that blocks, in a run: what comes after it is not begun."""

import shutil
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ecg_assets.assets.dataset import mixed_dataset
from ecg_assets.assets.pages import pages
from ecg_assets.assets.records import raw_csvs
from ecg_assets.assets.training import trained_checkpoint
from ecg_assets.checks import CHECKS
from ecg_assets.records.index import read_index, write_index
from ecg_assets.resources.compute import EngineResource
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.resources.tpu import TPUResource
from ecg_assets.store.root import DataRoot
from ecg_assets_tests.conftest import CLEAN_PAGES, CLEAN_SAMPLES

ASSETS = (raw_csvs, pages, mixed_dataset, trained_checkpoint)
_KEYS = {key for asset in ASSETS for key in asset.keys}
LOOKED_AT = [check for check in CHECKS if all(key.asset_key in _KEYS for key in check.check_keys)]


def wrong_splits_in_the_index(root: DataRoot) -> None:
    rows = read_index(root).to_dict("records")
    write_index(root.index, [{str(name): value for name, value in {**row, "split": "train"}.items()} for row in rows])


def wrong_splits_in_the_samples(root: DataRoot) -> None:
    for path in root.dataset.glob("shard-*.arrow"):
        table = pa.ipc.open_file(path).read_all()
        place = table.schema.get_field_index("split")
        all_train = pc.if_else(pc.is_valid(table["split"]), "train", None)
        changed = table.set_column(place, table.schema.field(place), all_train.cast(table.schema.field(place).type))
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
            out.write_table(changed)


def materialized(root: DataRoot, source: Path) -> tuple[set[str], set[str]]:
    """Assets that were made, and steps that were begun, of a run of everything up to the checkpoint."""
    result = dg.materialize(
        [*ASSETS, *LOOKED_AT],
        instance=dg.DagsterInstance.ephemeral(),
        resources={
            "data_root": DataRootResource(path=str(root.path)),
            "engine": EngineResource(),
            "tpu": TPUResource(poll_s=0.05, trainer_module="ecg_assets_tests.no_such_trainer"),
        },
        run_config={
            "ops": {
                "raw_csvs": {"config": {"source": str(source)}},
                "pages": {"config": CLEAN_PAGES.model_dump()},
                "mixed_dataset": {"config": CLEAN_SAMPLES.model_dump(mode="json")},
            }
        },
        raise_on_error=False,
    )
    assert not result.success
    events = result.get_asset_materialization_events()
    begun = {str(event.step_key) for event in result.all_events if event.is_step_start}
    return {event.asset_key.to_user_string() for event in events if event.asset_key is not None}, begun


@pytest.mark.parametrize(
    ("spoil", "made"),
    [
        (wrong_splits_in_the_index, {"raw_csvs"}),
        (wrong_splits_in_the_samples, {"raw_csvs", "rendered_waves", "wave_masks", "mixed_dataset"}),
    ],
)
def test_nothing_after_a_check_that_blocks_is_begun(
    made_root: DataRoot,
    synthetic_source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[DataRoot], None],
    made: set[str],
) -> None:
    """All stages are current, so that nothing makes good again what is spoilt here."""
    monkeypatch.setenv("ECG_WORKERS", "1")
    root = DataRoot(tmp_path / "data", made_root.shards)
    shutil.copytree(made_root.path, root.path, symlinks=True)
    spoil(root)
    came, begun = materialized(root, synthetic_source)
    assert came == made
    assert not any(step.startswith("trained_checkpoint") for step in begun)
    assert not root.runs.exists()
