"""`ecg-assets ui` and `dagster dev`: guarded, with a daemon, and gone with all that they started."""

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests
import yaml
from click.testing import CliRunner

from ecg_assets.commands.ui import ui
from ecg_assets.ui.services import _with_guard
from ecg_assets_tests.integration.live import Server, make_home, serving, until
from ecg_assets_tests.ui.test_webserver import MODULE

pytestmark = pytest.mark.timeout(300)
DAEMONS = "{ instance { daemonHealth { allDaemonStatuses { daemonType healthy required } } } }"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace.yaml with a code location that loads at once."""
    path = tmp_path / "workspace.yaml"
    path.write_text(yaml.safe_dump({"load_from": [{"python_module": {"module_name": MODULE}}]}))
    return path


def refuses_other_sites(server: Server) -> bool:
    foreign = [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
    for path in ("/", "/graphql?query={version}"):
        if not requests.get(server.url + path, timeout=20).ok:
            return False
        if any(requests.get(server.url + path, headers=one, timeout=20).status_code != 403 for one in foreign):
            return False
    return True


@contextmanager
def started(home: Path, command: list[str]) -> Iterator[tuple[Server, psutil.Process]]:
    with serving(home, [sys.executable, *command], MODULE, {}) as server:
        port = server.url.rpartition(":")[2]
        (process,) = [child for child in psutil.Process().children() if port in child.cmdline()]
        yield server, process


def test_ecg_assets_ui_guards_whatever_the_home_says_and_ctrl_c_ends_all(tmp_path: Path, workspace: Path) -> None:
    home = tmp_path / "bare"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with started(home, ["-m", "ecg_assets.cli", "ui", "-w", str(workspace)]) as (server, process):
        assert refuses_other_sites(server)
        until(lambda: heartbeats(server), 60, "the daemon's heartbeat")
        everything = [process, *process.children(recursive=True)]
        assert len(everything) >= 3, "itself, webserver and daemon at least"
        os.killpg(process.pid, signal.SIGINT)
        _, alive = psutil.wait_procs(everything, 45)
        assert not alive


def heartbeats(server: Server) -> bool:
    told = server.query(DAEMONS)["instance"]["daemonHealth"]["allDaemonStatuses"]
    return any(one["daemonType"] == "SENSOR" and one["healthy"] for one in told)


def test_dagster_dev_is_guarded_in_this_projects_home(tmp_path: Path, workspace: Path) -> None:
    home = make_home(tmp_path / "home")
    with started(home, ["-m", "dagster", "dev", "-h", "127.0.0.1", "-w", str(workspace)]) as (server, _):
        assert refuses_other_sites(server)
        assert requests.get(server.url, timeout=20).headers["X-Frame-Options"] == "DENY"


def test_nothing_is_started_before_the_guarded_webserver() -> None:
    commands = list[list[str]]()
    start: Callable[..., object] = _with_guard(lambda words, **options: commands.append(words))
    with pytest.raises(RuntimeError, match="dagster below"):
        start([sys.executable, "-m", "dagster._daemon", "run"])
    start([sys.executable, "-m", "dagster_webserver", "-p", "1"], pass_fds=[3])
    start([sys.executable, "-m", "dagster._daemon", "run"])
    assert [words[2] for words in commands] == ["ecg_assets.ui.webserver", "dagster._daemon"]


def test_a_port_that_is_taken_a_home_and_a_workspace_that_are_not_there_are_told(
    tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = CliRunner().invoke(ui, ["-p", str(port), "-w", str(workspace)])
        assert result.exit_code == 1 and f"ecg-assets ui --port {port + 1}" in result.output
    missing = CliRunner().invoke(ui, ["-w", str(tmp_path / "nothing.yaml")])
    assert missing.exit_code == 2 and "nothing.yaml" in missing.output
    monkeypatch.delenv("DAGSTER_HOME")
    unset = CliRunner().invoke(ui, ["-w", str(workspace)])
    assert "export DAGSTER_HOME=$PWD/dagster_home" in str(unset.exception)
