"""The Dagster instance of this checkout: with it in dagster.yaml, `dagster dev` serves the UI guarded too."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._serdes import ConfigurableClassData


class GuardedInstance(dg.DagsterInstance):
    """An instance whose webserver refuses requests of other sites, whichever command starts it.

    `instance_class` in dagster.yaml names it. Dagster tells its instance when a webserver is about to use it: then the
    guard is set up.
    """

    @classmethod
    def config_schema(cls) -> dict[str, Any]:
        """No settings of its own."""
        return {}

    @classmethod
    def config_defaults(cls, base_dir: str) -> Mapping[str, ConfigurableClassData | None]:
        """Dagster's defaults for what dagster.yaml leaves out."""
        return InstanceRef.config_defaults(base_dir)

    def optimize_for_webserver(self, *settings: Any, **named: Any) -> None:
        """Called once by a webserver, before it makes its application."""
        # Every process of Dagster's loads this module; the webserver alone has use for its own.
        from ecg_assets.ui.webserver import guard_webserver

        guard_webserver()
        super().optimize_for_webserver(*settings, **named)
