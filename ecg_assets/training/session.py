"""Prepares, trains and publishes an experiment in this process, without Dagster."""

from collections.abc import Callable
from pathlib import Path

from ecg_assets.store.lock import only_writer
from ecg_assets.store.log import Log
from ecg_assets.store.root import DataRoot
from ecg_assets.training.config import load_config
from ecg_assets.training.runs.lost_checkpoints import require_whole_best
from ecg_assets.training.runs.prepare import prepare_run, publish
from ecg_assets.training.runs.run_state import Published, is_finished
from ecg_assets.training.trainer import train


def train_here(root: DataRoot, name: str, log: Log, preflight: Callable[[Path], None]) -> Published:
    """Trains the config `name` (see `load_config`) on the dataset of `root`, unless it is already trained.

    Args:
        root: holds the dataset and the runs.
        name: of the config.
        log: receives what happens.
        preflight: called with the run folder before the training; its exceptions prevent the training.

    Raises:
        ConfigError, RunFolderError: config or dataset cannot be used.
        TrainingStopped: a signal asked it to stop.
        TrainingFailedError: a replica failed.
    """
    config = load_config(name)
    # The same lock as the asset's, so that one training at a time runs in a run folder.
    with only_writer(root.runs / ".locks" / config.experiment, log):
        run = prepare_run(root, config, log)
        if not is_finished(run):
            preflight(run.path)
            train(run.path, [lambda event: log(event.message)], pictures=True, own_process=True)
        require_whole_best(root, run)
        return publish(run, log)
