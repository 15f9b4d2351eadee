"""Stores the TPU compiler's plans for training configs, in the package for shipped ones or in the user's cache."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ecg_assets.store.atomic import write_text
from ecg_assets.store.bucket.address import cache_folder
from ecg_assets.store.config_fields import fingerprint_fields
from ecg_assets.store.fingerprint import fingerprint
from ecg_assets.training.config import TrainConfig

SHIPPED = Path(__file__).parent / "tables" / "tpu_plans.json"
# The fields that decide what a step computes, and how much of it at once.
_STEP_FIELDS = (
    "classes",
    "batch_size",
    "crop_px",
    "turned",
    "network",
    "widths",
    "patch_px",
    "refine",
    "precision",
    "ema_decay",
    "accumulate",
    "label_smoothing",
    "cross_entropy_weight",
    "dice_weight",
    "focal_weight",
    "focal_gamma",
    "boundary_weight",
    "boundary_px",
)
# Where PCI cannot tell two versions apart, what fits in the smaller one fits.
_SMALLER = {"v2/v3": "v2"}


class StepPlan(BaseModel):
    """What the compiler says of a config's training step on a machine. It is an estimate: nothing has run on chips.

    Attributes:
        config: its name.
        machine: for example `v3-8`.
        core: what a replica runs on there, for example `v3`.
        replicas: of the machine.
        fits: whether it compiles and a replica's memory suffices.
        reason: why not; empty where it does.
        micro_batch: samples at once, the most that fit; None where not even one does.
        too_large: the smallest number of samples at once that was found not to fit; None where the whole batch does.
        peak_gib: memory that a replica needs.
        limit_gib: memory that it has.
        estimated_ms: of a step of the optimizer.
        samples_per_s_per_core: of one replica.
        samples_per_s: of all replicas.
        flops_per_sample: useful ones, of training.
        flops_share: of what the replica could compute in that time in bf16.
        compile_s: processor time that compiling took where it was planned: how long it takes on an idle core there.
        step: hash of the config's fields that the step follows from.
        graphs: sha256 of each graph of the step, by name.
        libtpu: the compiler's version.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: str
    machine: str
    core: str
    replicas: int
    fits: bool
    reason: str = ""
    micro_batch: int | None = None
    too_large: int | None = None
    peak_gib: float | None = None
    limit_gib: float
    estimated_ms: float | None = None
    samples_per_s_per_core: float | None = None
    samples_per_s: float | None = None
    flops_per_sample: float
    flops_share: float | None = None
    compile_s: float
    step: str
    graphs: dict[str, str]
    libtpu: str


def step_key(config: TrainConfig) -> str:
    """Hash of what a config's step follows from; the same for configs that differ in other things."""
    fields = fingerprint_fields(config)
    # By the names and values that fingerprints have: a field that is renamed or added makes no plan stale.
    return fingerprint({name: fields[name] for name in _STEP_FIELDS if name in fields}, config.remat)


def planned(config: TrainConfig, core: str) -> StepPlan | None:
    """What was found for a config on a TPU core (`v3`): by the user, else with the package; None where nobody asked."""
    key, core = step_key(config), _SMALLER.get(core, core)
    found = (plan for plan in (*_asked(key), *shipped_plans()) if (plan.step, plan.core) == (key, core))
    return next(found, None)


def planned_on_any(config: TrainConfig) -> list[StepPlan]:
    """What was found for a config, on each machine that somebody asked for; sorted by machine."""
    key = step_key(config)
    found = {plan.machine: plan for plan in (*shipped_plans(), *_asked(key)) if plan.step == key}
    return [found[machine] for machine in sorted(found)]


def describe_plans(config: TrainConfig) -> str | None:
    """A sentence on what the TPU compiler has said of a config; None where nobody has asked it."""
    plans = planned_on_any(config)
    fit = [
        f"{plan.machine} ({plan.micro_batch} samples at once, {plan.peak_gib:.1f} of {plan.limit_gib:.1f} GiB, "
        f"{plan.samples_per_s:,.0f} samples/s)"
        for plan in plans
        if plan.fits
    ]
    not_fit = [f"{plan.machine} ({plan.reason})" for plan in plans if not plan.fits]
    said = [f"fits on {', '.join(fit)}"] * bool(fit) + [f"does not fit on {', '.join(not_fit)}"] * bool(not_fit)
    return f"{config.experiment}, as the TPU compiler estimates: {'; '.join(said)}" if said else None


def remember(plan: StepPlan) -> None:
    """Keeps a plan in the user's cache, for trainings to come."""
    write_text(_folder() / f"{plan.step}-{plan.machine}.json", plan.model_dump_json(indent=1) + "\n")


@cache
def shipped_plans() -> tuple[StepPlan, ...]:
    """The plans of the configs that come with the package."""
    return tuple(StepPlan.model_validate(plan) for plan in json.loads(SHIPPED.read_text("utf-8")))


def _asked(key: str) -> Iterator[StepPlan]:
    for path in sorted(_folder().glob(f"{key}-*.json")):
        yield StepPlan.model_validate_json(path.read_text("utf-8"))


def _folder() -> Path:
    return cache_folder() / "tpu-plan" / "plans"
