"""Opens and archives run folders, and publishes the result of a finished run."""

import os
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from ecg_assets.store.atomic import remove_temporaries
from ecg_assets.store.bucket.push import push_run
from ecg_assets.store.bucket.units import ARCHIVE
from ecg_assets.store.bucket.working_copy import working_copy_around
from ecg_assets.store.config_fields import fingerprint_fields
from ecg_assets.store.fingerprint import fingerprint, sha256_file
from ecg_assets.store.lock import check_locks
from ecg_assets.store.log import Log
from ecg_assets.store.root import DataRoot
from ecg_assets.store.write_errors import named_when_refused
from ecg_assets.training.config import PACKAGE_WEIGHTS, TrainConfig
from ecg_assets.training.runs.lost_checkpoints import what_is_lost
from ecg_assets.training.runs.run_folder import RunFolder, RunFolderError, dataset_digest
from ecg_assets.training.runs.run_state import (
    Published,
    Start,
    is_finished,
    read_start,
    read_state,
    recorded_fingerprint,
    write_start,
    write_state,
)
from ecg_assets.training.runs.same_training import as_begun, differences
from ecg_assets.training.tpu_plans import describe_plans
from ecg_assets.weights import SEGMENTATION, weights_path

# Raise this when a change of code changes the result of the same config on the same data.
CODE_VERSION = "2"


def prepare_run(root: DataRoot, config: TrainConfig, log: Log) -> RunFolder:
    """Opens the run folder of an experiment. Checkpoints are kept if config, dataset and code are unchanged.

    Of the config, fields that leave the result as it is may differ, and more epochs may be asked for: see
    `same_training`. A run that was started with something else, or whose checkpoints are lost, is moved to
    `runs/.archive/<experiment>/<time>`, and in a data root in a bucket put there as well, before the new one takes its
    place.

    Raises:
        RunFolderError: the dataset or a file of weights named in the config is missing, or a file of the run is
            damaged.
    """
    digest = dataset_digest(root)
    plans = describe_plans(config)
    if plans is not None:
        log(plans)
    wanted = start_fingerprint(config, digest)
    run = RunFolder(root.runs / config.experiment)
    reason = _why_anew(run, config, digest, wanted) if run.config.exists() else f"{run.config} is missing"
    if reason is None:
        _reopen_for_more_epochs(run, config)
        reason = what_is_lost(root, run, log)
    if reason is None:
        _go_on_with(run, config, wanted, log)
        left = remove_temporaries(run.path)
        log(f"{config.experiment}: same training as before: its checkpoints are kept")
        if left:
            log(f"{config.experiment}: removed {left} unfinished files of an interrupted run")
        return run
    if run.path.exists():
        archived = _archive(root, run)
        log(f"{config.experiment}: {reason}; it is trained anew, and the earlier run is kept in {archived}")
        copy = working_copy_around(root.path, log)
        if copy is not None:
            push_run(copy, archived.relative_to(root.runs).as_posix(), log)
    start = Start(
        config=config,
        dataset=os.path.relpath(root.dataset, run.path),
        dataset_digest=digest,
        fingerprint=wanted,
    )
    write_start(run, start)
    log(f"{config.experiment}: new run in {run.path}")
    return run


def _why_anew(run: RunFolder, config: TrainConfig, digest: str, wanted: str) -> str | None:
    """Why the training in the folder is another one than that of `wanted`; None where it goes on."""
    recorded = recorded_fingerprint(run)
    try:
        start = read_start(run)
    except RunFolderError:  # a config of another version, or damaged
        return None if recorded == wanted else "config, dataset or code has changed"
    changed = differences(start.begun, config, _epochs_done(run))
    if start.dataset_digest != digest:
        changed.append("the dataset has changed")
    same = recorded == start_fingerprint(as_begun(start.begun, config), digest)
    if not (changed or same):
        changed.append("the code, or the weights that it begins with, have changed")
    return "; ".join(changed) or None


def _epochs_done(run: RunFolder) -> int:
    try:
        state = read_state(run)
    except RunFolderError:
        return 0  # whoever reads the state next says that it is damaged
    return state.epochs_done if state else 0


def _reopen_for_more_epochs(run: RunFolder, config: TrainConfig) -> None:
    """A training that has ended with all its epochs, and is to have more, has not ended."""
    state = read_state(run)
    if state is not None and state.finished and read_start(run).config.epochs <= state.epochs_done < config.epochs:
        write_state(run, state.model_copy(update={"finished": False}))


def _go_on_with(run: RunFolder, config: TrainConfig, wanted: str, log: Log) -> None:
    """Takes over fields that leave the result as it is, and the number of epochs: the training goes on with them."""
    start = read_start(run)
    if start.config == config:
        return
    began_with = None if start.fingerprint == wanted else start.begun
    taken = start.model_copy(update={"config": config, "began_with": began_with})
    write_start(run, taken)
    names = [name for name in type(config).model_fields if getattr(config, name) != getattr(start.config, name)]
    log(f"{config.experiment}: goes on with " + ", ".join(f"{name} {getattr(config, name)}" for name in names))


def archived_runs(root: DataRoot) -> list[Path]:
    """Folders of archived runs, sorted, including `.previous`, the archive of earlier versions."""
    return sorted([*(root.runs / ARCHIVE).glob("*/*/"), *(root.runs / ".previous").glob("*/")])


def _archive(root: DataRoot, run: RunFolder) -> Path:
    folder = root.runs / ARCHIVE / run.path.name
    with named_when_refused(folder):
        folder.mkdir(parents=True, exist_ok=True)
    time = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    # Two within a second would fail, because a folder cannot be renamed onto one that is not empty.
    names = (time if number == 1 else f"{time}-{number}" for number in count(1))
    archived = next(path for name in names if not (path := folder / name).exists())
    check_locks()
    with named_when_refused(archived):
        run.path.rename(archived)
    return archived


def start_fingerprint(config: TrainConfig, dataset_digest: str) -> str:
    """Hash of all that determines a training: code version, config, dataset, and initial weights.

    Raises:
        RunFolderError: a file of weights named in the config is missing.
    """
    return fingerprint(CODE_VERSION, fingerprint_fields(config), dataset_digest, *_first_weights(config))


def publish(run: RunFolder, log: Log) -> Published:
    """The result of a finished run.

    Raises:
        RunFolderError: the run has not finished.
    """
    state = read_state(run)
    if state is None or not is_finished(run):
        raise RunFolderError(f"{run.path} has not finished training; launch it again, it goes on where it stopped")
    best = state.history[state.best_epoch - 1]
    named = {f"{score}_{name}": value for score in ("dice", "iou") for name, value in getattr(best, score).items()}
    published = Published(
        checkpoint=run.best,
        sha256=sha256_file(run.best),
        best_epoch=state.best_epoch,
        validation={
            "validation_loss": best.validation_loss,
            **{name: value for name, value in named.items() if value is not None},
        },
        history=state.history,
    )
    log(f"{run.path.name}: best epoch {published.best_epoch} of {len(state.history)}, {published.sha256[:12]}")
    return published


def _first_weights(config: TrainConfig) -> list[str]:
    """Hashes of the files with initial weights, because the content under one name may change."""
    hashes = []
    for field in ("start_from", "encoder_weights"):
        named = getattr(config, field)
        if named is None:
            continue
        path = weights_path(SEGMENTATION) if (field, named) == ("start_from", PACKAGE_WEIGHTS) else Path(named)
        if not path.is_file():
            raise RunFolderError(
                f"{field} is {named}, and no such file is there; name the .safetensors file to begin with, or leave "
                f"{field} out"
            )
        hashes.append(sha256_file(path))
    return hashes
