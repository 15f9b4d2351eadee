"""Checks of records and their index, on which all other assets depend."""

import dagster as dg
import numpy as np

from ecg_assets.checks.result import failed, verdict
from ecg_assets.records.index import IndexMissingError, accepted_records, read_index
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.samples.split_leakage import signals_in_two_splits

_RECORDS_READ = 48


@dg.asset_check(asset="raw_csvs", blocking=True)
def index_is_sound(data_root: DataRootResource) -> dg.AssetCheckResult:
    """The index matches its schema: unique ids, shard and split derived from the id, a reason for each quarantine."""
    from ecg_assets.records.schema import index_problems

    root = data_root.open()
    try:
        index = read_index(root)
    except IndexMissingError as error:
        return failed(str(error))
    accepted = int((index["status"] == "accepted").sum())
    none = [] if accepted else ["no record was accepted; the index gives the reason for each"]
    return verdict(index_problems(index, root.shards) + none, records=len(index), accepted=accepted)


@dg.asset_check(asset="raw_csvs", blocking=True)
def records_are_sound(data_root: DataRootResource) -> dg.AssetCheckResult:
    """Records (up to 48 are read) are unchanged since they were accepted and match their schema: 12 leads, 10 s."""
    from ecg_assets.records.schema import record_problems

    root = data_root.open()
    index = accepted_records(root)
    places = np.linspace(0, len(index) - 1, min(len(index), _RECORDS_READ)).round().astype(int)
    rows = index.iloc[places].itertuples(index=False)
    problems = [problem for row in rows for problem in record_problems(root, row)]
    return verdict(problems, records_read=len(places))


@dg.asset_check(asset="raw_csvs")
def no_signal_is_in_two_splits(data_root: DataRootResource) -> dg.AssetCheckResult:
    """No signal appears under different ids in different splits. A warning, because the source holds the duplicates."""
    groups = signals_in_two_splits(data_root.open())
    if groups:
        said = "; ".join(" = ".join(group) for group in groups[:10])
        reason = f"{len(groups)} signals are in more than one split: {said}; keep one of each in the source"
        return failed(reason, dg.AssetCheckSeverity.WARN)
    return verdict([])
