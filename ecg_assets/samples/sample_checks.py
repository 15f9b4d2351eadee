"""Finds silent dataset defects: undecodable samples and class shares out of range."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from ecg_assets.samples.classes import CLASSES
from ecg_assets.samples.reader import DatasetError, SampleReader
from ecg_assets.store.sealed import read_unsealed

# Wide limits: from pages with sparse pale lines at high resolution to dense lines at low resolution.
SHARE_BOUNDS: dict[str, tuple[float, float]] = {
    "background": (0.5, 0.99),
    "horizontal": (0.002, 0.2),
    "vertical": (0.002, 0.2),
    "intersection": (0.0001, 0.03),
    "wave": (0.001, 0.12),
}
_LOOKED_AT = 256


def sample_problems(dataset: Path, looked_at: int = _LOOKED_AT) -> list[str]:
    """Decodes evenly spread samples and returns their problems.

    Args:
        dataset: the dataset's folder.
        looked_at: largest number of samples.

    Raises:
        DatasetError: there is no shard, or one is damaged.
    """
    reader = SampleReader(dataset, None)
    numbers = np.linspace(0, len(reader) - 1, min(len(reader), looked_at)).round().astype(int)
    problems = (_sample_problem(reader, int(number)) for number in numbers)
    return [problem for problem in problems if problem is not None]


def _sample_problem(reader: SampleReader, number: int) -> str | None:
    try:
        sample = reader[number]
        about: object = sample.about
        highest = int(sample.mask_hw.max())
    except (pa.ArrowException, ValueError, TypeError, KeyError, RecursionError) as error:
        return f"sample {number} cannot be decoded ({error}); delete the dataset's shards and materialise mixed_dataset"
    if highest >= len(CLASSES):
        return f"sample {sample.id} has class {highest} in its mask; the highest is {len(CLASSES) - 1}"
    return None if isinstance(about, dict) else f"sample {sample.id} has no description; expected a JSON object"


def share_problems(shares: list[float]) -> list[str]:
    """Classes whose share of the dataset's pixels is out of range, a sentence each.

    Args:
        shares: of the five classes, from `dataset.json`; they sum to 1.
    """
    if len(shares) != len(CLASSES) or not np.isfinite(shares).all() or abs(sum(shares) - 1) > 1e-3:
        return [f"class shares are {shares}, expected {len(CLASSES)} numbers that sum to 1; materialise mixed_dataset"]
    return [
        f"{name} has {share:.3%} of the pixels, expected {low:.2%} to {high:.0%}: choose other styles "
        "(rendered_waves), or other recipes, positives or negatives (mixed_dataset)"
        for (name, (low, high)), share in zip(SHARE_BOUNDS.items(), shares, strict=True)
        if not low <= share <= high
    ]


def class_shares(dataset: Path) -> list[float]:
    """The classes' shares from `dataset.json`.

    Raises:
        DatasetError: `dataset.json` is missing or lacks them.
    """
    path = dataset / "dataset.json"
    try:
        shares = json.loads(read_unsealed(path))["class_shares"]
        return [float(share) for share in shares]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DatasetError(f"{path} has no class shares ({error!r}); materialise mixed_dataset") from error
