"""Runs replicas on torch_xla's devices under `xmp.spawn`, or with plain torch in the trainer's own process."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from ecg_assets.store.log import Log
from ecg_assets.training.config import ConfigError, TrainConfig
from ecg_assets.training.runtime.base import Runtime
from ecg_assets.training.runtime.heartbeat import Silence
from ecg_assets.training.tpu.pci import tpu_chips

Kind = Literal["xla", "torch"]


def chosen_runtime(config: TrainConfig) -> Kind:
    """`runtime` of the config, with `auto` resolved: xla if there is a TPU, plain torch otherwise.

    Raises:
        ConfigError: xla is requested but torch_xla is not installed.
    """
    kind: Kind = ("xla" if tpu_chips() else "torch") if config.runtime == "auto" else config.runtime
    if kind == "xla" and find_spec("torch_xla") is None:
        raise ConfigError(
            "runtime is xla, but torch_xla is not installed here (it exists for Linux on x86-64 only); "
            "set runtime: torch or auto"
        )
    return kind


def launch(
    replica: Callable[[Runtime], None],
    config: TrainConfig,
    stop_request: Path,
    heartbeats: Path,
    log: Log,
    on_stall: Callable[[Silence], None] = lambda silence: None,
) -> None:
    """Runs `replica` once in each replica of the runtime that the config chooses; returns when all have returned.

    Args:
        replica: importable by name, or composed of importable parts.
        config: chooses the runtime.
        stop_request: file whose presence asks the replicas to stop.
        heartbeats: folder for the replicas' heartbeats.
        log: receives notes, and the stacks of replicas that hang.
        on_stall: called before plain torch ends this process because it hangs.

    Raises:
        ConfigError: as `chosen_runtime`.
        ReplicaError: a replica's process of xla failed or hung; plain torch raises what `replica` raised.
    """
    # Imported here because torch_xla must not be imported when plain torch trains.
    if chosen_runtime(config) == "xla":
        from ecg_assets.training.runtime import xla

        xla.launch(replica, config.replicas, stop_request, heartbeats, config.stall_timeout_s, log)
    else:
        from ecg_assets.training.runtime import plain

        plain.launch(replica, heartbeats, config.stall_timeout_s, log, on_stall)
