"""The TPU compiler's own Python environment, which is made when it is asked for the first time."""

import hashlib
import json
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ecg_assets.store.atomic import write_text
from ecg_assets.store.bucket.address import cache_folder
from ecg_assets.store.lock import only_writer
from ecg_assets.store.log import Log

Version = Literal["pinned", "newest"]
PINNED = Path(__file__).with_name("compiler.txt")
_NEWEST = ("jax", "libtpu")
_VERSIONS = "import importlib.metadata as m, json; print(json.dumps({n: m.version(n) for n in ('jax', 'libtpu')}))"


class CompilerUnavailableError(RuntimeError):
    """The TPU compiler could not be installed; the message says why, and what to do."""


@dataclass(frozen=True)
class CompilerEnvironment:
    """Where the compiler is.

    Attributes:
        python: that has it.
        jax, libtpu: versions.
    """

    python: Path
    jax: str
    libtpu: str


def compiler_environment(version: Version, log: Log) -> CompilerEnvironment:
    """The environment with the pinned or the newest compiler; installs it where it is not there yet.

    Raises:
        CompilerUnavailableError: it could not be installed.
    """
    name = hashlib.sha256(PINNED.read_bytes()).hexdigest()[:12] if version == "pinned" else "newest"
    folder = cache_folder() / "tpu-compiler" / f"{name}-py{sys.version_info[0]}.{sys.version_info[1]}"
    versions = folder / "versions.json"
    with only_writer(folder.with_name(f"{folder.name}.lock"), log):
        if not versions.exists():
            _install(folder, ("-r", str(PINNED)) if version == "pinned" else _NEWEST, log)
            write_text(versions, _run(folder, [str(_python(folder)), "-c", _VERSIONS]))
    return CompilerEnvironment(_python(folder), **json.loads(versions.read_text("utf-8")))


def _install(folder: Path, packages: tuple[str, ...], log: Log) -> None:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise CompilerUnavailableError(
            f"the TPU compiler exists for Linux on x86-64 only, and this is {platform.system()} on "
            f"{platform.machine()}; run the command on such a machine"
        )
    log(f"installing the TPU compiler into {folder} (once, some 300 MB)")
    shutil.rmtree(folder, ignore_errors=True)  # of an installation that was broken off
    folder.parent.mkdir(parents=True, exist_ok=True)
    _run(folder, [sys.executable, "-m", "venv", str(folder)])
    _run(folder, [str(_python(folder)), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *packages])


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _run(folder: Path, command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise CompilerUnavailableError(
            f"the TPU compiler (jax, libtpu) cannot be installed into {folder}: {said[-1] if said else 'no reason'}. "
            "It comes from the package registry, once: make that reachable (`pip download libtpu` must work here), or "
            "run the command on a machine that reaches it"
        )
    return done.stdout
