"""A validation counts each sample once, whatever fills up the last batch, and the same for any number of replicas.

Also under XLA: what a network of the zoo leaves behind, whose BatchNorm has statistics of its own in each replica.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import Tensor

from ecg_assets.samples.arrow_shard import Labelled, write_shard
from ecg_assets.samples.crops import Crop
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.store.splits import Split
from ecg_assets.training.checkpoints.checkpoint import save_best
from ecg_assets.training.config import TrainConfig
from ecg_assets.training.evaluation.counts import Tally, summed, tally_of
from ecg_assets.training.evaluation.evaluate import evaluate
from ecg_assets.training.loop.replica import Replica
from ecg_assets.training.loop.validation_counts import ValidationCounts
from ecg_assets.training.models.registry import NetworkSpec
from ecg_assets.training.runs.events import read_events
from ecg_assets.training.runs.prepare import prepare_run
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import EpochScores, is_finished
from ecg_assets.training.runtime.heartbeat import Heartbeats
from ecg_assets.training.runtime.plain import PlainRuntime
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.integration.live import CHECKOUT
from ecg_assets_tests.training.conftest import SMALL, xla_environment
from ecg_assets_tests.training.evaluation.cards import SIDE_PX, truth_hw

SAMPLES, BATCH = 11, 2  # the last batch is filled up with one replica and with two
SMALLEST = SMALL | {"validation_steps": None, "batch_size": BATCH, "widths": (8,), "patch_px": 4}
# Few layers, and two interpolations: the quickest of the zoo to compile, which is what its test waits for.
ZOO = "smp/deeplabv3/resnet18"
FIRST = EpochScores(epoch=1, loss=1, learning_rate=1, validation_loss=1, dice={}, iou={}, foreground_dice=0)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> DataRoot:
    """11 samples of validation and one of training, whose pixels tell their classes between noise."""
    root, rng = open_root(tmp_path_factory.mktemp("validated") / "data_root"), np.random.default_rng(0)
    samples = []
    for number in range(SAMPLES + 1):
        noise_hwc = rng.integers(0, 60, (SIDE_PX, SIDE_PX, 3))
        image_hwc = (noise_hwc + 45 * truth_hw(number)[..., None]).astype(np.uint8)
        crop = Crop(image_hwc, truth_hw(number), {})
        split: Split = "validation" if number < SAMPLES else "train"
        samples.append(Labelled(f"7-{number}", "7", split, "positive", "clean", crop))
    write_shard(root.dataset / "shard-000.arrow", SIDE_PX, [samples])
    (root.dataset / "dataset.json").write_text(json.dumps({"digest": "d", "class_shares": [0.2] * 5}))
    return root


def run_of(root: DataRoot, experiment: str, **changes: object) -> RunFolder:
    return prepare_run(root, TrainConfig(**(SMALLEST | {"experiment": experiment} | changes)), quiet)


@pytest.fixture(scope="module")
def plain(root: DataRoot) -> Tally:
    """As plain torch validates; the weights are kept beside."""
    run = run_of(root, "plain")
    signs = Heartbeats(run.heartbeats)
    signs.clear()
    replica = Replica(run, PlainRuntime(signs), quiet)
    _, tally = replica.validate()
    save_best(run.best, NetworkSpec.of(replica.config), replica.network, FIRST)
    return tally


def test_they_are_those_of_the_evaluation_on_the_same_samples(root: DataRoot, plain: Tally) -> None:
    found = evaluate(root, run_of(root, "plain").best, "validation", BATCH, quiet)
    assert plain.samples == SAMPLES
    assert plain.near[1]["wave"].predicted > plain.near[1]["wave"].predicted_hits > 0
    assert plain.intersections.predicted > 0
    assert plain == summed(cell.tally for cell in found.cells)


def validated(root: DataRoot, **changes: dict[str, Any]) -> dict[str, RunFolder]:
    """Runs that differ in what `changes` says, after `validating` has done its work in them."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        pytest.skip("torch_xla has no wheel here")
    runs = {name: run_of(root, name, runtime="xla", **changed) for name, changed in changes.items()}
    command = [sys.executable, "-m", "ecg_assets_tests.training.validating", *(str(run.path) for run in runs.values())]
    done = subprocess.run(
        command, cwd=CHECKOUT, env=xla_environment(), capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return runs


@pytest.fixture(scope="module")
def replicas(root: DataRoot) -> dict[str, RunFolder]:
    """What one and two untrained replicas saw."""
    return validated(root, one={"replicas": 1}, two={"replicas": 2})


@pytest.fixture(scope="module")
def zoo(root: DataRoot) -> RunFolder:
    """Two replicas that trained a network of the zoo for two steps, which XLA compiles for a minute."""
    changes = {"network": ZOO, "widths": (), "patch_px": 1, "epochs": 1, "steps_per_epoch": 2}
    return validated(root, zoo={"replicas": 2} | changes)["zoo"]


def seen(run: RunFolder, ordinal: int) -> Tally:
    return Tally.model_validate_json((run.path / "seen" / f"{ordinal}.json").read_text())


def statistics(run: RunFolder, ordinal: int, when: str) -> dict[str, np.ndarray[Any, Any]]:
    return dict(np.load(run.path / "seen" / f"{ordinal}-{when}.npz"))


@pytest.mark.xla
def test_one_and_two_replicas_count_exactly_the_same(replicas: dict[str, RunFolder], plain: Tally) -> None:
    one = seen(replicas["one"], 0)
    assert [seen(replicas["two"], ordinal) for ordinal in (0, 1)] == [one, one]
    assert (one.samples, one.counts.sum(axis=1).tolist()) == (SAMPLES, plain.counts.sum(axis=1).tolist())
    # XLA's arithmetic may decide a pixel in a thousand otherwise.
    assert np.abs(one.counts - plain.counts).sum() <= 1e-3 * plain.counts.sum()


@pytest.mark.soak
@pytest.mark.xla
def test_a_network_of_the_zoo_leaves_the_same_running_statistics_in_all_replicas(zoo: RunFolder) -> None:
    assert is_finished(zoo)
    before, after = ([statistics(zoo, ordinal, when) for ordinal in (0, 1)] for when in ("before", "after"))
    kept = load_file(zoo.last)
    assert len(kept.keys() & {f"buffer.{name}" for name in after[0]}) == len(after[0]) > 20
    assert any((before[0][name] != before[1][name]).any() for name in before[0])
    for name, statistic in after[0].items():
        np.testing.assert_array_equal(statistic, after[1][name], err_msg=name)
        np.testing.assert_array_equal(statistic, kept[f"buffer.{name}"], err_msg=name)
        np.testing.assert_allclose(statistic, (before[0][name] + before[1][name]) / 2, rtol=1e-5, atol=1e-7)


@pytest.mark.soak
@pytest.mark.xla
def test_a_network_of_the_zoo_names_what_xla_leaves_to_the_host_after_its_first_step(zoo: RunFolder) -> None:
    events = read_events(zoo.events)
    (note,) = (event for event in events if "falls back to the host" in event.message)
    assert note.values["fallbacks"] == ["aten::upsample_bilinear2d_backward"]
    assert events.index(note) < next(number for number, event in enumerate(events) if event.values.get("step"))


class Manifold(PlainRuntime):
    """As if 2000 replicas had all counted the same."""

    def total(self, tensor: Tensor) -> Tensor:
        """In 32 bits, as on a TPU."""
        assert tensor.dtype == torch.int32
        return tensor * 2000


def test_counts_beyond_32_bits_add_up_exactly_over_replicas(tmp_path: Path) -> None:
    tmp_path.joinpath("signs").mkdir()
    truth, predicted = np.zeros((2, 2048, 1024), dtype=np.uint8)
    predicted[::3] = 4
    counts = ValidationCounts(5)
    counts.add(torch.from_numpy(predicted)[None], torch.from_numpy(truth)[None], torch.ones(1))
    total, own = counts.total(Manifold(Heartbeats(tmp_path / "signs"))), tally_of(truth, predicted, 5)
    assert own.counts[0, 0] * 2000 > 2**31
    np.testing.assert_array_equal(total.counts, own.counts * 2000)
    assert total.near[2]["wave"].predicted == own.near[2]["wave"].predicted * 2000
