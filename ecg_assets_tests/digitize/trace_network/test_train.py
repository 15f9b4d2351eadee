"""The network of flat pages learns, and an interrupted training ends like an undisturbed one."""

from pathlib import Path

import numpy as np
import pytest

from ecg_assets.digitize.trace_network.train import WaveTraining, train_wave_network
from ecg_assets.training.checkpoints.checkpoint import load_network
from ecg_assets.training.checkpoints.hashed_safetensors import write_sealed
from ecg_assets.training.models.compact_unet import initialise
from ecg_assets.training.models.registry import NetworkSpec

CONFIG = WaveTraining(steps=24, save_every=8, log_every=8, widths=(8, 8), learning_rate=3e-3, warmup_steps=2)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Dark lines on bright paper; the right half of the target is unknown."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(4):
        pieces = np.full((6, 32, 48, 4), 230, np.uint8)
        pieces[..., 3] = 0
        for piece in pieces:
            row = int(rng.integers(4, 28))
            piece[row : row + 2, :, :3] = 30
            piece[row : row + 2, :, 3] = 254
            piece[:, 24:, 3] = 255
        paths.append(tmp_path / f"{number}.npy")
        np.save(paths[-1], pieces)
    return paths


def losses(lines: list[str]) -> list[float]:
    return [float(line.rsplit(" ", 1)[1]) for line in lines if "validation" in line]


def test_it_learns_and_goes_on_where_it_was(files: list[Path], tmp_path: Path) -> None:
    lines: list[str] = []
    best = train_wave_network(files[:3], files[3:], tmp_path / "whole", CONFIG, None, lines.append)
    assert losses(lines)[-1] < 0.6 * losses(lines)[0]
    assert load_network(best).classes == 2

    class KilledError(Exception):
        pass

    def kill_at_12(line: str) -> None:
        if line.startswith("step 16 of") and "validation" not in line:
            raise KilledError

    with pytest.raises(KilledError):
        train_wave_network(files[:3], files[3:], tmp_path / "broken", CONFIG, None, kill_at_12)
    again: list[str] = []
    end = train_wave_network(files[:3], files[3:], tmp_path / "broken", CONFIG, None, again.append)
    assert losses(again) == losses(lines)[1:]
    for name, tensor in load_network(best).state_dict().items():
        assert (load_network(end).state_dict()[name] == tensor).all()


def test_it_begins_with_what_a_segmentation_network_knows(files: list[Path], tmp_path: Path) -> None:
    spec = NetworkSpec(classes=5, widths=CONFIG.widths, patch_px=CONFIG.patch_px)
    network = spec.build()
    initialise(network, 5)
    write_sealed(tmp_path / "five.safetensors", network.state_dict(), {"network": spec.model_dump_json()})
    config = CONFIG.model_copy(update={"steps": 1, "learning_rate": 1e-12, "weight_decay": 0.0})
    best = train_wave_network(files[:3], files[3:], tmp_path / "run", config, tmp_path / "five.safetensors", print)
    begun, other = load_network(best).state_dict(), network.state_dict()
    assert begun["first.0.weight"].allclose(other["first.0.weight"])
    side = CONFIG.patch_px**2
    assert begun["head.weight"][side:].allclose(other["head.weight"][4 * side :])
    assert begun["head.weight"][:side].allclose(other["head.weight"][:side])
