"""What this machine has to train on, found without starting any runtime."""

from pathlib import Path

_PCI_DEVICES = Path("/sys/bus/pci/devices")
_GOOGLE = "0x1ae0"
# The devices that torch_xla 2.9 counts; the two for testing have no version that people know.
_TPU_DEVICES = {
    "0x0027": "v2/v3",
    "0x005e": "v4",
    "0x0063": "v5e",
    "0x0062": "v5p",
    "0x006f": "v6e",
    "0x0076": "v7x",
    "0x0056": None,
}
# v2 and v3 share a device number; as in google's tpu-info, the board's number tells them apart.
_BOARDS = {"0x004e": "v2", "0x004f": "v3"}


def tpu_chips(devices: Path | None = None) -> int:
    """TPU chips on this host, counted on the PCI bus (`devices`: its folder); asks no network and starts nothing."""
    return len(_chips(devices))


def tpu_version(devices: Path | None = None) -> str | None:
    """`v2` to `v7x`, or `v2/v3` where the two cannot be told apart; None without a TPU or for an unknown chip."""
    for chip in _chips(devices):
        version = _TPU_DEVICES[_text(chip / "device")]
        return _BOARDS.get(_text(chip / "subsystem_device"), version) if version == "v2/v3" else version
    return None


def default_experiment() -> str:
    """What to train when nobody said: the full experiment on a TPU, the demo elsewhere."""
    return "grid_wave_mix_run" if tpu_chips() else "demo"


def _chips(devices: Path | None) -> list[Path]:
    found = (vendor.parent for vendor in sorted((devices or _PCI_DEVICES).glob("*/vendor")) if _text(vendor) == _GOOGLE)
    return [chip for chip in found if _text(chip / "device") in _TPU_DEVICES]


def _text(path: Path) -> str:
    return path.read_text("ascii").strip() if path.exists() else ""
