"""Replicas under xmp.spawn on PJRT_DEVICE=CPU: real collectives, one network, one loss, no host fallback."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecg_assets.training.run_folder import RunFolder
from ecg_assets_tests.live import CHECKOUT
from ecg_assets_tests.training.conftest import Prepare

pytestmark = [
    pytest.mark.xla,
    pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="torch_xla has no wheel here"),
]

Seen = dict[str, Any]


def probe(run: RunFolder, out: Path) -> list[Seen]:
    """What each replica saw, by ordinal."""
    out.mkdir(parents=True)
    command = [sys.executable, "-m", "ecg_assets_tests.training.probe", str(run.path), str(out)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PJRT_", "CPU_NUM", "XLA_"))}
    done = subprocess.run(command, cwd=CHECKOUT, env=kept, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-4000:]
    return [dict(np.load(path)) for path in sorted(out.glob("*.npz"), key=lambda path: int(path.stem))]


def concatenated(prepare: Prepare, replicas: int, out: Path) -> Seen:
    """The same training with one plain-torch replica on the replicas' concatenated batches."""
    return probe(prepare(f"one_of_{replicas}", batch_size=2 * replicas), out)[0]


@pytest.mark.parametrize("replicas", [2, 8])
def test_replicas_stay_one_network_and_train_as_one_on_the_concatenated_batch(
    prepare: Prepare, tmp_path: Path, replicas: int
) -> None:
    run = prepare("many", runtime="xla", replicas=replicas)
    seen = probe(run, tmp_path / "many")
    assert [int(one["world_size"]) for one in seen] == [replicas] * replicas
    assert len(seen[0]["losses"]) == 20
    assert len({str(one["parameters"]) for one in seen}) == 1
    alone = concatenated(prepare, replicas, tmp_path / "alone")
    for name in [name for name in alone if name.startswith("gradient.")]:
        for one in seen:
            largest = np.abs(alone[name]).max()
            assert np.abs(one[name] - alone[name]).max() <= 1e-4 * largest, name
    np.testing.assert_allclose(seen[0]["losses"][:5], alone["losses"][:5], rtol=1e-3)
    for one in seen:
        assert one["fallbacks"].tolist() == []
        # The last five steps are at five lower learning rates; all graphs were there long before.
        assert one["compiles"][3] == one["compiles"][-1] > 0


def test_losses_repeat_for_the_same_seed_and_change_with_it(prepare: Prepare, tmp_path: Path) -> None:
    losses = [
        probe(prepare(name, runtime="xla", replicas=2, seed=seed), tmp_path / name)[0]["losses"].tolist()
        for name, seed in (("first", 0), ("again", 0), ("other", 1))
    ]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


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
