"""A Ray cluster on loopback: a head that takes no tasks, and nodes with addresses of their own, each a process tree.

Ray replaces 127.0.0.1 by the machine's outer address, so the head is 127.0.0.2 and the nodes are 127.0.0.13 and up.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from ecg_assets_tests.integration.live import CHECKOUT

HEAD = "127.0.0.2"
NODES = ("127.0.0.13", "127.0.0.14")
_STARTED_S = 300.0
_MEMORY = f"--object-store-memory={100 << 20}"


def free_port(host: str) -> int:
    """A port of `host` that nothing listens on."""
    with socket.socket() as found:
        found.bind((host, 0))
        return int(found.getsockname()[1])


@dataclass
class RayNodes:
    """The cluster.

    Attributes:
        address: of its head.
        folder: for what Ray writes; short, because it holds sockets.
        processes: by address, the root of each node's process tree.
    """

    address: str
    folder: Path
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, host: str, *arguments: str, variables: dict[str, str] | None = None) -> None:
        """Starts a node, or the head; it is there when Ray knows it. `variables` are for its environment."""
        ports = ("dashboard-agent-grpc-port", "dashboard-agent-listen-port", "runtime-env-agent-port")
        agents = [f"--{name}={free_port(host)}" for name in (*ports, "metrics-export-port")]
        command = [str(Path(sys.executable).with_name("ray")), "start", "--block", "--disable-usage-stats"]
        command += ["--min-worker-port=0", "--max-worker-port=0", f"--node-ip-address={host}", *agents, *arguments]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "ECG_"))}
        with (self.folder / f"{host}.log").open("wb") as log:
            self.processes[host] = subprocess.Popen(
                command,
                cwd=CHECKOUT,
                env=kept | {"PYTHONPATH": str(CHECKOUT), "RAY_health_check_period_ms": "1000"} | (variables or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def join(
        self, *hosts: str, arguments: Sequence[str] = ("--num-cpus=1",), variables: dict[str, str] | None = None
    ) -> None:
        """Starts nodes and waits until their parts of Ray run."""
        for host in hosts:
            # Nodes that start at the same time in one folder take each other's files and hang.
            folder = f"--temp-dir={self.folder}-{host}"
            self.start(host, f"--address={self.address}", folder, _MEMORY, *arguments, variables=variables)
        for host in hosts:
            self.wait_for(host)

    def wait_for(self, host: str) -> None:
        """Waits until the node runs.

        Raises:
            AssertionError: it does not, within a minute.
        """
        deadline = time.monotonic() + _STARTED_S
        while "Ray runtime started" not in self.said(host):
            if self.processes[host].poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the Ray node {host} has not started: {self.said(host)}")
            time.sleep(0.2)

    def said(self, host: str) -> str:
        """What the node's command has written."""
        return (self.folder / f"{host}.log").read_text(errors="replace")

    def hold_at_work(self, host: str) -> bool:
        """Stops a node's worker in the middle of its task; says no where none has one. The rest of the node goes on."""
        for process in self.tree(host):
            if _is_at_work(process):
                process.suspend()
                if _is_at_work(process):
                    return True
                process.resume()
        return False

    def tree(self, host: str) -> list[psutil.Process]:
        """All processes of a node."""
        root = psutil.Process(self.processes[host].pid)
        return [root, *root.children(recursive=True)]

    def kill(self, host: str) -> None:
        """Kills a node's whole process tree at once, as a machine that loses power."""
        tree = self.tree(host)
        for process in tree:
            process.suspend()  # nobody of it may tell the others
        for process in tree:
            process.kill()
        psutil.wait_procs(tree, timeout=10)
        self.processes.pop(host).wait()


def _is_at_work(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return "ray::_run" in " ".join(process.cmdline())
    return False


@contextmanager
def ray_nodes(*hosts: str) -> Iterator[RayNodes]:
    """A head without CPUs, and a node with one CPU on each of `hosts`; all are gone in the end."""
    folder, port = Path(tempfile.mkdtemp(prefix="ray-")), free_port(HEAD)
    cluster = RayNodes(f"{HEAD}:{port}", folder)
    try:
        head = ("--head", f"--port={port}", "--num-cpus=0", "--include-dashboard=false", f"--temp-dir={folder}")
        cluster.start(HEAD, *head, _MEMORY)
        cluster.wait_for(HEAD)
        cluster.join(*hosts)
        yield cluster
    finally:
        for host in list(cluster.processes):
            cluster.kill(host)
        for left in folder.parent.glob(f"{folder.name}*"):
            shutil.rmtree(left, ignore_errors=True)


def tpu_arguments(resources: dict[str, float], labels: dict[str, str]) -> list[str]:
    """Arguments of `RayNodes.join` that make a node look as one with TPU chips."""
    return [
        f"--resources={json.dumps(resources)}",
        "--labels=" + ",".join(f"{name}={value}" for name, value in labels.items()),
    ]
