"""Chips on the PCI bus, counted from a bus made of real files."""

from pathlib import Path

import pytest

from ecg_assets.training.tpu import pci as topology
from ecg_assets_tests.training.tpu.tpu_machines import pci_bus


@pytest.mark.parametrize(
    ("device", "board", "version"),
    [
        ("0x0027", "0x004e", "v2"),
        ("0x0027", "0x004f", "v3"),
        ("0x0027", "0x1234", "v2/v3"),
        ("0x005e", "0x0000", "v4"),
        ("0x006f", "0x0000", "v6e"),
        ("0x0056", "0x0000", None),
    ],
)
def test_chips_are_counted_and_their_version_told(device: str, board: str, version: str | None, tmp_path: Path) -> None:
    bus = pci_bus(tmp_path, device, board, 4)
    assert topology.tpu_chips(bus) == 4
    assert topology.tpu_version(bus) == version


def test_other_cards_are_no_tpu(tmp_path: Path) -> None:
    bus = pci_bus(tmp_path, "0x0027", "0x004f", 0)
    assert topology.tpu_chips(bus) == 0
    assert topology.tpu_version(bus) is None


def test_the_full_experiment_is_the_default_on_a_tpu_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topology, "_PCI_DEVICES", pci_bus(tmp_path / "with", "0x0027", "0x004f", 4))
    assert topology.default_experiment() == "grid_wave_mix_run"
    monkeypatch.setattr(topology, "_PCI_DEVICES", pci_bus(tmp_path / "without", "0x0027", "0x004f", 0))
    assert topology.default_experiment() == "demo"
