"""The code location: assets, checks, resources, jobs, schedules and sensors."""

import dagster as dg

from ecg_assets.assets.champion import champion
from ecg_assets.assets.dataset import mixed_dataset
from ecg_assets.assets.digitization import digitization_report, digitized_signals
from ecg_assets.assets.evaluation import evaluation_report
from ecg_assets.assets.grids import grids
from ecg_assets.assets.kaggle_subset import kaggle_subset
from ecg_assets.assets.owners import with_owners
from ecg_assets.assets.pages import pages
from ecg_assets.assets.records import raw_csvs
from ecg_assets.assets.scan_segmentations import scan_segmentations
from ecg_assets.assets.training import trained_checkpoint
from ecg_assets.automation import JOBS, SCHEDULES, SENSORS
from ecg_assets.automation.conditions import with_automation
from ecg_assets.checks import CHECKS
from ecg_assets.resources.compute import EngineResource
from ecg_assets.resources.console_logger import readable_logger
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.resources.kaggle import KaggleResource
from ecg_assets.resources.tpu import TPUResource
from ecg_assets.resources.webhook import WEBHOOK_VARIABLE, WebhookResource

# In the order of the data; tables list them in this order.
ASSETS = (
    raw_csvs,
    grids,
    pages,
    mixed_dataset,
    trained_checkpoint,
    evaluation_report,
    champion,
    kaggle_subset,
    scan_segmentations,
    digitized_signals,
    digitization_report,
)


@dg.definitions
def definitions() -> dg.Definitions:
    """All definitions in the UI; the steps of a run share one process."""
    return dg.Definitions(
        assets=with_automation(with_owners(ASSETS)),
        asset_checks=CHECKS,
        jobs=JOBS,
        schedules=SCHEDULES,
        sensors=SENSORS,
        resources={
            "data_root": DataRootResource(),
            "engine": EngineResource(),
            "tpu": TPUResource(),
            "kaggle": KaggleResource(),
            "alerts": WebhookResource(url=dg.EnvVar(WEBHOOK_VARIABLE)),
        },
        loggers={"console": readable_logger},
        executor=dg.in_process_executor,
    )
