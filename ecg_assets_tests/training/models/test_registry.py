"""Networks by name: sizes of the compact one, the zoo, weights from a file, and what both make of an image."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ecg_assets.training.checkpoints.checkpoint import load_network
from ecg_assets.training.config import SIZES, ConfigError, TrainConfig
from ecg_assets.training.models.compact_unet import GroupNorm
from ecg_assets.training.models.registry import NetworkSpec, build_to_train
from ecg_assets.training.runs.events import read_events
from ecg_assets.training.runs.run_state import is_finished
from ecg_assets.training.trainer import train
from ecg_assets_tests.training.conftest import SMALL, Prepare

ZOO = ("smp/unet/efficientnet-b0", "smp/fpn/resnet18", "smp/unetplusplus/mobilenet_v2")


def config(network: str, **changes: object) -> TrainConfig:
    return TrainConfig(**(SMALL | {"widths": (), "network": network} | changes))


@pytest.mark.parametrize("network", [*SIZES, *ZOO])
def test_every_network_answers_for_every_pixel(network: str) -> None:
    chosen = config(network)
    built = build_to_train(chosen).eval()
    assert (built.classes, built.multiple_px) == (5, chosen.multiple_px)
    with torch.inference_mode():
        assert built(torch.zeros(2, 3, 96, 64)).shape == (2, 5, 96, 64)


def test_the_same_seed_gives_the_same_first_weights_and_leaves_torchs_generator_alone() -> None:
    before = torch.get_rng_state()
    first, again, other = (build_to_train(config(ZOO[0], seed=seed)) for seed in (0, 0, 1))
    assert torch.equal(before, torch.get_rng_state())
    weights = [torch.cat([part.flatten() for part in one.parameters()]) for one in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_network_of_the_zoo_trains_and_its_running_statistics_are_saved(prepare: Prepare) -> None:
    run = prepare(network=ZOO[0], widths=(), patch_px=1, epochs=1, steps_per_epoch=6)
    train(run.path)
    assert is_finished(run)
    network = load_network(run.best)
    means = [buffer for name, buffer in network.named_buffers() if name.endswith("running_mean")]
    assert means
    assert any(mean.abs().max() > 0.01 for mean in means)
    assert "Dice" in next(event.message for event in read_events(run.events) if event.kind == "epoch")


def test_an_encoder_begins_from_a_local_file(tmp_path: Path) -> None:
    donor = build_to_train(config(ZOO[1], seed=7))
    path = tmp_path / "encoder.safetensors"
    save_file({name: part.clone() for name, part in donor.body.encoder.state_dict().items()}, path)  # type: ignore[union-attr]
    begun = build_to_train(config(ZOO[1], encoder_weights=str(path)))
    for ours, theirs in zip(begun.body.encoder.parameters(), donor.body.encoder.parameters(), strict=True):  # type: ignore[union-attr]
        assert torch.equal(ours, theirs)
    with pytest.raises(ConfigError, match="does not fit the encoder"):
        build_to_train(config(ZOO[2], encoder_weights=str(path)))


@pytest.mark.parametrize(
    ("network", "says"),
    [("smp/unet/nonsense-b0", "smp/unet/nonsense-b0"), ("smp/nonsense/resnet18", "smp/nonsense/resnet18")],
)
def test_a_network_that_the_zoo_has_not_is_named(network: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        NetworkSpec.of(config(network)).build()


def test_widths_and_a_size_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="leave widths out"):
        config("compact-s", widths=(8, 16))
    with pytest.raises(ValueError, match="widths is empty"):
        config("compact")


def test_group_norm_written_out_is_torchs_own() -> None:
    norm = GroupNorm(24)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    image = torch.randn(3, 24, 9, 7, generator=torch.Generator().manual_seed(0)) * 3 + 1
    torch.testing.assert_close(norm._written_out(image), norm(image), rtol=1e-4, atol=1e-5)
