"""Writes a run's stamp: code, config, data, software and machine of the training, without secrets and home folders."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Any

from ecg_assets.store.sealed import write_sealed_json
from ecg_assets.training.monitoring.history import utc
from ecg_assets.training.runs.events import Event
from ecg_assets.training.runs.run_folder import RunFolder, read_json_fields
from ecg_assets.training.runs.run_state import read_start

PACKAGES = ("ecg-assets", "dagster", "torch", "torch_xla", "numpy", "opencv-python-headless")
_PACKAGE_FOLDER = Path(str(files("ecg_assets")))


class Stamp:
    """Listener that writes stamp.json; each session (a start of the replicas) adds an entry."""

    def __init__(self, run: RunFolder) -> None:
        self._run, self._path = run, run.path / "stamp.json"
        self._git = git_state(_PACKAGE_FOLDER)

    def __call__(self, event: Event) -> None:
        """Adds a session when the replicas have started."""
        if event.kind == "started":
            write_sealed_json(self._path, stamp(self._run, [*self._sessions(), self._session(event)]))

    def _sessions(self) -> list[dict[str, Any]]:
        if not self._path.exists():
            return []
        sessions: list[dict[str, Any]] = read_json_fields(self._path, "delete it").get("sessions", [])
        return sessions

    def _session(self, event: Event) -> dict[str, Any]:
        """The facts that may differ between the starts of one run."""
        return {
            "started": utc(event.time),
            "git": self._git,
            "packages": package_versions(),
            "python": platform.python_version(),
            "platform": platform.platform(),
            **event.values,
        }


def stamp(run: RunFolder, sessions: list[dict[str, Any]]) -> dict[str, Any]:
    """The stamp of a run.

    Raises:
        RunFolderError: the folder was not prepared.
    """
    start = read_start(run)
    config = start.config.model_dump(mode="json")
    return {
        "experiment": start.config.experiment,
        "config": {name: _without_home(value) for name, value in config.items()},
        "seed": start.config.seed,
        "dataset_digest": start.dataset_digest,
        "fingerprint": start.fingerprint,
        "sessions": sessions,
    }


def package_versions() -> dict[str, str | None]:
    """Versions of the packages that determine the result; None for those that are not installed."""
    return {name: _version(name) for name in PACKAGES}


def git_state(folder: Path) -> dict[str, Any] | None:
    """The commit of `folder`, and whether its files differ from it; None if it is not under git.

    Args:
        folder: of a Python package: its __init__.py must be tracked, so that a package installed below another
            project's checkout is not taken for a part of it.
    """
    if _git(folder, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    return {"commit": _git(folder, "rev-parse", "HEAD"), "dirty": bool(_git(folder, "status", "--porcelain", "."))}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=20)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None  # git is missing or does not answer, so the commit is unknown
    return done.stdout.strip() if done.returncode == 0 else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _without_home(value: Any) -> Any:
    home = str(Path.home())
    return "~" + value.removeprefix(home) if isinstance(value, str) and value.startswith(home + "/") else value
