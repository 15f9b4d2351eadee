"""What a training tells stands in the run: one observation an epoch with its numbers, one a picture."""

from pathlib import Path

import dagster as dg
import pytest

from ecg_assets.resources.tpu import TPUResource
from ecg_assets_tests.resources.launch_defs import RESOURCES, TRAINED, trained


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dg.AssetObservation]:
    """The observations of a launched trainer that tells an epoch, its picture, one that is gone, and a log line."""
    monkeypatch.setenv("ECG_TEST_RUN_FOLDER", str(tmp_path))
    tpu = TPUResource(grace_s=1.0, poll_s=0.1, trainer_module="ecg_assets_tests.resources.picture_trainer")
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([trained], instance=instance, resources=RESOURCES | {"tpu": tpu})
        entries = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_OBSERVATION)
        return [entry.asset_observation for entry in entries if entry.asset_observation]


def test_numbers_and_pictures_are_observed_and_log_lines_are_not(seen: list[dg.AssetObservation]) -> None:
    assert [one.asset_key for one in seen] == [TRAINED] * 3
    epoch, drawn, gone = seen
    confusion = dict(epoch.metadata).pop("confusion")
    assert isinstance(confusion, dg.TableMetadataValue)
    assert [record.data for record in confusion.records] == [
        {"true \\ predicted": "wave", "wave": 9, "grid": 1}, {"true \\ predicted": "grid", "wave": 0, "grid": 7}
    ]  # fmt: skip
    assert {name: value.value for name, value in epoch.metadata.items() if value != confusion} == {
        "epoch": 1, "loss": 0.5, "learning_rate": 1e-3, "dice_wave": 0.9, "samples_per_s": 12.5,
        "data_wait_share": 0.02, "f_1px_wave": 0.95, "intersection_f_3px": 0.99,
    }  # fmt: skip
    assert set(drawn.metadata) == {"picture"}
    text = str(drawn.metadata["picture"].value)
    assert text.startswith("![picture 1](data:image/webp;base64,")
    assert 20_000 < len(text) < 100_000
    assert "no longer exists" in str(gone.metadata["picture"].value)
