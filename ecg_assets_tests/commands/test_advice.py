"""What commands advise is done, and it helps."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ecg_assets.cli import main
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets_tests.conftest import AdviceGiven
from ecg_assets_tests.inspection.copies import copied_root
from ecg_assets_tests.integration.live import CHECKOUT
from ecg_assets_tests.scans.test_stage import checkpoint


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments])


@pytest.mark.advice(
    "commands/export_onnx.py", " does not exist: no champion yet; name an experiment or a file with --checkpoint"
)
def test_a_checkpoint_is_named(
    made_root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven
) -> None:
    root = open_root(tmp_path / "data_root")
    monkeypatch.setenv("ECG_ASSETS_DATA", str(root.path))
    out = tmp_path / "network.onnx"
    advice.in_message(run("export-onnx", out).output)
    weights = checkpoint(tmp_path)
    best = root.runs / "mine" / "checkpoints" / "best.safetensors"
    best.parent.mkdir(parents=True)
    shutil.copy(weights, best)
    for named in (weights, "mine"):
        out.unlink(missing_ok=True)
        done = run("export-onnx", "--checkpoint", named, out)
        assert done.exit_code == 0, done.output
        assert out.exists()


@pytest.mark.advice("commands/ui.py", "); name another: ecg-assets ui --port ")
def test_a_port_that_is_taken_names_one_that_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven
) -> None:
    """The next one is taken, too."""
    served: list[int] = []
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setattr("ecg_assets.ui.services.serve", lambda workspace, port: served.append(port))
    (tmp_path / "workspace.yaml").touch()
    with two_ports() as port:
        refused = run("ui", "-w", tmp_path / "workspace.yaml", "--port", port)
        assert refused.exit_code == 1
        advice.in_message(refused.output)
        named = refused.output.strip().partition("ecg-assets ")[2].split()
        done = run(*named, "-w", tmp_path / "workspace.yaml")
        assert done.exit_code == 0, done.output
        with socket.create_server(("127.0.0.1", served[0])):
            pass


@contextmanager
def two_ports() -> Iterator[int]:
    """The first of two ports, one after the other, on which somebody listens."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first, suppress(OSError):
            port = int(first.getsockname()[1])
            with socket.create_server(("127.0.0.1", port + 1)):
                yield port
                return


@pytest.mark.advice("demo.py", "; export DAGSTER_HOME=$PWD/dagster_home")
@pytest.mark.parametrize("wrong", ["", "relative", "/nowhere/at/all"])
def test_dagster_home_is_set(wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven) -> None:
    monkeypatch.setenv("DAGSTER_HOME", wrong)
    refused = run("reconcile")
    assert refused.exit_code == 1
    advice.in_message(refused.output)
    if wrong:
        return
    commands = f"{refused.output.partition(' run: ')[2]}\nexec {sys.executable} -m ecg_assets.cli reconcile"
    done = subprocess.run(
        ["bash", "-ec", commands], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout == "No run to close: every unfinished run has its process\n", done.stderr


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            "runs/mine/checkpoints/best.safetensors",
            marks=pytest.mark.advice("commands/verify.py", ", expected a file; move it away"),
        ),
        pytest.param("source_listing.json", marks=pytest.mark.advice("inspection/state_files.py", "; move it away")),
        pytest.param("mine/own.safetensors", marks=pytest.mark.advice("commands/verify.py", "; move it away")),
    ],
)
def test_what_lies_in_a_file_s_place_is_moved_away(
    name: str, made_root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven
) -> None:
    root = copied_root(made_root, tmp_path)
    monkeypatch.setenv("ECG_ASSETS_DATA", str(root.path))
    (root.path / name).mkdir(parents=True)
    refused = run("verify")
    assert refused.exit_code == 1
    advice.in_message(refused.output)
    (root.path / name).rename(tmp_path / "away")
    assert run("verify").exit_code == 0


@pytest.mark.advice("inspection/advice.py", "move it away: no asset makes it")
def test_weights_of_one_s_own_that_are_damaged_are_moved_away_and_not_lost(
    made_root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven
) -> None:
    root = copied_root(made_root, tmp_path)
    monkeypatch.setenv("ECG_ASSETS_DATA", str(root.path))
    own = root.path / "mine" / "own.safetensors"
    own.parent.mkdir()
    own.write_bytes(checkpoint(tmp_path).read_bytes()[:-5])
    advice.in_message(run("verify").output)
    own.rename(tmp_path / "away.safetensors")
    assert run("verify").exit_code == 0


@pytest.mark.advice("inspection/advice.py", "put a copy of the file that it links to in its place")
def test_settings_behind_a_link_are_copied(
    made_root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven
) -> None:
    root = copied_root(made_root, tmp_path)
    monkeypatch.setenv("ECG_ASSETS_DATA", str(root.path))
    kept = root.settings.rename(tmp_path / "kept.json")
    root.settings.symlink_to(kept)
    advice.in_message(run("verify").output)
    root.settings.unlink()
    shutil.copy(kept, root.settings)
    assert run("verify").exit_code == 0
