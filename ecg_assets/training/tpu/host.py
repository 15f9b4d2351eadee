"""What a TPU host has and which part of the slice it is, told by PCI and the environment: no runtime, no network.

`find_host` goes by the same rules as torch_xla 2.9 (`torch_xla._internal.tpu`), and refuses an environment under which
torch_xla would hang or give two processes the same chip.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ecg_assets.training.tpu.environment import (
    CORES_PER_CHIP,
    TpuEnvironmentError,
    check_spawnable,
    read_bounds,
    read_hosts,
    read_version,
    read_worker_id,
)
from ecg_assets.training.tpu.pci import tpu_chips, tpu_version


@dataclass(frozen=True)
class TpuHost:
    """One host of a TPU slice, all others being alike.

    Attributes:
        version: of the chips: `v2`, `v3`, `v4`, `v5e`, `v5p`, `v6e`; `v2/v3` where PCI cannot tell them apart.
        accelerator_type: of the whole slice, for example `v3-32`; None where the environment does not tell it.
        chips: of this host.
        processes: that `xmp.spawn` starts on this host, a chip each.
        threads_per_process: replica threads in each process.
        hosts: of the slice.
        worker_id: which of them this is, from 0; None where only the metadata server knows.
        hostnames: of all of them, in the order of their ids; empty where the environment does not tell them.
    """

    version: str
    accelerator_type: str | None
    chips: int
    processes: int
    threads_per_process: int
    hosts: int
    worker_id: int | None
    hostnames: tuple[str, ...]

    @property
    def cores(self) -> int:
        """Of this host, as torch_xla counts them: each is one replica."""
        return self.processes * self.threads_per_process

    @property
    def world_size(self) -> int:
        """Replicas of all hosts together."""
        return self.cores * self.hosts

    @property
    def process_ids(self) -> range:
        """Of this host's processes, among those of all hosts. To be asked only where `worker_id` is known."""
        first = (self.worker_id or 0) * self.processes
        return range(first, first + self.processes)


def find_host(environment: Mapping[str, str] | None = None, devices: Path | None = None) -> TpuHost | None:
    """What is here; None without a TPU.

    Args:
        environment: instead of this process's own.
        devices: the PCI devices' folder, instead of the kernel's.

    Raises:
        TpuEnvironmentError: the environment contradicts the chips or itself.
    """
    chips = tpu_chips(devices)
    if not chips:
        return None
    variables = os.environ if environment is None else environment
    accelerator_type = variables.get("TPU_ACCELERATOR_TYPE")
    version, slice_chips = read_version(accelerator_type, tpu_version(devices))
    part = read_bounds(variables, "TPU_PROCESS_BOUNDS")
    processes = min(chips, part or chips)
    hostnames = tuple(name.strip() for name in variables.get("TPU_WORKER_HOSTNAMES", "").split(",") if name.strip())
    hosts = max(1, len(hostnames))
    if slice_chips is not None and part is None:
        hosts = read_hosts(variables, slice_chips, chips, hostnames)
    check_spawnable(variables, version, processes, hosts, chips)
    return TpuHost(
        version=version,
        accelerator_type=accelerator_type,
        chips=chips,
        processes=processes,
        threads_per_process=CORES_PER_CHIP[version],
        hosts=hosts,
        worker_id=read_worker_id(variables, hosts),
        hostnames=hostnames,
    )


def hosts_together() -> tuple[int, int]:
    """This host's number, from 0, among those that train together, and how many they are.

    The first one alone writes what all share.

    Raises:
        TpuEnvironmentError: it is one of several hosts, and nothing here tells which.
    """
    host = find_host() if os.environ.get("PJRT_DEVICE") != "CPU" else None
    if host is None or host.hosts == 1:
        return 0, 1
    if host.worker_id is None:
        raise TpuEnvironmentError(
            f"{host.accelerator_type} has {host.hosts} hosts, and TPU_WORKER_ID is not set: which of them writes the "
            "run folder that they share cannot be known; on each, set TPU_WORKER_ID, TPU_WORKER_HOSTNAMES and "
            "TPU_SKIP_MDS_QUERY=1 as docs/tpu.md shows"
        )
    return host.worker_id, host.hosts


def expected_world(host: TpuHost | None) -> int | None:
    """Replicas that there should be on all hosts together; None where the environment does not tell it."""
    return None if host is None or host.accelerator_type is None else host.world_size


def check_world(expected: int, found: int) -> None:
    """Compares the replicas that the runtime found, on all hosts, with those that there should be.

    Raises:
        TpuEnvironmentError: they differ: some hosts take part in another world, or in none.
    """
    if found != expected:
        raise TpuEnvironmentError(
            f"{found} replicas came together, {expected} were expected: start the same command on every host, with the "
            "same TPU_WORKER_HOSTNAMES and TPU_ACCELERATOR_TYPE"
        )
