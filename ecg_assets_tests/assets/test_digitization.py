"""Reading as assets: pictures, numbers, refusals and the guard of the score, with a reader that knows the truth."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from PIL import Image

from ecg_assets.assets.digitization import digitization_report, digitized_signals
from ecg_assets.checks.digitization import reading_is_good_enough
from ecg_assets.digitize import digitizer
from ecg_assets.digitize.benchmark.rendered_pages import Trial, judged_records, trials
from ecg_assets.digitize.benchmark.scorecard import CardError
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets_tests.checks.test_checks import result_of
from ecg_assets_tests.conftest import AdviceGiven
from ecg_assets_tests.digitize.readers import KnownReader

CONFIG = {"records": 1, "recipes": ["clean", "scan"], "styles": ["coarse-print"]}


@pytest.fixture
def root(made_root: DataRoot, tmp_path: Path) -> DataRoot:
    """The shared root's records, and a place of its own for scans."""
    root = open_root(tmp_path / "data_root")
    (root.path / "ori_csv").symlink_to(made_root.path / "ori_csv")
    return root


@pytest.fixture
def known(root: DataRoot, monkeypatch: pytest.MonkeyPatch) -> list[Trial]:
    """Pages that the package's reader is made to know; scans are read at half their height."""
    known = list(trials(judged_records(root, "coarse-print", 1), ["clean", "scan"], ["coarse-print"]))
    monkeypatch.setattr(digitizer, "load_reader", lambda: KnownReader(known, {"scan": 0.5}))
    return known


def materialized(root: DataRoot, asset: dg.AssetsDefinition, config: dict[str, Any]) -> dg.ExecuteInProcessResult:
    before = [dg.AssetSpec(name) for name in ("raw_csvs", "kaggle_subset")]
    return dg.materialize(
        [asset, reading_is_good_enough, *before] if asset is digitization_report else [asset, *before],
        selection=[asset],
        resources={"data_root": DataRootResource(path=str(root.path))},
        run_config={"ops": {asset.op.name: {"config": config}}},
    )


def metadata_of(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    made = [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]
    return {name: entry.value for name, entry in made[0].metadata.items()}


def test_an_empty_inbox_is_told_and_green(root: DataRoot) -> None:
    told = metadata_of(materialized(root, digitized_signals, {}))
    assert told["summary"].startswith("nothing to read: put scans or photos")


def test_images_of_the_inbox_are_read_and_refusals_named(root: DataRoot, known: list[Trial]) -> None:
    inbox = root.scans / "inbox"
    inbox.mkdir(parents=True)
    Image.fromarray(known[0].picture_hwc).save(inbox / "page.png")
    Image.new("RGB", (400, 300), "green").save(inbox / "cat.png")
    config = {"fs_hz": known[0].record.fs_hz}
    told = metadata_of(materialized(root, digitized_signals, config))
    assert told["summary"] == "1 images read, 1 refused"
    assert "data:image/" in told["picture"]
    assert told["why"].records[0].data == {"image": "cat.png", "why": "no grid was found; expected a paper ECG"}
    assert (Path(told["where"]) / "page.csv").exists()
    again = metadata_of(materialized(root, digitized_signals, config))
    assert (again["made"], again["skipped"]) == (0, 2)


@pytest.mark.advice("assets/digitization.py", "nothing to read: put scans or photos of paper ECGs into ")
def test_with_the_last_image_its_results_go(root: DataRoot, known: list[Trial], advice: AdviceGiven) -> None:
    image = root.scans / "inbox" / "page.png"
    image.parent.mkdir(parents=True)
    Image.fromarray(known[0].picture_hwc).save(image)
    told = metadata_of(materialized(root, digitized_signals, {"fs_hz": known[0].record.fs_hz}))
    assert list(Path(told["where"]).glob("page*"))
    image.unlink()
    said = metadata_of(materialized(root, digitized_signals, {}))["summary"]
    advice.in_message(said)
    assert not list(Path(told["where"]).rglob("page*"))
    Image.fromarray(known[0].picture_hwc).save(Path(said.partition(" into ")[2]) / "page.png")
    config = {"fs_hz": known[0].record.fs_hz}
    assert metadata_of(materialized(root, digitized_signals, config))["summary"] == "1 images read, 0 refused"


def test_the_report_tells_scores_and_the_check_warns_below_them(root: DataRoot, known: list[Trial]) -> None:
    result = materialized(root, digitization_report, CONFIG)
    told = metadata_of(result)
    assert told["snr_db_clean"] == pytest.approx(25.8433, abs=5e-5)
    assert 5 < told["snr_db_scan"] < 9
    assert told["summary"].startswith("SNR in dB: clean 25.84, scan ")
    assert "data:image/" in told["picture"]
    assert Path(told["where"]).read_text("utf-8").count("data:image/png") == 2
    assert [row.data["recipe"] for row in told["by_recipe"].records] == ["clean", "scan"]
    [check] = result.get_asset_check_evaluations()
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "scan" in str(check.description)
    assert "(target 23)" in str(check.description)
    wanted = check.metadata["by_recipe"]
    assert isinstance(wanted, dg.TableMetadataValue)
    assert [(row.data["recipe"], row.data["target, dB"]) for row in wanted.records] == [
        ("clean", "24.5"),
        ("scan", "23"),
    ]
    assert "clean" not in str(check.description)

    again = metadata_of(materialized(root, digitization_report, CONFIG))
    assert (again["made"], again["skipped"]) == (0, 2)
    assert again["snr_db_scan"] == told["snr_db_scan"]


@pytest.mark.advice("digitize/benchmark/scorecard.py", "); materialise digitization_report")
@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("{")], ids=["gone", "damaged"])
def test_scores_that_cannot_be_read_are_made_again(
    root: DataRoot, known: list[Trial], damage: Callable[[Path], None], advice: AdviceGiven
) -> None:
    config = {**CONFIG, "recipes": ["clean"]}
    materialized(root, digitization_report, config)
    damage(root.scans / "digitization" / "scores.json")
    with pytest.raises(CardError) as caught:
        result_of(reading_is_good_enough, root)
    advice.in_message(caught.value)
    materialized(root, digitization_report, config)
    assert result_of(reading_is_good_enough, root).passed


def test_the_check_passes_when_all_is_good(root: DataRoot, known: list[Trial]) -> None:
    result = materialized(root, digitization_report, {**CONFIG, "recipes": ["clean"]})
    [check] = result.get_asset_check_evaluations()
    assert check.passed
