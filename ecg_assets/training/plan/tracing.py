"""Has the project's own step traced, in a process of its own: torch_xla is not to be started in this one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from ecg_assets.store.atomic import write_text
from ecg_assets.training.plan.trace_request import OPERATION, TracedStep, TraceRequest

# One device, and operations that carry the names of what they belong to; scalars as trainings have them.
_ENVIRONMENT = {
    "PJRT_DEVICE": "CPU",
    "CPU_NUM_DEVICES": "1",
    "XLA_NO_SPECIAL_SCALARS": "1",
    "XLA_HLO_DEBUG": "1",
    # Nothing is compiled unless something wants a value, and then only to find out what does.
    "XLA_FLAGS": "--xla_backend_optimization_level=0",
}
_INHERITED_NOT = ("PJRT_", "CPU_NUM", "XLA_", "TPU_")


class UntraceableError(ValueError):
    """The step cannot be traced: an operation in it runs on the host, or needs a value."""


def traced(request: TraceRequest, folder: Path) -> TracedStep:
    """Traces a step into `folder`; nothing of it is computed.

    Raises:
        UntraceableError: it names the operation that would run on the host.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = _run(request, folder)
    if done.returncode == 0:
        return TracedStep.model_validate_json((folder / "traced.json").read_text("utf-8"))
    # Once more, each operation named before it is traced: naming them hides where in the program they stand.
    again = _run(request.model_copy(update={"name_operations": True}), folder)
    operation = folder / OPERATION
    said = " ".join((again.stderr or done.stderr).split())[-800:]
    if not (operation.exists() and _wanted_a_value(done) and _wanted_a_value(again)):
        raise UntraceableError(f"the training step of {request.config.experiment} cannot be traced: {said}")
    raise UntraceableError(
        f"{operation.read_text('utf-8')} in the training step of {request.config.experiment} runs on the host: a TPU "
        "would wait for it in every step; choose another network, such as compact-s or smp/unet/resnet18"
    )


def _wanted_a_value(ended: "subprocess.CompletedProcess[str]") -> bool:
    """torch_xla ends the process when it is to fetch what was never computed: aborted, or by a null pointer."""
    return ended.returncode in (-signal.SIGABRT, -signal.SIGSEGV)


def _run(request: TraceRequest, folder: Path) -> "subprocess.CompletedProcess[str]":
    asked = folder / "request.json"
    write_text(asked, request.model_dump_json() + "\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_INHERITED_NOT)}
    command = [sys.executable, "-m", "ecg_assets.training.plan.trace_step", str(asked), str(folder)]
    return subprocess.run(
        command, env=kept | _ENVIRONMENT, capture_output=True, text=True, errors="replace", check=False
    )
