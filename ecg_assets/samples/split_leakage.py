"""Finds leakage between training, validation and test split."""

from collections import Counter
from collections.abc import Mapping

from ecg_assets.records.index import accepted_records
from ecg_assets.store.root import DataRoot
from ecg_assets.store.splits import SPLITS, split_of


def leaks(records: Mapping[str, set[str]]) -> list[str]:
    """A sentence for each defect in the division of records among splits.

    Args:
        records: records of each split, from `SampleReader.records_by_split`.
    """
    empty = [f"split {split!r} has no samples; add records" for split in SPLITS if not records.get(split)]
    strange = sorted(set(records) - set(SPLITS))
    counts = Counter(record_id for ids in records.values() for record_id in ids)
    shared = sorted(record_id for record_id, count in counts.items() if count > 1)
    placed = ((record_id, split) for split, ids in records.items() for record_id in ids)
    misplaced = sorted(record_id for record_id, split in placed if split != split_of(record_id))
    told = {"unknown splits": strange, "records in more than one split": shared}
    told["records in a split that does not match their id"] = [one for one in misplaced if one not in shared]
    return empty + [f"{what}: {_few(ids)}" for what, ids in told.items() if ids]


def signals_in_two_splits(root: DataRoot) -> list[list[str]]:
    """Groups of accepted records with the same signal under different ids that are in different splits.

    A network trained on one of them has seen the other.
    """
    index = accepted_records(root)
    twice = index[index["sha256"].duplicated(keep=False)]
    groups = [group for _, group in twice.groupby("sha256", sort=False) if group["split"].nunique() > 1]
    return [sorted(map(str, group["id"])) for group in groups]


def _few(ids: list[str], shown: int = 10) -> str:
    more = f" and {len(ids) - shown} more" if len(ids) > shown else ""
    return f"{ids[:shown]}{more}"
