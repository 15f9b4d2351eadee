"""Scorecards for tests: with the Dice that is asked for, or counted from masks."""

import numpy as np

from ecg_assets.training.evaluation.counts import Cell, Mask, divided, summed, tally_of
from ecg_assets.training.evaluation.scorecard import CODE_VERSION, Scorecard
from ecg_assets.training.label_map import class_names

SIDE_PX = 64


def card_with(name: str, dataset: str = "d1", sha256: str = "", **dice: float | None) -> Scorecard:
    """A scorecard with these Dice; `horizontal` among them makes it one of five classes, whose lines make the grid."""
    five = "horizontal" in dice
    names = class_names(5 if five else 3)
    own = {one: dice.get(one, 0.9) for one in names}
    three = {"background": own["background"], "grid": own["horizontal" if five else "grid"], "wave": own["wave"]}
    return Scorecard(
        code_version=CODE_VERSION,
        experiment=name,
        sha256=sha256 or f"sha-{name}",
        dataset_digest=dataset,
        samples=1,
        dice=own,
        dice_by_recipe={},
        iou=own,
        precision=own,
        recall=own,
        three_class_dice=three,
    )


def truth_hw(seed: int = 0) -> Mask:
    """(64, 64) uint8: lines, intersections and a trace."""
    mask_hw = np.zeros((SIDE_PX, SIDE_PX), dtype=np.uint8)
    mask_hw[8::16] = 1
    mask_hw[:, 8::16] = 2
    mask_hw[8::16, 8::16] = 3
    mask_hw[20 + seed % 8] = 4
    return mask_hw


def counted_card(name: str, cells: list[Cell]) -> Scorecard:
    """A scorecard whose every number follows from its cells."""
    total = summed(cell.tally for cell in cells)
    return Scorecard(
        code_version=CODE_VERSION,
        experiment=name,
        sha256=f"sha-{name}",
        dataset_digest="d1",
        samples=total.samples,
        **total.scores.model_dump(),
        dice_by_recipe={one: tally.scores.dice for one, tally in divided(cells, "recipe").items()},
        three_class_dice=total.three_class_dice,
        cells=cells,
    )


def shifted_cells() -> list[Cell]:
    """Four samples: clean ones are perfect, photos are a pixel too low; in two layouts."""
    return [
        Cell(
            recipe=recipe,
            layout=layout,
            tally=tally_of(truth_hw(seed), np.roll(truth_hw(seed), int(recipe == "photo"), axis=0), 5),
        )
        for seed, (recipe, layout) in enumerate(
            [("clean", "3x4+1"), ("clean", "6x2"), ("photo", "3x4+1"), ("photo", "unknown")]
        )
    ]
