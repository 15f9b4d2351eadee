"""What assets send to worker processes knows nothing of Dagster."""

import pickle
from collections.abc import Sequence
from typing import Any

import dagster as dg
import pytest

from ecg_assets.assets.dataset import mixed_dataset
from ecg_assets.assets.pages import pages
from ecg_assets.resources.compute import EngineResource
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.store.root import DataRoot


class WorkersWouldStartError(Exception):
    """As far as the test goes."""


@pytest.mark.parametrize(
    ("asset", "module", "config"),
    [
        (pages, "ecg_assets.pages.stage", {"seed": 1, "styles": "kaggle"}),
        (mixed_dataset, "ecg_assets.samples.stage", {"seed": 1}),
    ],
)
def test_a_task_can_be_unpickled_without_dagster(
    made_root: DataRoot,
    monkeypatch: pytest.MonkeyPatch,
    asset: dg.AssetsDefinition,
    module: str,
    config: dict[str, Any],
) -> None:
    sent = list[bytes]()

    def stop(stage: str, folder: object, root: object, tasks: Sequence[object], *_: object, **__: object) -> None:
        sent.extend(map(pickle.dumps, tasks))
        raise WorkersWouldStartError

    monkeypatch.setattr(f"{module}.run_stage", stop)
    monkeypatch.setattr(f"{module}.note_settings", lambda *_: None)
    with pytest.raises(WorkersWouldStartError):
        dg.materialize(
            [asset],
            resources={"data_root": DataRootResource(path=str(made_root.path)), "engine": EngineResource()},
            run_config={"ops": {asset.op.name: {"config": config}}},
        )
    assert len(sent) == made_root.shards
    assert not any(b"dagster" in task or b"ecg_assets.assets" in task for task in sent)
