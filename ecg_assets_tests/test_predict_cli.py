"""`ecg-assets predict`: files, folders and patterns in; masks, overlays and facts out; what is broken is named."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from ecg_assets.cli import main
from ecg_assets.pages.png import read_grey
from ecg_assets_tests.scans.test_stage import checkpoint


def image(path: Path, height: int = 300, width: int = 400) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(height).integers(0, 255, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def predict(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["predict", *map(str, arguments)])


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return checkpoint(tmp_path)


def test_a_file_a_folder_and_a_pattern_are_read_and_the_broken_one_is_named(tmp_path: Path, weights: Path) -> None:
    image(tmp_path / "one.png")
    image(tmp_path / "folder" / "deep" / "two.jpg", 200, 150)
    image(tmp_path / "more" / "three.png")
    (tmp_path / "folder" / "broken.png").write_text("no image")
    (tmp_path / "folder" / "notes.txt").write_text("no image either")
    out = tmp_path / "out"
    done = predict(
        tmp_path / "one.png", tmp_path / "folder", tmp_path / "more" / "*.png", "--out", out, "--checkpoint", weights
    )
    assert done.exit_code == 1
    assert "broken.png cannot be read as an image" in done.output
    assert "3 of 4 images read" in done.output
    names = {f"{stem}{end}" for stem in ("one", "two", "three") for end in ("_mask.png", "_overlay.png", ".json")}
    assert {path.name for path in out.iterdir()} == names
    assert read_grey(out / "two_mask.png").shape == (200, 150)
    facts = json.loads((out / "two.json").read_text())
    assert facts["file"] == "two.jpg"
    assert set(facts) >= {"px_per_mm_x", "px_per_mm_y", "scale_from", "quarter_turns_counter_clockwise", "confidence"}


def test_all_well_ends_with_0_and_the_same_file_is_read_once(tmp_path: Path, weights: Path) -> None:
    one = image(tmp_path / "one.png")
    done = predict(one, one, "--out", tmp_path / "out", "--checkpoint", weights)
    assert done.exit_code == 0, done.output
    assert "1 of 1 images read" in done.output


def test_what_means_no_image_is_said(tmp_path: Path, weights: Path) -> None:
    done = predict(tmp_path / "nothing*.png", "--out", tmp_path / "out", "--checkpoint", weights)
    assert done.exit_code != 0
    assert "means no image" in done.output


def test_images_of_one_name_would_overwrite_each_other(tmp_path: Path, weights: Path) -> None:
    image(tmp_path / "a" / "page.png")
    image(tmp_path / "b" / "page.png")
    done = predict(tmp_path / "a", tmp_path / "b", "--out", tmp_path / "out", "--checkpoint", weights)
    assert done.exit_code != 0
    assert "the same name" in done.output
    assert not (tmp_path / "out").exists()


def test_a_damaged_checkpoint_is_one_sentence(tmp_path: Path) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"no weights")
    done = predict(image(tmp_path / "one.png"), "--out", tmp_path / "out", "--checkpoint", bad)
    assert done.exit_code != 0
    assert "bad.safetensors is no whole safetensors file" in done.output
    assert "Traceback" not in done.output
