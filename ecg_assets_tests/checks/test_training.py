"""Checks of what came out of a training, and of real images beside the samples."""

import shutil
from pathlib import Path

import cv2
import dagster as dg
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import save_file

from ecg_assets.checks.scans import scans_look_like_samples
from ecg_assets.checks.training import (
    TpuPlanChoice,
    champion_beats_baseline,
    dice_is_high_enough,
    training_fits_tpu,
    weights_are_sound,
)
from ecg_assets.pages.paths import page_path
from ecg_assets.pages.raster.png import read_rgb
from ecg_assets.records.index import accepted_records
from ecg_assets.scans.drift import drift_of, reference_of
from ecg_assets.scans.inbox import inbox
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.store.sealed import read_unsealed
from ecg_assets.training.checkpoints.hashed_safetensors import write_sealed
from ecg_assets.training.evaluation.champion import decide
from ecg_assets.training.evaluation.champion_store import Contender
from ecg_assets.training.evaluation.scorecard import Scorecard, scorecard_path
from ecg_assets.training.evaluation.threshold_baseline import against_baseline, predict_by_darkness
from ecg_assets.training.models.registry import NetworkSpec
from ecg_assets.training.plan.machines import UnknownMachineError
from ecg_assets.training.runs.published import note_published
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets_tests.checks.test_checks import reason, result_of, root
from ecg_assets_tests.conftest import AdviceGiven, quiet
from ecg_assets_tests.real import photos

__all__ = ["root"]

SPEC = NetworkSpec(classes=3, widths=(4, 8))


def put_weights(root: DataRoot, spoil: float | None = None, spec: NetworkSpec = SPEC) -> RunFolder:
    """A published checkpoint of `SPEC`'s network, whose header tells `spec`."""
    run = RunFolder(root.runs / "demo")
    tensors = dict(SPEC.build().state_dict())
    if spoil is not None:
        tensors["head.bias"] = torch.full_like(tensors["head.bias"], spoil)
    write_sealed(run.best, tensors, {"network": spec.model_dump_json()})
    note_published(root, "demo", run.best, sha256_file(run.best))
    return run


def test_weights_that_load_and_are_finite_pass(root: DataRoot) -> None:
    put_weights(root)
    result = result_of(weights_are_sound, root)
    assert result.passed, result.description
    assert result.metadata["parameters"].value == sum(one.numel() for one in SPEC.build().parameters())


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_fail_by_name(root: DataRoot, bad: float) -> None:
    put_weights(root, bad)
    assert "not finite: ['head.bias']" in reason(weights_are_sound, root)


def test_weights_that_overflow_in_use_fail(root: DataRoot) -> None:
    put_weights(root, 3e38)
    run = RunFolder(root.runs / "demo")
    tensors = {name: torch.full_like(values, 3e38) for name, values in SPEC.build().state_dict().items()}
    write_sealed(run.best, tensors, {"network": SPEC.model_dump_json()})
    note_published(root, "demo", run.best, sha256_file(run.best))
    assert "output for a grey picture is not finite" in reason(weights_are_sound, root)


def test_weights_of_another_network_fail(root: DataRoot) -> None:
    put_weights(root, spec=NetworkSpec(classes=5, widths=(4, 8)))
    assert "does not fit the network described in its header" in reason(weights_are_sound, root)


def test_a_file_of_another_program_fails(root: DataRoot) -> None:
    run = put_weights(root)
    save_file({"layer": np.zeros(3, np.float32)}, run.best)
    note_published(root, "demo", run.best, sha256_file(run.best))
    assert "its header names no network" in reason(weights_are_sound, root)


def test_weights_that_were_exchanged_or_removed_after_publishing_fail(root: DataRoot) -> None:
    run = put_weights(root)
    kept = root.runs / "published.safetensors"
    for path in (run.best, kept):
        save_file({"layer": np.array([2.0], np.float32)}, path)
    assert "another file than was published" in reason(weights_are_sound, root)
    for path in (run.best, kept):
        path.unlink()
    assert "another file than was published" in reason(weights_are_sound, root)


def test_a_later_training_in_the_run_folder_leaves_the_published_weights_as_they_are(root: DataRoot) -> None:
    run = put_weights(root)
    save_file({"layer": np.array([2.0], np.float32)}, run.best)
    assert result_of(weights_are_sound, root).passed


def test_no_checkpoint_at_all_is_said(root: DataRoot) -> None:
    assert "materialise trained_checkpoint first" in reason(weights_are_sound, root)


def card_of(wave: float | None, digest: str = "d") -> Scorecard:
    scores = {"background": 0.99, "grid": 0.95, "wave": wave}
    return Scorecard(
        code_version="1",
        experiment="demo",
        sha256="s",
        dataset_digest=digest,
        samples=1,
        dice=scores,
        dice_by_recipe={},
        iou=scores,
        precision=scores,
        recall=scores,
        three_class_dice=scores,
    )


@pytest.mark.parametrize(("wave", "passed"), [(0.97, True), (0.5, False), (None, True)])
def test_low_dice_is_a_warning_and_no_error(root: DataRoot, wave: float | None, passed: bool) -> None:
    run = put_weights(root)
    scorecard_path(run).parent.mkdir(parents=True)
    scorecard_path(run).write_text(card_of(wave).model_dump_json())
    result = result_of(dice_is_high_enough, root)
    assert result.passed == passed
    if not passed:
        assert result.severity == dg.AssetCheckSeverity.WARN
        assert "wave 0.500" in str(result.description)


@pytest.fixture
def with_dataset(made_root: DataRoot, tmp_path: Path) -> DataRoot:
    shutil.copytree(made_root.dataset, tmp_path / "data" / "dataset_grid_wave_mix")
    return open_root(tmp_path / "data")


def crown(root: DataRoot, wave: float) -> None:
    """Makes a checkpoint with this Dice on the wave champion."""
    run = put_weights(root)

    def never(contender: Contender, checkpoint: Path) -> Scorecard:
        raise AssertionError

    decide(root, card_of(wave), run.best, never, quiet)


def test_a_champion_above_the_rule_without_learning_passes(with_dataset: DataRoot) -> None:
    crown(with_dataset, 0.97)
    result = result_of(champion_beats_baseline, with_dataset)
    assert result.passed, result.description
    assert 0.8 < float(str(result.metadata["rule"].value)) < 0.97


def test_the_rule_is_tried_once_on_a_dataset(with_dataset: DataRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    before = against_baseline(with_dataset, card_of(0.97), 20)

    def other(image_hwc: np.ndarray) -> np.ndarray:
        return np.zeros(image_hwc.shape[:2], np.uint8)

    monkeypatch.setattr("ecg_assets.training.evaluation.threshold_baseline.predict_by_darkness", other)
    assert against_baseline(with_dataset, card_of(0.97), 20) == before
    facts = with_dataset.dataset / "dataset.json"
    facts.write_bytes(read_unsealed(facts).replace(b'"digest": "', b'"digest": "another '))
    assert against_baseline(with_dataset, card_of(0.97), 20).rule_dice["wave"] == 0


def test_a_champion_below_the_rule_fails_and_stops_nothing(with_dataset: DataRoot) -> None:
    crown(with_dataset, 0.3)
    assert "taking dark pixels for wave" in reason(champion_beats_baseline, with_dataset)


def test_no_champion_is_said(root: DataRoot) -> None:
    assert "holds no champion with scores" in reason(champion_beats_baseline, root)


def test_the_rule_knows_ink_lines_and_paper_of_any_brightness() -> None:
    for brightness in (250, 120):
        image = np.full((64, 64, 3), brightness, np.uint8)
        image[10:14] = np.array([brightness, brightness * 0.5, brightness * 0.5])
        image[40:44] = brightness // 10
        found = predict_by_darkness(image)
        assert (found[11:13] == 1).all()
        assert (found[40:44] == 2).all()
        assert (found[20:36] == 0).all()


def test_the_rule_is_worse_on_degraded_samples(made_root: DataRoot, mixed_root: DataRoot) -> None:
    clean, mixed = (against_baseline(one, card_of(0.97)).rule for one in (made_root, mixed_root))
    assert mixed < clean - 0.1


def put_scan(root: DataRoot, image_hwc: np.ndarray, name: str = "scan.png") -> Path:
    path = inbox(root) / name
    Image.fromarray(image_hwc).save(path)
    return path


def a_page(root: DataRoot) -> np.ndarray:
    return read_rgb(page_path(root, str(accepted_records(root)["id"][0])))


def test_a_page_like_the_samples_passes_and_an_empty_inbox_too(with_dataset: DataRoot, made_root: DataRoot) -> None:
    assert result_of(scans_look_like_samples, with_dataset).passed
    put_scan(with_dataset, a_page(made_root))
    result = result_of(scans_look_like_samples, with_dataset)
    assert result.passed, result.description
    assert result.metadata["images"].value == 1


def test_scans_that_drift_in_colour_or_gradient_are_warned_of_by_name(
    with_dataset: DataRoot, made_root: DataRoot
) -> None:
    page = a_page(made_root)
    put_scan(with_dataset, page, "same.png")
    put_scan(with_dataset, 255 - page, "negative.png")
    blurred = put_scan(with_dataset, cv2.GaussianBlur(page, (0, 0), 12), "blurred.png")
    (inbox(with_dataset) / "broken.png").write_bytes(b"no image")
    result = result_of(scans_look_like_samples, with_dataset)
    assert not result.passed
    assert result.severity == dg.AssetCheckSeverity.WARN
    said = str(result.description)
    assert said.startswith("2 of 3 images")
    left_out = result.metadata["not_compared"]
    assert isinstance(left_out, dg.TableMetadataValue)
    assert [row.data["image"] for row in left_out.records] == ["broken.png"]
    assert "negative.png (colour" in said
    assert "same.png" not in said
    assert "gradient" in drift_of(blurred, "blurred.png", reference_of(with_dataset.dataset)).far


@pytest.mark.advice(
    "checks/scans.py",
    "weights of similar styles (clean_grid, rendered_waves) and recipes (mixed_dataset), and materialise these",
)
def test_styles_and_recipes_that_look_like_the_scans_are_given_a_weight(
    with_dataset: DataRoot, mixed_root: DataRoot, tmp_path: Path, advice: AdviceGiven
) -> None:
    """Pages of other papers, which a dataset of one style has not seen and one of many has."""
    looks = [(page_path(mixed_root, str(one))) for one in accepted_records(mixed_root)["id"]]
    for number, path in enumerate(looks[:8]):
        put_scan(with_dataset, read_rgb(path), f"{number}.png")
    said = result_of(scans_look_like_samples, with_dataset)
    assert not said.passed
    advice.in_message(said.description)
    before = int(str(said.description).split()[0])
    shutil.rmtree(with_dataset.dataset)
    shutil.copytree(mixed_root.dataset, with_dataset.dataset)
    now = result_of(scans_look_like_samples, with_dataset)
    assert now.passed or int(str(now.description).split()[0]) < before / 2


def test_without_samples_the_warning_says_that_nothing_was_compared(root: DataRoot, made_root: DataRoot) -> None:
    put_scan(root, a_page(made_root))
    result = result_of(scans_look_like_samples, root)
    assert result.severity == dg.AssetCheckSeverity.WARN
    assert "nothing to compare real images with" in str(result.description)


@pytest.mark.real
def test_real_photos_are_nearer_to_degraded_samples_than_to_clean_ones(
    made_root: DataRoot, mixed_root: DataRoot
) -> None:
    clean, mixed = reference_of(made_root.dataset), reference_of(mixed_root.dataset)
    far_clean, far_mixed = (
        [one for one in photos() if drift_of(one, one.name, reference).far] for reference in (clean, mixed)
    )
    assert len(far_clean) == len(photos())
    assert len(far_mixed) < len(photos()) / 2


def test_the_tpu_compiler_is_not_asked_until_a_machine_is_named() -> None:
    result = training_fits_tpu(context=dg.build_asset_check_context(), config=TpuPlanChoice(experiment="grid_wave_net"))
    assert isinstance(result, dg.AssetCheckResult) and result.passed
    assert result.metadata["not_evaluated"].value == "no machine is set"
    assert "v3-8" in str(result.metadata["known"].value)


def test_a_machine_that_is_none_is_told_before_anything_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECG_ASSETS_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UnknownMachineError, match="machine is 'v9'"):
        training_fits_tpu(context=dg.build_asset_check_context(), config=TpuPlanChoice(machine="v9"))
    assert not (tmp_path / "cache").exists()
