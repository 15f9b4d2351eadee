"""Writes training crops of flat pages: one NumPy file per page; an interrupted run resumes."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.rectification.canvas import CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y
from ecg_assets.digitize.trace_network.samples import crops, draw_flat_pair
from ecg_assets.pages.style.fonts import FONTS
from ecg_assets.pages.style.page_style import PageStyle
from ecg_assets.pages.style.style_mix import read_styles, style_for
from ecg_assets.records.record import Record
from ecg_assets.store.atomic import remove_temporaries, write_bytes
from ecg_assets.store.log import Log
from ecg_assets.store.rng import rng_for

# Width and height: 16 mm by 24 mm.
CROP_PX = (256, 192)
CROPS_A_PAGE = 24
# Pages of each recipe; harder recipes get more pages.
RECIPES: dict[str, float] = {"clean": 2, "scan": 3, "photo": 4, "screen": 3, "damaged": 4}
_MIX = "default"
_TEXT_SHARE = 0.3
_TEXT_SIZES_MM = (2.4, 5.0)
_TOLD_EVERY = 20


def write_flat_dataset(
    folder: Path, load: Callable[[int], Record], numbers: Sequence[int], seed: int, log: Log
) -> list[Path]:
    """Draws a page for each number without a file.

    Args:
        folder: of the files `<number>.npy`, (pieces, 192, 256, 4) uint8: RGB and the trace (see `FlatPair`).
        load: returns the record of a number.
        numbers: of the pages.
        seed: for everything random.
        log: receives a line every twenty pages.

    Returns:
        The files, in order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_temporaries(folder)
    paths = [folder / f"{number:06d}.npy" for number in numbers]
    due = [(number, path) for number, path in zip(numbers, paths, strict=True) if not path.exists()]
    for done, (number, path) in enumerate(due, start=1):
        content = io.BytesIO()
        np.save(content, page_pieces(load(number), number, seed))
        write_bytes(path, content.getvalue())
        if done % _TOLD_EVERY == 0 or done == len(due):
            log(f"flat pages: {done} of {len(due)}")
    return paths


def page_pieces(record: Record, number: int, seed: int) -> npt.NDArray[np.uint8]:
    """(pieces, 192, 256, 4) uint8 of one page; the same number and seed give the same crops."""
    rng = rng_for(seed, str(number), "flat.page")
    names = list(RECIPES)
    weights = np.array(list(RECIPES.values()))
    recipe = str(rng.choice(names, p=weights / weights.sum()))
    style = style_for(_MIX, seed, str(number))
    look = other_print(read_styles().styles[style], rng)
    pair = draw_flat_pair(record, recipe, style, look, seed + number, (CANVAS_PX_PER_MM_X, CANVAS_PX_PER_MM_Y))
    pieces = crops(pair, CROP_PX, CROPS_A_PAGE, _TEXT_SHARE, rng)
    return np.stack([np.concatenate([image, trace[..., None]], axis=2) for image, trace in pieces])


def other_print(look: PageStyle, rng: np.random.Generator) -> PageStyle:
    """The style with a random font and size, so that the network learns to ignore all kinds of letters."""
    low, high = _TEXT_SIZES_MM
    font, size_mm = FONTS[int(rng.integers(len(FONTS)))], round(float(rng.uniform(low, high)), 1)
    return look.model_copy(update={"font": font, "text_mm": size_mm})
