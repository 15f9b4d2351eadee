"""Runs a command once on every host of a TPU slice, through Ray; when one host fails, the others are ended.

A dead host leaves the others waiting at a collective for ever, so nothing here waits for all of them.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from ecg_assets.store.compute.ray_connection import connected
from ecg_assets.store.log import Log
from ecg_assets.training.tpu.pod_hosts import REMOVED, PodError, PodHost, host_of_labels, in_order, variables_of

_LOOK_EVERY_S = 5.0
_ENDED_S = 30.0


@dataclass(frozen=True)
class Pod:
    """A slice of a Ray cluster.

    Attributes:
        topology: chips along each side, for example `2x2x4`.
        version: of the chips, for example `v4`.
        address: of the cluster's head, `host:port` or `auto`.
        wait_s: how long the slice may be taken by others before this gives up.
    """

    topology: str
    version: str
    address: str = "auto"
    wait_s: float = 120.0

    def run(self, command: Sequence[str], log: Log) -> list[PodHost]:
        """Runs the command on every host, and returns the hosts when it has ended well on all of them.

        Raises:
            EngineError: there is no such Ray cluster.
            PodError: the slice is not there, a host was lost, or the command failed on one; on the others it is ended.
        """
        with connected(self.address) as ray:
            reserved = _reserve(ray, self)
            references: list[Any] = []
            try:
                hosts = in_order(ray.get(_on_each_host(ray, reserved, self, _who_is_here)))
                log(f"{len(hosts)} hosts of {hosts[0].slice_name}: {', '.join(host.address for host in hosts)}")
                references = _on_each_host(ray, reserved, self, _run_command, hosts, self.topology, list(command))
                _wait(ray, references, log)
            finally:
                # Ray kills what still runs in a group that it takes back. `ray.cancel` would be the plain way, but Ray
                # aborts the process that cancels a task whose answer arrives at that moment (seen with ray 2.60, and in
                # ray-project/ray 54785), and hosts of one slice fail together.
                reserved.shutdown()
                if references:
                    ray.wait(references, num_returns=len(references), timeout=_ENDED_S)
            return hosts


def _reserve(ray: Any, pod: Pod) -> Any:
    from ray.util.tpu import slice_placement_group

    try:
        return slice_placement_group(
            topology=pod.topology, accelerator_version=pod.version, head_reservation_timeout_s=pod.wait_s
        )
    except (RuntimeError, ValueError, TimeoutError) as error:
        raise PodError(
            f"the Ray cluster gives no {pod.version} slice of topology {pod.topology} within {pod.wait_s:g} s: {error}"
        ) from error


def _on_each_host(ray: Any, reserved: Any, pod: Pod, function: Any, *arguments: Any) -> list[Any]:
    from ray.util.tpu import run_on_slice

    # Never tried again: the other hosts would be somewhere else in the training by then.
    task = ray.remote(max_retries=0, runtime_env={"env_vars": {"RAY_EXPERIMENTAL_NOSET_TPU_VISIBLE_CHIPS": "1"}})
    try:
        return list(run_on_slice(task(function), *arguments, tpu_slice=reserved, pg_ready_timeout_s=pod.wait_s))
    except TimeoutError as error:
        raise PodError(f"the hosts of the slice were not free within {pod.wait_s:g} s: {error}") from error


def _wait(ray: Any, references: list[Any], log: Log) -> None:
    """Until all have ended well, or one has not."""
    left = list(references)
    while left:
        finished, left = ray.wait(left, timeout=_LOOK_EVERY_S)
        for reference in finished:
            try:
                host, code = ray.get(reference)
            except ray.exceptions.RayError as error:
                raise PodError(
                    f"a host of the slice was lost ({error.__class__.__name__}); the command was ended on the others. "
                    "Start it again when the slice is whole: a training goes on from its last checkpoint"
                ) from error
            if code != 0:
                raise PodError(
                    f"the command ended with {code} on {host}, and was ended on the others; its output is in Ray's "
                    "worker logs of that host"
                )
            log(f"{host} has finished")


def _who_is_here() -> PodHost:
    import ray

    context, utilities = cast(Any, ray.get_runtime_context()), cast(Any, ray.util)
    return host_of_labels(context.get_node_labels(), utilities.get_node_ip_address())


def _run_command(hosts: list[PodHost], topology: str, command: list[str]) -> tuple[PodHost, int]:
    """On one host: the command as a process that does not outlive this one."""
    host = _who_is_here()
    if host not in hosts:
        raise PodError(f"{host} is none of {', '.join(map(str, hosts))}")
    kept = {name: value for name, value in os.environ.items() if name not in REMOVED}
    child = [sys.executable, "-m", "ecg_assets.training.tpu.pod_child", str(os.getpid()), *command]
    return host, subprocess.call(child, env=kept | variables_of(host, hosts, topology), stdin=subprocess.DEVNULL)
