"""The rebuild of everything, by hand or at night."""

import dagster as dg

# They ask the network, or look at whatever lies in the inbox: nothing that a nightly rebuild should wait for.
_BY_HAND = dg.AssetSelection.assets("kaggle_subset", "scan_segmentations")

rebuild_all = dg.define_asset_job(
    "rebuild_all",
    selection=dg.AssetSelection.all() - _BY_HAND,
    description="Records to champion in one run; what is current is skipped. The experiment is grid_wave_mix_run on a "
    "TPU, demo elsewhere.",
)

nightly = dg.ScheduleDefinition(
    name="nightly",
    job=rebuild_all,
    cron_schedule="0 2 * * *",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Rebuilds everything at 2 in the morning. Switch it on here; `make ui` runs the daemon it needs.",
)
