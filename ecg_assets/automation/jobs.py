"""What is rebuilt together."""

import dagster as dg

# They ask the network, or look at whatever lies in the inbox: nothing that a nightly rebuild should wait for.
_SCANS = dg.AssetSelection.groups("scans")
_DATA = dg.AssetSelection.groups("data")

rebuild_all = dg.define_asset_job(
    "rebuild_all",
    selection=dg.AssetSelection.all() - _SCANS,
    description="Records to champion in one run; what is current is skipped. The experiment is grid_wave_mix_run on a "
    "TPU, demo elsewhere.",
)

rebuild_data = dg.define_asset_job(
    "rebuild_data",
    selection=_DATA,
    description="Records, pages, masks and samples; what is current is skipped. Nothing is trained.",
)

retrain = dg.define_asset_job(
    "retrain",
    selection=dg.AssetSelection.groups("training"),
    description="Checkpoint, its evaluation and the champion, from the samples that are there. A training with the "
    "same config on the same samples is not repeated.",
)
