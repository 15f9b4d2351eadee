"""Checks of trained checkpoints."""

import tempfile
from pathlib import Path

import dagster as dg
from pydantic import Field

from ecg_assets.assets.training import TrainingChoice, chosen_config
from ecg_assets.checks.result import failed, verdict
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.training.evaluation.champion_store import read_champion
from ecg_assets.training.evaluation.scorecard import read_scorecard
from ecg_assets.training.runs.published import NothingPublishedError, published_experiment, read_published
from ecg_assets.training.runs.run_folder import RunFolder

LOWEST_DICE = 0.9


@dg.asset_check(asset="trained_checkpoint", blocking=True)
def weights_are_sound(data_root: DataRootResource) -> dg.AssetCheckResult:
    """The published checkpoint is unchanged, loads into its network, and holds only finite numbers."""
    from ecg_assets.training.checkpoints.sanity_check import checkpoint_problem, parameters  # imports torch

    root = data_root.open()
    try:
        checkpoint = read_published(root).checkpoint
    except NothingPublishedError as error:
        return failed(str(error))
    problem = checkpoint_problem(checkpoint)
    return failed(problem) if problem else verdict([], parameters=parameters(checkpoint))


class TpuPlanChoice(TrainingChoice):
    """Config and machine to plan for."""

    machine: str = Field(
        default="",
        description="TPU to compile the training step for, for example v3-8. Compiling takes minutes and needs no TPU. "
        "Empty: nothing is compiled, and the check reports earlier results.",
    )


@dg.asset_check(asset="trained_checkpoint")
def training_fits_tpu(context: dg.AssetCheckExecutionContext, config: TpuPlanChoice) -> dg.AssetCheckResult:
    """The training step compiles for a TPU and fits into its memory, according to the TPU compiler.

    A warning, not an error. It does nothing until a machine is set in the launchpad.
    """
    from ecg_assets.training.plan.compiler_environment import compiler_environment
    from ecg_assets.training.plan.machines import machine_named
    from ecg_assets.training.plan.plan import plan_config
    from ecg_assets.training.tpu_plans import describe_plans, remember

    chosen = chosen_config(config)
    if not config.machine:
        said = describe_plans(chosen) or f"{chosen.experiment} has not been compiled for a TPU"
        return verdict([], not_evaluated="no machine is set", known=said)
    machines = [machine_named(config.machine)]
    environment = compiler_environment("pinned", context.log.info)
    with tempfile.TemporaryDirectory(prefix="ecg-tpu-plan-") as folder:
        (planned,) = plan_config(chosen.experiment, chosen, machines, environment, Path(folder), context.log.info)
    plan = planned.plan
    remember(plan)
    facts = {name: value for name, value in plan.model_dump(exclude={"graphs"}).items() if value not in (None, "")}
    if not plan.fits:
        return failed(f"{chosen.experiment} on {plan.machine}: {plan.reason}", dg.AssetCheckSeverity.WARN)
    return verdict([], **facts)


@dg.asset_check(asset="evaluation_report")
def dice_is_high_enough(data_root: DataRootResource) -> dg.AssetCheckResult:
    """Dice on test records is at least 0.9 for grid lines and wave; a warning, not an error."""
    root = data_root.open()
    card = read_scorecard(RunFolder(root.runs / published_experiment(root)))
    low = {name: dice for name, dice in card.three_class_dice.items() if dice is not None and dice < LOWEST_DICE}
    if low:
        said = ", ".join(f"{name} {dice:.3f}" for name, dice in low.items())
        return failed(
            f"Dice below {LOWEST_DICE}: {said}; train for more epochs or on more records", dg.AssetCheckSeverity.WARN
        )
    return verdict([], three_class_dice=card.score)


@dg.asset_check(asset="champion")
def champion_beats_baseline(data_root: DataRootResource) -> dg.AssetCheckResult:
    """The champion's Dice on test records exceeds that of a baseline that thresholds dark and coloured pixels."""
    from ecg_assets.training.evaluation.threshold_baseline import against_baseline

    root = data_root.open()
    champion = read_champion(root)
    if champion is None or champion.card is None:
        return failed(f"{root.champion} holds no champion with scores; materialise champion")
    result = against_baseline(root, champion.card)
    problem = [result.problem] if result.problem else []
    return verdict(problem, champion=result.champion, rule=result.rule, samples=result.samples)
