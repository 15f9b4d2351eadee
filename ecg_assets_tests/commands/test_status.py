"""`ecg-assets status`: each reason for which a shard is stale, beside the shard."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from ecg_assets.cli import main
from ecg_assets.pages.stage import plan_pages
from ecg_assets.records.index import accepted_records, read_index, write_index
from ecg_assets.scans.stage import fingerprints_now
from ecg_assets.store.atomic import write_text
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.manifest import Manifest, read_manifest, write_manifest
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.store.sealed import read_unsealed, write_sealed_json, write_sealed_text
from ecg_assets.store.stages.runner import manifest_path
from ecg_assets.training.evaluation.champion import decide
from ecg_assets.training.evaluation.scorecard import Scorecard
from ecg_assets_tests.conftest import CLEAN_PAGES, AdviceGiven
from ecg_assets_tests.training.evaluation.cards import card_with


@pytest.fixture
def root(made_root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataRoot:
    folder = tmp_path / "data_root"
    shutil.copytree(made_root.path, folder, symlinks=True)
    monkeypatch.setenv("ECG_ASSETS_DATA", str(folder))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return DataRoot(folder, made_root.shards)


def status(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["status", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def below(output: str, stage: str) -> list[str]:
    """The stage's own line, and the reasons below it."""
    lines = [line.lstrip("│├└─ ") for line in output.splitlines()]
    first = next(number for number, line in enumerate(lines) if line.startswith(f"{stage}:"))
    depth = [len(line) - len(line.lstrip("│├└─ ")) for line in output.splitlines()]
    last = next(number for number in range(first + 1, len(lines)) if depth[number] <= depth[first])
    return lines[first:last]


PAGES, SAMPLES = "rendered_waves, wave_masks", "mixed_dataset"


def shard_of(root: DataRoot, record_id: str) -> int:
    records = accepted_records(root).set_index("id")
    return int(records["shard"].to_dict()[record_id])


def a_record(root: DataRoot) -> str:
    return str(accepted_records(root)["id"].iloc[0])


def test_what_is_current_is_said_to_be_in_one_line_a_stage(root: DataRoot) -> None:
    output = status()
    assert below(output, "raw_csvs")[0].startswith("raw_csvs: current, 24 files")
    for stage, files in ((PAGES, 72), ("clean_grid, grid_mask", 2)):
        (line,) = below(output, stage)
        assert line.startswith(f"{stage}: current, {files} files")
    assert "stale" not in output
    assert below(output, "scan_segmentations")[0].startswith("scan_segmentations: not made yet")


def test_manifests_of_records_and_pages_are_read_once(root: DataRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a million records they are 700 MB, and reading them is most of the time."""
    read: Counter[str] = Counter()
    validate = Manifest.model_validate_json

    def counted(text: str) -> Manifest:
        manifest = validate(text)
        read[manifest.stage] += 1
        return manifest

    monkeypatch.setattr(Manifest, "model_validate_json", counted)
    assert "stale" not in status()
    assert (read["raw_csvs"], read["rendered_waves"]) == (1, root.shards)


def test_records_of_an_earlier_code_version_are_stale(root: DataRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecg_assets.inspection.stage_states.RECORDS_VERSION", "99")
    (reason,) = below(status(), "raw_csvs")[1:]
    assert reason.startswith("records: code version ") and reason.endswith(" is now 99")


def test_a_missing_file_is_named_and_what_is_made_from_its_shard_is_stale_too(root: DataRoot) -> None:
    record_id = a_record(root)
    (root.wave_images / f"{record_id}.png").unlink()
    shard = f"shard-{shard_of(root, record_id):03d}"
    output = status()
    assert below(output, PAGES)[1:] == [f"{shard}: 1 file missing (data/wave_images/{record_id}.png)"]
    assert below(output, SAMPLES)[1:] == [f"{shard}: rendered_waves of this shard is stale"]


def test_a_shard_that_was_begun_and_one_that_was_never_made(root: DataRoot) -> None:
    records = sorted(set(accepted_records(root)["shard"]))[:2]
    begun, never = (manifest_path(root.dataset, int(shard)) for shard in records)
    manifest = read_manifest(begun)
    assert manifest is not None
    write_manifest(begun, manifest.model_copy(update={"fingerprint": ""}))
    never.unlink()
    assert below(status(), SAMPLES)[1:] == [
        f"{begun.stem}: begun and not finished",
        f"{never.stem}: no manifest: it was never made",
    ]


def test_records_that_are_changed_new_or_removed_are_named_in_their_shard(root: DataRoot) -> None:
    rows = read_index(root).to_dict("records")
    changed, removed, new = str(rows[0]["id"]), str(rows[1]["id"]), "77000001"
    rows[0]["sha256"] = "another"
    del rows[1]
    rows.append({**rows[-1], "id": new})
    write_index(root.index, [{str(name): value for name, value in row.items()} for row in rows])
    said = "\n".join(below(status(), PAGES))
    assert f"shard-{shard_of(root, changed):03d}: 1 record changed ({changed})" in said
    assert f"1 record removed ({removed})" in said
    assert f"shard-{shard_of(root, new):03d}: 1 record new ({new})" in said


def test_a_changed_code_version_says_which(root: DataRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecg_assets.pages.stage.CODE_VERSION", "99")
    was = plan_pages(root, CLEAN_PAGES)[0].made_from
    monkeypatch.undo()
    now = plan_pages(root, CLEAN_PAGES)[0].made_from.code_version
    assert was.code_version == "99"
    path = manifest_path(root.wave_images, 0)
    manifest = read_manifest(path)
    assert manifest is not None
    write_manifest(path, manifest.model_copy(update={"fingerprint": "f", "info": manifest.info | was.as_info()}))
    monkeypatch.setenv("ECG_ASSETS_DATA", str(root.path))
    assert below(status(), PAGES)[1:] == [f"shard-000: code version 99 is now {now}"]


def test_another_config_tells_what_it_would_make_again(root: DataRoot, tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("ops: {pages: {config: {styles: kaggle, seed: 7}}}")
    output = status("--config", str(config))
    assert below(output, PAGES)[1:] == ["all 16: config: seed 0 is now 7"]
    assert below(output, "clean_grid, grid_mask")[0].startswith("clean_grid, grid_mask: current")
    config.write_text("pages: 7")
    result = CliRunner().invoke(main, ["status", "--config", str(config)])
    assert result.exit_code == 1
    assert "is not a run config; expected ops:" in result.output


def test_the_source_is_looked_at_when_asked(root: DataRoot, synthetic_source: Path, tmp_path: Path) -> None:
    assert "source: no new, changed or removed records" in below(status("--source"), "raw_csvs")
    other = tmp_path / "other"
    shutil.copytree(synthetic_source, other)
    first, second = (str(name) for name in accepted_records(root)["id"].head(2))
    (other / "train" / first / f"{first}.csv").write_text("I\n")
    lines = [line for line in (other / "train.csv").read_text().splitlines() if not line.startswith(second)]
    (other / "train.csv").write_text("\n".join(lines) + "\n")
    shutil.rmtree(other / "train" / second)
    settings = root.ori_csv / "_manifests" / "settings.yaml"
    write_sealed_text(settings, read_unsealed(settings).decode().replace(str(synthetic_source), str(other)))
    said = below(status("--source"), "raw_csvs")
    assert f"source: 1 record changed ({first})" in said
    assert f"source: 1 record removed ({second})" in said
    assert "source:" not in status()


def test_a_manifest_of_an_earlier_version_is_read_and_its_shard_is_made_again(root: DataRoot) -> None:
    path = manifest_path(root.wave_images, 0)
    held = json.loads(read_unsealed(path))
    path.write_text(json.dumps({**held, "fingerprint": "of another formula", "info": {"pages": 3}}))
    (line,) = below(status(), PAGES)[1:]
    assert line.startswith("shard-000: made from something else; its manifest is of an earlier version")


def test_an_experiment_on_a_dataset_that_has_changed_since_is_stale(root: DataRoot) -> None:
    from ecg_assets.training.config import load_config
    from ecg_assets.training.runs.prepare import prepare_run

    prepare_run(root, load_config("demo").model_copy(update={"batch_size": 3}), lambda _: None)
    assert "config changed: batch_size 3 is now 2" in status()
    facts = root.dataset / "dataset.json"
    write_sealed_json(facts, {**json.loads(read_unsealed(facts)), "digest": "another"})
    output = status()
    assert "not finished: 0 epochs are done" in output
    assert "stale: the dataset has changed" in output


def test_a_training_that_begins_with_weights_is_stale_only_when_they_have_changed(
    root: DataRoot, tmp_path: Path
) -> None:
    from ecg_assets.training.config import load_config
    from ecg_assets.training.runs.prepare import prepare_run

    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"some")
    begins = {"experiment": "later", "start_from": str(weights)}
    prepare_run(root, load_config("demo").model_copy(update=begins), lambda _: None)
    assert "stale:" not in status()
    weights.write_bytes(b"others")
    assert "stale: the training's code version or initial weights have changed" in status()
    weights.unlink()
    assert f"stale: start_from is {weights}, and no such file is there" in status()


@pytest.mark.parametrize("damaged", ["config.json", "state.json"])
def test_a_run_folder_of_another_version_is_named_and_the_rest_is_shown(root: DataRoot, damaged: str) -> None:
    from ecg_assets.training.config import load_config
    from ecg_assets.training.runs.prepare import prepare_run

    run = prepare_run(root, load_config("demo"), lambda _: None)
    (run.path / damaged).write_text('{"fingerprint": "f", "of a later version": 1}')
    output = status()
    assert f"from another version, or damaged: {run.path / damaged} is damaged" in output
    assert below(output, PAGES)[0].startswith(f"{PAGES}: current")


def segmented(root: DataRoot, name: str, champion: str) -> None:
    """The results of an image of the inbox, without the network that made them."""
    image, mask = root.scans / "inbox" / name, root.scans / "segmentations" / f"{Path(name).stem}_mask.png"
    for path in (image, mask):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    manifest = Manifest(
        stage="scan_segmentations",
        fingerprint=fingerprints_now(root, champion)[name],
        files={root.relative(mask): sha256_file(mask)},
        info={"checkpoint_sha256": champion},
    )
    write_manifest(root.scans / "segmentations" / "_manifests" / f"{name}.json", manifest)


def test_images_that_are_new_changed_gone_or_read_by_another_champion_are_named(root: DataRoot) -> None:
    decide(root, card_with("first", "d", sha256="now", wave=0.5), root.index, unused, lambda _: None)
    for name, champion in (("same.png", "now"), ("other.png", "before"), ("changed.png", "now"), ("gone.png", "now")):
        segmented(root, name, champion)
    assert below(status(), "scan_segmentations")[1:] == ["other.png: segmented by another champion"]
    inbox = root.scans / "inbox"
    (inbox / "gone.png").unlink()
    (inbox / "new.png").write_bytes(b"new")
    (inbox / "changed.png").write_bytes(b"changed")
    first, *reasons = below(status(), "scan_segmentations")
    assert first.startswith("scan_segmentations: 4 of 5 stale, 4 files")
    assert reasons == [
        "changed.png: the image or the code version has changed",
        "gone.png: its image was removed from the inbox",
        "new.png: new in the inbox, or it cannot be read",
        "other.png: segmented by another champion",
    ]


def test_images_that_were_not_read_yet_are_named(root: DataRoot) -> None:
    place = root.scans / "digitized" / "_manifests"
    for name in ("read.png", "gone.png"):
        signals = root.scans / "digitized" / f"{name}.csv"
        write_text(signals, name)
        files = {root.relative(signals): sha256_file(signals)}
        write_manifest(place / f"{name}.json", Manifest(stage="digitized_signals", fingerprint="f", files=files))
    for name in ("read.png", "new.png"):
        write_text(root.scans / "inbox" / name, name)
    assert below(status(), "digitized_signals")[1:] == [
        "gone.png: its image was removed from the inbox",
        "new.png: new in the inbox, or it cannot be read",
    ]


def unused(*_: object) -> Scorecard:
    raise AssertionError("on the same dataset nothing is scored again")


def test_looking_makes_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECG_ASSETS_DATA", str(tmp_path / "empty"))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    (tmp_path / "held").mkdir()
    for command in (["status"], ["verify"], ["compare"], ["prune"], ["demote"]):
        for name in ("empty", "held"):
            monkeypatch.setenv("ECG_ASSETS_DATA", str(tmp_path / name))
            result = CliRunner().invoke(main, command)
            assert result.exit_code == 1
            (line,) = result.output.splitlines()
            assert line.startswith(f"Error: {tmp_path / name} is no data root (there is no store.json in it); set ECG_")
    assert [path.name for path in tmp_path.rglob("*")] == ["held"]


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("ops: {pages: {config: {styles: 7}}}", "the config of op pages cannot be used: styles:"),
        ("ops: {pages: {config: {seeds: 7}}}", "the config of op pages cannot be used: seeds:"),
        (
            "ops: {mixed_dataset: {config: {positives: -1}}}",
            "the config of op mixed_dataset cannot be used: positives:",
        ),
        ("ops: {pagse: {config: {seed: 7}}}", "unknown op 'pagse'; expected some of"),
        ("ops: {pages: {config: [1]}}", "is not a run config"),
        ("", "is not a run config"),
    ],
)
def test_a_run_config_that_cannot_be_used_ends_with_one_sentence_and_not_well(
    root: DataRoot, tmp_path: Path, config: str, says: str
) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(config)
    result = CliRunner().invoke(main, ["status", "--config", str(path)])
    assert result.exit_code == 1
    (line,) = result.output.splitlines()
    assert line.startswith(f"Error: {path}") and says in line


@pytest.mark.advice("inspection/stage_states.py", "; correct it")
def test_a_run_config_is_corrected(root: DataRoot, tmp_path: Path, advice: AdviceGiven) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("ops: {pages: {config: {styles: 7}}}")
    advice.in_message(CliRunner().invoke(main, ["status", "--config", str(path)]).output)
    path.write_text("ops: {pages: {config: {styles: kaggle}}}")
    assert below(status("--config", str(path)), PAGES)[0].startswith(f"{PAGES}: current")


def test_a_run_config_may_hold_other_ops_too(root: DataRoot, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("ops: {raw_csvs: {config: {records: 5}}, pages: {config: {styles: kaggle}}}")
    assert below(status("--config", str(path)), PAGES)[0].startswith(f"{PAGES}: current")


@pytest.mark.parametrize("damage", [b"{", b"\xff\xfe", b"[" * 3000], ids=["cut off", "no UTF-8", "nested"])
def test_damaged_settings_of_a_stage_are_named_in_one_line(root: DataRoot, damage: bytes) -> None:
    settings = root.wave_images / "_manifests" / "settings.yaml"
    settings.write_bytes(damage)
    for arguments, name in ((["status"], settings), (["status", "--config", str(settings)], settings)):
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 1
        (line,) = result.output.splitlines()
        assert str(name) in line


def test_before_anything_was_made_it_says_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECG_ASSETS_DATA", str(tmp_path / "empty"))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    open_root(tmp_path / "empty")
    said = below(status(), PAGES)
    assert said[0].startswith(f"{PAGES}: not made yet")
    assert "materialise raw_csvs first" in said[1]
