"""Jobs."""

import dagster as dg

# These download, or process all images in the inbox; a nightly rebuild should not wait for them.
_SCANS = dg.AssetSelection.groups("scans")
_DATA = dg.AssetSelection.groups("data")

rebuild_all = dg.define_asset_job(
    "rebuild_all",
    selection=dg.AssetSelection.all() - _SCANS,
    description="From records to champion in one run; current shards are skipped. Trains grid_wave_mix_run on a TPU, "
    "demo elsewhere.",
)

rebuild_data = dg.define_asset_job(
    "rebuild_data",
    selection=_DATA,
    description="Records, pages, masks and samples, without training; current shards are skipped.",
)

retrain = dg.define_asset_job(
    "retrain",
    selection=dg.AssetSelection.groups("training"),
    description="Checkpoint, evaluation and champion from the existing samples. A training with the same config on the "
    "same samples is not repeated.",
)
