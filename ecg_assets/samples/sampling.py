"""Makes all samples of one record: crops of its clean page, and new pictures of it through the recipes."""

from dataclasses import dataclass, replace

import numpy as np

from ecg_assets.pages.camera.annotations import places
from ecg_assets.pages.camera.framing import square
from ecg_assets.pages.camera.picture import Sheet
from ecg_assets.pages.camera.recipe import CLEAN, TABLE, TEST_TABLE, recipe_named, throw
from ecg_assets.pages.camera.sheet import sheet_of
from ecg_assets.pages.camera.warps.camera import upright_camera
from ecg_assets.pages.camera.warps.warp import PageWarp
from ecg_assets.pages.classes import WAVE
from ecg_assets.records.ingest import load_record
from ecg_assets.samples.arrow_shard import Labelled
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.samples.crops import Crop, Image, Mask, negative_crop, positive_crop
from ecg_assets.samples.labelled_page import LabelledPage, read_page
from ecg_assets.samples.non_ecg import not_ecg
from ecg_assets.store.rng import rng_for
from ecg_assets.store.root import DataRoot
from ecg_assets.store.splits import split_of

POSITIVE, NEGATIVE, NOT_ECG = "positive", "negative", "not_ecg"


def draw_samples(root: DataRoot, record_id: str, paper: tuple[Image, Mask], config: SamplesConfig) -> list[Labelled]:
    """The samples of one record, in order; each draws its own place, recipe and strengths.

    A page without a trace gives negative samples only.

    Args:
        root: holds the record and its page.
        record_id: of the record.
        paper: image and classes of the page's empty paper.
        config: number of samples, and recipes.

    Raises:
        PngError, LayoutError: the page is damaged.
        CropError: it is smaller than a sample.
    """
    page = read_page(root, record_id)
    positives = config.positives if (page.mask_hw == WAVE).any() else 0
    kinds = [POSITIVE] * positives + [NEGATIVE] * config.negatives
    drawer = _Drawer(root, record_id, config, paper, page)
    return [drawer.sample(number, kind) for number, kind in enumerate(kinds)]


@dataclass
class _Drawer:
    root: DataRoot
    record_id: str
    config: SamplesConfig
    paper: tuple[Image, Mask]
    page: LabelledPage
    _sheet: Sheet | None = None

    def sample(self, number: int, kind: str) -> Labelled:
        rng = rng_for(self.config.seed, self.record_id, f"sample.{number}")
        names = sorted(self.config.recipes)
        weights = np.array([self.config.recipes[name] for name in names])
        name = str(rng.choice(names, p=weights / weights.sum()))
        if name != CLEAN and kind == NEGATIVE and rng.random() < self.config.not_ecg:
            kind = NOT_ECG
        crop = self._clean(kind, rng) if name == CLEAN else self._degraded(name, kind, rng)
        crop.about.update({"recipe": name, "seed": self.config.seed, "style": self.page.plan.style_name})
        crop.about["provenance"] = self.page.provenance
        split = split_of(self.record_id)
        return Labelled(f"{self.record_id}-{number}", self.record_id, split, kind, name, crop)

    def _clean(self, kind: str, rng: np.random.Generator) -> Crop:
        side, style = self.config.crop_px, self.page.plan.style
        if kind == POSITIVE:
            crop = positive_crop(self.page.image_hwc, self.page.mask_hw, side, rng)
        else:
            crop = negative_crop(*self.paper, side, rng)
        plan = self.page.plan
        shift = np.array([[1, 0, -crop.about["column"]], [0, 1, -crop.about["row"]], [0, 0, 1]])
        warp = PageWarp(shift @ upright_camera(style.px_per_mm), [], style.paper_mm, (side, side))
        # A negative is cut from the empty paper.
        crop.about.update(places(plan, warp, traced=kind == POSITIVE, printed=kind == POSITIVE))
        crop.about.update(
            strengths={},
            layout=style.layout,
            paper_speed_mm_per_s=style.paper_speed_mm_per_s,
            gain_mm_per_mv=style.gain_mm_per_mv,
            px_per_mm_x=style.px_per_mm,
            px_per_mm_y=style.px_per_mm,
        )
        return crop

    def _degraded(self, name: str, kind: str, rng: np.random.Generator) -> Crop:
        # The test split's recipes are frozen, so that scores of different networks are comparable.
        table = TEST_TABLE if split_of(self.record_id) == "test" else TABLE
        recipe = throw(name, recipe_named(name, table), rng)
        if kind == NOT_ECG:
            return not_ecg(self.config.crop_px, recipe, rng)
        picture = square(self._sheet_for(kind), recipe, self.config.crop_px, rng)
        return Crop(picture.image_hwc, picture.mask_hw, picture.about)

    def _sheet_for(self, kind: str) -> Sheet:
        if self._sheet is None:
            record = load_record(self.root, self.record_id, self.page.plan.panels[0].fs_hz)
            self._sheet = sheet_of(self.page.plan, record, self.paper)
        return self._sheet if kind == POSITIVE else replace(self._sheet, traces_mm=[])
