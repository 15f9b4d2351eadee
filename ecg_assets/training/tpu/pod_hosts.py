"""The hosts of a TPU slice as Ray's nodes tell of them, and the variables that each needs to be one of one world."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from ecg_assets.training.tpu.environment import CORES_PER_CHIP

# torch_xla would give every process of a host the same value.
REMOVED = ("TPU_VISIBLE_CHIPS", "CLOUD_TPU_TASK_ID", "TPU_PROCESS_PORT", "TPU_PROCESS_BOUNDS", "TPU_PROCESS_ADDRESSES")
_CHIPS_OF_A_HOST = (2, 2, 1)
_TYPE, _WORKER, _SLICE = "ray.io/tpu-pod-type", "ray.io/tpu-worker-id", "ray.io/tpu-slice-name"

_EXAMPLES = {_TYPE: "v4-32", _WORKER: "0", _SLICE: "my-slice"}


class PodError(RuntimeError):
    """A slice cannot be used, or a host of it failed; the message names it."""


@dataclass(frozen=True)
class PodHost:
    """One host of a slice.

    Attributes:
        worker_id: its number in the slice, from 0.
        address: under which the other hosts reach it.
        slice_name: of the slice; all hosts of a slice have the same.
        accelerator_type: of the whole slice, for example `v4-32`.
    """

    worker_id: int
    address: str
    slice_name: str
    accelerator_type: str

    def __str__(self) -> str:
        """For people."""
        return f"host {self.worker_id} ({self.address}) of {self.slice_name}"


def host_of_labels(labels: dict[str, str], address: str) -> PodHost:
    """A host by its Ray node's labels.

    Raises:
        PodError: they do not say which host of which slice it is.
    """
    missing = [name for name in (_TYPE, _WORKER, _SLICE) if name not in labels]
    if missing or not labels[_WORKER].isdecimal():
        missing = missing or [_WORKER]
        names = ", ".join(missing)
        examples = ",".join(f"{name}={_EXAMPLES[name]}" for name in missing)
        raise PodError(
            f"the Ray node {address} has no usable {names}: start Ray on the TPU VM itself, which sets it, "
            f"or add to `ray start` on it: --labels={examples} with the slice's own values"
        )
    return PodHost(int(labels[_WORKER]), address, labels[_SLICE], labels[_TYPE])


def in_order(hosts: Sequence[PodHost]) -> list[PodHost]:
    """The hosts by worker id.

    Raises:
        PodError: they are not the hosts 0, 1, ... of one slice, each once.
    """
    ordered = sorted(hosts, key=lambda host: host.worker_id)
    slices = {(host.slice_name, host.accelerator_type) for host in ordered}
    ids = [host.worker_id for host in ordered]
    if ids != list(range(len(ordered))) or len(slices) != 1 or len({host.address for host in ordered}) != len(ordered):
        raise PodError(
            f"expected each host of one slice once, with worker ids 0 to {len(ordered) - 1}; Ray has "
            f"{', '.join(map(str, ordered))}"
        )
    return ordered


def host_bounds(topology: str) -> str:
    """TPU_HOST_BOUNDS of a slice of hosts with 2 x 2 chips: `2x2x4` is `1,1,4`, `4x4` is `2,2,1`.

    Raises:
        PodError: no such hosts make up the topology.
    """
    sides = [int(side) for side in topology.split("x") if side.isdecimal()]
    sides += [1] * (3 - len(sides))
    counts = [side // chips for side, chips in zip(sides, _CHIPS_OF_A_HOST, strict=False)]
    if len(sides) != 3 or any(side % chips for side, chips in zip(sides, _CHIPS_OF_A_HOST, strict=False)):
        raise PodError(f"the topology is {topology!r}; expected chips along each side, such as 2x2x4 or 4x4")
    return ",".join(map(str, counts))


def variables_of(host: PodHost, hosts: Sequence[PodHost], topology: str) -> dict[str, str]:
    """What torch_xla goes by instead of the metadata server.

    Args:
        host: this one.
        hosts: all of the slice, as `in_order` gives them.
        topology: chips along each side of the slice.

    Raises:
        PodError: the topology has another number of hosts, or the version is unknown.
    """
    bounds = host_bounds(topology)
    wanted = prod(int(count) for count in bounds.split(","))
    if wanted != len(hosts):
        raise PodError(f"{topology} means {wanted} hosts, {host.slice_name} has {len(hosts)}")
    if host.accelerator_type.split("-")[0].replace("litepod", "e") not in CORES_PER_CHIP:
        raise PodError(f"{host} is {host.accelerator_type!r}; known are {', '.join(CORES_PER_CHIP)}")
    return {
        "PJRT_DEVICE": "TPU",
        "TPU_SKIP_MDS_QUERY": "1",
        "TPU_ACCELERATOR_TYPE": host.accelerator_type,
        "TPU_WORKER_ID": str(host.worker_id),
        "TPU_WORKER_HOSTNAMES": ",".join(each.address for each in hosts),
        "TPU_HOST_BOUNDS": bounds,
        "TPU_CHIPS_PER_HOST_BOUNDS": ",".join(map(str, _CHIPS_OF_A_HOST)),
    }
