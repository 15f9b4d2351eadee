"""TPU hosts of every kind: chips on a PCI bus made of real files, and the environment that cloud machines give them."""

from dataclasses import dataclass
from pathlib import Path

HOSTNAMES = "host-0,host-1,host-2,host-3"


@dataclass(frozen=True)
class Machine:
    """`accelerator_type` on hosts of `chips` chips, and what must come of it."""

    accelerator_type: str
    device: str
    board: str
    chips: int
    processes: int
    threads: int
    hosts: int = 1
    host_bounds: str = "1,1,1"
    chip_bounds: str = "2,2,1"

    def environment(self, worker_id: int = 0) -> dict[str, str]:
        return {
            "TPU_SKIP_MDS_QUERY": "1",
            "TPU_ACCELERATOR_TYPE": self.accelerator_type,
            "TPU_WORKER_ID": str(worker_id),
            "TPU_WORKER_HOSTNAMES": HOSTNAMES if self.hosts == 4 else "localhost",
            "TPU_HOST_BOUNDS": self.host_bounds,
            "TPU_CHIPS_PER_HOST_BOUNDS": self.chip_bounds,
        }

    def pci(self, folder: Path) -> Path:
        return pci_bus(folder, self.device, self.board, self.chips)


SINGLE_HOSTS = (
    Machine("v2-8", "0x0027", "0x004e", chips=4, processes=4, threads=2),
    Machine("v3-8", "0x0027", "0x004f", chips=4, processes=4, threads=2),
    Machine("v4-8", "0x005e", "0x0000", chips=4, processes=4, threads=1),
    Machine("v5litepod-4", "0x0063", "0x0000", chips=4, processes=4, threads=1),
    Machine("v5p-8", "0x0062", "0x0000", chips=4, processes=4, threads=1),
    Machine("v6e-1", "0x006f", "0x0000", chips=1, processes=1, threads=1, chip_bounds="1,1,1"),
    Machine("v6e-8", "0x006f", "0x0000", chips=8, processes=8, threads=1, chip_bounds="2,4,1"),
)
SLICES = (
    Machine("v3-32", "0x0027", "0x004f", chips=4, processes=4, threads=2, hosts=4, host_bounds="2,2,1"),
    Machine("v4-32", "0x005e", "0x0000", chips=4, processes=4, threads=1, hosts=4, host_bounds="1,1,4"),
)


def machine(accelerator_type: str) -> Machine:
    return next(each for each in SINGLE_HOSTS + SLICES if each.accelerator_type == accelerator_type)


def pci_bus(folder: Path, device: str, board: str, chips: int) -> Path:
    """As below /sys/bus/pci/devices: `chips` TPU chips, and a network card."""
    cards = [("0x1ae0", device, board)] * chips + [("0x1af4", "0x1000", "0x0001")]
    for slot, (vendor, number, subsystem) in enumerate(cards):
        card = folder / f"0000:00:{slot:02x}.0"
        card.mkdir(parents=True)
        for name, value in (("vendor", vendor), ("device", number), ("subsystem_device", subsystem)):
            (card / name).write_text(f"{value}\n")
    return folder
