"""The one training config: behind the YAML files, the command line and Dagster's run config."""

from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

CONFIGS = Path(__file__).parent.parent / "configs"


class ConfigError(ValueError):
    """A training config cannot be used; the message names the file, the field and what was expected."""


class TrainConfig(BaseModel):
    """What to train, on what, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    experiment: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="Name of the run's folder in runs/.")
    classes: Literal[3, 5] = Field(
        description="3: background, grid, wave; 5: background, horizontal, vertical, intersection, wave."
    )
    runtime: Literal["xla", "torch", "auto"] = Field(
        default="auto",
        description="xla: xmp.spawn on all TPU cores, or on `replicas` CPU replicas without a TPU; torch: this "
        "process, CUDA or CPU; auto: xla where a TPU is, torch elsewhere.",
    )
    replicas: int = Field(
        default=2, ge=1, le=32, description="Replicas of the xla runtime on a CPU; a TPU has one for each core."
    )
    seed: int = Field(default=0, ge=0, description="Of initial weights, of samples' order, of crops and turns.")

    epochs: int = Field(ge=1, description="Each ends with a validation and a checkpoint.")
    steps_per_epoch: int | None = Field(
        default=None, ge=1, description="Steps in an epoch; null: as many as the training split needs."
    )
    validation_steps: int | None = Field(
        default=None, ge=1, description="Validation batches in an epoch, evenly from the split; null: all of it."
    )
    recipes: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Degradation recipes of the samples that are trained and validated on; null: all of the dataset.",
    )
    batch_size: int = Field(ge=1, description="Crops in a step, for each replica.")
    crop_px: int = Field(ge=16, description="Side of the random crops that are trained on.")
    turned: bool = Field(
        default=True,
        description="Mirror and quarter-turn the crops at random. Without it the network learns upright pages only, "
        "and learns upright letters in far fewer steps than letters in eight positions.",
    )
    text_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of the crops that are cut around ink which is no trace (text, separators, pulses): it is "
        "rare, and what a trace is most easily taken for.",
    )
    log_every: int = Field(
        default=10, ge=1, description="Steps between log lines; there losses and stop requests are looked at."
    )

    widths: tuple[int, ...] = Field(
        min_length=1, max_length=6, description="Channels of the U-Net's levels, finest first."
    )
    patch_px: Literal[1, 2, 4] = Field(
        default=1, description="Pixels a side that one position of the finest level holds; 2 is about 4 times faster."
    )
    precision: Literal["f32", "bf16"] = Field(
        default="f32", description="Of the network's arithmetic; weights, losses and optimizer state are always f32."
    )

    learning_rate: float = Field(gt=0, description="AdamW's, at the start.")
    weight_decay: float = Field(default=1e-4, ge=0, description="AdamW's.")
    clip_norm: float = Field(default=1.0, gt=0, description="The gradient's norm is clipped to this.")
    class_weights: tuple[float, ...] = Field(description="Of the cross entropy, one for each class.")
    dice_weight: float = Field(default=1.0, ge=0, description="Of the Dice loss beside the cross entropy.")
    plateau_factor: float = Field(default=0.5, gt=0, lt=1, description="The learning rate's factor on a plateau.")
    plateau_patience: int = Field(
        default=3, ge=0, description="Epochs without a better validation loss before the learning rate is lowered."
    )

    loader_threads: int = Field(default=2, ge=1, le=64, description="Threads that make batches, for each replica.")
    loader_batches_ahead: int = Field(default=4, ge=1, description="Batches that are made ahead, for each replica.")

    @property
    def multiple_px(self) -> int:
        """What the side of an image must be a multiple of."""
        return int(self.patch_px * 2 ** (len(self.widths) - 1))

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.class_weights) != self.classes:
            raise ValueError(
                f"class_weights holds {len(self.class_weights)} numbers, expected {self.classes}: one for each class"
            )
        if min(self.class_weights) < 0 or sum(self.class_weights) == 0:
            raise ValueError(f"class_weights is {list(self.class_weights)}, expected numbers from 0 up, not all 0")
        if min(self.widths) < 1:
            raise ValueError(f"widths is {list(self.widths)}, expected whole numbers from 1 up")
        if self.crop_px % self.multiple_px:
            raise ValueError(
                f"crop_px is {self.crop_px}, expected a multiple of {self.multiple_px} "
                f"(patch_px {self.patch_px}, halved {len(self.widths) - 1} times by the levels in widths)"
            )
        return self

    def changed(self, **fields: Any) -> "TrainConfig":
        """This config with other values in some fields.

        Raises:
            ConfigError: a field is unknown or its value is out of range.
        """
        return _validated({**self.model_dump(), **fields}, f"config of {self.experiment}")


def load_config(name_or_path: str) -> TrainConfig:
    """Reads a config that comes with the package, by its file's or its experiment's name, or a YAML file.

    Args:
        name_or_path: `demo`, `grid_wave_net` (experiment `grid_wave_mix_run`), `grid_5class`, or a path that ends
            in .yaml or .yml.

    Raises:
        ConfigError: there is no such config, it is no YAML, or a field is wrong.
    """
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml"):
        return _read(path)
    shipped = {file.stem: file for file in sorted(CONFIGS.glob("*.yaml"))}
    if name_or_path in shipped:
        return _read(shipped[name_or_path])
    experiments = {config.experiment: config for config in map(_read, shipped.values())}
    if name_or_path in experiments:
        return experiments[name_or_path]
    known = ", ".join(sorted({*shipped, *experiments}))
    raise ConfigError(f"no training config {name_or_path!r}; expected one of {known}, or the path of a .yaml file")


def _read(path: Path) -> TrainConfig:
    if not path.exists():
        raise ConfigError(f"{path} is not there; give the path of a YAML file, or a name without .yaml")
    try:
        fields = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no YAML text: {error}") from error
    if not isinstance(fields, dict):
        raise ConfigError(f"{path} holds no fields; expected lines like `epochs: 10`")
    return _validated(fields, str(path))


def _validated(fields: dict[str, Any], where: str) -> TrainConfig:
    try:
        return TrainConfig.model_validate(fields)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'fields'}: {item['msg'].removeprefix('Value error, ')}"
            for item in error.errors()
        )
        raise ConfigError(f"{where}: {wrong}") from error
