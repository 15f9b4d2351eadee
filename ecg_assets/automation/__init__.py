"""Jobs, schedules, sensors, and alerts for failed runs; all are off until switched on in the UI."""

from ecg_assets.automation.alerts import alert_on_failure
from ecg_assets.automation.conditions import CONDITION_SENSORS
from ecg_assets.automation.jobs import rebuild_all, rebuild_data, retrain
from ecg_assets.automation.schedules import nightly_rebuild, weekly_retraining
from ecg_assets.automation.sensors import new_records

JOBS = (rebuild_all, rebuild_data, retrain)
SCHEDULES = (nightly_rebuild, weekly_retraining)
SENSORS = (new_records, *CONDITION_SENSORS, alert_on_failure)
