"""What this machine has to train on, found without starting any runtime."""

from pathlib import Path

_PCI_DEVICES = Path("/sys/bus/pci/devices")
_GOOGLE = "0x1ae0"
# TPU v2 and v3, v4, v5e, v6e, 7x, and two for testing; the list that torch_xla 2.9 goes by.
_TPU_DEVICES = frozenset({"0x0027", "0x005e", "0x0063", "0x006f", "0x0076", "0x0056", "0x0062"})


def tpu_chips(devices: Path = _PCI_DEVICES) -> int:
    """TPU chips on this host, counted on the PCI bus; asks no network and starts nothing."""
    return sum(
        _text(vendor) == _GOOGLE and _text(vendor.with_name("device")) in _TPU_DEVICES
        for vendor in devices.glob("*/vendor")
    )


def default_experiment() -> str:
    """What to train when nobody said: the full experiment on a TPU, the demo elsewhere."""
    return "grid_wave_mix_run" if tpu_chips() else "demo"


def _text(path: Path) -> str:
    return path.read_text("ascii").strip() if path.exists() else ""
