"""Has the TPU compiler compile a traced graph, in a process of its own environment, and keeps what it says."""

import hashlib
import json
import re
import subprocess
import tempfile
import threading
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ecg_assets.store.atomic import write_text
from ecg_assets.store.bucket.address import cache_folder
from ecg_assets.store.compute.pool import usable_cores
from ecg_assets.training.plan.compiler_environment import CompilerEnvironment
from ecg_assets.training.plan.machines import CompileTarget
from ecg_assets.training.plan.operations import Operation, operations_of

_CHILD = Path(__file__).with_name("compile_hlo.py")
_TIMEOUT_S = 3600.0
_KEPT_OPERATIONS = 40
_UNITS = {"": 2**-30, "K": 2**-20, "M": 2**-10, "G": 1.0, "T": 2.0**10}
_TOO_LITTLE = (
    r"Used ([\d.]+)([KMGT]?) of ([\d.]+)([KMGT]?) hbm",  # libtpu 0.0.21
    r"\(([\d.]+)([KMGT]?)\) exceeds available HBM \(([\d.]+)([KMGT]?)\)",  # libtpu 0.0.52
)
# A compiler works on one core, and takes some gigabytes.
_AT_ONCE = threading.BoundedSemaphore(usable_cores())
# To be raised when the same compiler's answer would be read otherwise.
_READ_AS = 1


class CompilerFailedError(RuntimeError):
    """The compiler ended without an answer."""


class CompiledGraph(BaseModel):
    """What the compiler says of a graph.

    Attributes:
        compile_s: processor time that it took, which is how long it takes on an idle core.
        kind: of the device, as the compiler names it.
        error: why it does not compile; None where it does.
        needed_gib, limit_gib: memory that it would take and that there is, where it does not compile for that.
        peak_gib: memory that it takes, its arguments and results included.
        argument_gib, output_gib: those, as they lie in memory.
        cycles: estimated, of all operations together.
        operations: the dearest ones.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    compile_s: float
    kind: str
    error: str | None = None
    needed_gib: float | None = None
    limit_gib: float | None = None
    peak_gib: float = 0.0
    argument_gib: float = 0.0
    output_gib: float = 0.0
    cycles: int = 0
    operations: tuple[Operation, ...] = ()


def compile_graph(
    environment: CompilerEnvironment, hlo: Path, sha256: str, target: CompileTarget, replicas: int
) -> CompiledGraph:
    """Compiles a graph, unless this compiler has compiled the same one for the same target before.

    Args:
        environment: of the compiler.
        hlo: the graph's serialised HLO module.
        sha256: of the graph, by which its result is kept.
        target: what to compile for.
        replicas: that run it together.

    Raises:
        CompilerFailedError: it ended without an answer.
    """
    asked: dict[str, object] = {
        "hlo": sha256,
        "topology": target.topology,
        "options": dict(target.options),
        "replicas": replicas,
    }
    compiler = {"jax": environment.jax, "libtpu": environment.libtpu, "read_as": _READ_AS}
    key = hashlib.sha256(json.dumps(asked | compiler, sort_keys=True).encode("utf-8")).hexdigest()
    kept = cache_folder() / "tpu-plan" / "compiled" / f"{key}.json"
    if kept.exists():
        return CompiledGraph.model_validate_json(kept.read_text("utf-8"))
    compiled = _compiled(environment, {**asked, "hlo": str(hlo)})
    write_text(kept, compiled.model_dump_json(indent=1) + "\n")
    return compiled


def memory_limit_gib(environment: CompilerEnvironment, target: CompileTarget) -> float:
    """Memory that a program can use on one device of the target; asked of the compiler by a program that is too large.

    Raises:
        CompilerFailedError: it did not say.
    """
    asked: dict[str, object] = {
        "hlo": None,
        "topology": target.topology,
        "options": dict(target.options),
        "replicas": 1,
    }
    limit = _compiled(environment, asked).limit_gib
    if limit is None:
        raise CompilerFailedError(f"the TPU compiler does not say how much memory {target.topology} has")
    return limit


def exhausted(error: str) -> dict[str, float]:
    """`needed_gib` and `limit_gib` from the compiler's error about too little memory; empty for other errors."""
    match = next((found for found in (re.search(pattern, error) for pattern in _TOO_LITTLE) if found), None)
    if match is None:
        return {}
    return {"needed_gib": float(match[1]) * _UNITS[match[2]], "limit_gib": float(match[3]) * _UNITS[match[4]]}


def _compiled(environment: CompilerEnvironment, asked: dict[str, object]) -> CompiledGraph:
    with tempfile.TemporaryDirectory(prefix="ecg-tpu-plan-") as folder:
        request, result, text = (Path(folder, name) for name in ("request.json", "result.json", "compiled.txt"))
        request.write_text(json.dumps({**asked, "text": str(text)}), "utf-8")
        command = [str(environment.python), str(_CHILD), str(request), str(result)]
        # Its log, which nobody reads, would go to a folder that all users of the machine share.
        quiet = {"TPU_LOG_DIR": folder, "TPU_STDERR_LOG_LEVEL": "3", "TPU_MIN_LOG_LEVEL": "3", "PATH": "/usr/bin:/bin"}
        try:
            with _AT_ONCE:
                done = subprocess.run(
                    command,
                    env=quiet,
                    capture_output=True,
                    text=True,
                    errors="replace",
                    timeout=_TIMEOUT_S,
                    check=False,
                )
        except subprocess.TimeoutExpired as error:
            raise CompilerFailedError(
                f"the TPU compiler had not ended after {_TIMEOUT_S / 60:.0f} minutes; set a smaller micro_batch"
            ) from error
        if not result.exists():
            said = " ".join(done.stderr.split())[-500:]
            raise CompilerFailedError(
                f"the TPU compiler ended with code {done.returncode}: {said or 'it said nothing'}"
            )
        answer = json.loads(result.read_text("utf-8"))
        operations = operations_of(text.read_text("utf-8")) if text.exists() else []
    cycles = sum(operation.cycles for operation in operations)
    memory = exhausted(answer.get("error") or "")
    return CompiledGraph(**answer, **memory, cycles=cycles, operations=tuple(operations[:_KEPT_OPERATIONS]))
