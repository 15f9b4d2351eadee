"""Replicas under xmp.spawn on PJRT_DEVICE=CPU: real collectives, one network and loss, no fallback, exact counts."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecg_assets.samples.reader import SampleReader
from ecg_assets.store.root import DataRoot
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets_tests.integration.live import CHECKOUT
from ecg_assets_tests.training.conftest import preparing, xla_environment

pytestmark = [
    pytest.mark.xla,
    pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="torch_xla has no wheel here"),
]

Seen = dict[str, Any]

# Validation takes whole samples, one a replica and step: the last step of the split is padded.
# One level of a network: XLA compiles for half of the time that two take.
STEPS = {"steps_per_epoch": 12, "validation_steps": None, "widths": (8,), "patch_px": 4}


def probe(out: Path, *runs: RunFolder) -> list[list[Seen]]:
    """What each replica of each run saw, by ordinal; all runs in one process, so that each graph is compiled once."""
    command = [sys.executable, "-m", "ecg_assets_tests.training.probe", str(out), *(str(run.path) for run in runs)]
    done = subprocess.run(command, cwd=CHECKOUT, env=xla_environment(), capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-4000:]
    return [
        [dict(np.load(out / run.path.name / f"{ordinal}.npz")) for ordinal in range(_count(out / run.path.name))]
        for run in runs
    ]


def _count(folder: Path) -> int:
    return len(list(folder.glob("*.npz")))


def validated_pixels(root: DataRoot) -> list[int]:
    """Of each class, in the validation split."""
    reader = SampleReader(root.dataset, "validation")
    masks = np.stack([reader[number].mask_hw for number in range(len(reader))])
    return [int(pixels) for pixels in np.bincount(masks.ravel(), minlength=5)]


@pytest.fixture(scope="module")
def runs(made_root: DataRoot, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Seen]]:
    """What each replica saw: two (with the same seed again, and another one) and eight, and one of plain torch each."""
    folder = tmp_path_factory.mktemp("replicas")
    prepare = preparing(made_root, folder)

    def probed(**named: dict[str, Any]) -> dict[str, list[Seen]]:
        made = [prepare(name, experiment=name, **STEPS, **changes) for name, changes in named.items()]
        return dict(zip(named, probe(folder / "-".join(named), *made), strict=True))

    two = {"runtime": "xla", "replicas": 2}
    return {
        **probed(two=two, again=two, other=two | {"seed": 1}),
        **probed(eight={"runtime": "xla", "replicas": 8}),
        **probed(alone_two={"batch_size": 4}, alone_eight={"batch_size": 16}),
    }


@pytest.mark.parametrize(("name", "replicas"), [("two", 2), ("eight", 8)])
def test_replicas_stay_one_network_and_train_as_one_on_the_concatenated_batch(
    runs: dict[str, list[Seen]], name: str, replicas: int
) -> None:
    seen, (alone,) = runs[name], runs[f"alone_{name}"]
    assert [int(one["world_size"]) for one in seen] == [replicas] * replicas
    assert len(seen[0]["losses"]) == 12
    assert len({str(one["parameters"]) for one in seen}) == 1
    for weight in [weight for weight in alone if weight.startswith("gradient.")]:
        for one in seen:
            largest = np.abs(alone[weight]).max()
            assert np.abs(one[weight] - alone[weight]).max() <= 1e-4 * largest, weight
    np.testing.assert_allclose(seen[0]["losses"][:5], alone["losses"][:5], rtol=1e-3)
    for one in seen:
        assert one["fallbacks"].tolist() == []
        # The last five steps are at five lower learning rates; all graphs were there long before.
        assert one["compiles"][3] == one["compiles"][-1] > 0


@pytest.mark.parametrize("name", ["two", "eight", "alone_two"])
def test_every_pixel_of_the_validation_split_is_counted_once_whatever_fills_up_the_last_step(
    runs: dict[str, list[Seen]], name: str, made_root: DataRoot
) -> None:
    for one in runs[name]:
        assert one["confusion"].sum(axis=1).tolist() == validated_pixels(made_root)
        np.testing.assert_array_equal(one["confusion"], runs[name][0]["confusion"])


def test_losses_repeat_for_the_same_seed_and_change_with_it(runs: dict[str, list[Seen]]) -> None:
    """In one process; that another process repeats them bit by bit is shown by `test_replicas_survive`."""
    losses = {name: runs[name][0]["losses"].tolist() for name in ("two", "again", "other")}
    assert losses["two"] == losses["again"]
    assert losses["two"] != losses["other"]


def test_replicas_that_are_not_the_expected_ones_do_not_start(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path\nimport sys\nfrom ecg_assets.training.runtime import xla\n"
        "xla.prepare_environment = lambda *_: xla.os.environ.update(PJRT_DEVICE='CPU', CPU_NUM_DEVICES='2')\n"
        "if __name__ == '__main__':\n"
        "    here = Path(sys.argv[1])\n"
        "    xla.launch(print, 4, here / 'stop', here / 'beats', 60.0, print)\n"
    )
    script = tmp_path / "program.py"
    script.write_text(program)
    done = subprocess.run(
        [sys.executable, script, tmp_path], cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode != 0
    assert "2 replicas came together, 4 were expected" in done.stderr
    assert "ReplicaError" in done.stderr
