"""`ecg-assets verify`, `prune` and `reconcile`."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ecg_assets.cli import main
from ecg_assets.store.root import DataRoot
from ecg_assets.training.networks import NetworkSpec
from ecg_assets.training.sealed import write_sealed
from ecg_assets_tests.live import make_home


@pytest.fixture
def data_root(made_root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data_root"
    shutil.copytree(made_root.path, folder, symlinks=True)
    monkeypatch.setenv("ECG_ASSETS_DATA", str(folder))
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_verify_names_a_flipped_bit_in_a_page_and_in_a_checkpoint(data_root: Path) -> None:
    spec = NetworkSpec(classes=3, widths=(8, 16))
    checkpoint = data_root / "runs" / "one" / "checkpoints" / "best.safetensors"
    checkpoint.parent.mkdir(parents=True)
    write_sealed(checkpoint, spec.build().state_dict(), {"network": spec.model_dump_json()})
    assert "files are as they were made" in run("verify").output
    page = min((data_root / "data" / "wave_images").glob("*.png"))
    for path in (page, checkpoint):
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    result = run("verify")
    assert result.exit_code == 1
    assert f"data/wave_images/{page.name} has changed since it was made" in result.output
    assert "best.safetensors has changed since it was written" in result.output
    assert "Error: 2 of" in result.output


def test_prune_shows_first_and_deletes_when_told(data_root: Path) -> None:
    assert "Nothing to prune" in run("prune").output
    left = data_root / "data" / "wave_masks" / "gone_mask.png"
    left.write_bytes(b"1234")
    shown = run("prune").output
    assert "data/wave_masks/gone_mask.png" in shown
    assert "would be deleted: ecg-assets prune --yes" in shown
    assert left.exists()
    assert "Deleted 1 files" in run("prune", "--yes").output
    assert not left.exists()
    assert "files are as they were made" in run("verify").output


def test_reconcile_says_when_there_is_nothing_to_close(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(make_home(tmp_path / "home")))
    assert run("reconcile").output == "No run is left without its process\n"
