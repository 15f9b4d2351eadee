"""Makes samples without ECG paper, in which any detection by a network is wrong."""

import numpy as np

from ecg_assets.pages.camera.effects.registry import effect
from ecg_assets.pages.camera.negatives import NEGATIVES
from ecg_assets.pages.camera.recipe import DrawnRecipe
from ecg_assets.samples.crops import Crop


def not_ecg(side_px: int, recipe: DrawnRecipe, rng: np.random.Generator) -> Crop:
    """A picture of something else, with the recipe's photometric effects; all of it is background."""
    kind = str(rng.choice(sorted(NEGATIVES)))
    image = NEGATIVES[kind](side_px, rng)
    for name, strength in recipe.photometric.items():
        image = effect(name).apply(image, rng, strength)
    about = {"shows": kind, "strengths": recipe.photometric}
    return Crop(image, np.zeros((side_px, side_px), dtype=np.uint8), about)
