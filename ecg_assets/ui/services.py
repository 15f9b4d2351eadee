"""The processes of `dagster dev` with the guarded webserver: webserver, daemon, and one code server for both."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dagster._cli.dev as dagster_dev
from dagster_shared.ipc import open_ipc_subprocess

from ecg_assets.ui.webserver import guard_webserver

HOST = "127.0.0.1"
_UNGUARDED, _GUARDED = "dagster_webserver", "ecg_assets.ui.webserver"


def serve(workspace: Path, port: int) -> None:
    """Serves the UI on this machine until Ctrl-C or SIGTERM, which also end its processes.

    Args:
        workspace: workspace.yaml with the code locations.
        port: port on 127.0.0.1.

    Raises:
        RuntimeError: this version of Dagster starts its webserver in another way, which would stay unguarded.
    """
    guard_webserver()
    dagster_dev.open_ipc_subprocess = _with_guard(open_ipc_subprocess)  # type: ignore[attr-defined]
    # Dagster starts code servers with the first `python` on PATH.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    options = ["-w", str(workspace), "-h", HOST, "-p", str(port)]
    dagster_dev.dev_command.main(options, prog_name="ecg-assets ui", standalone_mode=False)


def _with_guard(start: Callable[..., Any]) -> Callable[..., Any]:
    """Replaces Dagster's webserver by the guarded one; refuses to start other processes before it."""
    guarded = list[str]()

    def started(command: Sequence[str], **options: Any) -> Any:
        words = [_GUARDED if word == _UNGUARDED else word for word in command]
        guarded.extend(word for word in words if word == _GUARDED)
        if not guarded:
            told = " ".join(command[:3])
            raise RuntimeError(f"Dagster starts {told} before {_UNGUARDED}: install dagster below 1.14")
        return start(words, **options)

    return started
