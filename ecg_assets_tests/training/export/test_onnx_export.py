"""An exported network gives torch's classes without torch; a file that does not is not left."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from click.testing import CliRunner

from ecg_assets.cli import main
from ecg_assets.samples.reader import SampleReader
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.training.checkpoints.checkpoint import load_network
from ecg_assets.training.checkpoints.hashed_safetensors import write_sealed
from ecg_assets.training.evaluation.champion_store import champion_checkpoint
from ecg_assets.training.export import onnx_export
from ecg_assets.training.export.comparison_images import images_to_compare_on
from ecg_assets.training.export.onnx_export import agreement_of, export_onnx
from ecg_assets.training.export.onnx_network import OnnxError, OnnxNetwork
from ecg_assets.training.models.compact_unet import normalise
from ecg_assets.training.models.registry import NetworkSpec
from ecg_assets_tests.conftest import AdviceGiven, quiet
from ecg_assets_tests.integration.live import CHECKOUT

Tiles = npt.NDArray[np.uint8]

COMPACT = NetworkSpec(classes=5, widths=(8, 16, 24), patch_px=2)
THREE = NetworkSpec(classes=3, widths=(8, 16), patch_px=1)
ZOO = NetworkSpec(network="smp/unet/mobilenet_v2", classes=5)

# Runs a file where torch cannot be imported, and saves what it gives.
WITHOUT_TORCH = """
import sys
for name in ("torch", "torch_xla"):
    sys.modules[name] = None
import numpy as np
from pathlib import Path
from ecg_assets.training.export.onnx_network import OnnxNetwork
network = OnnxNetwork(Path(sys.argv[1]), threads=1)
np.save(sys.argv[3], network.predict(np.load(sys.argv[2])))
"""


def checkpoint_of(spec: NetworkSpec, path: Path, seed: int = 0) -> Path:
    """A network with random weights, as a training saves it."""
    torch.manual_seed(seed)
    write_sealed(path, spec.build().state_dict(), {"network": spec.model_dump_json()})
    return path


@pytest.fixture
def images(made_root: DataRoot) -> list[Tiles]:
    reader = SampleReader(made_root.dataset, "train")
    return [reader[number].image_hwc.copy() for number in (0, len(reader) - 1)]


@pytest.mark.parametrize(
    "spec", [COMPACT, THREE, pytest.param(ZOO, marks=pytest.mark.soak)], ids=["compact", "3 classes", "zoo"]
)
def test_onnx_gives_torchs_probabilities_for_any_number_height_and_width(
    spec: NetworkSpec, images: list[Tiles], tmp_path: Path
) -> None:
    checkpoint, out = checkpoint_of(spec, tmp_path / "best.safetensors"), tmp_path / "net.onnx"
    exported = export_onnx(checkpoint, out, images, quiet)
    assert exported.agreement >= 0.999
    assert exported.card.tile_px is None
    onnx, network = OnnxNetwork(out, threads=1), load_network(checkpoint)
    assert (onnx.classes, onnx.multiple_px) == (spec.classes, network.multiple_px)
    for tiles in (np.stack(images), images[0][None, : onnx.multiple_px * 3, : onnx.multiple_px * 5]):
        with torch.inference_mode():
            expected = network(normalise(torch.from_numpy(tiles))).softmax(dim=1).numpy()
        got = onnx.predict(tiles)
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, expected, atol=2e-3)


def test_a_file_that_disagrees_is_refused_and_not_left(
    images: list[Tiles], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is written with other weights than the checkpoint's."""
    checkpoint = checkpoint_of(COMPACT, tmp_path / "best.safetensors")
    other = load_network(checkpoint_of(COMPACT, tmp_path / "other.safetensors", seed=1))
    right = onnx_export._write
    monkeypatch.setattr(onnx_export, "_write", lambda network, card, path: right(other, card, path))
    with pytest.raises(OnnxError, match=r"gives other classes than torch for .* was not written"):
        export_onnx(checkpoint, tmp_path / "out" / "net.onnx", images, quiet)
    assert list((tmp_path / "out").iterdir()) == []


def test_agreement_counts_pixels(images: list[Tiles], tmp_path: Path) -> None:
    checkpoint, out = checkpoint_of(COMPACT, tmp_path / "best.safetensors"), tmp_path / "net.onnx"
    export_onnx(checkpoint, out, images[:1], quiet)
    other = load_network(checkpoint_of(COMPACT, tmp_path / "other.safetensors", seed=1))
    share, pixels = agreement_of(OnnxNetwork(out), other, images)
    assert pixels == 4 * 512 * 512
    assert share < 0.9


def test_an_exported_network_predicts_where_torch_cannot_be_imported(images: list[Tiles], tmp_path: Path) -> None:
    checkpoint, out = checkpoint_of(COMPACT, tmp_path / "best.safetensors"), tmp_path / "net.onnx"
    export_onnx(checkpoint, out, images, quiet)
    np.save(tmp_path / "tiles.npy", np.stack(images))
    arguments = [str(out), str(tmp_path / "tiles.npy"), str(tmp_path / "got.npy")]
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH, *arguments], cwd=CHECKOUT, check=True, timeout=60)
    got = np.load(tmp_path / "got.npy")
    assert got.shape == (2, 5, 512, 512)
    np.testing.assert_allclose(got.sum(axis=1), 1, atol=1e-4)


def test_the_metadata_tell_classes_multiple_and_normalisation(images: list[Tiles], tmp_path: Path) -> None:
    import onnx

    out = tmp_path / "net.onnx"
    export_onnx(checkpoint_of(COMPACT, tmp_path / "best.safetensors"), out, images[:1], quiet)
    card = json.loads({prop.key: prop.value for prop in onnx.load(out).metadata_props}["ecg_assets"])
    assert card["classes"] == ["background", "horizontal", "vertical", "intersection", "wave"]
    assert (card["multiple_px"], card["scale"], card["offset"]) == (8, pytest.approx(2 / 255), -1)


def test_what_cannot_be_used_says_so(images: list[Tiles], tmp_path: Path) -> None:
    out = tmp_path / "net.onnx"
    with pytest.raises(OnnxError, match="ecg-assets export-onnx"):
        OnnxNetwork(out)
    out.write_bytes(b"no onnx")
    with pytest.raises(OnnxError, match="is no ONNX file"):
        OnnxNetwork(out)
    export_onnx(checkpoint_of(COMPACT, tmp_path / "best.safetensors"), out, images[:1], quiet)
    with pytest.raises(OnnxError, match="100 x 96 px; expected multiples of 8 px"):
        OnnxNetwork(out).predict(images[0][None, :100, :96])


@pytest.mark.advice(
    "training/export/onnx_network.py",
    " is a folder, a named pipe or the like, expected a file; move it away",
    " is not there; write it with: ecg-assets export-onnx ",
    " is an ONNX file, but its metadata hold no usable ",
)
def test_a_file_that_cannot_be_read_is_written_by_the_command_that_is_told(
    made_root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven
) -> None:
    import onnx

    root, path = open_root(tmp_path / "root"), tmp_path / "net.onnx"
    root.dataset.symlink_to(made_root.dataset)
    monkeypatch.setenv("ECG_ASSETS_DATA", str(root.path))
    champion_checkpoint(root).parent.mkdir(parents=True)
    checkpoint_of(THREE, champion_checkpoint(root))

    def refused() -> str:
        with pytest.raises(OnnxError) as error:
            OnnxNetwork(path)
        advice.in_message(error.value)
        return str(error.value)

    def write_it_with(said: str) -> None:
        command = shlex.split(said.partition("write it with: ")[2])
        assert command[0] == "ecg-assets"
        assert CliRunner().invoke(main, command[1:]).exit_code == 0
        assert OnnxNetwork(path).classes == 3

    os.mkfifo(path)
    refused()
    path.rename(tmp_path / "away")
    write_it_with(refused())
    of_another_program = onnx.load(path)
    del of_another_program.metadata_props[:]
    onnx.save(of_another_program, path)
    write_it_with(refused())


def test_the_command_exports_a_file_and_says_how_well_it_agrees(
    made_root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECG_ASSETS_DATA", str(made_root.path))
    checkpoint, out = checkpoint_of(THREE, tmp_path / "best.safetensors"), tmp_path / "net.onnx"
    result = CliRunner().invoke(main, ["export-onnx", "--checkpoint", str(checkpoint), str(out)])
    assert result.exit_code == 0, result.output
    assert "same class as torch for" in result.output
    assert OnnxNetwork(out).classes == 3


def test_without_a_dataset_it_is_compared_on_synthetic_pages(tmp_path: Path) -> None:
    images = images_to_compare_on(open_root(tmp_path / "data"), 6, quiet)
    assert [image.shape for image in images] == [(512, 512, 3)] * 6
    assert len({image.tobytes() for image in images}) == 6


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "no champion yet; name an experiment or a file with --checkpoint"),
        (["--checkpoint", "nonsense"], "experiments in this data root: none yet"),
        (["--checkpoint", "nonsense.safetensors"], "nonsense.safetensors does not exist"),
    ],
)
def test_the_command_says_what_it_needs(
    arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECG_ASSETS_DATA", str(open_root(tmp_path / "data").path))
    result = CliRunner().invoke(main, ["export-onnx", *arguments, str(tmp_path / "net.onnx")])
    assert result.exit_code != 0
    assert says in result.output
