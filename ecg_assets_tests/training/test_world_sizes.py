"""One, two and four replicas that share the same batches learn the same."""

import os
import subprocess
import sys

import pytest

from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import read_state
from ecg_assets_tests.integration.live import CHECKOUT
from ecg_assets_tests.training.conftest import Prepare, xla_environment

_BATCH = 8
_VALIDATED = 8
# Without the pictures that `python -m ecg_assets.training.trainer` has drawn beside the training.
TRAIN = "import sys, pathlib; from ecg_assets.training.trainer import train; train(pathlib.Path(sys.argv[1]))"

pytestmark = [
    pytest.mark.xla,
    pytest.mark.soak,  # minutes
    pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="torch_xla has no wheel here"),
]


def trained(run: RunFolder) -> dict[str, float]:
    """Dice by class on the validation split, after the last epoch."""
    command = [sys.executable, "-c", TRAIN, str(run.path)]
    done = subprocess.run(
        command, cwd=CHECKOUT, env=xla_environment(), capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    state = read_state(run)
    assert state is not None
    dice = state.history[-1].dice
    return {name: value for name, value in dice.items() if value is not None}


def test_the_world_size_does_not_change_the_validation_dice(prepare: Prepare) -> None:
    dice = {
        world: trained(
            prepare(
                f"world_{world}", runtime="xla", replicas=world, batch_size=_BATCH // world, epochs=2,
                steps_per_epoch=60, validation_steps=_VALIDATED // world, learning_rate=2e-3, ema_decay=0.95,
            )
        )
        for world in (1, 2, 4)
    }  # fmt: skip
    assert dice[1]["horizontal"] > 0.5, "too little was learned for the comparison to say anything"
    for world in (2, 4):
        assert dice[world] == pytest.approx(dice[1], abs=0.02)
