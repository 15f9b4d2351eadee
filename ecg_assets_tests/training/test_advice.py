"""What is said of a config that cannot be trained is carried out, and then it can be."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.torch import save_file

from ecg_assets.pages.config import PagesConfig
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.samples.reader import SampleReader
from ecg_assets.samples.stage import build_dataset
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.training.checkpoints.initial_weights import first_network
from ecg_assets.training.config import PACKAGE_WEIGHTS, ConfigError, TrainConfig, load_config
from ecg_assets.training.data.batches import TrainBatches, ValidationBatches
from ecg_assets.training.models.registry import build_to_train
from ecg_assets.training.runs.prepare import prepare_run
from ecg_assets.training.runs.run_folder import RunFolderError
from ecg_assets.training.runs.run_state import is_finished
from ecg_assets.training.runtime import chosen_runtime
from ecg_assets.training.trainer import TrainingFailedError, train
from ecg_assets_tests.conftest import AdviceGiven, quiet
from ecg_assets_tests.training.conftest import SMALL, Prepare
from ecg_assets_tests.training.networks_at_hand import put_checkpoint

Fields = dict[str, Any]
ZOO: Fields = {"network": "smp/unet/resnet18", "widths": (), "patch_px": 1}


def written(folder: Path, fields: Fields) -> str:
    """A YAML file of the small config with other values in some fields; None leaves a field out."""
    path = folder / "mine.yaml"
    kept = {name: value for name, value in (SMALL | fields).items() if value is not None}
    path.write_text(yaml.safe_dump({**kept, "widths": list(kept["widths"])} if "widths" in kept else kept))
    return str(path)


@pytest.mark.parametrize(
    ("refused", "ways"),
    [
        pytest.param(
            {"network": "compact-s"},
            [{"network": "compact-s", "widths": None}],
            marks=pytest.mark.advice("training/config.py", " has its own; leave widths out"),
            id="widths of a size",
        ),
        pytest.param(
            {"widths": None},
            [{"widths": (8, 16)}, *({"widths": None, "network": f"compact-{size}"} for size in "sml")],
            marks=pytest.mark.advice("training/config.py", "widths is empty; give the levels' channels, or choose"),
            id="no widths",
        ),
        pytest.param(
            {**ZOO, "remat": "blocks"},
            [{**ZOO, "remat": "none", "micro_batch": 1}],
            marks=pytest.mark.advice("training/config.py", "; set remat: none and a smaller micro_batch"),
            id="remat of the zoo",
        ),
    ],
)
def test_fields_that_do_not_go_together(
    tmp_path: Path, refused: Fields, ways: list[Fields], advice: AdviceGiven
) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(written(tmp_path, refused))
    advice.in_message(error.value)
    for way in ways:
        assert build_to_train(load_config(written(tmp_path, way))).classes == 5


@pytest.mark.advice("training/config.py", "; give the path of a YAML file, or one of the names ")
def test_a_config_that_is_not_there(tmp_path: Path, advice: AdviceGiven) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(str(tmp_path / "demo.yaml"))
    advice.in_message(error.value)
    names = str(error.value).rpartition("names ")[2].split(", ")
    assert all(load_config(name).epochs for name in [written(tmp_path, {}), *names])


def samples(pages: DataRoot, folder: Path, crop_px: int) -> SampleReader:
    """What materialising mixed_dataset with this side makes of pages."""
    root = open_root(folder / f"{pages.path.parent.name}-{crop_px}")
    for name in ("ori_csv", "grids", "data"):
        (root.path / name).symlink_to(pages.path / name)
    config = SamplesConfig(crop_px=crop_px, positives=1, negatives=0, recipes={"clean": 1.0})
    build_dataset(root, config, 1, quiet)
    return SampleReader(root.dataset, "train")


def small(**changes: Any) -> TrainConfig:
    return TrainConfig(**(SMALL | changes))


def first_step(reader: SampleReader, config: TrainConfig) -> int:
    """The step that is trained first."""
    return next(step for step, _ in TrainBatches(reader, config, 0, 1).epoch(0))


SIX_LEVELS = (8, 8, 8, 8, 8, 8)


@pytest.fixture(scope="module")
def odd_samples(made_root: DataRoot, tmp_path_factory: pytest.TempPathFactory) -> SampleReader:
    """Samples of 416 px a side, which are 13 times 32."""
    return samples(made_root, tmp_path_factory.mktemp("odd"), 416)


@pytest.mark.advice("training/data/batches.py", " px a side; set crop_px: ")
def test_crops_larger_than_the_samples(made_root: DataRoot, odd_samples: SampleReader, advice: AdviceGiven) -> None:
    config = small(crop_px=512, widths=SIX_LEVELS, patch_px=2)
    said = r"set crop_px: 384, or materialise mixed_dataset with crop_px: 512$"
    with pytest.raises(ConfigError, match=said) as error:
        first_step(odd_samples, config)
    advice.in_message(error.value)
    assert first_step(odd_samples, config.changed(crop_px=384)) == 1
    assert first_step(SampleReader(made_root.dataset, "train"), config) == 1


@pytest.mark.advice("training/data/batches.py", " px; set patch_px: 1, or materialise ")
def test_samples_whose_side_the_network_does_not_take(
    made_root: DataRoot, odd_samples: SampleReader, advice: AdviceGiven
) -> None:
    config = small(crop_px=128, widths=SIX_LEVELS, patch_px=4)
    with pytest.raises(ConfigError, match=r"mixed_dataset with crop_px: 512$") as error:
        ValidationBatches(odd_samples, config, 0, 1)
    advice.in_message(error.value)
    of_512_px = SampleReader(made_root.dataset, "train")
    for right, reader in ((config.changed(patch_px=1), odd_samples), (config, of_512_px)):
        batch = next(iter(ValidationBatches(reader, right, 0, 1).of(1)))
        assert batch.image_bhwc.shape[1] % right.multiple_px == 0


@pytest.mark.soak
@pytest.mark.advice("training/data/crop_sampler.py", "set pulse_share: 0, or materialise rendered_waves with styles: ")
def test_samples_that_show_no_whole_calibration_pulse(
    mixed_root: DataRoot, tmp_path: Path, advice: AdviceGiven
) -> None:
    reader, config = samples(mixed_root, tmp_path, 64), small(pulse_share=0.5)
    with pytest.raises(ConfigError, match=r"styles: default, and mixed_dataset with crop_px: 512$") as error:
        first_step(reader, config)
    advice.in_message(error.value)
    assert first_step(reader, config.changed(pulse_share=0)) == 1
    assert PagesConfig().styles == "default", "as the pages were made"
    assert first_step(samples(mixed_root, tmp_path, 512), config) == 1


@pytest.mark.advice(
    "training/checkpoints/initial_weights.py", "); give a checkpoint of a network with the same `network`"
)
def test_first_weights_of_another_network(tmp_path: Path, advice: AdviceGiven) -> None:
    put_checkpoint(tmp_path / "same.safetensors")
    config = small(start_from=PACKAGE_WEIGHTS)
    with pytest.raises(ConfigError) as error:
        first_network(config)
    advice.in_message(error.value)
    for right in (str(tmp_path / "same.safetensors"), None):
        assert first_network(config.changed(start_from=right)).classes == 5


@pytest.mark.advice("training/models/registry.py", "); give a safetensors file of the ")
def test_first_weights_of_another_encoder(tmp_path: Path, advice: AdviceGiven) -> None:
    path, config = tmp_path / "encoder.safetensors", small(**ZOO, encoder_weights=str(tmp_path / "encoder.safetensors"))
    donor = build_to_train(config.changed(encoder_weights=None, network="smp/unet/mobilenet_v2"))
    save_file({name: part.clone() for name, part in donor.body.encoder.state_dict().items()}, path)  # type: ignore[union-attr]
    with pytest.raises(ConfigError) as error:
        build_to_train(config)
    advice.in_message(error.value)
    right = build_to_train(config.changed(encoder_weights=None))
    save_file({name: part.clone() for name, part in right.body.encoder.state_dict().items()}, path)  # type: ignore[union-attr]
    assert build_to_train(config).classes == 5


@pytest.mark.advice("training/runs/prepare.py", ", and no such file is there; name the .safetensors file to begin with")
def test_first_weights_that_are_not_there(made_root: DataRoot, tmp_path: Path, advice: AdviceGiven) -> None:
    root, path = open_root(tmp_path / "root"), tmp_path / "first.safetensors"
    root.dataset.symlink_to(made_root.dataset)
    with pytest.raises(RunFolderError, match="or leave start_from out") as error:
        prepare_run(root, small(start_from=str(path)), quiet)
    advice.in_message(error.value)
    put_checkpoint(path)
    for right in (str(path), None):
        assert prepare_run(root, small(start_from=right), quiet).config.exists()


@pytest.mark.advice("training/loop/recovery.py", "; last.safetensors is of before. Set a lower learning_rate")
def test_a_rate_with_which_nothing_stays_finite(prepare: Prepare, advice: AdviceGiven) -> None:
    with pytest.raises(TrainingFailedError) as failed:
        train(prepare(learning_rate=1e6).path)
    advice.in_message(failed.value)
    run = prepare(learning_rate=1e-3, epochs=1, steps_per_epoch=2)
    train(run.path)
    assert is_finished(run)


@pytest.mark.advice("training/runtime/__init__.py", "set runtime: torch or auto")
def test_torch_xla_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven) -> None:
    """What finds modules is told to find none of that name."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "ecg_assets.training.runtime.find_spec", lambda name: None if name == "torch_xla" else find(name)
    )
    with pytest.raises(ConfigError) as error:
        chosen_runtime(small(runtime="xla"))
    advice.in_message(error.value)
    assert {chosen_runtime(small(runtime=runtime)) for runtime in ("torch", "auto")} == {"torch"}
