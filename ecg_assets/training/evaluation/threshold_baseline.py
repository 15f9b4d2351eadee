"""Scores a threshold rule without learning on the test split; a network that does not beat it is useless.

Ink is dark, grid lines are coloured or pale, and paper is neither. The rule works on clean pages, on which its
thresholds were chosen, and fails with shadows, creases and letters.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.samples.reader import SampleReader
from ecg_assets.store.cached_file import kept
from ecg_assets.store.fingerprint import fingerprint, sha256_bytes, sha256_file
from ecg_assets.store.root import DataRoot
from ecg_assets.store.sealed import read_unsealed
from ecg_assets.training.evaluation.scorecard import Scorecard, mean_dice
from ecg_assets.training.evaluation.scores import scores_of
from ecg_assets.training.label_map import THREE_CLASSES, to_classes

# Shares of the range between black and the paper: pixels darker than the first are ink, and pixels that differ from the
# paper by less than the second are paper.
_INK_BELOW, _LINE_ABOVE = 0.45, 0.25
# This many samples, evenly spread over the split, estimate the rule's Dice to within 0.01.
_LOOKED_AT = 400
_BACKGROUND, _GRID, _WAVE = range(3)

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Against:
    """A champion compared with the rule on the same test split.

    Attributes:
        champion, rule: mean Dice over background, grid and wave.
        champion_dice, rule_dice: of each of the three; None if the class does not occur.
        samples: number of samples on which the rule was scored.
    """

    champion: float
    rule: float
    champion_dice: dict[str, float | None]
    rule_dice: dict[str, float | None]
    samples: int

    @property
    def problem(self) -> str | None:
        """Why the champion is useless, as a sentence; None if it beats the rule."""
        if self.champion > self.rule:
            return None
        return (
            f"the champion's mean Dice is {self.champion:.3f}; taking dark pixels for wave and coloured ones for grid "
            f"reaches {self.rule:.3f}: train longer, on more records, or with a larger network"
        )


def predict_by_darkness(image_hwc: Image) -> Mask:
    """(h, w) uint8: 0 background, 1 grid, 2 wave, from each pixel's own colour and the paper's.

    Args:
        image_hwc: (h, w, 3) uint8 RGB.
    """
    colours = image_hwc.astype(np.float32)
    # The brighter half of a page's pixels is paper.
    brightness_hw = colours.mean(axis=2)
    paper = np.median(colours[brightness_hw >= np.median(brightness_hw)], axis=0)
    height = max(float(paper.mean()), 1.0)
    away_hw = np.abs(colours - paper).max(axis=2) / height
    line_hw = cv2.boxFilter(away_hw, -1, (3, 3)) > _LINE_ABOVE
    classes_hw = np.where(line_hw, _GRID, _BACKGROUND).astype(np.uint8)
    classes_hw[colours.max(axis=2) / height < _INK_BELOW] = _WAVE
    return classes_hw


def against_baseline(root: DataRoot, card: Scorecard, looked_at: int = _LOOKED_AT) -> Against:
    """Compares a champion's scores with the rule's on evenly spread samples of the test split.

    The rule is scored once per dataset.

    Args:
        root: holds the dataset on which the champion was scored.
        card: the champion's scores.
        looked_at: largest number of samples.

    Raises:
        DatasetError, EmptySplitError: there is no test split.
    """
    samples = min(len(SampleReader(root.dataset, "test")), looked_at)
    facts = sha256_bytes(read_unsealed(root.dataset / "dataset.json"))
    follows_from = fingerprint(facts, samples, sha256_file(Path(__file__)))
    counted = kept(
        root.pictures / "baseline.kept", follows_from, lambda: json.dumps(_confusion(root, samples).tolist()).encode()
    )
    dice = scores_of(np.array(json.loads(counted))).dice
    return Against(card.score, mean_dice(dice), card.three_class_dice, dice, samples)


def _confusion(root: DataRoot, samples: int) -> npt.NDArray[np.int64]:
    """Pixels of this many samples by true class (rows) and by the rule's class."""
    reader, count = SampleReader(root.dataset, "test"), len(THREE_CLASSES)
    confusion = np.zeros((count, count), dtype=np.int64)
    for number in np.linspace(0, len(reader) - 1, samples).round().astype(int):
        sample = reader[int(number)]
        truth_hw, predicted_hw = to_classes(sample.mask_hw, count), predict_by_darkness(sample.image_hwc)
        pairs = np.bincount((truth_hw * np.uint8(count) + predicted_hw).ravel(), minlength=count * count)
        confusion += pairs.reshape(count, count)
    return confusion
