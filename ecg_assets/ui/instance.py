"""The Dagster instance of this checkout; named in dagster.yaml, it also guards the UI of `dagster dev`."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._serdes import ConfigurableClassData


class GuardedInstance(dg.DagsterInstance):
    """An instance whose webserver refuses requests of other sites, whichever command starts it.

    It is named by `instance_class` in dagster.yaml. The guard is set up when Dagster calls `optimize_for_webserver`.
    """

    @classmethod
    def config_schema(cls) -> dict[str, Any]:
        """No settings of its own."""
        return {}

    @classmethod
    def config_defaults(cls, base_dir: str) -> Mapping[str, ConfigurableClassData | None]:
        """Dagster's defaults for settings that dagster.yaml omits."""
        return InstanceRef.config_defaults(base_dir)

    def optimize_for_webserver(self, *settings: Any, **named: Any) -> None:
        """Called once by a webserver, before it creates its application."""
        # Imported here, because all Dagster processes load this module and only the webserver needs the guard.
        from ecg_assets.ui.webserver import guard_webserver

        guard_webserver()
        super().optimize_for_webserver(*settings, **named)
