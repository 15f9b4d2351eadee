"""The command that trains the network of flat pages, on a data root with synthetic records."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ecg_assets.digitize.trace_network.cli import main, record_loader
from ecg_assets.digitize.trace_network.dataset import other_print
from ecg_assets.pages.style.fonts import FONTS
from ecg_assets.pages.style.style_mix import read_styles
from ecg_assets.store.root import DataRoot
from ecg_assets.store.splits import split_of


def test_it_draws_pages_and_trains_from_the_packages_weights(
    made_root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECG_ASSETS_DATA", str(made_root.path))
    asked = ["--pages", "2", "--validation-pages", "1", "--steps", "2", "--start-from", "package"]
    done = CliRunner().invoke(main, [str(tmp_path / "run"), *asked], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "step 2 of 2: validation loss" in done.output
    assert (tmp_path / "run" / "best.safetensors").exists()


def test_pages_show_records_of_their_split_alone(made_root: DataRoot) -> None:
    load = record_loader(made_root, "train")
    assert {split_of(load(number).id) for number in range(12)} == {"train"}


def test_names_are_printed_in_all_fonts_and_in_many_sizes() -> None:
    look = read_styles().styles["kaggle"]
    looks = [other_print(look, np.random.default_rng(seed)) for seed in range(80)]
    assert {one.font for one in looks} == set(FONTS)
    assert len({one.text_mm for one in looks}) > 15
    assert {one.layout for one in looks} == {look.layout}
