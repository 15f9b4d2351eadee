"""What a TPU host has, found without the runtime; the same world as torch_xla's own topology code; what is refused."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from ecg_assets.training.tpu.describe import NO_TPU, adapted, told
from ecg_assets.training.tpu.environment import TpuEnvironmentError
from ecg_assets.training.tpu.host import TpuHost, check_world, expected_world, find_host
from ecg_assets_tests.conftest import AdviceGiven
from ecg_assets_tests.training.tpu.tpu_machines import SINGLE_HOSTS, SLICES, Machine, machine, pci_bus

# No runtime is touched: the chips are counted by one patched function, the rest comes from the environment.
ASK_TORCH_XLA = """
import json, os, sys
from torch_xla._internal import tpu
answers = []
for chips, environment in json.loads(sys.argv[1]):
    tpu.num_available_chips = lambda: chips
    os.environ.update(environment)
    facts = {
        "devices": tpu.num_available_devices(), "processes": tpu.num_local_processes(),
        "threads": tpu.num_logical_cores_per_chip(), "hosts": tpu.num_tpu_workers(),
        "world_size": tpu.num_expected_global_devices(), "worker_id": tpu.worker_id(), "ids": [], "addresses": [],
    }
    known = dict(os.environ)
    for rank in range(facts["processes"]):
        tpu.configure_topology(rank, facts["processes"])
        facts["ids"].append(int(os.environ["CLOUD_TPU_TASK_ID"]))
        facts["addresses"] = os.environ["TPU_PROCESS_ADDRESSES"].split(",")
        os.environ.clear()
        os.environ.update(known)
    answers.append(facts)
print(json.dumps(answers))
"""


def host_of(
    made: Machine, folder: Path, worker_id: int = 0, changed: Mapping[str, str | None] = MappingProxyType({})
) -> TpuHost:
    environment: dict[str, str | None] = {**made.environment(worker_id), **changed}
    found = find_host({name: value for name, value in environment.items() if value is not None}, made.pci(folder))
    assert found is not None
    return found


def asked_of_torch_xla(cases: list[tuple[Machine, int]]) -> list[dict[str, Any]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TPU", "CLOUD_TPU"))}
    question = json.dumps([(made.chips, made.environment(worker_id)) for made, worker_id in cases])
    command = [sys.executable, "-c", ASK_TORCH_XLA, question]
    answer = subprocess.run(
        command, env=environment | {"PJRT_DEVICE": "TPU"}, capture_output=True, text=True, check=True, timeout=120
    )
    facts: list[dict[str, Any]] = json.loads(answer.stdout.splitlines()[-1])
    return facts


@pytest.mark.parametrize("made", SINGLE_HOSTS, ids=lambda made: made.accelerator_type)
def test_a_single_host_tells_its_chips_processes_and_threads(made: Machine, tmp_path: Path) -> None:
    host = host_of(made, tmp_path)
    assert (host.chips, host.processes, host.threads_per_process) == (made.chips, made.processes, made.threads)
    assert host.world_size == host.cores == made.processes * made.threads
    assert host.version == made.accelerator_type.split("-")[0].replace("v5litepod", "v5e")
    assert (host.hosts, host.worker_id) == (1, 0)


@pytest.mark.parametrize("made", SINGLE_HOSTS, ids=lambda made: made.accelerator_type)
def test_without_any_variable_pci_tells_version_and_cores(made: Machine, tmp_path: Path) -> None:
    host = find_host({}, made.pci(tmp_path))
    assert host is not None
    assert host.version == made.accelerator_type.split("-")[0].replace("v5litepod", "v5e")
    assert (host.accelerator_type, host.cores, host.hosts) == (None, made.processes * made.threads, 1)


@pytest.mark.xla
def test_every_host_gets_the_world_that_torch_xla_gives_it(tmp_path: Path) -> None:
    pytest.importorskip("torch_xla")
    cases = [(made, worker_id) for made in SINGLE_HOSTS + SLICES for worker_id in range(made.hosts)]
    for (made, worker_id), theirs in zip(cases, asked_of_torch_xla(cases), strict=True):
        host = host_of(made, tmp_path / f"{made.accelerator_type}-{worker_id}", worker_id)
        ours = {
            "devices": host.cores,
            "processes": host.processes,
            "threads": host.threads_per_process,
            "hosts": host.hosts,
            "world_size": host.world_size,
            "worker_id": host.worker_id,
            "ids": list(host.process_ids),
        }
        assert len(theirs.pop("addresses")) == host.processes * host.hosts
        assert ours == theirs


def test_the_processes_of_all_hosts_have_different_numbers(tmp_path: Path) -> None:
    for made in SLICES:
        hosts = [host_of(made, tmp_path / f"{made.accelerator_type}-{each}", each) for each in range(4)]
        assert [number for host in hosts for number in host.process_ids] == list(range(16))
        assert {host.world_size for host in hosts} == {16 * made.threads}


def test_asking_needs_neither_torch_nor_dagster_nor_a_network(tmp_path: Path) -> None:
    script = (
        "import socket, sys\nfrom pathlib import Path\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket = socket.getaddrinfo = refuse\n"
        "from ecg_assets.training.tpu.host import find_host\n"
        "assert find_host({}, Path(sys.argv[1])).version == 'v3'\n"
        "assert not {'torch', 'torch_xla', 'dagster'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(machine("v3-8").pci(tmp_path))], check=True, timeout=30)


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        (
            "v3-32",
            {"TPU_WORKER_HOSTNAMES": "host-0,host-1"},
            "means 4 hosts of 4 chips, but TPU_WORKER_HOSTNAMES names 2",
        ),
        ("v4-32", {"TPU_WORKER_HOSTNAMES": None}, "names 0"),
        ("v4-32", {"TPU_WORKER_ID": None}, "TPU_WORKER_ID is not set; expected this host's number, from 0 to 3"),
        ("v4-32", {"TPU_WORKER_ID": "4"}, "from 0 to 3"),
        ("v4-32", {"TPU_HOST_BOUNDS": "1,1,1"}, "TPU_HOST_BOUNDS is 1,1,1; .* product is 4, the hosts"),
        ("v4-8", {"TPU_CHIPS_PER_HOST_BOUNDS": None}, "TPU_CHIPS_PER_HOST_BOUNDS is not set"),
        ("v4-8", {"TPU_HOST_BOUNDS": "2x2"}, "TPU_HOST_BOUNDS is '2x2'; expected three numbers"),
        ("v4-8", {"TPU_ACCELERATOR_TYPE": None}, "TPU_ACCELERATOR_TYPE must be too"),
        ("v3-8", {"TPU_ACCELERATOR_TYPE": "big one"}, "'big one'; expected a version and a size"),
        ("v3-8", {"TPU_ACCELERATOR_TYPE": "v4-8"}, "the chips on PCI are v3"),
    ],
)
def test_an_environment_that_would_hang_is_refused_with_what_to_set(
    name: str, changed: dict[str, str | None], said: str, tmp_path: Path
) -> None:
    with pytest.raises(TpuEnvironmentError, match=said):
        host_of(machine(name), tmp_path, changed=changed)


@pytest.mark.parametrize(
    ("name", "wrong", "ways"),
    [
        pytest.param(
            "v6e-8",
            {"TPU_ACCELERATOR_TYPE": "v6e-4"},
            [({}, 8), ({"TPU_ACCELERATOR_TYPE": "v6e-4", "TPU_PROCESS_BOUNDS": "1,1,1"}, 1)],
            marks=pytest.mark.advice(
                "training/tpu/environment.py", " do not make up; correct it, or set TPU_PROCESS_BOUNDS to use a part"
            ),
        ),
        pytest.param(
            "v3-8",
            {"TPU_VISIBLE_CHIPS": "0"},
            [({"TPU_VISIBLE_CHIPS": None}, 8)],
            marks=pytest.mark.advice("training/tpu/environment.py", " processes would get the same; unset it"),
        ),
    ],
)
def test_an_environment_that_is_set_as_it_is_told_is_accepted(
    name: str,
    wrong: dict[str, str | None],
    ways: list[tuple[dict[str, str | None], int]],
    tmp_path: Path,
    advice: AdviceGiven,
) -> None:
    with pytest.raises(TpuEnvironmentError) as refused:
        host_of(machine(name), tmp_path / "wrong", changed=wrong)
    advice.in_message(refused.value)
    for number, (right, cores) in enumerate(ways):
        assert host_of(machine(name), tmp_path / str(number), changed=right).cores == cores


def test_where_the_metadata_server_is_asked_the_type_tells_the_hosts(tmp_path: Path) -> None:
    host = find_host({"TPU_ACCELERATOR_TYPE": "v3-32"}, machine("v3-32").pci(tmp_path))
    assert host is not None
    assert (host.hosts, host.worker_id, host.world_size) == (4, None, 32)
    assert "the metadata server knows" in told(host)


def test_a_part_of_the_chips_can_be_used(tmp_path: Path) -> None:
    part = {"TPU_PROCESS_BOUNDS": "1,1,1", "TPU_VISIBLE_CHIPS": "0"}
    assert host_of(machine("v3-8"), tmp_path, changed=part).cores == 2


@pytest.mark.advice("training/tpu/environment.py", "are one of these, set TPU_ACCELERATOR_TYPE, for example to v3-8")
def test_chips_of_an_unknown_version_are_refused(tmp_path: Path, advice: AdviceGiven) -> None:
    unknown = pci_bus(tmp_path, "0x0056", "0x0000", 4)
    with pytest.raises(TpuEnvironmentError, match="unknown version; known are v2") as refused:
        find_host({}, unknown)
    advice.in_message(refused.value)
    host = find_host({"TPU_ACCELERATOR_TYPE": "v3-8"}, unknown)
    assert host is not None and host.cores == 8


@pytest.mark.advice("training/tpu/host.py", " were expected: start the same command on every host, with the ")
def test_another_world_than_expected_is_an_error_on_every_host(tmp_path: Path, advice: AdviceGiven) -> None:
    expected = expected_world(host_of(machine("v4-32"), tmp_path, worker_id=2))
    assert expected == 16
    started = [host_of(machine("v4-32"), tmp_path / str(number), worker_id=number) for number in range(4)]
    with pytest.raises(TpuEnvironmentError, match="4 replicas came together, 16 were expected: start the same") as few:
        check_world(expected, sum(host.cores for host in started[:1]))
    advice.in_message(few.value)
    check_world(expected, sum(host.cores for host in started))


def test_no_world_is_expected_where_only_the_metadata_server_knows_the_slice(tmp_path: Path) -> None:
    assert expected_world(None) is None
    assert expected_world(find_host({}, machine("v3-8").pci(tmp_path))) is None


@pytest.mark.parametrize(
    ("name", "asked", "used"), [("v6e-1", 8, 1), ("v3-8", 4, 8), ("v3-8", 8, 8), ("v3-32", 8, 32), ("v4-8", None, 4)]
)
def test_what_is_asked_for_is_adapted_to_what_exists_and_said(
    name: str, asked: int | None, used: int, tmp_path: Path
) -> None:
    replicas, said = adapted(asked, host_of(machine(name), tmp_path))
    assert replicas == used
    if asked in (None, used):
        assert said is None
    else:
        assert said is not None
        assert f"asks for {asked} core" in said
        assert f"uses {used}" in said


def test_without_a_tpu_the_cpu_is_used_and_that_is_said(tmp_path: Path) -> None:
    assert find_host({"TPU_ACCELERATOR_TYPE": "v3-8"}, pci_bus(tmp_path, "0x0027", "0x004f", 0)) is None
    assert told(None) == NO_TPU
    assert adapted(None, None) == (1, None)
    replicas, said = adapted(8, None)
    assert replicas == 8
    assert said is not None
    assert "no TPU here" in said


def test_the_sentence_tells_how_a_training_spreads(tmp_path: Path) -> None:
    assert told(host_of(machine("v3-8"), tmp_path / "a")) == (
        "v3-8: 4 chips here, 8 of 8 replicas: 4 processes of 2 replica threads."
    )
    said = told(host_of(machine("v4-32"), tmp_path / "b", worker_id=3))
    assert "4 of 16 replicas: 4 processes of 1 replica thread." in said
    assert "number 3 of 0 to 3" in said
