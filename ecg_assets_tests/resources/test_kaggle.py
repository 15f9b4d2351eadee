"""`kaggle_subset` in Dagster, with the real `kaggle` client: into the inbox, or a warning that says what to do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner

from ecg_assets.assets.kaggle_subset import kaggle_subset
from ecg_assets.cli import main
from ecg_assets.records.kaggle.subset_manifest import MANIFEST_NAME
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.resources.kaggle import KaggleResource
from ecg_assets_tests.conftest import AdviceGiven
from ecg_assets_tests.records.kaggle.kaggle_server import (
    IDS,
    KEY,
    SIGNATURE,
    KaggleServer,
    content,
    serving,
    without_credentials,
)


@pytest.fixture
def kaggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleServer]:
    with serving(tmp_path / "home", monkeypatch) as server:
        yield server


@dg.asset(deps=[kaggle_subset])
def downstream() -> None:
    """Stands for what reads the inbox."""


def run(data_root: Path, instance: dg.DagsterInstance | None = None, **config: Any) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [kaggle_subset, downstream],
        instance=instance or dg.DagsterInstance.ephemeral(),
        resources={"data_root": DataRootResource(path=str(data_root)), "kaggle": KaggleResource()},
        run_config={"ops": {"kaggle_subset": {"config": {"records": 3, "variants": ["0001", "0005"], **config}}}},
        raise_on_error=False,
    )


def made(result: dg.ExecuteInProcessResult) -> dg.AssetMaterialization:
    assert result.success
    (materialization,) = result.asset_materializations_for_node("kaggle_subset")
    assert result.asset_materializations_for_node("downstream")
    return materialization


def version(materialization: dg.AssetMaterialization) -> str:
    return (materialization.tags or {})["dagster/data_version"]


def test_records_are_put_into_the_inbox_once(tmp_path: Path, kaggle: KaggleServer) -> None:
    result = run(tmp_path)
    assert made(result).metadata["files"].value == 9
    inbox = tmp_path / "scans" / "inbox"
    folders = sorted(folder.name for folder in inbox.iterdir() if folder.is_dir())
    assert len(folders) == 3
    assert set(folders) <= set(IDS)
    for one in folders:
        assert (inbox / one / f"{one}.csv").read_bytes() == content(f"{one}.csv")
        assert {path.name for path in (inbox / one).iterdir()} == {f"{one}.csv", f"{one}-0001.png", f"{one}-0005.png"}
    assert [check.passed for check in result.get_asset_check_evaluations()] == [True]
    kaggle.asked.clear()
    again = made(run(tmp_path))
    assert kaggle.asked == [], "what is there and intact needs no Kaggle"
    assert (again.metadata["made"].value, again.metadata["skipped"].value) == (0, 9)
    assert version(again) == version(made(result))


@pytest.mark.advice("inspection/advice.py", "delete it and materialise kaggle_subset: it is downloaded again")
@pytest.mark.parametrize("kind", ["*/*-0001.png", "*/*.csv", MANIFEST_NAME])
def test_a_download_that_has_changed_is_deleted_and_fetched_again(
    kind: str, tmp_path: Path, kaggle: KaggleServer, monkeypatch: pytest.MonkeyPatch, advice: AdviceGiven
) -> None:
    made(run(tmp_path))
    monkeypatch.setenv("ECG_ASSETS_DATA", str(tmp_path))
    path = min((tmp_path / "scans" / "inbox").glob(kind))
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    advice.in_message(CliRunner().invoke(main, ["verify"]).output)
    path.unlink()
    made(run(tmp_path))
    assert path.read_bytes() == whole
    assert CliRunner().invoke(main, ["verify"]).exit_code == 0


def test_the_data_version_follows_the_content_of_the_inbox(tmp_path: Path, kaggle: KaggleServer) -> None:
    first = version(made(run(tmp_path)))
    (tmp_path / "scans" / "inbox" / "own.png").write_bytes(b"one")
    with_own = version(made(run(tmp_path)))
    (tmp_path / "scans" / "inbox" / "own.png").write_bytes(b"two")
    changed = version(made(run(tmp_path)))
    assert len({first, with_own, changed}) == 3


def test_zip_is_an_option(tmp_path: Path, kaggle: KaggleServer) -> None:
    assert made(run(tmp_path, zip=True)).metadata["files"].value == 9
    assert (tmp_path / "scans" / "inbox" / "kaggle_subset.zip").exists()


def test_a_refusal_halfway_keeps_what_came_and_says_where_to_accept(tmp_path: Path, kaggle: KaggleServer) -> None:
    kaggle.refuse_downloads_after = 2
    metadata = made(run(tmp_path)).metadata
    assert "physionet-ecg-image-digitization/rules" in str(metadata["not_downloaded_because"].value)
    assert metadata["files"].value == 2
    kaggle.refuse_downloads_after = None
    assert made(run(tmp_path)).metadata["made"].value == 7


def test_without_credentials_the_run_is_green_warns_and_tells_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_credentials(tmp_path / "home", monkeypatch)
    (tmp_path / "scans" / "inbox").mkdir(parents=True)
    (tmp_path / "scans" / "inbox" / "own.png").write_bytes(b"one")
    result = run(tmp_path)
    metadata = made(result).metadata
    assert "access_token" in str(metadata["not_downloaded_because"].value)
    assert metadata["summary"].value == "nothing downloaded; 1 files in the inbox"
    (check,) = result.get_asset_check_evaluations()
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "Generate New Token" in str(check.description)


def test_required_without_credentials_fails_with_the_same_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_credentials(tmp_path / "home", monkeypatch)
    result = run(tmp_path, required=True)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "`required` is set: there are no Kaggle credentials" in str(failure.step_failure_data.user_failure_data)
    assert "Generate New Token" in str(failure.step_failure_data.user_failure_data)


@pytest.mark.parametrize("variant", ["0002", "../../0001"])
def test_a_variant_that_there_is_not_fails_with_those_that_there_are(
    tmp_path: Path, kaggle: KaggleServer, variant: str
) -> None:
    result = run(tmp_path, variants=["0001", variant])
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert f"there is no variant '{variant}'; expected some of 0001, 0003" in str(failure.step_failure_data)
    assert kaggle.asked == []


def test_no_credential_is_in_anything_that_is_written(
    tmp_path: Path, kaggle: KaggleServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither the key nor a signed address: not in files, event logs of good and failed runs, or on the terminal."""
    leak = {"code": 403, "message": f"key {KEY} at http://x/y?X-Goog-Signature={SIGNATURE}"}
    with dg.instance_for_test() as instance:
        assert run(tmp_path, instance).success
        kaggle.answers = [(403, {}, leak)] * 2
        assert run(tmp_path, instance, records=5).success
        assert not run(tmp_path, instance, records=5, required=True).success
        said = [str(record) for run_id in instance.get_run_ids() for record in instance.all_logs(run_id)]
        home = Path(instance.root_directory)
        files = [path for top in (tmp_path, home) for path in top.rglob("*") if path.is_file()]
        written = [path.read_bytes() for path in files]
    out, err = capfd.readouterr()
    everything = "\n".join([*said, out, err]).encode() + b"".join(written)
    assert b"*** at http://x/y" in everything, "the message itself was told"
    assert KEY.encode() not in everything
    assert SIGNATURE.encode() not in everything
