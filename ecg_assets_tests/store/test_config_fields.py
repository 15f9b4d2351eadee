"""Renamed and added fields of configs leave fingerprints as they were; so do all configs that there are."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from ecg_assets.pages.camera.recipe import Chance, Recipe
from ecg_assets.pages.style.grid_style import GridStyle
from ecg_assets.pages.style.layouts import Layout
from ecg_assets.pages.style.page_style import PageStyle
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.store.config_fields import InFingerprint, fingerprint_fields
from ecg_assets.store.fingerprint import fingerprint
from ecg_assets.training.config import TrainConfig


class Inner(BaseModel):
    size: int = 1


class Before(BaseModel):
    turned: bool = True
    inner: dict[str, Inner] = {}
    by_px: dict[int, Inner] = {}
    shares: tuple[float, ...] = (0.5,)


class After(BaseModel):
    random_orientation: Annotated[bool, InFingerprint(name="turned")] = True
    inner: dict[str, Inner] = {}
    by_px: dict[int, Inner] = {}
    shares: tuple[float, ...] = (0.5,)
    threads: Annotated[list[int], InFingerprint(added=True)] = Field(default_factory=lambda: [4])
    at_once: Annotated[int, InFingerprint(never=True)] = 8


def test_it_is_the_plain_dump_while_nothing_was_renamed_or_added() -> None:
    config = Before(inner={"a": Inner(size=3)}, by_px={2: Inner(), 1: Inner(size=5)})
    assert fingerprint_fields(config) == config.model_dump(mode="json")


def test_a_renamed_field_keeps_its_name_and_an_added_one_counts_when_it_is_set() -> None:
    before, inner = Before(turned=False, inner={"a": Inner(size=3)}), {"a": Inner(size=3)}
    assert fingerprint_fields(After(random_orientation=False, inner=inner)) == fingerprint_fields(before)
    assert fingerprint_fields(After(threads=[4])) == fingerprint_fields(Before())
    assert fingerprint_fields(After(threads=[8]))["threads"] == [8]
    assert fingerprint_fields(After(at_once=1)) == fingerprint_fields(Before())


FROZEN: dict[str, tuple[BaseModel, str]] = {
    "training": (
        TrainConfig(
            experiment="frozen",
            classes=5,
            epochs=3,
            batch_size=4,
            crop_px=128,
            widths=(16, 24, 32),
            patch_px=2,
            learning_rate=1e-3,
            class_weights=(1, 2, 2, 4, 5),
            recipes=("clean", "scan"),
        ),
        "cbe305004ad6e07c194eb130fe97ed9835e60e83aeecaae3056520ce8fe2b109",
    ),
    "style": (
        PageStyle(layout="6x2", inks=((1, 2, 3), (4, 5, 6)), pulse="right", qr=True),
        "898b08c01a173850adb2a43c45d99c57fe7cd36f2892d3d8ad48804586d1557e",
    ),
    "grid": (
        GridStyle(major=(200, 100, 100), dotted=True),
        "da4db7352ecd5fdf76fc489c6cbc14aad63e9db0891f40501937f43623ae3771",
    ),
    "layout": (
        Layout(columns=(("I", "II"), ("V1", "V2")), rhythm=("II",)),
        "a1c2d60e326f59d0c1855c252a4cf055ba8f9121df6b171029acc996b30c6749",
    ),
    "recipe": (
        Recipe(camera="photo", photometric={"jpeg": Chance(p=0.5, strength=(0.1, 0.9))}),
        "49e8520481edc4b8eaad091521fad6044da8790efa2cfcb2d31fb82c74474b94",
    ),
    "samples": (
        SamplesConfig(crop_px=256, recipes={"clean": 1, "photo": 3}),
        "fc131c635be7179402621371ddf08cf1942f1f1debfbabb8ec41930270e369aa",
    ),
}


@pytest.mark.parametrize("kind", FROZEN)
def test_what_was_made_with_a_config_stays_current(kind: str) -> None:
    """A field was renamed or added without `InFingerprint`: every data root would be made again."""
    config, digest = FROZEN[kind]
    fields: dict[str, Any] = fingerprint_fields(config)
    assert fingerprint(fields) == digest, fields
