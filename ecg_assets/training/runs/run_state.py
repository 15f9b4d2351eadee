"""Reads and writes a run's start, progress and result in its run folder."""

from pathlib import Path
from typing import Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ecg_assets.store.sealed import SealBrokenError, read_unsealed, write_sealed_text
from ecg_assets.training.config import TrainConfig
from ecg_assets.training.runs.run_folder import RunFolder, RunFolderError, read_json_fields

# A lost state is restored from the last checkpoint; a run without its config goes to the archive.
_REMEDY = "delete it and materialise trained_checkpoint"
_Model = TypeVar("_Model", bound=BaseModel)


class Start(BaseModel):
    """Config and dataset that a run was started with.

    Attributes:
        config: the training config.
        began_with: the config that the run began with, where fields that leave its result as it is have changed since.
        dataset: the dataset's folder, relative to the run folder, so that a data root can be moved.
        dataset_digest: of its content.
        fingerprint: of all that decides what comes out, with the config that the run began with.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: TrainConfig
    began_with: TrainConfig | None = None
    dataset: str
    dataset_digest: str
    fingerprint: str

    @property
    def begun(self) -> TrainConfig:
        """The config that the run began with."""
        return self.began_with or self.config


class EpochScores(BaseModel):
    """Scores at the end of an epoch.

    Attributes:
        epoch: 1 for the first.
        loss: mean over the epoch's steps.
        learning_rate: during the epoch.
        validation_loss: mean over the validation samples.
        dice, iou, precision, recall: per class, on the validation samples; None if a class does not occur.
        foreground_dice: mean Dice over all classes except background; the best epoch has the highest.
        f_1px, f_2px: per class except background, F of the pixels within that distance, as in the evaluation report.
        intersection_f_3px: F of the intersections within 3 px; None for networks without that class.
        confusion: pixels by true and predicted class, over all validation samples.
        samples_per_s: trained on by all replicas together, without validation.
        data_wait_share: share of the time of the training steps spent waiting for batches.
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
    """A run's progress, for people and for the assets; training resumes from `last.safetensors`."""

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
    """The result of a finished run.

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


def read_start(run: RunFolder) -> Start:
    """The config and dataset that the run was started with.

    Raises:
        RunFolderError: the folder was not prepared, or the file is damaged.
    """
    if not run.config.exists():
        raise RunFolderError(f"{run.config} is not there; prepare the run first (`ecg-assets train --config ...`)")
    return _read_model(run.config, Start)


def write_start(run: RunFolder, start: Start) -> None:
    """Writes what the run is started with."""
    left_out = {"began_with"} if start.began_with is None else None
    write_sealed_text(run.config, start.model_dump_json(indent=1, exclude=left_out) + "\n")


def read_state(run: RunFolder) -> RunState | None:
    """The run's progress, or None before its first checkpoint.

    Raises:
        RunFolderError: the file exists but is not a run's state.
    """
    return _read_model(run.state, RunState) if run.state.exists() else None


def is_finished(run: RunFolder) -> bool:
    """Whether all epochs are trained, with the config that the folder was prepared for."""
    state = read_state(run)
    if state is None or not run.config.exists() or not run.best.exists():
        return False
    return state.finished and state.fingerprint == recorded_fingerprint(run)


def write_state(run: RunFolder, state: RunState) -> None:
    """Writes the run's progress."""
    write_sealed_text(run.state, state.model_dump_json(indent=1) + "\n")


def _read_model(path: Path, model: type[_Model]) -> _Model:
    try:
        return model.model_validate_json(read_unsealed(path))
    except SealBrokenError as error:
        raise RunFolderError(f"{error}; {_REMEDY}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))[:80] or "it"
        raise RunFolderError(f"{path} is damaged ({where}: {first['msg']}); {_REMEDY}") from error


def recorded_fingerprint(run: RunFolder) -> str:
    """The fingerprint that the folder was prepared for, read without validation because older configs differ in fields.

    Raises:
        RunFolderError: the file is damaged.
    """
    return str(read_json_fields(run.config, _REMEDY).get("fingerprint"))
