"""A real Dagster for tests: a home of its own, a webserver on a free port, runs over GraphQL, runs of the CLI."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import requests

CHECKOUT = Path(__file__).resolve().parents[2]

_LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchPipelineExecution(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message stack }
    ... on RunConfigValidationInvalid { errors { message } }
    ... on PipelineNotFoundError { message }
    ... on InvalidSubsetError { message }
  }
}
"""
_TERMINATE = """
mutation Terminate($runId: String!) {
  terminateRun(runId: $runId) { __typename ... on PythonError { message } ... on TerminateRunFailure { message } }
}
"""


def make_home(folder: Path) -> Path:
    """A DAGSTER_HOME with the project's own dagster.yaml."""
    folder.mkdir(parents=True)
    shutil.copy(CHECKOUT / "dagster_home" / "dagster.yaml", folder)
    with dg.DagsterInstance.from_config(str(folder)):
        pass  # makes the databases: two processes that race to make them fail
    return folder


def environment(home: Path, **more: str) -> dict[str, str]:
    """For child processes: this home, the tests importable, nothing of the developer's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ECG_", "DAGSTER_"))}
    return kept | {"DAGSTER_HOME": str(home), "PYTHONPATH": str(CHECKOUT), **more}


@contextmanager
def instance_of(home: Path) -> Iterator[dg.DagsterInstance]:
    """The instance that lives in `home`."""
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


def status_of(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    """The run's status as the UI shows it."""
    run = instance.get_run_by_id(run_id)
    assert run is not None, run_id
    return run.status


def until(wanted: Callable[[], Any], seconds: float, what: str) -> Any:
    """Waits until `wanted()` is true and returns it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = wanted()
        if value:
            return value
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds:g} s for {what}, in vain")


@dataclass(frozen=True)
class Server:
    """A webserver under test."""

    url: str
    location: str

    def query(self, text: str, **variables: Any) -> dict[str, Any]:
        """One GraphQL request; its `data`."""
        reply = requests.post(f"{self.url}/graphql", json={"query": text, "variables": variables}, timeout=60)
        content: dict[str, Any] = reply.json()
        assert "errors" not in content, content["errors"]
        data: dict[str, Any] = content["data"]
        return data

    def materialize(self, asset_keys: list[str], run_config: dict[str, Any] | None = None) -> str:
        """Launches one run as the UI's Materialize button does; its id."""
        selector = {
            "repositoryLocationName": self.location,
            "repositoryName": "__repository__",
            "pipelineName": "__ASSET_JOB",
            "assetSelection": [{"path": [key]} for key in asset_keys],
            "assetCheckSelection": None,
        }
        params = {"selector": selector, "mode": "default", "runConfigData": run_config or {}}
        launched = self.query(_LAUNCH, params=params)["launchPipelineExecution"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def terminate(self, run_id: str) -> None:
        """What the UI's Terminate does."""
        reply = self.query(_TERMINATE, runId=run_id)["terminateRun"]
        assert reply["__typename"] == "TerminateRunSuccess", reply


@contextmanager
def webserver(home: Path, module: str, **variables: str) -> Iterator[Server]:
    """The webserver of `make ui` alone, with the code location `module`; gone with all its processes afterwards."""
    command = [sys.executable, "-m", "ecg_assets.ui.webserver", "-h", "127.0.0.1", "-m", module]
    with serving(home, command, module, variables) as server:
        yield server


@contextmanager
def whole_ui(home: Path, **variables: str) -> Iterator[Server]:
    """What `make ui` starts, webserver and daemon by workspace.yaml; gone with all its processes afterwards."""
    with serving(home, [sys.executable, "-m", "ecg_assets.cli", "ui"], "ecg_assets", variables) as server:
        yield server


@contextmanager
def serving(home: Path, command: list[str], location: str, variables: dict[str, str]) -> Iterator[Server]:
    """The server of this command, on a free port, with `webserver.log` in its home."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*command, "-p", str(port)]
    with (home / "webserver.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=CHECKOUT, env=environment(home, **variables), stdout=log, stderr=log, start_new_session=True
        )
        try:
            server = Server(f"http://127.0.0.1:{port}", location)
            until(lambda: _answers(server, process, home), 90, f"the webserver; see {home / 'webserver.log'}")
            yield server
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()


def _answers(server: Server, process: "subprocess.Popen[bytes]", home: Path) -> bool:
    assert process.poll() is None, (home / "webserver.log").read_text()
    try:
        return requests.get(f"{server.url}/server_info", timeout=5).ok
    except requests.ConnectionError:
        return False
