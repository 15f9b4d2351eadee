"""The platform served with secrets in its environment, after a run that ends well and one that fails."""

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from ecg_assets.store.root import DataRoot
from ecg_assets_tests.integration.live import instance_of, status_of, until
from ecg_assets_tests.integration.live_training import (
    FAILURE,
    SUCCESS,
    TRAINING_ASSETS,
    Live,
    experiment_config,
    platform,
    write_experiment,
)

WEBHOOK, KAGGLE_KEY, PRIVATE_KEY = "hooks-secret-0a1b2c", "kaggle-secret-3d4e5f", "gcp-secret-6a7b8c"
SECRETS = (WEBHOOK, KAGGLE_KEY, PRIVATE_KEY)
NO_ACCOUNT = {
    "type": "service_account",
    "client_email": "nobody@example.invalid",
    "token_uri": "http://127.0.0.1:1/token",
    "private_key": f"-----BEGIN PRIVATE KEY-----\n{PRIVATE_KEY}\n-----END PRIVATE KEY-----\n",
}


@dataclass
class Watched:
    """What was seen of a platform with secrets.

    Attributes:
        live: it.
        written: the folder that holds its home and its data root.
        commands: command lines of all processes that came and went.
        done, failed: the ids of its two runs.
    """

    live: Live
    written: Path
    commands: set[str] = field(default_factory=set)
    done: str = ""
    failed: str = ""


@pytest.fixture(scope="package")
def watched(tmp_path_factory: pytest.TempPathFactory, made_root: DataRoot) -> Iterator[Watched]:
    """A training that ends well, and records from a bucket whose credentials are of no use."""
    kept, folder = tmp_path_factory.mktemp("secrets"), tmp_path_factory.mktemp("watched")
    (kept / "account.json").write_text(json.dumps(NO_ACCOUNT))
    shutil.copytree(made_root.path, folder / "data_root", symlinks=True)
    tiny = write_experiment(kept, "tiny", runtime="torch", epochs=1, steps_per_epoch=2, validation_steps=1)
    with (
        _commands() as commands,
        platform(
            folder,
            folder / "data_root",
            ECG_ALERT_WEBHOOK=f"http://127.0.0.1:1/{WEBHOOK}",
            KAGGLE_USERNAME="nobody",
            KAGGLE_KEY=KAGGLE_KEY,
            GOOGLE_APPLICATION_CREDENTIALS=str(kept / "account.json"),
        ) as live,
    ):
        seen = Watched(live, folder, commands)
        seen.done = _ended(live, SUCCESS, TRAINING_ASSETS, experiment_config(tiny))
        bucket = {"ops": {"raw_csvs": {"config": {"source": "gs://ecg-nobody/records"}}}}
        seen.failed = _ended(live, FAILURE, ["raw_csvs"], bucket)
        yield seen


def _ended(live: Live, wanted: object, assets: list[str], config: dict[str, Any]) -> str:
    run_id = live.server.materialize(assets, config)
    with instance_of(live.home) as instance:
        until(lambda: status_of(instance, run_id) in (SUCCESS, FAILURE), 240, "the end of the run")
        assert status_of(instance, run_id) == wanted
    return run_id


@contextmanager
def _commands() -> Iterator[set[str]]:
    """Command lines of this process's children and theirs, looked at twenty times a second."""
    seen, ending = set[str](), threading.Event()

    def look() -> None:
        while not ending.wait(0.05):
            for process in psutil.Process().children(recursive=True):
                try:
                    seen.add(Path(f"/proc/{process.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode())
                except OSError:
                    continue  # it has just ended

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ending.set()
        thread.join()
