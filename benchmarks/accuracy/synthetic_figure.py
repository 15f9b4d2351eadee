"""Synthetic records beside recorded ones: distributions of rate, intervals and amplitudes in one figure.

    python -m benchmarks.accuracy.synthetic_figure FOLDER [--records 600] [--out docs/synthetic_vs_real.png]

FOLDER holds records in the competition's shape (train.csv and CSVs or their archive). Both kinds are measured by
`benchmarks.accuracy.delineate` in what is printed of them. The figure and the table that is printed hold statistics
only.
"""

import argparse
import io
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.accuracy.delineate import measures
from benchmarks.accuracy.synthetic_plot import draw
from ecg_assets.records.kaggle.folder import KaggleFolder, ListedCsv
from ecg_assets.records.record import LEADS, SAMPLING_RATES_HZ, Record
from ecg_assets.records.record_csv import read_record
from ecg_assets.records.synthetic.ecg import synthesize
from ecg_assets.records.synthetic.folder import FIRST_ID, record_csv

OUT = Path(__file__).resolve().parents[2] / "docs" / "synthetic_vs_real.png"
_QUANTILES = np.linspace(0.05, 0.95, 19)
_SEED = 0


def real(folder: Path) -> pd.DataFrame:
    """Measures of all recorded ones, a row each."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        KaggleFolder(folder).opened(Path(scratch) / "unpacked", _quiet) as listed,
    ):
        ones = [one for one in listed if isinstance(one, ListedCsv)]
        return _table([read_record(one.files[0], one.id, int(one.lines[0][0])) for one in ones])


def synthetic(count: int, mix: str) -> pd.DataFrame:
    """Measures of so many synthetic ones, each lead in its printed window only."""
    records = []
    for number in range(count):
        record_id, fs_hz = str(FIRST_ID + number), SAMPLING_RATES_HZ[number % len(SAMPLING_RATES_HZ)]
        text = record_csv(synthesize(record_id, fs_hz, _SEED, mix=mix).signal_mv)
        signal_mv = pd.read_csv(io.StringIO(text))[list(LEADS)].to_numpy(np.float32).T
        records.append(Record(record_id, fs_hz, signal_mv))
    return _table(records)


def distance(recorded: pd.Series, made: pd.Series) -> float:
    """Mean absolute difference of the quantiles 5, 10 ... 95 %, in interquartile ranges of the recorded ones.

    Two halves of 600 recorded ones differ by about 0.05.
    """
    first, second = (values.dropna().quantile(_QUANTILES).to_numpy() for values in (recorded, made))
    middle = recorded.quantile(0.75) - recorded.quantile(0.25)
    return float(np.abs(first - second).mean() / middle)


def compared(recorded: pd.DataFrame, made: pd.DataFrame) -> pd.DataFrame:
    """By quantity: medians, 5 and 95 % of both, and their distance."""
    rows = {}
    for name in recorded.columns:
        told = [columns[name].quantile(q) for columns in (recorded, made) for q in (0.05, 0.5, 0.95)]
        rows[name] = [*told, distance(recorded[name], made[name])]
    columns = [
        "real 5 %",
        "real median",
        "real 95 %",
        "synthetic 5 %",
        "synthetic median",
        "synthetic 95 %",
        "distance",
    ]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _table(records: list[Record]) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of leads that are not printed at a beat
        return pd.DataFrame([measures(record) for record in records])


def _quiet(_: str) -> None:
    pass


def main() -> None:
    """Measures both, draws and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="records in the competition's shape")
    parser.add_argument("--records", type=int, default=600, help="how many synthetic ones")
    parser.add_argument("--mix", default="default", help="their mix of rhythms and morphologies")
    parser.add_argument("--out", type=Path, default=OUT, help="the figure")
    chosen = parser.parse_args()
    recorded, made = real(chosen.folder), synthetic(chosen.records, chosen.mix)
    found = compared(recorded, made)
    draw(recorded, made, found["distance"], chosen.out)
    lines = [f"| {name} | " + " | ".join(f"{value:.3g}" for value in row) + " |" for name, *row in found.itertuples()]
    sys.stdout.write("\n".join([f"| | {' | '.join(found.columns)} |", "|---" * 8 + "|", *lines]) + "\n")


if __name__ == "__main__":
    main()
