"""`ecg-assets download-subset` with the real `kaggle` client."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ecg_assets.cli import main
from ecg_assets_tests.records.kaggle.kaggle_server import KEY, KaggleServer, serving, without_credentials


@pytest.fixture
def kaggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleServer]:
    monkeypatch.setenv("ECG_ASSETS_DATA", str(tmp_path / "root"))
    with serving(tmp_path / "home", monkeypatch) as server:
        yield server


def download(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["download-subset", *arguments])


def test_ten_records_in_three_variants_land_in_the_inbox_by_default(tmp_path: Path, kaggle: KaggleServer) -> None:
    done = download()
    assert done.exit_code == 0, done.output
    inbox = tmp_path / "root" / "scans" / "inbox"
    assert len([path for path in inbox.iterdir() if path.is_dir()]) == 10
    assert len(json.loads((inbox / "kaggle_subset.json").read_text())["files"]) == 40
    assert "40 files downloaded, 0 were there" in done.output
    assert "0 files downloaded, 40 were there" in download().output


def test_csv_only_zipped_into_a_folder_of_ones_own(tmp_path: Path, kaggle: KaggleServer) -> None:
    out = tmp_path / "own"
    done = download("--csv-only", "--records", "2", "--out", str(out), "--zip")
    assert done.exit_code == 0, done.output
    assert sorted(path.suffix for path in out.rglob("*") if path.is_file() and path.name[0] != ".") == [
        ".csv",
        ".csv",
        ".json",
        ".zip",
    ]
    assert not (tmp_path / "root").exists()


def test_a_refusal_is_one_line_without_the_key(tmp_path: Path, kaggle: KaggleServer) -> None:
    kaggle.answers = [(403, {}, {"code": 403, "message": f"rules, {KEY}"})]
    done = download()
    assert done.exit_code == 1
    assert "accept the competition's rules" in done.output
    assert KEY not in done.output
    assert len([line for line in done.output.splitlines() if "Error" in line]) == 1
    assert "Traceback" not in done.output


def test_no_credentials_is_an_error_that_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_credentials(tmp_path / "home", monkeypatch)
    done = download("--out", str(tmp_path / "own"))
    assert done.exit_code == 1
    assert "Generate New Token" in done.output


def test_no_option_takes_a_credential() -> None:
    """What stands on a command line, everybody on the machine can read."""
    options = {name for option in main.commands["download-subset"].params for name in option.opts}
    assert options == {"--records", "--variant", "--csv-only", "--seed", "--zip", "--out", "--competition"}
