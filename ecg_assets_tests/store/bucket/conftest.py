"""An emulated bucket, and two machines that use it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ecg_assets_tests.store.bucket.bucket_emulator import Emulator, emulator_running
from ecg_assets_tests.store.bucket.machines import Machine


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with emulator_running(monkeypatch) as running:
        yield running


@pytest.fixture
def a(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulator: Emulator) -> Machine:
    return Machine(tmp_path / "a", monkeypatch)


@pytest.fixture
def b(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulator: Emulator) -> Machine:
    return Machine(tmp_path / "b", monkeypatch)
