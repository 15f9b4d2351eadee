"""Checks of the dataset; each blocks training on a defective dataset."""

import dagster as dg

from ecg_assets.checks.result import failed, verdict
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.samples.classes import CLASSES
from ecg_assets.samples.reader import DatasetError, EmptySplitError, SampleReader
from ecg_assets.samples.sample_checks import class_shares, sample_problems, share_problems
from ecg_assets.samples.split_leakage import leaks


@dg.asset_check(asset="mixed_dataset", blocking=True)
def no_record_is_in_two_splits(data_root: DataRootResource) -> dg.AssetCheckResult:
    """Each split holds samples, and all samples of a record are in the one split that its id determines."""
    try:
        records = SampleReader(data_root.open().dataset, None).records_by_split()
    except (DatasetError, EmptySplitError) as error:
        return failed(str(error))
    return verdict(leaks(records), **{f"{split}_records": len(ids) for split, ids in sorted(records.items())})


@dg.asset_check(asset="mixed_dataset", blocking=True)
def samples_are_decodable(data_root: DataRootResource) -> dg.AssetCheckResult:
    """Samples (up to 256 are read) have an image, a mask with the five classes, and a description."""
    try:
        return verdict(sample_problems(data_root.open().dataset))
    except (DatasetError, EmptySplitError) as error:
        return failed(str(error))


@dg.asset_check(asset="mixed_dataset", blocking=True)
def class_shares_are_within_bounds(data_root: DataRootResource) -> dg.AssetCheckResult:
    """Each class's share of pixels is plausible for a printed ECG: no missing lines, no wave over half of the page."""
    try:
        shares = class_shares(data_root.open().dataset)
    except DatasetError as error:
        return failed(str(error))
    problems = share_problems(shares)
    return verdict(problems) if problems else verdict([], **dict(zip(CLASSES, shares, strict=True)))
