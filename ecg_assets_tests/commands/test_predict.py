"""`ecg-assets predict`: files, folders and patterns in; masks, overlays and facts out; what is broken is named."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from ecg_assets.cli import main
from ecg_assets.pages.raster.png import read_grey
from ecg_assets_tests.conftest import AdviceGiven
from ecg_assets_tests.integration.live import CHECKOUT
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
    (tmp_path / "folder" / "cut.png").write_bytes((tmp_path / "one.png").read_bytes()[:5000])
    Image.new("1", (12_000, 9_000)).save(tmp_path / "folder" / "bomb.png")
    (tmp_path / "folder" / "notes.txt").write_text("no image either")
    out = tmp_path / "out"
    done = predict(
        tmp_path / "one.png", tmp_path / "folder", tmp_path / "more" / "*.png", "--out", out, "--checkpoint", weights
    )
    assert done.exit_code == 1
    for named in ("broken.png cannot be read as an image", "cut.png cannot be read", "bomb.png is 12000 x 9000 px"):
        assert named in done.output
    assert "3 of 6 images read" in done.output
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


def test_of_two_images_of_one_name_the_second_is_left_out_by_name(tmp_path: Path, weights: Path) -> None:
    image(tmp_path / "a" / "page.png")
    image(tmp_path / "b" / "page.png")
    done = predict(tmp_path / "a", tmp_path / "b", "--out", tmp_path / "out", "--checkpoint", weights)
    assert done.exit_code == 1
    assert "b/page.png: its result" in done.stderr and "a/page.png too" in done.stderr
    assert "1 of 2 images read" in done.stdout


@pytest.mark.advice("scans/result_guard.py", "; choose another --out, or replace it with --overwrite")
def test_results_of_another_image_or_command_and_inputs_stay_unless_told(
    tmp_path: Path, weights: Path, advice: AdviceGiven
) -> None:
    out = tmp_path / "out"
    page = image(tmp_path / "a" / "page.png")
    options = ("--out", out, "--checkpoint", weights)
    assert predict(page, *options).exit_code == 0
    before = (out / "page_mask.png").read_bytes()
    assert predict(page, *options).exit_code == 0, "own results are made again"
    other = image(tmp_path / "b" / "page.png", 350)
    refused = predict(other, *options)
    assert refused.exit_code == 1
    assert "page_mask.png is there already and not made from this picture" in refused.stderr
    advice.in_message(refused.stderr)
    assert predict(other, "--out", tmp_path / "another", "--checkpoint", weights).exit_code == 0
    assert (out / "page_mask.png").read_bytes() == before
    (out / "page.json").write_text('{"file": "page.png", "fs_hz": 500, "layout": "3x4"}')  # what digitize writes
    assert predict(page, *options).exit_code == 1
    assert predict(other, *options, "--overwrite").exit_code == 0
    assert (out / "page_mask.png").read_bytes() != before
    mask = image(out / "new_mask.png")  # an input where the result of another would lie
    held = mask.read_bytes()
    done = predict(mask, image(tmp_path / "new.png"), *options)
    assert "new_mask.png, which this command reads" in done.stderr
    assert mask.read_bytes() == held


@pytest.mark.advice("scans/image.py", "); export it again")
def test_a_damaged_image_is_exported_again(tmp_path: Path, weights: Path, advice: AdviceGiven) -> None:
    broken = image(tmp_path / "one.png")
    broken.write_bytes(broken.read_bytes()[:5000])
    refused = predict(broken, "--out", tmp_path / "out", "--checkpoint", weights)
    assert refused.exit_code == 1
    advice.in_message(refused.stderr)
    image(broken)
    assert predict(broken, "--out", tmp_path / "out", "--checkpoint", weights).exit_code == 0
    assert (tmp_path / "out" / "one_mask.png").exists()


def test_a_damaged_checkpoint_is_one_sentence(tmp_path: Path) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"no weights")
    done = predict(image(tmp_path / "one.png"), "--out", tmp_path / "out", "--checkpoint", bad)
    assert done.exit_code != 0
    assert "bad.safetensors is no whole safetensors file" in done.output
    assert "Traceback" not in done.output


# The command as it is typed, where torch cannot be imported.
WITHOUT_TORCH = """
import sys
for name in ("torch", "torch_xla", "safetensors.torch"):
    sys.modules[name] = None
from ecg_assets.cli import main
main(["predict", *sys.argv[1:]])
"""


def test_onnx_needs_no_torch(tmp_path: Path, weights: Path) -> None:
    from ecg_assets.training.export.onnx_export import export_onnx

    onnx, out = tmp_path / "network.onnx", tmp_path / "out"
    export_onnx(weights, onnx, [np.random.default_rng(0).integers(0, 255, (512, 512, 3), np.uint8)], lambda _: None)
    page = image(tmp_path / "one.png")
    arguments = [str(page), "--out", str(out), "--onnx", str(onnx)]
    command = [sys.executable, "-c", WITHOUT_TORCH, *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert {path.name for path in out.iterdir()} == {"one_mask.png", "one_overlay.png", "one.json"}
    assert predict(page, "--out", tmp_path / "torch", "--checkpoint", weights).exit_code == 0
    assert (read_grey(out / "one_mask.png") == read_grey(tmp_path / "torch" / "one_mask.png")).mean() >= 0.999


def test_names_that_cannot_be_kept_and_pipes_are_left_out_and_the_others_go_on(tmp_path: Path, weights: Path) -> None:
    folder = tmp_path / "folder"
    good = image(folder / "good.png")
    unfit = {f"{'a' * 240}.png": "its name has 244 bytes", "caf\udce9.png": "its name is no UTF-8; rename it"}
    for name in unfit:
        (folder / name).write_bytes(good.read_bytes())
    os.mkfifo(tmp_path / "pipe.png")
    done = subprocess.run(
        [sys.executable, "-m", "ecg_assets.cli", "predict", folder, tmp_path / "pipe.png", "--out", tmp_path / "out",
         "--checkpoint", weights],
        capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": str(CHECKOUT), "LC_ALL": "C"},
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    left = [line for line in done.stderr.splitlines() if line.startswith("Refused: ")]
    assert len(left) == 3
    for said in (*unfit.values(), "pipe.png is a named pipe, expected a file"):
        assert sum(said in line for line in left) == 1, said
    assert "1 of 4 images read" in done.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "good.json",
        "good_mask.png",
        "good_overlay.png",
    ]


@pytest.mark.parametrize("option", ["--checkpoint", "--onnx"])
def test_a_pipe_instead_of_weights_hangs_nobody(tmp_path: Path, option: str) -> None:
    os.mkfifo(tmp_path / "weights.safetensors")
    done = predict(image(tmp_path / "one.png"), "--out", tmp_path / "out", option, tmp_path / "weights.safetensors")
    assert done.exit_code == 1
    assert re.search(r"weights\.safetensors is a .*named pipe.*, expected a file", done.output.splitlines()[-1])
