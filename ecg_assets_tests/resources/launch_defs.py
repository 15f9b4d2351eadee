"""A code location with nothing but a launch: the TPU resource, its pool and a stand-in for the trainer."""

import os
from pathlib import Path
from typing import Any

import dagster as dg

from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.resources.reconcile import wait_for_slot
from ecg_assets.resources.tpu import TPU_POOL, TPUResource

TRAINED = dg.AssetKey("trained")


@dg.op(out=dg.Out(str))
def prepare(context: dg.OpExecutionContext, root: DataRootResource) -> str:
    wait_for_slot(context.instance, context.run.run_id, TPU_POOL, context.log.info)
    return os.environ["ECG_TEST_RUN_FOLDER"]


@dg.op(pool=TPU_POOL, out=dg.Out(str))
def launch(context: dg.OpExecutionContext, folder: str, tpu: TPUResource, root: DataRootResource) -> dg.Output[str]:
    tpu.run(context=context, run_folder=Path(folder), asset_key=TRAINED)
    return dg.Output(folder)


@dg.graph_asset
def trained() -> str:
    folder: str = launch(prepare())
    return folder


RESOURCES: dict[str, dg.ConfigurableResource[Any]] = {
    "tpu": TPUResource(grace_s=1.0, poll_s=0.1, trainer_module="ecg_assets_tests.resources.stand_in_trainer"),
    "root": DataRootResource(),
}


@dg.definitions
def definitions() -> dg.Definitions:
    return dg.Definitions(assets=[trained], resources=RESOURCES, executor=dg.in_process_executor)
