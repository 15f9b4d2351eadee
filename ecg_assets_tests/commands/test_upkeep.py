"""`ecg-assets verify`, `prune` and `reconcile`."""

import shutil
from contextlib import nullcontext
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner, Result

from ecg_assets.cli import main
from ecg_assets.records.index import read_index, write_index
from ecg_assets.records.kaggle.subset_manifest import SubsetManifest, Wanted, write_subset
from ecg_assets.store.bucket.address import parse_address
from ecg_assets.store.fingerprint import sha256_bytes, sha256_file
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stages.provenance import note_settings
from ecg_assets.training.checkpoints.hashed_safetensors import write_sealed
from ecg_assets.training.evaluation.champion import decide
from ecg_assets.training.evaluation.scorecard import Scorecard
from ecg_assets.training.models.registry import NetworkSpec
from ecg_assets_tests.integration.live import make_home
from ecg_assets_tests.training.evaluation.cards import card_with


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
    assert "files are undamaged" in run("verify").output
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


def test_verify_names_an_index_that_tells_of_other_records_and_one_that_is_lost(data_root: Path) -> None:
    root = DataRoot(data_root, 16)
    rows = read_index(root).to_dict("records")
    write_index(root.index, [{str(name): value for name, value in row.items()} for row in rows[1:]])
    assert "ori_csv/index.parquet lists other records than its manifest" in run("verify").output
    root.index.unlink()
    result = run("verify")
    assert result.exit_code == 1
    assert "ori_csv/index.parquet is not there; materialise raw_csvs first" in result.output


def test_verify_names_downloads_that_have_changed_and_those_that_are_missing(data_root: Path) -> None:
    inbox, names = data_root / "scans" / "inbox", ("1/1.csv", "1/1-0001.png", "1/1-0005.png")
    (inbox / "1").mkdir(parents=True)
    for name in names:
        (inbox / name).write_text(name)
    files = {name: sha256_bytes(name.encode()) for name in names}
    write_subset(inbox, SubsetManifest(wanted=Wanted(competition="c"), files=files))
    assert "files are undamaged" in run("verify").output
    (inbox / names[1]).write_text("others")
    (inbox / names[2]).unlink()
    result = run("verify")
    assert result.exit_code == 1
    assert "scans/inbox/1/1-0001.png has changed since it was downloaded" in result.output
    assert "scans/inbox/1/1-0005.png is missing" in result.output
    assert "Error: 2 of" in result.output


def test_verify_knows_a_champion_by_its_card_whole_weights_of_another_training_are_not_its_own(data_root: Path) -> None:
    root, spec = DataRoot(data_root, 16), NetworkSpec(classes=3, widths=(8, 16))
    for number, name in enumerate(("first", "second")):
        path = data_root / f"{name}.safetensors"
        write_sealed(path, spec.build().state_dict(), {"network": spec.model_dump_json(), "number": str(number)})
        decide(root, card_with(name, "d", sha256_file(path), wave=0.5 + number / 10), path, unused, print)
    assert "files are undamaged" in run("verify").output
    champion, previous = (root.champion / f"{name}.safetensors" for name in ("champion", "previous"))
    champion.write_bytes(previous.read_bytes())
    previous.unlink()
    (root.champion / "previous.json").write_text("{")
    output = run("verify").output
    assert "champion/champion.safetensors is not the file described in champion.json" in output
    assert "champion/previous.json is damaged" in output


def unused(*_: object) -> Scorecard:
    raise AssertionError("on the same dataset nothing is scored again")


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
    assert "files are undamaged" in run("verify").output


def test_prune_finds_rests_of_a_killed_promotion_and_sources_that_are_not_asked_for_any_more(data_root: Path) -> None:
    asked, earlier = (parse_address(f"gs://bucket/{name}").folder_name() for name in ("now", "before"))
    note_settings(data_root / "ori_csv", {"sources": [{"path": "gs://bucket/now"}, {"kind": "synthetic"}]})
    kept = [f"source_cache/{asked}/train.csv", "champion/champion.json", "source_cache/.locks/x"]
    left = [f"source_cache/{earlier}/train/1.csv", f"source_cache/{earlier}/.mirror/parts/000001"]
    left.append("champion/.tmp-0123abcd-champion.safetensors")
    for name in (*kept, *left):
        (data_root / name).parent.mkdir(parents=True, exist_ok=True)
        (data_root / name).write_bytes(b"1234")
    shown = run("prune").output
    assert all(name in shown for name in left)
    assert not any(name in shown for name in kept)
    assert "Deleted 3 files" in run("prune", "--yes").output
    assert all((data_root / name).exists() for name in kept)
    assert not any((data_root / name).exists() for name in left)


def test_prune_alone_removes_archived_trainings_and_only_when_told(data_root: Path) -> None:
    runs = data_root / "runs"
    archived = [runs / ".archive" / "demo" / name for name in ("2026-01-01T00-00-00Z", "2026-01-02T00-00-00Z")]
    archived.append(runs / ".previous" / "demo")  # where earlier versions put the run before
    for folder in (*archived, runs / "demo"):
        (folder / "checkpoints").mkdir(parents=True)
        (folder / "checkpoints" / "best.safetensors").write_bytes(b"1234")
    shown = run("prune").output
    assert all(f"archived training: {path.relative_to(data_root)}, 1 files" in shown for path in archived)
    assert "3 files" in shown
    assert "Nothing to prune" in run("prune", "--keep-runs").output
    assert all(path.exists() for path in archived)
    assert "Deleted 3 files" in run("prune", "--yes").output
    assert not any(path.exists() for path in archived)
    assert (runs / "demo" / "checkpoints" / "best.safetensors").exists()


def test_reconcile_says_when_there_is_nothing_to_close(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(make_home(tmp_path / "home")))
    assert run("reconcile").output == "No run to close: every unfinished run has its process\n"


def test_reconcile_says_when_it_cannot_see_the_runs_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    with dg.DagsterInstance.ephemeral() as elsewhere:
        monkeypatch.setattr("ecg_assets.demo.open_instance", lambda: nullcontext(elsewhere))
        said = run("reconcile").output
    assert said.startswith("No run was checked")
    assert "No run to close" not in said
