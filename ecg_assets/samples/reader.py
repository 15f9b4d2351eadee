"""Reads training samples from memory-mapped Arrow shards, and flips and turns them."""

import bisect
import json
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ecg_assets.pages.classes import HORIZONTAL, VERTICAL
from ecg_assets.store.plain_file import NotAPlainFileError, open_plain
from ecg_assets.store.splits import Split

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]
# Left, top, right and bottom in pixels; right and bottom are exclusive.
Box = tuple[int, int, int, int]

_TURNED_CLASS = np.array([0, VERTICAL, HORIZONTAL, 3, 4], dtype=np.uint8)


class EmptySplitError(ValueError):
    """A split holds no sample; the message says how many records are needed."""


class DatasetError(ValueError):
    """The dataset's folder cannot be read; the message names the file and says what to do."""


@dataclass(frozen=True)
class Sample:
    """One labelled crop.

    Attributes:
        id: `<record id>-<number>`.
        record_id: the record whose page was cut.
        kind: `positive`, `negative` or another content.
        recipe: of its degradations; `clean` has none.
        about_json: scale, boxes, warp, strengths, seed, and the record's provenance; `about` reads it.
        image_hwc: (h, w, 3) uint8 RGB; a read-only view of the mapped file.
        mask_hw: (h, w) uint8, classes 0 to 4; a read-only view of the mapped file.
    """

    id: str
    record_id: str
    kind: str
    recipe: str
    about_json: str = field(repr=False)
    image_hwc: Image
    mask_hw: Mask

    @property
    def about(self) -> dict[str, Any]:
        """The sample's description."""
        known: dict[str, Any] = json.loads(self.about_json)
        return known


class SampleReader:
    """The samples of one split (or of all), in the order of shard, record and sample number.

    It stores paths only and maps the files at the first read, so that it can be pickled to worker processes.
    """

    def __init__(self, folder: Path, split: Split | None, recipes: tuple[str, ...] | None = None) -> None:
        """Opens the shards `shard-*.arrow` of a dataset folder.

        Args:
            folder: of the dataset.
            split: the split to read; None for all.
            recipes: the recipes to read; None for all.

        Raises:
            DatasetError: there is no shard, or no sample of these recipes.
            EmptySplitError: no sample belongs to `split`.
        """
        self.folder = folder
        self.split = split
        self.recipes = recipes
        self._paths = sorted(folder.glob("shard-*.arrow"))
        if not self._paths:
            raise DatasetError(f"{folder} holds no shard-*.arrow; materialise mixed_dataset first")
        self._rows = [self._rows_of(table) for table in self._tables]
        self._ends = list(accumulate(len(rows) for rows in self._rows))
        if not self._ends[-1] and recipes is not None:
            raise DatasetError(
                f"{folder} has no sample of the recipes {', '.join(recipes)} in split {split!r}; give them a weight in "
                "mixed_dataset's `recipes`, add records, or change `recipes` in the training config"
            )
        if not self._ends[-1]:
            raise EmptySplitError(
                f"{folder} has no sample in split {split!r}: a split is drawn from each record's id (70 / 15 / 15 "
                "%), so at least 20 records are needed to fill all three with near certainty; add records"
            )

    def __getstate__(self) -> dict[str, Any]:
        """Drops the mapped tables, which cannot be pickled."""
        return {name: value for name, value in self.__dict__.items() if name != "_tables"}

    @cached_property
    def _tables(self) -> list[pa.Table]:
        return [_map_table(path) for path in self._paths]

    def _rows_of(self, table: pa.Table) -> list[int]:
        rows = zip(table.column("split").to_pylist(), table.column("recipe").to_pylist(), strict=True)
        return [
            row
            for row, (split, recipe) in enumerate(rows)
            if self.split in (None, split) and (self.recipes is None or recipe in self.recipes)
        ]

    def records_by_split(self) -> dict[str, set[str]]:
        """The ids of the records with samples in each split, for all splits and recipes."""
        found: dict[str, set[str]] = {}
        for table in self._tables:
            for pair in table.group_by(["split", "record_id"]).aggregate([]).to_pylist():
                found.setdefault(pair["split"], set()).add(pair["record_id"])
        return found

    def pulses_px(self) -> dict[int, list[Box]]:
        """By sample number, the boxes of calibration pulses completely inside it; other samples are left out.

        Reads the description of every sample, which takes about a second for ten thousand.
        """
        found: dict[int, list[Box]] = {}
        for first, rows, table in zip((0, *self._ends), self._rows, self._tables, strict=False):
            side_px = int(table.schema.metadata[b"crop_px"])
            abouts = table.column("about").take(pa.array(rows, pa.int64())).to_pylist()
            for number, about in enumerate(abouts, start=first):
                pulses = json.loads(about).get("pulses", [])
                boxes = [_box(pulse["corners_px"]) for pulse in pulses]
                whole = [box for box in boxes if min(box) >= 0 and max(box) <= side_px]
                if whole:
                    found[number] = whole
        return found

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, number: int) -> Sample:
        """Sample `number`, 0 to `len(self)` - 1.

        Raises:
            IndexError: `number` is out of range.
        """
        if not 0 <= number < len(self):
            raise IndexError(f"sample {number} of {len(self)}")
        shard = bisect.bisect_right(self._ends, number)
        row = self._rows[shard][number - (self._ends[shard] - len(self._rows[shard]))]
        table = self._tables[shard]
        side = int(table.schema.metadata[b"crop_px"])
        return Sample(
            id=table.column("id")[row].as_py(),
            record_id=table.column("record_id")[row].as_py(),
            kind=table.column("kind")[row].as_py(),
            recipe=table.column("recipe")[row].as_py(),
            about_json=table.column("about")[row].as_py(),
            image_hwc=_cell(table, "image", row).reshape(side, side, 3),
            mask_hw=_cell(table, "mask", row).reshape(side, side),
        )


def _box(corners_px: list[list[float]]) -> Box:
    columns, rows = zip(*corners_px, strict=True)
    return floor(min(columns)), floor(min(rows)), ceil(max(columns)), ceil(max(rows))


def _map_table(path: Path) -> pa.Table:
    try:
        open_plain(path).close()
    except NotAPlainFileError as error:
        raise DatasetError(str(error)) from error
    try:
        return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    except pa.ArrowInvalid as error:
        raise DatasetError(
            f"{path} is no whole Arrow file ({error}); delete it and materialise mixed_dataset"
        ) from error


def _cell(table: pa.Table, name: str, row: int) -> npt.NDArray[np.uint8]:
    """The bytes of one cell, without a copy."""
    cell = np.frombuffer(table.column(name)[row].as_buffer(), dtype=np.uint8)
    cell.flags.writeable = False  # the file is mapped read-only, so a write would crash the process
    return cell


def augment(image_hwc: Image, mask_hw: Mask, rng: np.random.Generator) -> tuple[Image, Mask]:
    """Mirrors and quarter-turns a square sample at random, each of the 8 ways equally likely.

    A quarter turn swaps classes 1 and 2, because lines printed horizontally become vertical in the sample.

    Returns:
        Contiguous copies, image (s, s, 3) uint8 and mask (s, s) uint8.
    """
    turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
    return turn(image_hwc, mask_hw, turns, mirrored)


def turn(image_hwc: Image, mask_hw: Mask, quarter_turns: int, mirrored: bool) -> tuple[Image, Mask]:
    """Mirrors left to right if asked, then turns counter-clockwise by `quarter_turns` times 90 degrees."""
    if mirrored:
        image_hwc, mask_hw = image_hwc[:, ::-1], mask_hw[:, ::-1]
    image_hwc, mask_hw = np.rot90(image_hwc, quarter_turns), np.rot90(mask_hw, quarter_turns)
    if quarter_turns % 2:
        mask_hw = _TURNED_CLASS[mask_hw]
    return np.ascontiguousarray(image_hwc), np.ascontiguousarray(mask_hw)
