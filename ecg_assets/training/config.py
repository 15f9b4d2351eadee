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
    """Training config: data, network, loss and optimizer."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    experiment: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="Name of the run folder in runs/.")
    classes: Literal[3, 5] = Field(
        description="3: background, grid, wave; 5: background, horizontal, vertical, intersection, wave."
    )
    runtime: Literal["xla", "torch", "auto"] = Field(
        default="auto",
        description="xla: xmp.spawn on all TPU cores, or on `replicas` CPU replicas without a TPU; torch: one process "
        "on CUDA or CPU; auto: xla on a TPU, torch elsewhere.",
    )
    replicas: int = Field(
        default=2, ge=1, le=32, description="Replicas of the xla runtime on a CPU; a TPU has one per core."
    )
    cores: int | None = Field(
        default=None,
        ge=1,
        description="TPU cores that the config is meant for. A host with another number uses all of its cores and "
        "logs it.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of initial weights, sample order, crops and rotations.")

    epochs: int = Field(ge=1, description="Number of epochs; each ends with a validation and a checkpoint.")
    steps_per_epoch: int | None = Field(
        default=None, ge=1, description="Steps per epoch; null: the whole training split."
    )
    validation_steps: int | None = Field(
        default=None,
        ge=1,
        description="Validation batches per epoch, spread evenly over the split; null: the whole split.",
    )
    recipes: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Degradation recipes of the samples used for training and validation; null: all recipes.",
    )
    batch_size: int = Field(ge=1, description="Crops per step and replica.")
    micro_batch: Annotated[
        Literal["auto"] | Annotated[int, Field(ge=1)],
        InFingerprint(never=True),
        Field(
            description="Crops per forward pass, a divisor of batch_size: smaller values use less memory; the step is "
            "the same. auto: the size that `ecg-assets tpu plan` found to fit, halved when memory does not suffice."
        ),
    ] = "auto"
    remat: Annotated[
        Literal["none", "blocks"],
        InFingerprint(never=True),
        Field(
            description="Rematerialisation. blocks: activations inside the compact U-Net's blocks are recomputed for "
            "the gradients instead of stored, which uses less memory and more time."
        ),
    ] = "none"
    crop_px: int = Field(ge=16, description="Side of the random training crops, in pixels.")
    turned: bool = Field(
        default=True,
        description="Mirror the crops and rotate them by multiples of 90 degrees at random. Without it the network "
        "learns upright pages only, but needs far fewer steps to distinguish letters from traces.",
    )
    text_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Fraction of crops placed on ink that is not trace (text, separators, pulses), which is rare and "
        "most easily confused with trace.",
    )
    touching_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Fraction of the `text_share` crops placed where such ink lies within 2 mm of a trace (pulses, "
        "separators, lead names); the others are placed anywhere, mostly in the header.",
    )
    pulse_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Fraction of crops placed on a calibration pulse. Only 0.5 % of random crops contain a whole "
        "pulse, too few for the network to learn that pulses are not trace.",
    )
    log_every: int = Field(default=10, ge=1, description="Steps between log lines.")
    check_every: int = Field(
        default=10,
        ge=1,
        description="Steps between loss checks (NaN, infinity, and stop requests when several hosts train together). "
        "Each check synchronises with the device.",
    )
    save_every: int | None = Field(
        default=None,
        ge=1,
        description="Steps between checkpoints within an epoch; null: only at the end of each epoch.",
    )
    early_stop_patience: int | None = Field(
        default=None,
        ge=1,
        description="Epochs without a better validation score after which training ends; null: never.",
    )
    restarts: int = Field(
        default=2, ge=0, description="Maximum number of restarts from the last checkpoint after replicas died or hung."
    )
    stall_timeout_s: float = Field(
        default=1800.0,
        gt=0,
        description="Seconds without a step after which a replica counts as hung. Compiling a large network on a TPU "
        "takes minutes.",
    )

    network: str = Field(
        default="compact",
        pattern=r"^(compact|compact-[sml]|smp/[a-z0-9]+/[A-Za-z0-9_.-]+)$",
        description="compact: U-Net with `widths` and `patch_px`; compact-s, compact-m, compact-l: three sizes of it; "
        "smp/<architecture>/<encoder>: a segmentation-models-pytorch network, e.g. smp/unet/efficientnet-b0.",
    )
    encoder_weights: str | None = Field(
        default=None,
        description="safetensors file with initial weights of an smp encoder; null: random weights. Nothing is "
        "downloaded.",
    )
    start_from: str | None = Field(
        default=None,
        description="Checkpoint (best.safetensors or last.safetensors) of the same network with the initial weights; "
        "`package`: the weights of `ecg-assets predict`; null: random weights.",
    )
    widths: tuple[int, ...] = Field(
        default=(), max_length=6, description="Channels of the compact U-Net's levels, finest first."
    )
    patch_px: Literal[1, 2, 4] = Field(
        default=1, description="Side in pixels of one position of the finest level; 2 is about 4 times faster than 1."
    )
    refine: int = Field(
        default=0,
        ge=0,
        le=64,
        description="Channels of the compact U-Net's refinement head at full resolution, which sharpens edges when "
        "patch_px is above 1; 0: no head.",
    )
    precision: Literal["f32", "bf16"] = Field(
        default="f32",
        description="Precision of the network's arithmetic; weights, losses and optimizer state are always f32.",
    )

    learning_rate: float = Field(gt=0, description="Learning rate of AdamW after the warm-up.")
    warmup_steps: int = Field(default=0, ge=0, description="Steps over which the learning rate rises from 0.")
    schedule: Literal["plateau", "cosine"] = Field(
        default="plateau",
        description="Learning rate schedule. plateau: lowered when the validation loss stops falling; cosine: lowered "
        "to `final_rate` of the learning rate at the last step.",
    )
    final_rate: float = Field(
        default=0.01, ge=0, le=1, description="cosine: final learning rate as a fraction of `learning_rate`."
    )
    accumulate: int = Field(
        default=1, ge=1, description="Batches whose gradients are accumulated for one optimizer step."
    )
    ema_decay: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Decay of the exponential moving average of the weights, which is then validated and saved; 0: "
        "off. 0.999 is usual.",
    )
    weight_decay: float = Field(default=1e-4, ge=0, description="Weight decay of AdamW.")
    clip_norm: float = Field(
        default=1.0, gt=0, description="Maximum norm of the gradient; larger gradients are clipped."
    )
    class_weights: tuple[float, ...] | None = Field(
        default=None,
        description="Class weights of the cross entropy; null: computed from the class shares of the dataset.",
    )
    label_smoothing: float = Field(default=0.0, ge=0, lt=1, description="Label smoothing of the cross entropy.")
    cross_entropy_weight: float = Field(default=1.0, ge=0, description="Weight of the cross entropy in the loss.")
    dice_weight: float = Field(default=1.0, ge=0, description="Weight of the Dice loss in the loss.")
    focal_weight: float = Field(default=0.0, ge=0, description="Weight of the focal loss in the loss.")
    focal_gamma: float = Field(
        default=2.0,
        ge=0,
        description="Focusing exponent of the focal loss: larger values give easy pixels less weight.",
    )
    boundary_weight: float = Field(
        default=0.0, ge=0, description="Weight of a Dice loss that tolerates lines displaced by up to `boundary_px`."
    )
    boundary_px: int = Field(
        default=1, ge=1, le=5, description="Displacement tolerated by the boundary loss, in pixels."
    )
    plateau_factor: float = Field(
        default=0.5, gt=0, lt=1, description="Factor applied to the learning rate on a plateau."
    )
    plateau_patience: int = Field(
        default=3, ge=0, description="Epochs without a better validation loss before the learning rate is lowered."
    )

    loader_threads: int | None = Field(
        default=None,
        ge=1,
        le=64,
        description="Loader threads per replica; null: the host's cores divided by its replicas.",
    )
    loader_batches_ahead: int = Field(default=4, ge=1, description="Batches prefetched per replica.")

    @property
    def multiple_px(self) -> int:
        """The number that the side of an image must be a multiple of."""
        if self.network.startswith("smp/"):
            return SMP_MULTIPLE_PX
        return int(self.patch_px * 2 ** (len(self.level_widths) - 1))

    @property
    def level_widths(self) -> tuple[int, ...]:
        """Channels of the compact U-Net's levels; empty for smp networks."""
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
        raise ConfigError(f"{path} does not exist; give the path of a YAML file, or one of the names {names}")
    try:
        fields = read_yaml(path)
    except YamlFileError as error:
        raise ConfigError(str(error)) from error
    if not isinstance(fields, dict):
        raise ConfigError(f"{path} has no fields; expected lines like `epochs: 10`")
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
        raise ValueError(f"widths is {list(widths)}, expected whole numbers of 1 or more")


def _check_memory(config: TrainConfig) -> None:
    if config.micro_batch != "auto" and config.batch_size % config.micro_batch:
        divisors = [str(size) for size in range(1, config.batch_size + 1) if config.batch_size % size == 0]
        raise ValueError(
            f"micro_batch is {config.micro_batch}, expected auto or a divisor of batch_size: {', '.join(divisors)}"
        )
    if config.remat == "blocks" and config.network.startswith("smp/"):
        raise ValueError(
            f"remat: blocks is for the compact U-Net only, and network is {config.network}; set remat: none "
            "and a smaller micro_batch"
        )


def _check_class_weights(weights: tuple[float, ...], classes: int) -> None:
    if len(weights) != classes:
        raise ValueError(f"class_weights holds {len(weights)} numbers, expected {classes}: one for each class")
    if min(weights) < 0 or sum(weights) == 0:
        raise ValueError(f"class_weights is {list(weights)}, expected numbers of 0 or more, not all 0")


def _why_multiple(config: TrainConfig) -> str:
    if config.network.startswith("smp/"):
        return f"({config.network} halves the resolution five times)"
    return f"(patch_px {config.patch_px}, halved {len(config.level_widths) - 1} times by the levels in widths)"
