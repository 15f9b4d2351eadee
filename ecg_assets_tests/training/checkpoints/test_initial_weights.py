"""A training that begins with the weights of an earlier one."""

from pathlib import Path

import pytest
import torch

from ecg_assets.training.checkpoints.checkpoint import load_network
from ecg_assets.training.checkpoints.initial_weights import first_network
from ecg_assets.training.config import PACKAGE_WEIGHTS, ConfigError, TrainConfig
from ecg_assets.training.runs.run_folder import RunFolderError
from ecg_assets.training.runs.run_state import read_start
from ecg_assets.training.trainer import train
from ecg_assets.weights import SEGMENTATION, weights_path
from ecg_assets_tests.training.conftest import SMALL, Prepare


def test_a_training_begins_where_an_earlier_one_ended(prepare: Prepare) -> None:
    earlier = prepare("earlier", epochs=1)
    train(earlier.path)
    # So small a rate that a step hardly moves a weight.
    later = prepare("later", epochs=1, steps_per_epoch=1, learning_rate=1e-9, start_from=str(earlier.best))
    train(later.path)
    ended, begun = (load_network(run.best).state_dict() for run in (earlier, later))
    for name, weight in ended.items():
        torch.testing.assert_close(begun[name], weight, rtol=0, atol=1e-6, msg=name)


def test_the_packages_weights_have_a_name_of_their_own() -> None:
    config = TrainConfig(**(SMALL | {"widths": (32, 48, 64, 96, 128), "refine": 16, "start_from": PACKAGE_WEIGHTS}))
    begun, packed = first_network(config).state_dict(), load_network(weights_path(SEGMENTATION)).state_dict()
    assert all(torch.equal(begun[name], packed[name]) for name in packed)


def test_a_last_look_at_pixels_begins_by_changing_nothing(prepare: Prepare) -> None:
    earlier = prepare("earlier", epochs=1)
    train(earlier.path)
    refined = first_network(TrainConfig(**(SMALL | {"start_from": str(earlier.best), "refine": 8})))
    image_bchw = torch.rand(1, 3, 32, 32) * 2 - 1
    with torch.inference_mode():
        torch.testing.assert_close(refined(image_bchw), load_network(earlier.best)(image_bchw))
    refined(image_bchw).square().mean().backward()
    moved = dict(refined.named_parameters())["refine.say.weight"].grad
    assert moved is not None and moved.abs().max() > 0, "from there it can learn"


def test_weights_of_another_network_are_refused_with_the_field_and_what_to_do(tmp_path: Path) -> None:
    for start_from in (PACKAGE_WEIGHTS, str(tmp_path / "gone.safetensors")):
        with pytest.raises(ConfigError, match=r"start_from is .*; give a checkpoint of a network with the same"):
            first_network(TrainConfig(**(SMALL | {"start_from": start_from})))


def test_other_weights_under_the_same_name_begin_a_new_run(prepare: Prepare) -> None:
    first, second = (prepare(name, epochs=1, seed=seed) for seed, name in enumerate(("first", "second")))
    for run in (first, second):
        train(run.path)
    start = first.path / "start.safetensors"
    start.write_bytes(first.best.read_bytes())
    before = read_start(prepare("later", start_from=str(start))).fingerprint
    assert read_start(prepare("later", start_from=str(start))).fingerprint == before
    start.write_bytes(second.best.read_bytes())
    assert read_start(prepare("later", start_from=str(start))).fingerprint != before
    start.unlink()
    with pytest.raises(RunFolderError, match=r"start_from is .*start\.safetensors, and no such file is there"):
        prepare("later", start_from=str(start))
