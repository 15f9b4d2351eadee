"""Benchmarks are run by hand: here they are seen to fit what they measure."""

from pathlib import Path

import pytest

from benchmarks.dagster.everything import EXPERIMENT
from benchmarks.scale.million import MEASURED
from benchmarks.scale.million_root import make_million
from ecg_assets.training.config import TrainConfig


@pytest.fixture(scope="module")
def on_paper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root of 150 records that are index, manifests and names of files only."""
    folder = tmp_path_factory.mktemp("on_paper") / "root"
    make_million(folder, 150)
    return folder


@pytest.mark.parametrize("what", MEASURED)
def test_what_is_measured_with_a_million_records_finds_them_all_current(
    on_paper: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    MEASURED[what](on_paper)


def test_the_network_that_is_trained_in_seconds_can_be_trained() -> None:
    TrainConfig.model_validate(EXPERIMENT)
