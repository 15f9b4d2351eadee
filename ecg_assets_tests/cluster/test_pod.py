"""A command on a slice of two TPU hosts that are none: each once, told who it is, and no host outlives another."""

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecg_assets.training.tpu.pod import Pod
from ecg_assets.training.tpu.pod_hosts import PodError
from ecg_assets_tests.cluster.nodes import RayNodes, tpu_arguments
from ecg_assets_tests.conftest import AdviceGiven, quiet
from ecg_assets_tests.integration.live import until

HOSTS = ("127.0.0.15", "127.0.0.16")
pytestmark = pytest.mark.cluster

NOTE = """
import json, os, sys, time
from pathlib import Path
told = {name: value for name, value in os.environ.items() if name.startswith(("TPU_", "PJRT_"))}
number = told["TPU_WORKER_ID"]
with Path(sys.argv[1], number).open("a") as note:
    note.write(json.dumps(told | {"pid": os.getpid()}) + "\\n")
"""
HANG = "time.sleep(600)"
FAIL_ON_1 = "time.sleep(0 if number == '1' else 600); sys.exit(3)"


@pytest.fixture
def pod(running_cluster: RayNodes) -> Iterator[Pod]:
    """A v4-16: two hosts with four chips each."""
    make_whole(running_cluster)
    yield Pod("2x2x2", "v4", running_cluster.address, wait_s=60)


def make_whole(running_cluster: RayNodes) -> None:
    """Starts the hosts that do not run."""
    for number, host in enumerate(HOSTS):
        labels = {"tpu-pod-type": "v4-16", "tpu-slice-name": "fake", "tpu-worker-id": str(number)}
        labels = {f"ray.io/{name}": value for name, value in labels.items()} | {"ray.io/accelerator-type": "TPU-V4"}
        resources = {"TPU": 4.0} | ({"TPU-v4-16-head": 1.0} if number == 0 else {})
        if host not in running_cluster.processes:
            arguments = ["--num-cpus=1", *tpu_arguments(resources, labels)]
            running_cluster.join(host, arguments=arguments, variables={"TPU_NAME": "fake"})


@pytest.fixture(scope="module", autouse=True)
def without_hosts_in_the_end(running_cluster: RayNodes) -> Iterator[None]:
    yield
    for host in HOSTS:
        if host in running_cluster.processes:
            running_cluster.kill(host)


def command(folder: Path, then: str = "") -> list[str]:
    folder.mkdir(exist_ok=True)
    return [sys.executable, "-c", NOTE + then, str(folder)]


def notes(folder: Path) -> dict[int, list[dict[str, str]]]:
    """What the command has noted on each host, each time."""
    return {int(path.name): [json.loads(line) for line in path.read_text().splitlines()] for path in folder.iterdir()}


def alive(pid: str) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_the_command_runs_once_on_each_host_which_knows_its_number_and_all_addresses(pod: Pod, tmp_path: Path) -> None:
    hosts = pod.run(command(tmp_path / "noted"), quiet)
    assert [(host.worker_id, host.address) for host in hosts] == list(enumerate(HOSTS))
    noted = notes(tmp_path / "noted")
    assert {number: len(times) for number, times in noted.items()} == {0: 1, 1: 1}
    for number, (told,) in noted.items():
        del told["pid"]
        told.pop("PJRT_DYNAMIC_PLUGINS", None)  # torch_xla's own, where another test has imported it
        assert told == {
            "TPU_NAME": "fake",
            "PJRT_DEVICE": "TPU",
            "TPU_SKIP_MDS_QUERY": "1",
            "TPU_ACCELERATOR_TYPE": "v4-16",
            "TPU_WORKER_ID": str(number),
            "TPU_WORKER_HOSTNAMES": ",".join(HOSTS),
            "TPU_HOST_BOUNDS": "1,1,2",
            "TPU_CHIPS_PER_HOST_BOUNDS": "2,2,1",
        }


def test_a_command_that_fails_on_one_host_is_ended_on_the_other(pod: Pod, tmp_path: Path) -> None:
    with pytest.raises(PodError, match=r"ended with 3 on host 1 \(127\.0\.0\.16\)"):
        pod.run(command(tmp_path / "noted", FAIL_ON_1), quiet)
    for times in notes(tmp_path / "noted").values():
        until(lambda: not alive(times[0]["pid"]), 20, "the end of the other host's command")  # noqa: B023


@pytest.mark.advice("training/tpu/pod.py", "Start it again when the slice is whole: a training goes on from its last")
def test_a_dead_host_ends_the_others(pod: Pod, running_cluster: RayNodes, tmp_path: Path, advice: AdviceGiven) -> None:
    folder = tmp_path / "noted"
    hanging = command(folder, HANG)

    def kill_second() -> None:
        until(lambda: len(notes(folder)) == 2, 60, "both hosts")
        running_cluster.kill(HOSTS[1])

    killer = threading.Thread(target=kill_second, daemon=True)
    killer.start()
    with pytest.raises(PodError, match="a host of the slice was lost") as lost:
        pod.run(hanging, quiet)
    advice.in_message(lost.value)
    killer.join()
    until(lambda: not alive(notes(folder)[0][0]["pid"]), 20, "the end of the command on the first host")
    make_whole(running_cluster)
    assert len(pod.run(command(tmp_path / "again"), quiet)) == 2
