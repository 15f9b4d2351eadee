"""Dagster resource for data-parallel work: processes of this machine, or a Ray cluster."""

import os
from typing import Any

import dagster as dg
from pydantic import Field

from ecg_assets.store.compute.pool import Workers, default_workers
from ecg_assets.store.compute.ray_pool import RayEngine
from ecg_assets.store.log import Log
from ecg_assets.store.root import DataRoot

ENGINE_VARIABLE = "ECG_ENGINE"
_LOCAL, _RAY = "local", "ray"


class EngineResource(dg.ConfigurableResource[Any]):
    """Renders pages, cuts samples and segments images in processes of this machine or on a Ray cluster."""

    engine: str = Field(
        default="",
        description="`local`: processes of this machine. `ray`: the Ray cluster that this machine belongs to (or "
        "RAY_ADDRESS); `ray:host:port`: the cluster with this head node. Empty: the environment variable "
        "ECG_ENGINE, else local.",
    )
    max_retries: int = Field(
        default=3, ge=0, description="On Ray: maximum number of retries of a task after its machine or process died."
    )
    cpus_per_task: float = Field(default=1.0, gt=0, description="On Ray: CPUs per task.")

    def workers(self, root: DataRoot, log: Log, local: int | None = None) -> Workers:
        """The `workers` argument of a stage.

        Args:
            root: the data root, which every machine of the cluster must be able to read and write.
            log: receives the place of the work.
            local: number of processes when the work is done on this machine; by default `default_workers()`.

        Raises:
            ValueError: the engine is unknown.
        """
        kind, _, address = self.named().partition(":")
        if kind == _LOCAL and not address:
            return default_workers() if local is None else local
        if kind != _RAY:
            raise ValueError(
                f"the engine is {self.named()!r} (resource `engine`, or {ENGINE_VARIABLE}); expected local, ray, or "
                "ray:host:port"
            )
        return RayEngine(root.path, log, address or "auto", self.max_retries, self.cpus_per_task)

    def named(self) -> str:
        """The engine set in the config or in the environment."""
        return self.engine or os.environ.get(ENGINE_VARIABLE) or _LOCAL
