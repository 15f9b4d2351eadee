"""Compiles a program for a TPU that is not there: `python compile_hlo.py REQUEST.json RESULT.json`.

To be run by the Python of the compiler's own environment (see `compiler_environment`), where jax and libtpu are and
nothing else is; nothing imports this file. The request and the result are those of `compiling`.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

# No TPU is here and none is asked for; so the lock of one that is here is left alone, and not waited for.
os.environ.update(
    TPU_SKIP_MDS_QUERY="1",
    JAX_PLATFORMS="cpu",
    TPU_WORKER_HOSTNAMES="localhost",
    TPU_WORKER_ID="0",
    ALLOW_MULTIPLE_LIBTPU_LOAD="1",
)

import libtpu

os.environ["TPU_LIBRARY_PATH"] = libtpu.get_library_path()

import numpy as np
from jax._src.interpreters import mlir
from jax.experimental import topologies
from jaxlib import xla_client
from jaxlib.mlir import ir

# Ten of 40 GiB are more than any core has.
_TOO_LARGE = (
    "module @too_large { func.func public @main(%s) -> tensor<f32> "
    "{ %%0 = stablehlo.constant dense<0.0> : tensor<f32> \n return %%0 : tensor<f32> } }"
)
_ARGUMENT_FLOATS, _ARGUMENTS = 2**30, 50


def main() -> None:
    """Writes what became of the program: how much memory it takes and the compiled text, or why it does not compile."""
    request = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    options = {name: tuple(value) if isinstance(value, list) else value for name, value in request["options"].items()}
    found = topologies.get_topology_desc(platform="tpu", topology_name=request["topology"], **options).devices
    devices = found[: request["replicas"]]
    result: dict[str, Any]
    began = time.process_time()
    try:
        compiled = _compile(_program(request["hlo"]), devices)
    except Exception as error:
        result = {"error": str(error)[:4000]}
    else:
        result = {"text": request["text"], **_memory(compiled)}
        Path(request["text"]).write_text(compiled.hlo_modules()[0].to_string(), "utf-8")
    seconds = time.process_time() - began
    Path(sys.argv[2]).write_text(json.dumps({"compile_s": seconds, "kind": devices[0].device_kind, **result}), "utf-8")


def _program(hlo: str | None) -> str:
    """StableHLO of a serialised HLO module; without one, of a program that no core has the memory for."""
    if hlo is None:
        return _TOO_LARGE % ", ".join(f"%a{n}: tensor<{_ARGUMENT_FLOATS}xf32>" for n in range(_ARGUMENTS))
    text = xla_client._xla.mlir.xla_computation_to_mlir_module(xla_client.XlaComputation(Path(hlo).read_bytes()))
    return text if isinstance(text, str) else text.decode("utf-8")


def _compile(program: str, devices: list[Any]) -> Any:
    options = xla_client.CompileOptions()
    options.num_replicas, options.num_partitions = len(devices), 1
    ids = np.array([device.id for device in devices]).reshape(len(devices), 1)
    options.device_assignment = xla_client.DeviceAssignment.create(ids)
    client, where = devices[0].client, xla_client.DeviceList(tuple(devices))
    try:
        return client.compile(program.encode("utf-8"), where, options)
    except TypeError:  # later jax takes a parsed module
        with mlir.make_ir_context():
            return client.compile(ir.Module.parse(program), where, options)


def _memory(compiled: Any) -> dict[str, float]:
    memory = compiled.get_compiled_memory_stats()
    parts = {
        name: getattr(memory, f"{name}_size_in_bytes") / 2**30
        for name in ("argument", "output", "alias", "temp", "generated_code")
    }
    total = sum(parts.values()) - 2 * parts["alias"]
    peak = getattr(memory, "peak_memory_in_bytes", 0) / 2**30
    return {"peak_gib": max(peak, total), **{f"{name}_gib": value for name, value in parts.items()}}


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # the compiler's threads do not end by themselves
