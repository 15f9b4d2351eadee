"""The trained checkpoint: a graph of prepare, launch and publish."""

import os
from pathlib import Path

import dagster as dg
from pydantic import Field

from ecg_assets.assets.metadata import picture, told
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.resources.reconcile import wait_for_slot
from ecg_assets.resources.tpu import TPU_POOL, TPUResource
from ecg_assets.store.lock import only_writer
from ecg_assets.store.root import DataRoot
from ecg_assets.training.config import TrainConfig, load_config
from ecg_assets.training.monitoring.plots import kept_loss_curve
from ecg_assets.training.runs.lost_checkpoints import require_whole_best, what_is_lost
from ecg_assets.training.runs.prepare import CODE_VERSION, prepare_run, publish
from ecg_assets.training.runs.published import note_published
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import is_finished, read_start
from ecg_assets.training.tpu.pci import default_experiment

EXPERIMENT_VARIABLE = "ECG_EXPERIMENT"
TRAINED_CHECKPOINT = dg.AssetKey("trained_checkpoint")


class TrainingChoice(dg.Config):
    """What to train."""

    experiment: str = Field(
        default="",
        description="Name of an experiment (grid_wave_mix_run: 3 classes; grid_5class_run; demo: minutes on a CPU) or "
        "path of your own YAML file. Empty: the environment variable ECG_EXPERIMENT; if that is empty too, "
        "grid_wave_mix_run on a TPU, demo elsewhere.",
    )


@dg.op(ins={"mixed_dataset": dg.In(dg.Nothing)}, out=dg.Out(str))
def prepare(context: dg.OpExecutionContext, config: TrainingChoice, data_root: DataRootResource) -> dg.Output[str]:
    """Opens the experiment's run folder; a training with the same data and config is kept or continued."""
    wait_for_slot(context.instance, context.run.run_id, TPU_POOL, context.log.info)
    root = data_root.open()
    chosen = chosen_config(config)
    with only_writer(_lock(root, chosen.experiment), context.log.info):
        prepare_run(root, chosen, context.log.info)
    return dg.Output(chosen.experiment)


@dg.op(pool=TPU_POOL, out=dg.Out(str))
def launch(
    context: dg.OpExecutionContext, experiment: str, data_root: DataRootResource, tpu: TPUResource
) -> dg.Output[str]:
    """Runs the trainer on all cores, in its own process group, until it finishes."""
    root = data_root.open()
    run = RunFolder(root.runs / experiment)
    with only_writer(_lock(root, experiment), context.log.info):
        if not is_finished(run) and what_is_lost(root, run, context.log.info) is not None:
            prepare_run(root, read_start(run).config, context.log.info)  # this step may be re-executed alone
        if is_finished(run):
            context.log.info(f"{experiment} is already trained with this config on this dataset: nothing to do")
        else:
            tpu.run(context=context, run_folder=run.path, asset_key=TRAINED_CHECKPOINT)
    return dg.Output(experiment)


@dg.op(out=dg.Out(dg.Nothing), code_version=CODE_VERSION)
def publish_checkpoint(context: dg.OpExecutionContext, experiment: str, data_root: DataRootResource) -> dg.Output[None]:
    """Reports the best checkpoint of the training and records it as the one to evaluate."""
    root = data_root.open()
    run = RunFolder(root.runs / experiment)
    with only_writer(_lock(root, experiment), context.log.info):
        what_is_lost(root, run, context.log.info)
        require_whole_best(root, run)
    published = publish(run, context.log.info)
    note_published(root, experiment, published.checkpoint, published.sha256)
    return dg.Output(
        None,
        metadata=told(
            f"experiment {experiment}, best epoch {published.best_epoch}",
            published.checkpoint,
            picture=picture(kept_loss_curve(root, run.events), "loss and learning rate over the epochs"),
            experiment=experiment,
            best_epoch=published.best_epoch,
            sha256=published.sha256,
            **published.validation,
        ),
        data_version=dg.DataVersion(published.sha256),
    )


@dg.graph_asset(
    ins={"mixed_dataset": dg.AssetIn(dagster_type=dg.Nothing)}, group_name="training", kinds={"torch", "tpu"}
)
def trained_checkpoint(mixed_dataset: None) -> None:
    """The network's weights from the best epoch on the validation split, trained on all cores."""
    published: None = publish_checkpoint(launch(prepare(mixed_dataset)))
    return published


def chosen_config(choice: TrainingChoice) -> TrainConfig:
    """The training config that was chosen.

    Raises:
        ConfigError: there is no such config.
    """
    return load_config(choice.experiment or os.environ.get(EXPERIMENT_VARIABLE) or default_experiment())


def _lock(root: DataRoot, experiment: str) -> Path:
    return root.runs / ".locks" / experiment
