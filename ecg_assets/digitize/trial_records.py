"""Which records reading is judged with: the data root's own of the test split, filled up with synthetic ones."""

from ecg_assets.digitize.trial import records_of_split
from ecg_assets.pages.mix import read_styles
from ecg_assets.pages.plan import plan_page
from ecg_assets.records.index import accepted_records
from ecg_assets.records.ingest import load_record
from ecg_assets.records.record import Record
from ecg_assets.store.root import DataRoot


def judged_records(root: DataRoot, style: str, count: int) -> list[Record]:
    """`count` records of the test split for pages of a style.

    A record of the data root is taken when it fills every panel of the style's layout: the competition's CSVs hold a
    quarter of most leads, and leave most of a 6x2 page empty. Where there are too few, synthetic ones fill up.

    Raises:
        IndexMissingError: `raw_csvs` was not materialised.
    """
    index, look = accepted_records(root), read_styles().styles[style]
    found: list[Record] = []
    for row in index[index["split"] == "test"].itertuples():
        if len(found) == count:
            return found
        record = load_record(root, str(row.id), int(str(row.fs_hz)))
        plan = plan_page(record, style, look, 0)
        if not plan.empty_panels and not plan.partial_panels:
            found.append(record)
    held = {record.id for record in found}
    synthetic = [record for record in records_of_split("test", count + len(held)) if record.id not in held]
    return found + synthetic[: count - len(found)]
