"""A real Dagster with a data root, and trainings that run in it for tests to disturb."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import yaml

from ecg_assets.training.launch.process_record import PROCESS_FILE
from ecg_assets_tests.integration.live import Server, make_home, status_of, until, webserver, whole_ui

MODULE = "ecg_assets.definitions"
SUCCESS, FAILURE, CANCELED = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED
ENDLESS = {"epochs": 10_000, "steps_per_epoch": 4, "validation_steps": 1}
TRAINING_ASSETS = ["trained_checkpoint"]


@dataclass(frozen=True)
class Live:
    """One Dagster with one data root.

    Attributes:
        server: its webserver.
        home: its DAGSTER_HOME.
        data_root: its data root.
        variables: the environment of its code server.
    """

    server: Server
    home: Path
    data_root: Path
    variables: dict[str, str]


@contextmanager
def platform(folder: Path, data_root: Path, daemon: bool = False, **more: str) -> Iterator[Live]:
    """The project's definitions served, with a home below `folder` and nobody's Kaggle credentials.

    With `daemon` it is what `make ui` starts, without only the webserver.
    """
    home = make_home(folder / "home")
    variables = {
        "ECG_ASSETS_DATA": str(data_root),
        "HOME": str(folder),
        "OMP_NUM_THREADS": "1",  # threads that wait for each other crawl when other tests share the cores
        **more,
    }
    serving = whole_ui(home, **variables) if daemon else webserver(home, MODULE, **variables)
    with serving as server:
        yield Live(server, home, data_root, variables)


def processes(live: Live) -> set[int]:
    """All that work on this data root, by the environment they inherited.

    But not the process in which Python's multiprocessing keeps count of a server's resources, from its first run on.
    """
    found = set()
    for process in psutil.process_iter():
        try:
            counts = "multiprocessing.resource_tracker" in " ".join(process.cmdline())
            if process.environ().get("ECG_ASSETS_DATA") == str(live.data_root) and not counts:
                found.add(process.pid)
        except psutil.Error:
            continue
    return found - {os.getpid()}


def write_experiment(folder: Path, name: str, **changes: Any) -> Path:
    """A network that a CPU trains in seconds, by the XLA runtime with two replicas unless told otherwise."""
    config = {
        "experiment": name,
        "classes": 5,
        "runtime": "xla",
        "replicas": 2,
        "epochs": 3,
        "steps_per_epoch": 8,
        "validation_steps": 2,
        "batch_size": 2,
        "crop_px": 64,
        "log_every": 2,
        "widths": [8, 16],
        "patch_px": 4,
        "learning_rate": 3e-3,
        "class_weights": [1, 1, 1, 2, 2],
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({**config, **changes}))
    return path


def epochs_seen(instance: dg.DagsterInstance, run_id: str) -> list[int]:
    """Epochs in the run's log so far, from the observations of the checkpoint; those of pictures are left out."""
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_OBSERVATION)
    seen = [entry.asset_observation.metadata for entry in entries if entry.asset_observation]
    return [int(str(metadata["epoch"].value)) for metadata in seen if "epoch" in metadata]


def wait_for_an_epoch(instance: dg.DagsterInstance, run_id: str, seconds: float = 240) -> None:
    """Until the run's log holds an epoch; a run that failed before is told at once, with its errors."""

    def seen() -> bool:
        if status_of(instance, run_id) == FAILURE:
            failures = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
            raise AssertionError("\n".join(str(entry.dagster_event) for entry in failures))
        return bool(epochs_seen(instance, run_id))

    until(seen, seconds, "an epoch in the run's log")


def trainer_group(data_root: Path) -> int | None:
    """The process group of the training that runs now."""
    records = list(data_root.glob(f"runs/*/{PROCESS_FILE}"))
    return int(json.loads(records[0].read_text())["group"]) if records else None


def experiment_config(path: Path) -> dict[str, Any]:
    """Run config that trains the experiment of this YAML file."""
    return {"ops": {"trained_checkpoint": {"ops": {"prepare": {"config": {"experiment": str(path)}}}}}}
