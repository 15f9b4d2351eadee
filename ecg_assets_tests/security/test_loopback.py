"""Dagster's UI asks nobody for a password: what `make ui` starts can be reached from this machine only."""

import ipaddress
import shlex
import socket
import subprocess
from pathlib import Path

import psutil
import pytest

from ecg_assets.commands.ui import ui
from ecg_assets.ui.services import HOST
from ecg_assets_tests.integration.live import CHECKOUT
from ecg_assets_tests.security.conftest import Watched

LISTENS = "0A"


def listening(pid: int) -> set[tuple[str, int]]:
    """Addresses and ports on which a process and its children listen, as the kernel has them."""
    found = set()
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        own = {f"socket:[{name}]" for name in inodes_of(process.pid)}
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/{process.pid}/net/{table}").read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == LISTENS and f"socket:[{words[9]}]" in own:
                    address, _, port = words[1].partition(":")
                    found.add((readable(address), int(port, 16)))
    return found


def inodes_of(pid: int) -> list[str]:
    links = []
    for one in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.append(str(one.readlink()))
        except OSError:
            continue
    return [link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:[")]


def readable(address: str) -> str:
    """From the kernel's hexadecimal words, each in the machine's byte order."""
    words = [bytes.fromhex(address[place : place + 8])[::-1] for place in range(0, len(address), 8)]
    packed = ipaddress.ip_address(b"".join(words))
    mapped = packed.ipv4_mapped if isinstance(packed, ipaddress.IPv6Address) else None
    return str(mapped or packed)


def test_make_ui_is_the_command_that_knows_no_other_address() -> None:
    told = subprocess.run(["make", "-n", "ui"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    (line,) = [line for line in told.splitlines() if "ecg-assets" in line]
    assert shlex.split(line)[1:] == ["ui", "--port", "3000"]
    assert HOST == "127.0.0.1"
    assert not {"host", "address"} & {parameter.name for parameter in ui.params}


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::"])
def test_the_search_sees_who_listens_where(address: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as server:
        server.bind((address, 0))
        server.listen()
        assert (address, server.getsockname()[1]) in listening(psutil.Process().pid)


def test_the_ui_and_all_that_it_starts_listen_on_loopback_only(watched: Watched) -> None:
    port = int(watched.live.server.url.rpartition(":")[2])
    (pid,) = [child.pid for child in psutil.Process().children() if str(port) in child.cmdline()]
    seen = listening(pid)
    assert ("127.0.0.1", port) in seen
    assert {address for address, _ in seen} <= {"127.0.0.1", "::1"}
