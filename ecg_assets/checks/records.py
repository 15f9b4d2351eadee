"""Checks of records: what a wrong index or record would spoil is everything."""

import dagster as dg
import numpy as np

from ecg_assets.checks.result import failed, verdict
from ecg_assets.records.index import IndexMissingError, accepted_records, read_index
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.samples.split_leakage import signals_in_two_splits

_RECORDS_READ = 48


@dg.asset_check(asset="raw_csvs", blocking=True)
def index_is_sound(data_root: DataRootResource) -> dg.AssetCheckResult:
    """The index keeps its pandera schema: each id once, shard and split as follow from it, a reason for a no."""
    from ecg_assets.records.schema import index_problems

    root = data_root.open()
    try:
        index = read_index(root)
    except IndexMissingError as error:
        return failed(str(error))
    accepted = int((index["status"] == "accepted").sum())
    none = [] if accepted else ["no record was accepted; the index says why of each"]
    return verdict(index_problems(index, root.shards) + none, records=len(index), accepted=accepted)


@dg.asset_check(asset="raw_csvs", blocking=True)
def records_are_sound(data_root: DataRootResource) -> dg.AssetCheckResult:
    """Records (up to 48 are read) are the files that were accepted, and keep their pandera schema: 12 leads, 10 s."""
    from ecg_assets.records.schema import record_problems

    root = data_root.open()
    index = accepted_records(root)
    places = np.linspace(0, len(index) - 1, min(len(index), _RECORDS_READ)).round().astype(int)
    rows = index.iloc[places].itertuples(index=False)
    problems = [problem for row in rows for problem in record_problems(root, row)]
    return verdict(problems, records_read=len(places))


@dg.asset_check(asset="raw_csvs")
def no_signal_is_in_two_splits(data_root: DataRootResource) -> dg.AssetCheckResult:
    """The same signal is not under different ids in different splits; a warning, for the source has it so."""
    groups = signals_in_two_splits(data_root.open())
    if groups:
        said = "; ".join(" = ".join(group) for group in groups[:10])
        reason = f"{len(groups)} signals are in more than one split: {said}; keep one of each in the source"
        return failed(reason, dg.AssetCheckSeverity.WARN)
    return verdict([])
