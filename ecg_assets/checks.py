"""Checks that find what would spoil everything downstream, and one that warns of a bad result."""

import dagster as dg
import numpy as np
from safetensors.numpy import load_file

from ecg_assets.pages.agreement import disagreements
from ecg_assets.records.index import IndexMissingError, accepted_records, read_index
from ecg_assets.resources.storage import DataRootResource
from ecg_assets.samples.reader import DatasetError, EmptySplitError, SampleReader
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.placement import SPLITS
from ecg_assets.training.published import published_experiment, published_sha256
from ecg_assets.training.run_folder import RunFolder
from ecg_assets.training.scorecard import read_scorecard

LOWEST_DICE = 0.9
_PAGES_LOOKED_AT = 24
_SHOWN = 10


@dg.asset_check(asset="raw_csvs", blocking=True)
def index_is_sound(data_root: DataRootResource) -> dg.AssetCheckResult:
    """The index has its columns, each id once, and at least one accepted record."""
    try:
        index = read_index(data_root.open())
    except IndexMissingError as error:
        return _failed(str(error))
    repeated = sorted(index.loc[index["id"].duplicated(), "id"])
    if repeated:
        return _failed(f"ids that stand in the index more than once: {repeated[:_SHOWN]}")
    accepted = int((index["status"] == "accepted").sum())
    if not accepted:
        return _failed("no record was accepted; the index says why of each")
    return dg.AssetCheckResult(passed=True, metadata={"records": len(index), "accepted": accepted})


@dg.asset_check(asset="wave_masks", blocking=True, additional_deps=["rendered_waves"])
def masks_lie_on_the_ink(data_root: DataRootResource) -> dg.AssetCheckResult:
    """Wave masks have their page's size, hold a trace, and lie on dark pixels only (up to 24 pages are looked at)."""
    root = data_root.open()
    ids = accepted_records(root)["id"].tolist()
    looked_at = [str(ids[place]) for place in np.linspace(0, len(ids) - 1, min(len(ids), _PAGES_LOOKED_AT)).astype(int)]
    wrong = disagreements(root, looked_at)
    if wrong:
        return _failed("; ".join(wrong[:_SHOWN]))
    return dg.AssetCheckResult(passed=True, metadata={"pages": len(looked_at)})


@dg.asset_check(asset="mixed_dataset", blocking=True)
def no_record_is_in_two_splits(data_root: DataRootResource) -> dg.AssetCheckResult:
    """Each split holds samples, and no record has samples in two of them."""
    root = data_root.open()
    try:
        records = {split: _records_of(SampleReader(root.dataset, split)) for split in SPLITS}
    except (DatasetError, EmptySplitError) as error:
        return _failed(str(error))
    shared = {record for one in SPLITS for other in SPLITS if one != other for record in records[one] & records[other]}
    if shared:
        return _failed(f"records in more than one split: {sorted(shared)[:_SHOWN]}")
    return dg.AssetCheckResult(
        passed=True, metadata={f"{split}_records": len(found) for split, found in records.items()}
    )


@dg.asset_check(asset="trained_checkpoint", blocking=True)
def weights_are_sound(data_root: DataRootResource) -> dg.AssetCheckResult:
    """The published checkpoint is the file that was published, and all its weights are finite."""
    root = data_root.open()
    checkpoint = RunFolder(root.runs / published_experiment(root)).best
    if sha256_file(checkpoint) != published_sha256(root):
        return _failed(f"{checkpoint} is another file than was published; materialise trained_checkpoint again")
    weights = load_file(checkpoint)
    broken = sorted(name for name, values in weights.items() if not np.isfinite(values).all())
    if broken:
        return _failed(f"weights that are not finite: {broken[:_SHOWN]}; lower the learning rate, or train in f32")
    return dg.AssetCheckResult(passed=True, metadata={"parameters": sum(values.size for values in weights.values())})


@dg.asset_check(asset="evaluation_report")
def dice_is_high_enough(data_root: DataRootResource) -> dg.AssetCheckResult:
    """Dice on test records is at least 0.9 for grid lines and wave; a warning, not an error."""
    root = data_root.open()
    card = read_scorecard(RunFolder(root.runs / published_experiment(root)))
    low = {name: dice for name, dice in card.three_class_dice.items() if dice is not None and dice < LOWEST_DICE}
    if low:
        said = ", ".join(f"{name} {dice:.3f}" for name, dice in low.items())
        return _failed(f"Dice below {LOWEST_DICE}: {said}; train longer or on more records", dg.AssetCheckSeverity.WARN)
    return dg.AssetCheckResult(passed=True, metadata={"three_class_dice": card.score})


def _records_of(reader: SampleReader) -> set[str]:
    return {reader[number].record_id for number in range(len(reader))}


def _failed(reason: str, severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=severity, description=reason, metadata={"reason": reason})


CHECKS = [
    index_is_sound,
    masks_lie_on_the_ink,
    no_record_is_in_two_splits,
    weights_are_sound,
    dice_is_high_enough,
]
