"""Where data-parallel work is done, as a Dagster resource: on this machine, or on a Ray cluster."""

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
    """Renders pages, cuts samples and segments images: in processes of this machine, or on a Ray cluster."""

    engine: str = Field(
        default="",
        description="`local`: processes of this machine. `ray`: the Ray cluster that this machine belongs to (or "
        "RAY_ADDRESS); `ray:host:port`: the one with this head. Empty: the environment variable ECG_ENGINE, else "
        "local.",
    )
    max_retries: int = Field(
        default=3, ge=0, description="On Ray: how often a task is tried again whose machine or process died."
    )
    cpus_per_task: float = Field(default=1.0, gt=0, description="On Ray: CPUs of a node for each task.")

    def workers(self, root: DataRoot, log: Log, local: int | None = None) -> Workers:
        """What a stage takes as its `workers`.

        Args:
            root: the data root, which every machine of a cluster has to see.
            log: receives where the work is done.
            local: processes of this machine, where the work is done here; by default `default_workers()`.

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
        """The engine that is set, here or in the environment."""
        return self.engine or os.environ.get(ENGINE_VARIABLE) or _LOCAL
