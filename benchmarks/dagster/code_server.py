"""The code server, as `make ui` has one: how long until it has told what there is, and how much memory it takes."""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import psutil

from benchmarks.peak import peak_mib
from benchmarks.spent import Spent

Row = tuple[str, str, str]
_MODULE, _PATIENCE_S = "ecg_assets.definitions", 120.0
_MB_PER_MIB = 2**20 / 1e6


def server(rounds: int) -> list[Row]:
    """Median start and peak memory of a fresh server that has sent all definitions once."""
    told = [_one() for _ in range(rounds)]
    start = sorted((one for one, _ in told), key=lambda one: one.wall_s)[len(told) // 2]
    peak_mb = statistics.median(peak for _, peak in told)
    return [
        ("code server: start until all definitions are loaded", str(start), ""),
        ("... its peak memory, without torch", f"{peak_mb:.0f} MB", "under 250 MB"),
    ]


def _one() -> tuple[Spent, float]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "dagster", "api", "grpc", "-m", _MODULE, "-h", "127.0.0.1", "-p", str(port)]
        started = time.perf_counter()
        nowhere, variables = subprocess.DEVNULL, os.environ | {"DAGSTER_HOME": home}
        process = subprocess.Popen(command, env=variables, stdout=nowhere, stderr=nowhere)
        try:
            _wait_for_definitions(port)
            wall_s, used = time.perf_counter() - started, psutil.Process(process.pid).cpu_times()
            return Spent(wall_s, used.user + used.system), peak_mib(process.pid) * _MB_PER_MIB
        finally:
            process.kill()  # where a shell has started all this in the background, Dagster ignores SIGTERM
            process.wait()


def _wait_for_definitions(port: int) -> None:
    from dagster._core.errors import DagsterUserCodeUnreachableError
    from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteRepositoryOrigin
    from dagster._grpc.client import DagsterGrpcClient

    client, deadline = DagsterGrpcClient(port=port, host="127.0.0.1"), time.monotonic() + _PATIENCE_S
    place = GrpcServerCodeLocationOrigin(host="127.0.0.1", port=port, location_name=_MODULE)
    while time.monotonic() < deadline:
        try:
            told = client.external_repository(RemoteRepositoryOrigin(place, "__repository__"))
        except DagsterUserCodeUnreachableError:
            time.sleep(0.05)
            continue
        if "champion" not in told:
            raise RuntimeError("the code server has told something else than this project's definitions")
        return
    raise RuntimeError(f"the code server does not answer within {_PATIENCE_S:g} s")
