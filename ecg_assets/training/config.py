"""The training config, shared by the YAML files, the command line and Dagster's run config."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ecg_assets.store.config_fields import InFingerprint
from ecg_assets.store.safe_yaml import YamlFileError, read_yaml

_SHOWN = 8
CONFIGS = Path(__file__).parent.parent / "configs"


# Channels of the compact U-Net in its three sizes: 0.15, 1.2 and 2.9 million parameters.
SIZES: dict[str, tuple[int, ...]] = {
    "compact-s": (16, 24, 32, 48),
    "compact-m": (32, 48, 64, 96, 128),
    "compact-l": (32, 64, 128, 256),
}
# Value of `start_from` that selects the package's weights.
PACKAGE_WEIGHTS = "package"
# Encoders of segmentation-models-pytorch halve the resolution five times.
SMP_MULTIPLE_PX = 32


class ConfigError(ValueError):
    """A training config cannot be used; the message names the file, the field and what was expected."""


class TrainConfig(BaseModel):
    """What to train, on what, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

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
    cores: int | None = Field(
        default=None,
        ge=1,
        description="TPU cores that the config was made for; a host with others trains on those, and says so.",
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
    micro_batch: Annotated[
        Literal["auto"] | Annotated[int, Field(ge=1)],
        InFingerprint(never=True),
        Field(
            description="Crops that the network sees at once, a divisor of batch_size: less memory, the same step. "
            "auto: as many as `ecg-assets tpu plan` found to fit, and half as many where the memory does not suffice."
        ),
    ] = "auto"
    remat: Annotated[
        Literal["none", "blocks"],
        InFingerprint(never=True),
        Field(
            description="blocks: what lies inside the compact U-Net's blocks is computed again for the gradients "
            "instead of being kept, which takes less memory and more time."
        ),
    ] = "none"
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
    touching_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of those crops that are cut where such ink lies within 2 mm of a trace (pulses, separators, "
        "names over it) instead of anywhere, which is mostly in the header.",
    )
    pulse_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of the crops that hold a whole calibration pulse, of whichever sample: by chance one in two "
        "hundred does, and a network that sees so few takes every pulse for trace.",
    )
    log_every: int = Field(default=10, ge=1, description="Steps between log lines.")
    check_every: int = Field(
        default=10,
        ge=1,
        description="Steps between looks at the losses: there NaN and infinity are found, and requests to stop when "
        "several hosts train together. The device is waited for each time.",
    )
    save_every: int | None = Field(
        default=None, ge=1, description="Steps between checkpoints within an epoch; null: at the end of epochs only."
    )
    early_stop_patience: int | None = Field(
        default=None, ge=1, description="Epochs without a better validation score before training ends; null: never."
    )
    restarts: int = Field(
        default=2, ge=0, description="How often replicas that died or hang are started again from the last checkpoint."
    )
    stall_timeout_s: float = Field(
        default=1800.0,
        gt=0,
        description="Seconds without a step after which a replica counts as hanging; compiling a large network on a "
        "TPU takes minutes.",
    )

    network: str = Field(
        default="compact",
        pattern=r"^(compact|compact-[sml]|smp/[a-z0-9]+/[A-Za-z0-9_.-]+)$",
        description="compact: the U-Net of `widths` and `patch_px`; compact-s, compact-m, compact-l: three sizes of "
        "it; smp/<architecture>/<encoder>: of segmentation-models-pytorch, e.g. smp/unet/efficientnet-b0.",
    )
    encoder_weights: str | None = Field(
        default=None,
        description="safetensors file with an smp encoder's weights to begin from; null: random ones. Nothing is "
        "downloaded.",
    )
    start_from: str | None = Field(
        default=None,
        description="Checkpoint (best.safetensors or last.safetensors) of the same network, whose weights the training "
        "begins with; `package`: those of `ecg-assets predict`; null: random ones.",
    )
    widths: tuple[int, ...] = Field(
        default=(), max_length=6, description="Channels of the compact U-Net's levels, finest first."
    )
    patch_px: Literal[1, 2, 4] = Field(
        default=1, description="Pixels a side that one position of the finest level holds; 2 is about 4 times faster."
    )
    refine: int = Field(
        default=0,
        ge=0,
        le=64,
        description="Channels of the compact U-Net's last look at single pixels, which sharpens edges where patch_px "
        "is above 1; 0: none.",
    )
    precision: Literal["f32", "bf16"] = Field(
        default="f32", description="Of the network's arithmetic; weights, losses and optimizer state are always f32."
    )

    learning_rate: float = Field(gt=0, description="AdamW's, after the warm-up.")
    warmup_steps: int = Field(default=0, ge=0, description="Steps over which the learning rate grows from 0.")
    schedule: Literal["plateau", "cosine"] = Field(
        default="plateau",
        description="plateau: lowered when the validation loss no longer falls; cosine: to `final_rate` of it at the "
        "last step.",
    )
    final_rate: float = Field(default=0.01, ge=0, le=1, description="Of cosine: the last step's share of the rate.")
    accumulate: int = Field(
        default=1, ge=1, description="Batches whose gradients are added up for one step of the optimizer."
    )
    ema_decay: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Of the weights' moving average, which is then validated and saved; 0: none. 0.999 is usual.",
    )
    weight_decay: float = Field(default=1e-4, ge=0, description="AdamW's.")
    clip_norm: float = Field(default=1.0, gt=0, description="The gradient's norm is clipped to this.")
    class_weights: tuple[float, ...] | None = Field(
        default=None,
        description="Of the cross entropy, one for each class; null: from the dataset's measured class shares.",
    )
    label_smoothing: float = Field(default=0.0, ge=0, lt=1, description="Of the cross entropy.")
    cross_entropy_weight: float = Field(default=1.0, ge=0, description="Of the cross entropy in the loss.")
    dice_weight: float = Field(default=1.0, ge=0, description="Of the Dice loss beside it.")
    focal_weight: float = Field(default=0.0, ge=0, description="Of the focal loss beside it.")
    focal_gamma: float = Field(default=2.0, ge=0, description="How much the focal loss looks away from easy pixels.")
    boundary_weight: float = Field(
        default=0.0, ge=0, description="Of a Dice loss that forgives lines displaced by `boundary_px`."
    )
    boundary_px: int = Field(default=1, ge=1, le=5, description="Displacement that the boundary loss forgives.")
    plateau_factor: float = Field(default=0.5, gt=0, lt=1, description="The learning rate's factor on a plateau.")
    plateau_patience: int = Field(
        default=3, ge=0, description="Epochs without a better validation loss before the learning rate is lowered."
    )

    loader_threads: int | None = Field(
        default=None,
        ge=1,
        le=64,
        description="Threads that make batches, for each replica; none: the host's cores, divided among its replicas.",
    )
    loader_batches_ahead: int = Field(default=4, ge=1, description="Batches that are made ahead, for each replica.")

    @property
    def multiple_px(self) -> int:
        """The number that the side of an image must be a multiple of."""
        if self.network.startswith("smp/"):
            return SMP_MULTIPLE_PX
        return int(self.patch_px * 2 ** (len(self.level_widths) - 1))

    @property
    def level_widths(self) -> tuple[int, ...]:
        """Channels of the compact U-Net's levels; empty for networks of the zoo."""
        return SIZES.get(self.network, self.widths)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _check_network(self.network, self.widths)
        _check_memory(self)
        if self.class_weights is not None:
            _check_class_weights(self.class_weights, self.classes)
        if self.crop_px % self.multiple_px:
            raise ValueError(
                f"crop_px is {self.crop_px}, expected a multiple of {self.multiple_px} " + _why_multiple(self)
            )
        return self

    def changed(self, **fields: Any) -> "TrainConfig":
        """A copy of this config with some fields changed.

        Raises:
            ConfigError: a field is unknown or its value is out of range.
        """
        return _validated({**self.model_dump(), **fields}, f"config of {self.experiment}")


def load_config(name_or_path: str) -> TrainConfig:
    """Reads a config of the package, by its file's or its experiment's name, or a YAML file.

    Args:
        name_or_path: `demo`, `grid_wave_net` (experiment `grid_wave_mix_run`), `grid_5class`, or a path that ends
            in .yaml or .yml.

    Raises:
        ConfigError: the config does not exist, is not YAML, or has a wrong field.
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
        names = ", ".join(sorted(file.stem for file in CONFIGS.glob("*.yaml")))
        raise ConfigError(f"{path} is not there; give the path of a YAML file, or one of the names {names}")
    try:
        fields = read_yaml(path)
    except YamlFileError as error:
        raise ConfigError(str(error)) from error
    if not isinstance(fields, dict):
        raise ConfigError(f"{path} holds no fields; expected lines like `epochs: 10`")
    return _validated(fields, str(path))


def _validated(fields: dict[str, Any], where: str) -> TrainConfig:
    try:
        return TrainConfig.model_validate(fields)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, item['loc']))[:80] or 'fields'}: {item['msg'].removeprefix('Value error, ')}"
            for item in error.errors(include_input=False)[:_SHOWN]
        )
        raise ConfigError(f"{where}: {wrong}") from error


def _check_network(network: str, widths: tuple[int, ...]) -> None:
    if network != "compact" and widths:
        raise ValueError(f"widths is {list(widths)}, but network {network} has its own; leave widths out")
    if network == "compact" and not widths:
        raise ValueError(
            "widths is empty; give the levels' channels, or choose network: compact-s, compact-m, compact-l"
        )
    if widths and min(widths) < 1:
        raise ValueError(f"widths is {list(widths)}, expected whole numbers from 1 up")


def _check_memory(config: TrainConfig) -> None:
    if config.micro_batch != "auto" and config.batch_size % config.micro_batch:
        divisors = [str(size) for size in range(1, config.batch_size + 1) if config.batch_size % size == 0]
        raise ValueError(
            f"micro_batch is {config.micro_batch}, expected auto or a divisor of batch_size: {', '.join(divisors)}"
        )
    if config.remat == "blocks" and config.network.startswith("smp/"):
        raise ValueError(
            f"remat is blocks, which the compact U-Net alone knows, and network is {config.network}; set remat: none "
            "and a smaller micro_batch"
        )


def _check_class_weights(weights: tuple[float, ...], classes: int) -> None:
    if len(weights) != classes:
        raise ValueError(f"class_weights holds {len(weights)} numbers, expected {classes}: one for each class")
    if min(weights) < 0 or sum(weights) == 0:
        raise ValueError(f"class_weights is {list(weights)}, expected numbers from 0 up, not all 0")


def _why_multiple(config: TrainConfig) -> str:
    if config.network.startswith("smp/"):
        return f"({config.network} halves the resolution five times)"
    return f"(patch_px {config.patch_px}, halved {len(config.level_widths) - 1} times by the levels in widths)"
