"""Schedules."""

import dagster as dg

from ecg_assets.automation.jobs import rebuild_all, retrain

nightly_rebuild = dg.ScheduleDefinition(
    name="nightly_rebuild",
    job=rebuild_all,
    cron_schedule="0 2 * * *",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Rebuilds everything daily at 02:00. Switch it on here; `make ui` runs the daemon it needs.",
)

weekly_retraining = dg.ScheduleDefinition(
    name="weekly_retraining",
    job=retrain,
    cron_schedule="0 4 * * 6",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Trains on Saturdays at 04:00 if samples or config have changed since the last training.",
)
