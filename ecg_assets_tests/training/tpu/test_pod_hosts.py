"""The variables that each host of a slice gets are those under which torch_xla finds one world."""

from pathlib import Path

import pytest

from ecg_assets.training.tpu.host import find_host
from ecg_assets.training.tpu.pod_hosts import PodError, PodHost, host_bounds, host_of_labels, in_order, variables_of
from ecg_assets_tests.conftest import AdviceGiven
from ecg_assets_tests.training.tpu.tpu_machines import HOSTNAMES, machine

LABELS = {"ray.io/tpu-pod-type": "v4-32", "ray.io/tpu-slice-name": "slice", "ray.io/tpu-worker-id": "2"}


def hosts_of(accelerator_type: str) -> list[PodHost]:
    return [PodHost(number, name, "slice", accelerator_type) for number, name in enumerate(HOSTNAMES.split(","))]


@pytest.mark.parametrize("worker_id", range(4))
def test_a_v4_32_gets_what_its_metadata_server_would_tell(tmp_path: Path, worker_id: int) -> None:
    hosts, v4_32 = hosts_of("v4-32"), machine("v4-32")
    variables = variables_of(hosts[worker_id], hosts, "2x2x4")
    assert variables == v4_32.environment(worker_id) | {"PJRT_DEVICE": "TPU"}
    host = find_host(variables, v4_32.pci(tmp_path / "pci"))
    assert host is not None
    assert (host.worker_id, host.hosts, host.world_size) == (worker_id, 4, 16)


def test_hosts_come_by_worker_id_and_each_must_be_there_once() -> None:
    hosts = hosts_of("v4-32")
    assert in_order([hosts[2], hosts[0], hosts[3], hosts[1]]) == hosts
    for wrong in (hosts[1:], [*hosts, hosts[0]], [*hosts[:3], PodHost(3, "host-3", "another", "v4-32")]):
        with pytest.raises(PodError, match="expected each host of one slice once"):
            in_order(wrong)


@pytest.mark.parametrize(
    ("topology", "bounds"), [("2x2x1", "1,1,1"), ("2x2x4", "1,1,4"), ("4x4", "2,2,1"), ("4x4x8", "2,2,8")]
)
def test_bounds_follow_from_the_topology(topology: str, bounds: str) -> None:
    assert host_bounds(topology) == bounds


@pytest.mark.parametrize("topology", ["2x3", "four", "1x1", "2x2x4x4"])
def test_a_topology_that_no_hosts_make_up_is_refused(topology: str) -> None:
    with pytest.raises(PodError, match="expected chips along each side"):
        host_bounds(topology)


def test_a_topology_of_another_size_than_the_slice_is_refused() -> None:
    hosts = hosts_of("v4-32")
    with pytest.raises(PodError, match="2x2x2 means 2 hosts, slice has 4"):
        variables_of(hosts[0], hosts, "2x2x2")


@pytest.mark.advice(
    "training/tpu/pod_hosts.py", ": start Ray on the TPU VM itself, which sets it, or add to `ray start`"
)
@pytest.mark.parametrize("name", LABELS)
def test_a_node_that_does_not_say_which_host_it_is_is_named(name: str, advice: AdviceGiven) -> None:
    assert host_of_labels(LABELS, "10.0.0.9") == PodHost(2, "10.0.0.9", "slice", "v4-32")
    others = {key: value for key, value in LABELS.items() if key != name}
    with pytest.raises(PodError, match=rf"10\.0\.0\.9 has no usable {name}") as refused:
        host_of_labels(others, "10.0.0.9")
    advice.in_message(refused.value)
    added = str(refused.value).partition("--labels=")[2].partition(" ")[0].split(",")
    assert host_of_labels(others | dict(label.split("=") for label in added), "10.0.0.9").address == "10.0.0.9"
