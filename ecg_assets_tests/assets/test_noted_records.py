"""What the index notes of accepted records is shown with the asset."""

from pathlib import Path

import dagster as dg
import pandas as pd

from ecg_assets.assets.records import raw_csvs
from ecg_assets.resources.data_root import DataRootResource


def test_what_is_odd_about_accepted_records_is_shown(source_copy: Path, tmp_path: Path) -> None:
    path = sorted((source_copy / "train").rglob("*.csv"))[0]
    pd.read_csv(path).rename(columns={"aVR": "AVR"}).to_csv(path, index=False)
    result = dg.materialize(
        [raw_csvs],
        resources={"data_root": DataRootResource(path=str(tmp_path / "data"))},
        run_config={"ops": {"raw_csvs": {"config": {"source": str(source_copy)}}}},
        instance=dg.DagsterInstance.ephemeral(),
    )
    metadata = result.asset_materializations_for_node("raw_csvs")[0].metadata
    assert metadata["noted_by"].value == {"odd_names": 1}
    assert path.stem in str(metadata["notes"].value)
    assert metadata["accepted"].value == 6
