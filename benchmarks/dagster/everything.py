"""Materialize all, twice, as runs of the command line: the second one has nothing to do."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from benchmarks.spent import spent

Row = tuple[str, str, str]
_HOME = Path(__file__).resolve().parents[2] / "dagster_home" / "dagster.yaml"
# A network that is trained in seconds: what is measured is what comes when it is there.
EXPERIMENT = {
    "experiment": "tiny", "classes": 5, "runtime": "torch", "epochs": 1, "steps_per_epoch": 4, "validation_steps": 1,
    "batch_size": 2, "learning_rate": 0.001, "crop_px": 64, "widths": [8, 16], "patch_px": 4,
    "class_weights": [1, 1, 1, 2, 2],
}  # fmt: skip
_CONFIG = {"ops": {"digitization_report": {"config": {"recipes": ["clean"]}}}}


def again(records: int) -> list[Row]:
    """A second Materialize all over synthetic records, from the start of its process to its end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "home").mkdir()
        (folder / "home" / _HOME.name).write_text(_HOME.read_text("utf-8"), "utf-8")
        experiment = folder / "tiny.yaml"
        experiment.write_text(yaml.safe_dump(EXPERIMENT), "utf-8")
        variables = os.environ | {
            "DAGSTER_HOME": str(folder / "home"),
            "ECG_ASSETS_DATA": str(folder / "data"),
            "ECG_EXPERIMENT": str(experiment),
            "ECG_RECORDS": str(records),
            "HOME": str(folder),  # nobody's Kaggle credentials
        }
        variables.pop("ECG_SOURCE", None)
        _run(variables)
        second = spent(lambda: _run(variables))
    return [(f"second Materialize all, {records} records, with the start of its process", str(second), "at most 20 s")]


def _run(variables: dict[str, str]) -> None:
    command = [str(Path(sys.executable).with_name("dagster")), "asset", "materialize", "--select", "*"]
    command += ["-m", "ecg_assets.definitions", "--config-json", json.dumps(_CONFIG)]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-4000:])
