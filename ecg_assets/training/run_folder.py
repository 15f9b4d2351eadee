"""One experiment's run folder: what it was started with, what it told, its checkpoints, and how it ended."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ecg_assets.store.atomic import remove_temporaries, write_text
from ecg_assets.store.bucket_copy import working_copy_around
from ecg_assets.store.bucket_push import push_run
from ecg_assets.store.bucket_units import ARCHIVE
from ecg_assets.store.config_fields import fingerprint_fields
from ecg_assets.store.fingerprint import fingerprint, sha256_file
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stage import Log
from ecg_assets.training.config import PACKAGE_WEIGHTS, TrainConfig
from ecg_assets.weights import SEGMENTATION, weights_path

# To be raised when the same config on the same data would train to something else.
CODE_VERSION = "2"

_Model = TypeVar("_Model", bound=BaseModel)


class RunFolderError(ValueError):
    """A run folder cannot be used; the message names it and says what to do."""


@dataclass(frozen=True)
class RunFolder:
    """Paths of one run, `runs/<experiment>/`.

    Attributes:
        path: the folder, which all hosts of a TPU slice share.
        host: number of the host that asks. What each host writes for itself is its own: only host 0 writes the rest.
    """

    path: Path
    host: int = 0

    @property
    def _own(self) -> Path:
        return self.path / "hosts" / str(self.host) if self.host else self.path

    @property
    def config(self) -> Path:
        """The `Start`, as JSON."""
        return self.path / "config.json"

    @property
    def events(self) -> Path:
        """One JSON line for each event that this host tells."""
        return self._own / "events.jsonl"

    @property
    def state(self) -> Path:
        """How far the run is, as JSON: a `RunState`."""
        return self.path / "state.json"

    @property
    def best(self) -> Path:
        """Weights of the epoch with the best mean Dice in validation."""
        return self.path / "checkpoints" / "best.safetensors"

    @property
    def last(self) -> Path:
        """Weights, optimizer and progress to go on from."""
        return self.path / "checkpoints" / "last.safetensors"

    @property
    def previous(self) -> Path:
        """The last checkpoint but one."""
        return self.path / "checkpoints" / "previous.safetensors"

    @property
    def heartbeats(self) -> Path:
        """A file for each replica of this host, touched in every step."""
        return self._own / "heartbeats"

    @property
    def stop_request(self) -> Path:
        """While this file is there, the training stops at its next log line on all hosts, resumably."""
        return self._own / "stop_request"


class Start(BaseModel):
    """What a run was started with.

    Attributes:
        config: the training config.
        dataset: the dataset's folder, relative to the run folder, so that a data root can be moved.
        dataset_digest: of its content.
        fingerprint: of all that decides what comes out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: TrainConfig
    dataset: str
    dataset_digest: str
    fingerprint: str


class EpochScores(BaseModel):
    """What an epoch ended with.

    Attributes:
        epoch: 1 for the first.
        loss: mean over the epoch's steps.
        learning_rate: during the epoch.
        validation_loss: mean over the validation samples.
        dice, iou, precision, recall: per class, on the validation samples; None where a class does not occur.
        foreground_dice: mean Dice over all classes but background; the best epoch has the highest.
        f_1px, f_2px: per class but background, F of the pixels within that distance, as in the evaluation report.
        intersection_f_3px: F of the intersections found within 3 px; None for networks that do not tell them apart.
        confusion: pixels by true and predicted class, over all validation samples.
        samples_per_s: trained on by all replicas together, validation left aside.
        data_wait_share: of the time of the training steps, spent waiting for batches.
    """

    model_config = ConfigDict(frozen=True)

    epoch: int
    loss: float
    learning_rate: float
    validation_loss: float
    dice: dict[str, float | None]
    iou: dict[str, float | None]
    precision: dict[str, float | None] = Field(default_factory=dict)
    recall: dict[str, float | None] = Field(default_factory=dict)
    foreground_dice: float
    f_1px: dict[str, float | None] = Field(default_factory=dict)
    f_2px: dict[str, float | None] = Field(default_factory=dict)
    intersection_f_3px: float | None = None
    confusion: dict[str, dict[str, int]] = Field(default_factory=dict)
    samples_per_s: float = 0.0
    data_wait_share: float = 0.0


class RunState(BaseModel):
    """How far a run is, for people and for the assets; `last.safetensors` holds what training goes on from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    epochs_done: int
    finished: bool
    best_epoch: int
    history: list[EpochScores]

    @model_validator(mode="after")
    def _best_is_one_of_them(self) -> Self:
        if self.finished and not 1 <= self.best_epoch <= len(self.history):
            raise ValueError(f"best_epoch is {self.best_epoch}, but there are {len(self.history)} epochs")
        return self


class Published(BaseModel):
    """What came out of a finished run.

    Attributes:
        checkpoint: the best weights.
        sha256: of that file.
        best_epoch: 1 for the first.
        validation: numbers of the best epoch, flat: `validation_loss`, `dice_<class>`, `iou_<class>`.
        history: all epochs.
    """

    model_config = ConfigDict(frozen=True)

    checkpoint: Path
    sha256: str
    best_epoch: int
    validation: dict[str, float]
    history: list[EpochScores] = Field(repr=False)


def prepare_run(root: DataRoot, config: TrainConfig, log: Log) -> RunFolder:
    """Opens the run folder of an experiment. Checkpoints stay when config, dataset and code are as they were.

    A run that was started with something else is moved to `runs/.archive/<experiment>/<time>`, and in a data root in a
    bucket put there as well, before the new one takes its place.

    Raises:
        RunFolderError: there is no dataset, or a file of weights that the config names is not there.
    """
    digest = dataset_digest(root)
    wanted = start_fingerprint(config, digest)
    run = RunFolder(root.runs / config.experiment)
    if run.config.exists() and _kept_fingerprint(run) == wanted:
        left = remove_temporaries(run.path)
        log(f"{config.experiment}: same config, dataset and code as before: its checkpoints are kept")
        if left:
            log(f"{config.experiment}: removed {left} unfinished files of an interrupted run")
        return run
    if run.path.exists():
        archived = _archive(root, run)
        log(f"{config.experiment}: config, dataset or code has changed; the earlier run is kept in {archived}")
        copy = working_copy_around(root.path, log)
        if copy is not None:
            push_run(copy, archived.relative_to(root.runs).as_posix(), log)
    start = Start(
        config=config,
        dataset=os.path.relpath(root.dataset, run.path),
        dataset_digest=digest,
        fingerprint=wanted,
    )
    write_text(run.config, start.model_dump_json(indent=1) + "\n")
    log(f"{config.experiment}: new run in {run.path}")
    return run


def archived_runs(root: DataRoot) -> list[Path]:
    """Folders of runs that gave way to others, sorted; those of `.previous`, where earlier versions put them, too."""
    return sorted([*(root.runs / ARCHIVE).glob("*/*/"), *(root.runs / ".previous").glob("*/")])


def _archive(root: DataRoot, run: RunFolder) -> Path:
    folder = root.runs / ARCHIVE / run.path.name
    folder.mkdir(parents=True, exist_ok=True)
    time = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    # Two within a second: a rename onto a folder that holds something would fail.
    names = (time if number == 1 else f"{time}-{number}" for number in count(1))
    archived = next(path for name in names if not (path := folder / name).exists())
    run.path.rename(archived)
    return archived


def start_fingerprint(config: TrainConfig, dataset_digest: str) -> str:
    """Hash of all that a training follows from: code version, config, dataset, and the weights that it begins with.

    Raises:
        RunFolderError: a file of weights that the config names is not there.
    """
    return fingerprint(CODE_VERSION, fingerprint_fields(config), dataset_digest, *_first_weights(config))


def read_start(run: RunFolder) -> Start:
    """What the run was started with.

    Raises:
        RunFolderError: the folder was not prepared, or the file is damaged.
    """
    if not run.config.exists():
        raise RunFolderError(f"{run.config} is not there; prepare the run first (`ecg-assets train --config ...`)")
    return _read_model(run.config, Start)


def read_state(run: RunFolder) -> RunState | None:
    """How far the run is, or None before its first checkpoint.

    Raises:
        RunFolderError: the file is there but tells no such thing.
    """
    return _read_model(run.state, RunState) if run.state.exists() else None


def is_finished(run: RunFolder) -> bool:
    """Whether all epochs are trained, with the config that the folder was prepared for."""
    state = read_state(run)
    if state is None or not run.config.exists() or not run.best.exists():
        return False
    return state.finished and state.fingerprint == _kept_fingerprint(run)


def publish(run: RunFolder, log: Log) -> Published:
    """What came out of a finished run.

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


def write_state(run: RunFolder, state: RunState) -> None:
    """Writes how far the run is."""
    write_text(run.state, state.model_dump_json(indent=1) + "\n")


def _read_model(path: Path, model: type[_Model]) -> _Model:
    try:
        return model.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))[:80] or "it"
        raise RunFolderError(
            f"{path} is damaged ({where}: {first['msg']}); remove {path.parent} and train again"
        ) from error


def _read_fields(path: Path, remedy: str) -> dict[str, Any]:
    try:
        fields = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RunFolderError(f"{path} is damaged (it is no JSON text); {remedy}") from error
    if not isinstance(fields, dict):
        raise RunFolderError(f"{path} is damaged (it holds no fields); {remedy}")
    return fields


def _kept_fingerprint(run: RunFolder) -> str:
    """Read without validation: an older version's config may have other fields."""
    return str(_read_fields(run.config, f"remove {run.path} and train again").get("fingerprint"))


def _first_weights(config: TrainConfig) -> list[str]:
    """Hashes of the files that a training begins with: other content under the same name trains to something else."""
    hashes = []
    for field in ("start_from", "encoder_weights"):
        named = getattr(config, field)
        if named is None:
            continue
        path = weights_path(SEGMENTATION) if (field, named) == ("start_from", PACKAGE_WEIGHTS) else Path(named)
        if not path.is_file():
            raise RunFolderError(
                f"{field} is {named}, and no such file is there; name the file of a checkpoint's weights"
            )
        hashes.append(sha256_file(path))
    return hashes


def dataset_digest(root: DataRoot) -> str:
    """Hash of the dataset that is there now.

    Raises:
        RunFolderError: there is none, or its facts are damaged.
    """
    path = root.dataset / "dataset.json"
    if not path.exists():
        raise RunFolderError(f"{path} is not there; materialise mixed_dataset first")
    facts = _read_fields(path, "delete it and materialise mixed_dataset")
    if not isinstance(facts.get("digest"), str):
        raise RunFolderError(f"{path} is damaged (it has no digest); delete it and materialise mixed_dataset")
    return str(facts["digest"])
